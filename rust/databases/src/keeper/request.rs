//! What clients say and what they are answered: JSON, one line each.

use std::path::PathBuf;
use std::time::Duration;

use engine::guard::DatabaseName;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use crate::error::DatabaseError;
use crate::target::{Target, Vendor};

/// The longest line, in bytes. The longest honest one is an answer to borrowed SQL: the definitions of all tables.
pub(super) const LONGEST_LINE: usize = 16 * 1024 * 1024;

/// The longest that anybody waits for anything: building a template may take as long as a project's migrations.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// What a client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    Controller,
    Builder,
    Maker,
    Lender,
    Worker,
}

/// Which template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub(super) struct Wanted {
    pub(super) alias: String,
    pub(super) fingerprint: String,
}

/// How a template came to be there, as it is told after the run.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(super) struct Origin {
    /// Why it was made; empty if it was there.
    #[serde(default)]
    pub(super) why: String,
    /// How long that took.
    #[serde(default)]
    pub(super) seconds: f64,
    /// What people are to be told about it.
    #[serde(default)]
    pub(super) remarks: Vec<String>,
}

/// What a lender says of its server.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Lent {
    pub(super) vendor: Vendor,
    pub(super) identity: String,
}

/// A request, as the protocol names it.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(super) enum Request {
    Hello {
        role: Role,
    },
    Open {
        target: Box<Target>,
    },
    Borrow {
        server_facts: Lent,
    },
    Find {
        server: usize,
        project: String,
        key: String,
    },
    Lock {
        server: usize,
        key: String,
        #[serde(default)]
        wait: Wait,
    },
    Unlock {
        server: usize,
        key: String,
    },
    Begin {
        server: usize,
        label: String,
    },
    Create(Named),
    Mark {
        #[serde(flatten)]
        named: Named,
        project: String,
    },
    Publish {
        #[serde(flatten)]
        named: Named,
        project: String,
        key: String,
        #[serde(default)]
        rebuild: bool,
    },
    Abandon(Named),
    Dump {
        server: usize,
        #[serde(deserialize_with = "name")]
        template: DatabaseName,
        path: PathBuf,
    },
    Load {
        server: usize,
        label: String,
        project: String,
        key: String,
        path: PathBuf,
    },
    Announce {
        #[serde(flatten)]
        wanted: Wanted,
        #[serde(default)]
        clones: usize,
    },
    Settle {
        #[serde(flatten)]
        wanted: Wanted,
        server: usize,
        #[serde(deserialize_with = "name")]
        template: DatabaseName,
        #[serde(default)]
        clones: usize,
        #[serde(flatten)]
        origin: Origin,
    },
    Fail {
        #[serde(flatten)]
        wanted: Wanted,
        #[serde(default)]
        kind: Option<String>,
        message: String,
        #[serde(default)]
        hint: Option<String>,
    },
    Clone {
        #[serde(flatten)]
        wanted: Wanted,
        #[serde(default)]
        settings: Value,
        #[serde(default)]
        wait: Wait,
    },
    Fresh {
        #[serde(flatten)]
        wanted: Wanted,
        #[serde(default)]
        settings: Value,
        #[serde(default)]
        wait: Wait,
    },
    Restore {
        #[serde(deserialize_with = "name")]
        name: DatabaseName,
        #[serde(default)]
        wait: Wait,
    },
    Snapshot {
        #[serde(deserialize_with = "name")]
        name: DatabaseName,
        #[serde(default)]
        wait: Wait,
    },
    Retire {
        #[serde(deserialize_with = "name")]
        name: DatabaseName,
    },
    Verify {
        #[serde(deserialize_with = "name")]
        name: DatabaseName,
    },
    EndSessions {
        #[serde(deserialize_with = "name")]
        name: DatabaseName,
    },
    WaitPrepare,
    Status,
    Finish {
        #[serde(default)]
        project: String,
        keep_templates: usize,
        keep_days: u64,
        #[serde(default)]
        wait: Wait,
    },
    CleanPlan {
        server: usize,
        #[serde(default)]
        project: Option<String>,
    },
    Clean {
        server: usize,
        names: Vec<String>,
        #[serde(default)]
        wait: Wait,
    },
}

/// A database on a server.
#[derive(Debug, Deserialize)]
pub(super) struct Named {
    pub(super) server: usize,
    #[serde(deserialize_with = "name")]
    pub(super) name: DatabaseName,
}

/// Seconds to wait, as a client says them.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Wait(Option<f64>);

