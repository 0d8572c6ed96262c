//! Connections through our own driver, and limits for those of any driver.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use engine::guard::DatabaseName;
use postgres::config::{Config, SslMode};
use postgres::error::SqlState;
use postgres::{Client, NoTls, SimpleQueryMessage};

use super::sql::{LONGEST_STATEMENT, explain};
use super::tls;
use crate::error::{DatabaseError, Result, SqlError};
use crate::session::{Connector, Rows, Session};
use crate::target::{Target, TlsMode};

/// Seconds to wait for a connection where the target says nothing.
const CONNECT_TIMEOUT: u64 = 10;
/// How much longer than the server's own limit we wait for it to say that the limit was reached.
const GRACE: Duration = Duration::from_secs(30);
/// How long to wait for a connection to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);
/// The kernel asks a silent peer after this time, so that a lease does not outlive the way to the server.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// How the server lists us.
const APPLICATION: &str = "pytest-concurrent";

/// What every connection of ours begins with: limits, so that nothing hangs; names that nobody can shadow; and no
/// waiting for the disk where the server leaves the choice, since a mark that is lost in a crash of the server leaves a
/// build or an unmarked clone, never a false template. Settings that the version does not have are passed over.
fn beginning() -> String {
    format!(
        "SELECT pg_catalog.set_config(s.name, w.value, false) FROM (VALUES ('statement_timeout', '{LONGEST_STATEMENT}s'), \
         ('lock_timeout', '10s'), ('idle_session_timeout', '0'), ('search_path', 'pg_catalog'), \
         ('synchronous_commit', 'off'), ('default_transaction_read_only', 'off')) AS w (name, value) \
         JOIN pg_catalog.pg_settings AS s ON s.name OPERATOR(pg_catalog.=) w.name"
    )
}

/// A connector whose connections have limits.
pub(super) struct Bounded {
    connector: Box<dyn Connector>,
}

impl Bounded {
    pub(super) fn new(connector: Box<dyn Connector>) -> Self {
        Self { connector }
    }
}

impl Connector for Bounded {
    fn connect(&self, database: Option<&DatabaseName>) -> Result<Box<dyn Session>> {
        let mut session = self.connector.connect(database)?;
        session.query(&beginning()).map_err(|error| explain(error, "the connection"))?;
        Ok(session)
    }
}

/// Connections of the crate `postgres`, each on a thread of its own: the crate waits without a limit, we do not.
pub(super) struct Native {
    target: Target,
}

impl Native {
    pub(super) fn new(target: Target) -> Self {
        Self { target }
    }

    fn config(&self, database: Option<&DatabaseName>) -> Config {
        let target = &self.target;
        let mut config = Config::new();
        match (&target.socket, &target.host) {
            (Some(folder), _) => config.host_path(folder),
            (None, host) => config.host(host.as_deref().unwrap_or("localhost")),
        };
        config
            .port(target.port.unwrap_or(5432))
            .dbname(database.map_or_else(|| target.maintenance.as_deref().unwrap_or("postgres"), DatabaseName::as_str))
            .application_name(APPLICATION)
            .connect_timeout(self.timeout())
            .keepalives_idle(KEEPALIVE);
        if let Some(user) = &target.user {
            config.user(user);
        }
        if let Some(password) = &target.password {
            config.password(password.expose());
        }
        config
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(self.target.connect_timeout.unwrap_or(CONNECT_TIMEOUT).max(1))
    }

    fn unreachable(&self, reason: String) -> DatabaseError {
        DatabaseError::Unreachable { place: self.target.place(), reason }
    }
}

impl Connector for Native {
    fn connect(&self, database: Option<&DatabaseName>) -> Result<Box<dyn Session>> {
        let (config, target) = (self.config(database), self.target.clone());
        let (requests, to_do) = channel();
        let (done, answers) = channel();
        thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || serve(&config, &target, &to_do, &done))
            .map_err(|error| self.unreachable(error.to_string()))?;
        match answers.recv_timeout(self.timeout()) {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(self.unreachable(error.message)),
            Err(_) => {
                return Err(self.unreachable(format!("no answer within {} s", self.timeout().as_secs())));
            }
        }
        let mut session = Box::new(Conversation { requests: Some(requests), answers, lost: false });
        if let Some(role) = &self.target.role {
            session
                .query(&format!("SET ROLE {}", super::sql::identifier(role)))
                .map_err(|error| explain(error, role))?;
        }
        Ok(session)
    }
}

