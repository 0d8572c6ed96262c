use std::time::Duration;

use databases::error::{DatabaseError, Result, SqlError};
use databases::marker::Use;
use databases::postgres::PostgresServer;
use databases::server::Server;
use databases::session::{Connector, Rows, Session};
use engine::guard::DatabaseName;
use postgres::{Client, SimpleQueryMessage};

use crate::server::{Private, private};
use crate::{clone_name, drop_both, marker, template};

/// A project's driver, which reads booleans as Python does.
struct Cursor(Client);

impl Session for Cursor {
    fn query(&mut self, statement: &str) -> Result<Rows, SqlError> {
        let python = |cell: &str| match cell {
            "t" => "True".to_owned(),
            "f" => "False".to_owned(),
            other => other.to_owned(),
        };
        let row = |message: &SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|column| row.get(column).map(python)).collect::<Vec<_>>())
            }
            _ => None,
        };
        match self.0.simple_query(statement) {
            Ok(messages) => Ok(messages.iter().filter_map(row).collect()),
            Err(error) => Err(SqlError {
                code: error.code().map(|code| code.code().to_owned()).unwrap_or_default(),
                message: error.to_string(),
                lost: error.is_closed(),
            }),
        }
    }
}

/// Where a project's connections come from; some cannot choose the database.
struct Lent {
    private: &'static Private,
    anywhere: bool,
}

impl Connector for Lent {
    fn connect(&self, database: Option<&DatabaseName>) -> Result<Box<dyn Session>> {
        if database.is_some() && !self.anywhere {
            return Err(DatabaseError::Unsupported("only the maintenance database".to_owned()));
        }
        Ok(Box::new(Cursor(self.private.client(database.map_or("postgres", DatabaseName::as_str)))))
    }
}

#[test]
fn every_feature_works_through_the_projects_driver() {
    let Some(private) = private() else { return };
    for anywhere in [true, false] {
        let server = PostgresServer::over(Box::new(Lent { private, anywhere }));
        let ours = private.server().facts().unwrap();
        let facts = server.facts().unwrap();
        assert_eq!((facts.identity, facts.may_create), (ours.identity, true));
        let (template, clone) = (template(private, &server, "CREATE TABLE t AS SELECT 7 AS n"), clone_name());
        server.clone_template(&template, &clone, &marker(Use::Clone)).unwrap();
        assert_eq!(private.ask::<i32>(clone.as_str(), "SELECT n FROM t"), 7);
        let lease = server.lease("borrowed").unwrap();
        assert!(private.server().is_leased("borrowed").unwrap());
        drop(lease);
        assert!(server.lock("borrowed", Duration::from_secs(20)).unwrap().is_some());
        assert!(server.list().unwrap().iter().any(|found| found.name == clone && found.owned));
        drop_both(&server, &[&clone, &template]);
    }
}
