//! Clones: templates and clones of test databases, on PostgreSQL, MySQL, MariaDB and SQLite.
//!
//! A **template** is a database that was built once and that no test uses; a **clone** is a copy of it that one worker
//! owns. [`server::Server`] is what every engine can do; [`keeper`] is the process that does it for a run. Nothing is
//! dropped without a [`server::Owned`], and only [`server::Found::prove`] gives one.
#![forbid(unsafe_code)]

pub mod collect;
pub mod error;
pub mod journal;
pub mod keeper;
pub mod marker;
pub mod mysql;
pub mod names;
pub mod postgres;
pub mod server;
pub mod session;
pub mod sqlite;
pub mod target;
