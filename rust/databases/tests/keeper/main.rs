//! The keeper with a real server: restarted, its clones kept, its controller killed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod client;
mod killed;
mod restarted;
#[path = "../postgres/server.rs"]
#[allow(dead_code, reason = "it serves another test binary as well")]
mod server;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use databases::marker::{Marker, Use};
use databases::names;
use databases::server::Server;
use engine::Retries;
use engine::guard::DatabaseName;

use crate::server::Private;

/// Id of the run whose keeper is tested.
const RUN: &str = "0123456789abcdef";

/// As a user has them who says nothing.
const RETRIES: Retries = Retries { most: 3, delay: Duration::from_secs(1), seed: 7 };

/// A sealed template with a table, made by an earlier run.
fn template(private: &Private) -> DatabaseName {
    let server = private.server();
    let name = names::template_name("shop", RandomState::new().build_hasher().finish());
    let marker = |kind| move |id: &str| Marker::new(kind, "shop", "fedcba9876543210", "0b", id, 1_700_000_000);
    server.create(&name).unwrap();
    server.mark(&name, &marker(Use::Build)).unwrap();
    private.run(name.as_str(), "CREATE TABLE book (title text); INSERT INTO book VALUES ('first')");
    server.seal(&name, &marker(Use::Template)).unwrap();
    name
}

/// The databases with a name of ours.
fn ours(private: &Private) -> Vec<DatabaseName> {
    private.server().list().unwrap().into_iter().map(|found| found.name).collect()
}
