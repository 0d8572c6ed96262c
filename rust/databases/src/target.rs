//! Where a server is and how to get in: what Python resolved, as it arrives.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

/// A text that is never shown.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text, for the driver.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// Which kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Vendor {
    /// PostgreSQL.
    Postgresql,
    /// MySQL or MariaDB; the server says which.
    Mysql,
    /// SQLite, in memory or in files.
    Sqlite,
}

/// How much of TLS is demanded, in libpq's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    /// Never.
    Disable,
    /// If the server offers it, unverified.
    #[default]
    Prefer,
    /// Demanded, unverified.
    Require,
    /// Demanded, the certificate must be signed by a known authority.
    VerifyCa,
    /// As before, and it must be the host's.
    VerifyFull,
}

/// TLS settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// How much is demanded.
    pub mode: TlsMode,
    /// File with the authorities to trust; without it, the system's.
    pub ca: Option<PathBuf>,
    /// File with the client's certificate.
    pub cert: Option<PathBuf>,
    /// File with the client's key.
    pub key: Option<PathBuf>,
}

/// Where a server is. An unknown field is an error: what we do not understand might lead elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Which kind of server.
    pub vendor: Vendor,
    /// Host name or address; `None` with a socket or SQLite.
    #[serde(default)]
    pub host: Option<String>,
    /// Port; the vendor's own by default.
    #[serde(default)]
    pub port: Option<u16>,
    /// PostgreSQL: the folder of the socket; MySQL and MariaDB: the socket.
    #[serde(default)]
    pub socket: Option<PathBuf>,
    /// User.
    #[serde(default)]
    pub user: Option<String>,
    /// Password.
    #[serde(default)]
    pub password: Option<Secret>,
    /// The database to make databases from; `postgres` on PostgreSQL by default, none on MySQL and MariaDB.
    #[serde(default)]
    pub maintenance: Option<String>,
    /// Role to assume after connecting.
    #[serde(default)]
    pub role: Option<String>,
    /// TLS.
    #[serde(default)]
    pub tls: Tls,
    /// Seconds to wait for a connection; 10 by default.
    #[serde(default)]
    pub connect_timeout: Option<u64>,
    /// SQLite: the folder of the templates.
    #[serde(default)]
    pub templates: Option<PathBuf>,
    /// SQLite: the folder of this run's clones.
    #[serde(default)]
    pub clones: Option<PathBuf>,
}

impl Target {
    /// Where it is, in words for people: never with user or password.
    pub fn place(&self) -> String {
        match (&self.socket, &self.host, self.port) {
            (Some(socket), ..) => socket.display().to_string(),
            (None, Some(host), Some(port)) => format!("{host}:{port}"),
            (None, Some(host), None) => host.clone(),
            _ => self.templates.as_ref().map_or_else(|| "localhost".to_owned(), |folder| folder.display().to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let target: Target =
            serde_json::from_str(r#"{"vendor":"postgresql","host":"db","port":5432,"password":"hunter2"}"#).unwrap();
        assert!(!format!("{target:?} {}", target.place()).contains("hunter2"));
    }

    #[test]
    fn an_unknown_field_is_refused() {
        assert!(serde_json::from_str::<Target>(r#"{"vendor":"mysql","proxy":"x"}"#).is_err());
    }
}
