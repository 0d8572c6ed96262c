//! Against a real server.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod borrowed;
mod cloning;
mod ownership;
mod server;
mod speed;

use std::hash::{BuildHasher, Hasher, RandomState};

use databases::marker::{Marker, Use};
use databases::names;
use databases::server::Server;
use engine::guard::DatabaseName;
use server::Private;

/// Id of the run that the tests play.
const RUN: &str = "0123456789abcdef";

fn template_name() -> DatabaseName {
    names::template_name("shop", RandomState::new().build_hasher().finish())
}

fn clone_name() -> DatabaseName {
    names::clone_name("shop", RUN, RandomState::new().build_hasher().finish())
}

fn marker(kind: Use) -> impl Fn(&str) -> Marker {
    move |id| Marker::new(kind, "shop", RUN, "0b", id, 1_700_000_000)
}

/// A sealed template with this schema.
fn template(private: &Private, server: &dyn Server, schema: &str) -> DatabaseName {
    let name = template_name();
    server.create(&name).unwrap();
    server.mark(&name, &marker(Use::Build)).unwrap();
    private.run(name.as_str(), schema);
    server.seal(&name, &marker(Use::Template)).unwrap();
    name
}

fn drop_both(server: &dyn Server, names: &[&DatabaseName]) {
    for name in names {
        let found = server.look(name).unwrap().unwrap();
        server.drop_database(&found.prove().unwrap()).unwrap();
        assert_eq!(server.look(name).unwrap(), None);
    }
}
