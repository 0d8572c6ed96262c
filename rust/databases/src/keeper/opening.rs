//! Which engine serves a target.

use std::sync::Arc;

use crate::error::{DatabaseError, Result};
use crate::mysql::MysqlServer;
use crate::postgres::PostgresServer;
use crate::server::Server;
use crate::session::Connector;
use crate::sqlite::SqliteFolder;
use crate::target::{Target, Vendor};

/// Makes the engine that reaches a target itself.
pub(super) fn open(target: Target) -> Result<Arc<dyn Server>> {
    Ok(match target.vendor {
        Vendor::Postgresql => Arc::new(PostgresServer::new(target)),
        Vendor::Mysql => Arc::new(MysqlServer::new(target)),
        Vendor::Sqlite => Arc::new(SqliteFolder::new(&target)?),
    })
}

/// Makes the engine that speaks through the project's own driver.
pub(super) fn borrow(vendor: Vendor, connector: Box<dyn Connector>) -> Result<Arc<dyn Server>> {
    match vendor {
        Vendor::Postgresql => Ok(Arc::new(PostgresServer::over(connector))),
        Vendor::Mysql => Ok(Arc::new(MysqlServer::over(connector))),
        Vendor::Sqlite => Err(DatabaseError::Unsupported("SQLite has no server to be reached through a client".into())),
    }
}
