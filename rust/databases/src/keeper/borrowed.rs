//! SQL through a client: the project's own driver runs our statements where ours does not reach the same server.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use engine::guard::DatabaseName;
use serde::Deserialize;
use serde_json::json;

use super::client::Lines;
use crate::error::{DatabaseError, Result, SqlError};
use crate::session::{Connector, Rows, Session};

/// How long one statement may take: copying the largest database that is worth a template, through one cursor.
const STATEMENT: Duration = Duration::from_secs(300);

/// The two directions of a conversation, used by one statement at a time; `None` = it is in use.
pub(super) struct Lane {
    ends: Mutex<Ends>,
    free: Condvar,
}

enum Ends {
    Free(Box<(Lines, UnixStream)>),
    InUse,
    /// Nobody answers there any more, or what comes is the answer to something else.
    Lost,
}

/// What a client answers to a statement.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    Rows(Rows),
    SqlError {
        #[serde(default)]
        code: String,
        message: String,
    },
}

impl Lane {
    pub(super) fn new(lines: Lines, stream: UnixStream) -> Arc<Self> {
        Arc::new(Self { ends: Mutex::new(Ends::Free(Box::new((lines, stream)))), free: Condvar::new() })
    }

    fn run(&self, statement: &str, database: Option<&str>) -> Result<Rows, SqlError> {
        let mut ends = self.take().ok_or_else(|| lost("the project's driver does not answer any more"))?;
        let reply = ask(&mut ends, statement, database);
        let next = if reply.is_some() { Ends::Free(ends) } else { Ends::Lost };
        *self.ends.lock().unwrap_or_else(PoisonError::into_inner) = next;
        self.free.notify_one();
        match reply {
            Some(Reply::Rows(rows)) => Ok(rows),
            Some(Reply::SqlError { code, message }) => Err(SqlError { lost: is_lost(&code), code, message }),
            None => Err(lost("the project's driver did not answer")),
        }
    }

    fn take(&self) -> Option<Box<(Lines, UnixStream)>> {
        let until = Instant::now() + STATEMENT;
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match std::mem::replace(&mut *ends, Ends::InUse) {
                Ends::Free(free) => return Some(free),
                Ends::Lost => {
                    *ends = Ends::Lost;
                    self.free.notify_one();
                    return None;
                }
                Ends::InUse => {}
            }
            let left = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
            ends = self.free.wait_timeout(ends, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// `None` = what came is no answer.
fn ask(ends: &mut (Lines, UnixStream), statement: &str, database: Option<&str>) -> Option<Reply> {
    let (lines, stream) = ends;
    let mut line = json!({ "sql": statement, "database": database }).to_string().into_bytes();
    line.push(b'\n');
    stream.set_write_timeout(Some(STATEMENT)).ok()?;
    stream.set_read_timeout(Some(STATEMENT)).ok()?;
    stream.write_all(&line).ok()?;
    serde_json::from_slice(lines.next().ok()??.as_slice()).ok()
}

/// Whether the server ended the driver's connection: it shuts down, crashed, starts, or says nothing more. The driver
/// opens another for the next statement, which has none of the settings of a session.
fn is_lost(code: &str) -> bool {
    let postgres = code.len() == 5 && (code.starts_with("08") || ["57P01", "57P02", "57P03"].contains(&code));
    postgres || ["1053", "1927", "2006", "2013", "4031"].contains(&code)
}

fn lost(message: &str) -> SqlError {
    SqlError { code: String::new(), message: message.to_owned(), lost: true }
}

/// Opens sessions over a lane.
pub(super) struct Borrowed {
    pub(super) lane: Arc<Lane>,
}

impl Connector for Borrowed {
    fn connect(&self, database: Option<&DatabaseName>) -> Result<Box<dyn Session>> {
        let database = database.map(ToString::to_string);
        if matches!(*self.lane.ends.lock().unwrap_or_else(PoisonError::into_inner), Ends::Lost) {
            let (place, reason) = ("the project's driver".into(), "it does not answer any more".into());
            return Err(DatabaseError::Unreachable { place, reason });
        }
        Ok(Box::new(BorrowedSession { lane: Arc::clone(&self.lane), database }))
    }
}

struct BorrowedSession {
    lane: Arc<Lane>,
    database: Option<String>,
}

impl Session for BorrowedSession {
    fn query(&mut self, statement: &str) -> Result<Rows, SqlError> {
        self.lane.run(statement, self.database.as_deref())
    }
}
