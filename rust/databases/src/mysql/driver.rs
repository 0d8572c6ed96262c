//! Our own connections.

use std::path::Path;
use std::time::Duration;

use engine::guard::DatabaseName;
use mysql::prelude::Queryable;
use mysql::{ClientIdentity, Conn, DriverError, OptsBuilder, SslOpts, Value};

use crate::error::{DatabaseError, Result, SqlError};
use crate::session::{Connector, Rows, Session};
use crate::target::{Target, TlsMode};

use super::failure;

/// Seconds to wait for a connection where the target says nothing: what the C client waits.
const CONNECT_SECONDS: u64 = 10;
/// How long a statement may take. The longest that we send copies a whole table: ten minutes are 6 GB at 10 MB/s, what
/// a slow disk writes, and no test template is as large.
const STATEMENT: Duration = Duration::from_secs(600);
/// How long a connection is silent before the system asks whether the other side is there: a lease says nothing for
/// hours, and routers forget such a connection after five minutes or more.
const KEEPALIVE_MILLISECONDS: u32 = 60_000;
/// The port of both vendors.
const PORT: u16 = 3306;

/// Opens our own connections to a target.
pub(super) struct Driver {
    target: Target,
}

impl Driver {
    pub(super) fn new(target: Target) -> Self {
        // Fails only if another provider is there already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { target }
    }

    fn options(&self, database: Option<&DatabaseName>, tls: Option<SslOpts>) -> OptsBuilder {
        let target = &self.target;
        let socket = target.socket.as_deref().and_then(Path::to_str).map(str::to_owned);
        let database = database.map(|name| name.as_str().to_owned()).or_else(|| target.maintenance.clone());
        OptsBuilder::new()
            .ip_or_hostname(socket.is_none().then(|| target.host.clone().unwrap_or_else(|| "localhost".to_owned())))
            .tcp_port(target.port.unwrap_or(PORT))
            .socket(socket)
            .user(target.user.clone())
            .pass(target.password.as_ref().map(|secret| secret.expose().to_owned()))
            .db_name(database)
            // With it the client would go on through the path that the server calls its socket, and on this machine
            // that path may belong to another server.
            .prefer_socket(false)
            .tcp_connect_timeout(Some(Duration::from_secs(target.connect_timeout.unwrap_or(CONNECT_SECONDS))))
            .read_timeout(Some(STATEMENT))
            .write_timeout(Some(STATEMENT))
            .tcp_keepalive_time_ms(Some(KEEPALIVE_MILLISECONDS))
            .stmt_cache_size(0)
            .ssl_opts(tls)
    }

    /// The TLS settings; `None` = no TLS. A socket needs none.
    fn tls(&self) -> Option<SslOpts> {
        let tls = &self.target.tls;
        if tls.mode == TlsMode::Disable || self.target.socket.is_some() {
            return None;
        }
        let identity = match (&tls.cert, &tls.key) {
            (Some(cert), Some(key)) => Some(ClientIdentity::new(cert.clone(), key.clone())),
            _ => None,
        };
        let unverified = matches!(tls.mode, TlsMode::Prefer | TlsMode::Require);
        Some(
            SslOpts::default()
                .with_root_cert_path(tls.ca.clone())
                .with_client_identity(identity)
                .with_danger_accept_invalid_certs(unverified)
                .with_danger_skip_domain_validation(tls.mode != TlsMode::VerifyFull),
        )
    }

    fn open(&self, database: Option<&DatabaseName>) -> mysql::Result<Conn> {
        let tls = self.tls();
        let offered = tls.is_some();
        match Conn::new(self.options(database, tls)) {
            Err(mysql::Error::DriverError(DriverError::TlsNotSupported) | mysql::Error::TlsError(_))
                if offered && self.target.tls.mode == TlsMode::Prefer =>
            {
                Conn::new(self.options(database, None))
            }
            answer => answer,
        }
    }
}

impl Connector for Driver {
    fn connect(&self, database: Option<&DatabaseName>) -> Result<Box<dyn Session>> {
        match self.open(database) {
            Ok(connection) => Ok(Box::new(Talk(connection))),
            Err(error) => {
                let error = plain(&error);
                Err(match (error.code.as_str(), database) {
                    ("1049", Some(name)) => DatabaseError::Missing(name.to_string()),
                    _ => DatabaseError::Unreachable { place: self.target.place(), reason: error.message },
                })
            }
        }
    }
}

/// One connection.
struct Talk(Conn);

impl Session for Talk {
    fn query(&mut self, statement: &str) -> Result<Rows, SqlError> {
        let read = |connection: &mut Conn| -> mysql::Result<Rows> {
            let mut answer = connection.query_iter(statement)?;
            let mut rows = Rows::new();
            while let Some(set) = answer.iter() {
                for row in set {
                    rows.push(row?.unwrap().into_iter().map(text).collect());
                }
            }
            Ok(rows)
        };
        read(&mut self.0).map_err(|error| plain(&error))
    }
}

/// Everything that is not NULL is text in this protocol.
fn text(value: Value) -> Option<String> {
    match value {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        }),
        other => Some(other.as_sql(true)),
    }
}

fn plain(error: &mysql::Error) -> SqlError {
    match error {
        mysql::Error::MySqlError(error) => {
            let code = error.code.to_string();
            SqlError { lost: failure::is_lost(&code), message: format!("({code}) {}", error.message), code }
        }
        mysql::Error::IoError(error) => SqlError { code: String::new(), message: error.to_string(), lost: true },
        other => SqlError { code: String::new(), message: other.to_string(), lost: other.is_connectivity_error() },
    }
}