/// One connection's thread: connects, says so, and answers until nobody asks any more.
fn serve(config: &Config, target: &Target, requests: &Receiver<String>, answers: &Sender<Result<Rows, SqlError>>) {
    let mut client = match open(config, target) {
        Ok(client) => client,
        Err(error) => {
            let _ = answers.send(Err(error));
            return;
        }
    };
    if answers.send(Ok(Rows::new())).is_err() {
        return;
    }
    for statement in requests {
        let answer = client.simple_query(&statement).map(rows).map_err(|error| sql_error(&error));
        if answers.send(answer).is_err() {
            return;
        }
    }
}

fn open(config: &Config, target: &Target) -> Result<Client, SqlError> {
    let mode = if target.socket.is_some() { TlsMode::Disable } else { target.tls.mode };
    let plain = || config.clone().ssl_mode(SslMode::Disable).connect(NoTls).map_err(|error| sql_error(&error));
    if mode == TlsMode::Disable {
        return plain();
    }
    let connector =
        tls::connector(&target.tls).map_err(|message| SqlError { code: String::new(), message, lost: false })?;
    let demanded = if mode == TlsMode::Prefer { SslMode::Prefer } else { SslMode::Require };
    let refused = match config.clone().ssl_mode(demanded).connect(connector) {
        Ok(client) => return Ok(client),
        Err(error) => sql_error(&error),
    };
    let retry = mode == TlsMode::Prefer && refused.code != SqlState::INVALID_PASSWORD.code();
    // libpq tries without TLS as well: the server's rules may allow only that. If they do not, the first reason counts.
    if retry { plain().map_err(|_| refused) } else { Err(refused) }
}

fn rows(messages: Vec<SimpleQueryMessage>) -> Rows {
    let row = |message| match message {
        SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect()),
        _ => None,
    };
    messages.into_iter().filter_map(row).collect()
}

fn sql_error(error: &postgres::Error) -> SqlError {
    let Some(said) = error.as_db_error() else {
        let mut message = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            message = format!("{message}: {inner}");
            cause = inner.source();
        }
        return SqlError { code: String::new(), message, lost: true };
    };
    let mut message = said.message().to_owned();
    for more in [said.detail(), said.hint()].into_iter().flatten() {
        message = format!("{message} ({more})");
    }
    let ending = [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW];
    let code = said.code().code().to_owned();
    let lost = error.is_closed() || code.starts_with("08") || ending.contains(said.code());
    SqlError { code, message, lost }
}

/// The asking side of a connection.
struct Conversation {
    requests: Option<Sender<String>>,
    answers: Receiver<Result<Rows, SqlError>>,
    lost: bool,
}

impl Session for Conversation {
    fn query(&mut self, statement: &str) -> Result<Rows, SqlError> {
        let limit = Duration::from_secs(LONGEST_STATEMENT) + GRACE;
        let asked = self.requests.as_ref().filter(|_| !self.lost).map(|way| way.send(statement.to_owned()));
        let answer = match asked {
            Some(Ok(())) => self.answers.recv_timeout(limit),
            _ => Err(RecvTimeoutError::Disconnected),
        };
        let answer = answer.unwrap_or_else(|error| Err(gone(error)));
        self.lost |= answer.as_ref().is_err_and(|error| error.lost);
        answer
    }
}

fn gone(error: RecvTimeoutError) -> SqlError {
    let message = match error {
        RecvTimeoutError::Timeout => "the server does not answer",
        RecvTimeoutError::Disconnected => "the connection is gone",
    };
    SqlError { code: String::new(), message: message.to_owned(), lost: true }
}

impl Drop for Conversation {
    /// Waits until the thread has said goodbye to the server, so that what follows does not meet the connection.
    fn drop(&mut self) {
        self.requests = None;
        if !self.lost {
            while self.answers.recv_timeout(GOODBYE).is_ok() {}
        }
    }
}