impl Wait {
    /// The wait; `default` if the client names none, never more than an hour.
    pub(super) fn or(self, default: Duration) -> Duration {
        self.0
            .map_or(default, |seconds| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(LONGEST_WAIT))
            .min(LONGEST_WAIT)
    }
}

fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DatabaseName, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

/// What a refusal can be; clients decide by it what is to be done.
const KINDS: [&str; 11] = [
    "unreachable",
    "permission",
    "missing",
    "busy",
    "lost",
    "disk_full",
    "timeout",
    "unsupported",
    "retries",
    "invalid",
    "failed",
];

/// Why a request is not granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Refusal {
    pub(super) kind: &'static str,
    pub(super) message: String,
    pub(super) hint: String,
}

impl Refusal {
    pub(super) fn new(kind: &'static str, message: impl Into<String>, hint: &str) -> Self {
        Self { kind, message: message.into(), hint: hint.to_owned() }
    }

    /// As another process says it. A kind that is not known says no more than that it failed.
    pub(super) fn told(kind: Option<&str>, message: String, hint: Option<String>) -> Self {
        let known = KINDS.into_iter().find(|known| Some(*known) == kind);
        Self { kind: known.unwrap_or("failed"), message, hint: hint.unwrap_or_default() }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new("invalid", message, "")
    }
}

impl From<DatabaseError> for Refusal {
    fn from(error: DatabaseError) -> Self {
        let message = error.to_string();
        let (kind, hint) = match error {
            DatabaseError::Unreachable { .. } => {
                ("unreachable", "Check that the server runs, and host, port, user and password of the settings.".into())
            }
            DatabaseError::Permission { grant, .. } if !grant.is_empty() => {
                ("permission", format!("An administrator can allow it: {grant}"))
            }
            DatabaseError::Permission { .. } => ("permission", "Give the role the right to do it.".into()),
            DatabaseError::Busy(..) => ("busy", "End whatever else is connected to it, and run again.".into()),
            DatabaseError::Missing(_) => ("missing", "Run again; it is made anew then.".into()),
            DatabaseError::DiskFull(_) => ("disk_full", "Make room for it, or run with fewer workers.".into()),
            DatabaseError::Timeout(..) => ("timeout", "Run with fewer workers if the server is overloaded.".into()),
            DatabaseError::Unsupported(_) => ("unsupported", String::new()),
            DatabaseError::Sql(sql) if sql.lost => {
                ("lost", "The server closed the connection; its own log says why.".into())
            }
            DatabaseError::Exhausted { last, .. } => match *last {
                DatabaseError::Busy(..) => {
                    let more = "--concurrent-max-retries and --worker-timeout allow more attempts";
                    ("retries", format!("End whatever else is connected to it; {more}."))
                }
                _ => ("retries", "Look whether the server runs and is reached.".into()),
            },
            DatabaseError::NotOurs(..) | DatabaseError::Sql(_) | DatabaseError::File { .. } => {
                ("failed", String::new())
            }
        };
        Self { kind, message, hint }
    }
}

/// What an operation answers.
pub(super) type Answer = Result<Value, Refusal>;

/// Reads one line. Nothing of what a field held is repeated: it may be a password in the wrong place.
pub(super) fn parse(line: &[u8]) -> Result<Request, Refusal> {
    let value: Value = serde_json::from_slice(line)
        .map_err(|error| Refusal::invalid(format!("the request is no JSON (column {})", error.column())))?;
    let op = value.get("op").and_then(Value::as_str).unwrap_or_default().to_owned();
    serde_json::from_value(value).map_err(|error| {
        let said = error.to_string();
        let why = if said.starts_with(&format!("unknown variant `{op}`")) {
            "there is no such operation".to_owned()
        } else if said.starts_with("missing field") {
            said
        } else {
            "a field is not of the form that it takes".to_owned()
        };
        let op: String = op.chars().filter(char::is_ascii_graphic).take(32).collect();
        Refusal::invalid(format!("the request {op:?} is not understood: {why}"))
    })
}

/// An answer as a line.
pub(super) fn line(answer: &Answer) -> Vec<u8> {
    let value = match answer {
        Ok(value) => json!({ "ok": value }),
        Err(refusal) => json!({ "error": refusal }),
    };
    let mut line = value.to_string().into_bytes();
    line.push(b'\n');
    line
}

/// Reads one line as the keeper does, and answers what it would if it understood nothing: for the fuzzer.
#[doc(hidden)]
pub fn probe(bytes: &[u8]) -> bool {
    let parsed = parse(bytes);
    let understood = parsed.is_ok();
    if let Err(refusal) = parsed {
        let line = line(&Err(refusal));
        assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1), "an answer is one line");
    }
    understood
}
