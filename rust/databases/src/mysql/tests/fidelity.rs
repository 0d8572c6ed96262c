//! A clone is its template.

use std::thread;

use engine::guard::DatabaseName;

use super::{Running, clone_name, clone_of, marker, one, running, sql, template};
use crate::error::DatabaseError;
use crate::marker::Use;
use crate::mysql::MysqlServer;
use crate::server::{Restored, Server};
use crate::session::Session;

/// One of everything that a schema can hold, with values that are easily lost.
pub(super) const EVERYTHING: [&str; 29] = [
    "CREATE SEQUENCE numbers START WITH 5 INCREMENT BY 2 CACHE 10",
    "CREATE TABLE parent (id BIGINT AUTO_INCREMENT PRIMARY KEY, code VARCHAR(20) UNIQUE, \
     number BIGINT DEFAULT (NEXTVAL(numbers))) AUTO_INCREMENT = 100 COMMENT = '`{name}`.`parent`; it''s \\\\'",
    "CREATE TABLE a_child (id INT PRIMARY KEY, parent_id BIGINT, back INT, CONSTRAINT up FOREIGN KEY (parent_id) \
     REFERENCES `{name}`.`parent` (id) ON DELETE CASCADE, CONSTRAINT ring FOREIGN KEY (back) REFERENCES a_child (id) \
     ON DELETE SET NULL)",
    "CREATE TABLE kinds (id INT AUTO_INCREMENT PRIMARY KEY, f FLOAT, d DOUBLE, n DECIMAL(30, 10), b BIT(11), \
     bin VARBINARY(300), blb LONGBLOB, txt LONGTEXT, latin VARCHAR(50) CHARACTER SET latin1, j JSON, u UUID, \
     ip INET6, e ENUM('a','b''c'), s SET('x','y'), y YEAR, t TIME(6), dt DATETIME(6), ts TIMESTAMP(6) NULL, \
     g POINT, z INT(6) ZEROFILL, hidden INT INVISIBLE DEFAULT 3)",
    "CREATE TABLE made (id INT PRIMARY KEY, price INT, twice INT AS (price * 2) VIRTUAL, thrice INT AS (price * 3) \
     STORED, CONSTRAINT positive CHECK (price > 0), KEY (twice))",
    "CREATE TABLE parts (id INT, year INT) PARTITION BY RANGE (year) (PARTITION old VALUES LESS THAN (2000), \
     PARTITION new VALUES LESS THAN MAXVALUE)",
    "CREATE TABLE history (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING",
    "CREATE TABLE empty_one (id INT AUTO_INCREMENT PRIMARY KEY, v INT) AUTO_INCREMENT = 7",
    "CREATE TABLE no_key (v VARCHAR(10))",
    "CREATE TABLE `odd ``name` (`a ``b` INT, `select` INT)",
    "CREATE TABLE log (what VARCHAR(100)) ENGINE = Aria",
    "SET foreign_key_checks = 0, sql_mode = 'NO_AUTO_VALUE_ON_ZERO'",
    "INSERT INTO parent (id, code) VALUES (0, 'zero'), (7, 'it''s'), (40, NULL)",
    "INSERT INTO a_child VALUES (1, 7, 2), (2, 0, 1)",
    "INSERT INTO kinds (f, d, n, b, bin, blb, txt, latin, j, u, ip, e, s, y, t, dt, ts, g, z, hidden) VALUES \
     (0.1, 1e0 / 3, 12345678901234567890.0123456789, b'10101010101', x'00ff27225c0a0d1a80', x'', \
     '🦀 ''\"\\\\\\n\\0 %s', 'größer', '{\"a\": [1, \"é\"]}', UUID(), '::1', 'b''c', 'x,y', 1999, '-12:34:56.000001', \
     '2020-02-29 23:59:59.999999', '2021-03-28 02:30:00', POINT(1.5, -2), 42, 9)",
    "INSERT INTO kinds (f, d, ts, dt) VALUES (16777217, 1.7976931348623157e308, NULL, '0000-00-00 00:00:00')",
    "INSERT INTO made (id, price) VALUES (1, 10), (2, 20)",
    "INSERT INTO parts VALUES (1, 1990), (2, 2020)",
    "INSERT INTO history VALUES (1, 1), (2, 2)",
    "UPDATE history SET v = 9 WHERE id = 1",
    "DELETE FROM history WHERE id = 2",
    "INSERT INTO no_key VALUES ('x'), ('x'), (NULL)",
    "INSERT INTO `odd ``name` VALUES (1, 2)",
    "CREATE FUNCTION twice(x INT) RETURNS INT DETERMINISTIC RETURN x * 2 -- `{name}`.parent",
    "CREATE PROCEDURE fill() BEGIN DECLARE n INT; SELECT COUNT(*) INTO n FROM `{name}`.parent; \
     INSERT INTO `log` VALUES ('`{name}`.parent é'); END",
    "CREATE TRIGGER z_first AFTER INSERT ON parent FOR EACH ROW INSERT INTO log VALUES (CONCAT('1 ', NEW.code))",
    "CREATE TRIGGER a_second AFTER INSERT ON parent FOR EACH ROW INSERT INTO `{name}`.`log` VALUES ('2')",
    "CREATE VIEW a_view AS SELECT 1 AS x",
    "CREATE EVENT tick ON SCHEDULE EVERY 1 DAY DO INSERT INTO log VALUES ('tick')",
];

/// Statements that need a mode of their own, or come after others.
pub(super) const MORE: [&str; 5] = [
    "SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT'",
    "CREATE FUNCTION joined() RETURNS TEXT READS SQL DATA RETURN (SELECT \"code\" || '\"{name}\".x' FROM \
     \"{name}\".\"parent\" LIMIT 1)",
    "CREATE VIEW z_view AS SELECT code, twice(id) AS t FROM `parent`",
    "CREATE OR REPLACE VIEW a_view AS SELECT z.t, n.v FROM z_view z, {name}.no_key n",
    "CREATE EVENT never ON SCHEDULE EVERY 1 HOUR DISABLE DO SET @x = 1",
];

/// A template with all of it.
pub(super) fn everything(running: &Running) -> DatabaseName {
    template(running, &[&EVERYTHING[..], &MORE[..]].concat())
}

/// Everything that a database holds, with its own name replaced.
pub(super) fn portrait(running: &Running, name: &DatabaseName) -> Vec<String> {
    let mut session = running.talk(Some(name));
    sql(&mut *session, "SET NAMES utf8mb4, time_zone = '+00:00'");
    let mut lines = Vec::new();
    let defaults = "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA";
    show(&mut *session, &format!("{defaults} WHERE SCHEMA_NAME = '{name}'"), &mut lines);
    for row in sql(&mut *session, "SHOW FULL TABLES") {
        let (table, kind) = (row[0].clone().unwrap().replace('`', "``"), row[1].clone().unwrap());
        show(&mut *session, &format!("SHOW CREATE TABLE `{table}`"), &mut lines);
        show(&mut *session, &format!("CHECKSUM TABLE `{table}` EXTENDED"), &mut lines);
        let whole =
            if kind == "SYSTEM VERSIONED" { ", row_start, row_end FROM `history` FOR SYSTEM_TIME ALL" } else { "" };
        let from = if whole.is_empty() { format!(" FROM `{table}`") } else { whole.to_owned() };
        show(&mut *session, &format!("SELECT `{table}`.*{from}"), &mut lines);
    }
    for (kind, list) in [
        (
            "FUNCTION",
            "SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_TYPE = 'FUNCTION' AND ROUTINE_SCHEMA",
        ),
        (
            "PROCEDURE",
            "SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_TYPE = 'PROCEDURE' AND ROUTINE_SCHEMA",
        ),
        ("TRIGGER", "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA"),
        ("EVENT", "SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA"),
    ] {
        for row in sql(&mut *session, &format!("{list} = '{name}' ORDER BY 1")) {
            show(&mut *session, &format!("SHOW CREATE {kind} `{}`", row[0].as_ref().unwrap()), &mut lines);
        }
    }
    let order = "SELECT TRIGGER_NAME, ACTION_ORDER FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA";
    show(&mut *session, &format!("{order} = '{name}' ORDER BY 1"), &mut lines);
    lines
}

/// Adds an answer, without what differs by nature: the name, the time of creation, and that events of a template sleep.
fn show(session: &mut dyn Session, statement: &str, lines: &mut Vec<String>) {
    let (name, before) = (one(session, "SELECT DATABASE()").unwrap(), lines.len());
    for mut row in sql(session, statement) {
        if statement.starts_with("SHOW CREATE TRIGGER") {
            row.pop();
        }
        // A comment, a text and the body's own comment are copied letter by letter, so there the name must stay.
        lines.push(format!("{row:?}").replace(&name, "DB").replace(" DISABLE ON SLAVE ", " ENABLE "));
    }
    // Rows without a key come in any order.
    lines[before..].sort();
}

/// The name of the template where it was written into texts and comments, which are copied as they are.
fn with_texts_of(portrait: Vec<String>, template: &DatabaseName) -> Vec<String> {
    portrait.into_iter().map(|line| line.replace(template.as_str(), "DB")).collect()
}

#[test]
fn a_clone_holds_all_that_its_template_holds() {
    let Some(running) = running() else { return };
    let (server, template) = (running.server(), everything(&running));
    let wanted = portrait(&running, &template);
    assert!(wanted.len() > 40, "{wanted:#?}");
    for _ in 0..2 {
        let clone = clone_of(&server, &template);
        pretty(&with_texts_of(portrait(&running, &clone), &template), &wanted);
    }
}

/// Compares line by line, so that a failure shows the line.
fn pretty(found: &[String], wanted: &[String]) {
    for (found, wanted) in found.iter().zip(wanted) {
        assert_eq!(found, wanted);
    }
    assert_eq!(found.len(), wanted.len());
}

#[test]
fn a_clone_does_not_reach_into_its_template() {
    let Some(running) = running() else { return };
    let (server, template) = (running.server(), everything(&running));
    let before = portrait(&running, &template);
    let clone = clone_of(&server, &template);
    let mut session = running.talk(Some(&clone));
    sql(&mut *session, "INSERT INTO parent (code) VALUES ('new')");
    sql(&mut *session, "CALL fill()");
    sql(&mut *session, "DELETE FROM parent WHERE id = 7");
    assert_eq!(one(&mut *session, "SELECT COUNT(*) FROM a_child").as_deref(), Some("1"), "the cascade stays inside");
    assert_eq!(one(&mut *session, "SELECT COUNT(*) FROM log").as_deref(), Some("3"));
    assert_eq!(one(&mut *session, "SELECT id FROM parent WHERE code = 'new'").as_deref(), Some("100"));
    assert_eq!(portrait(&running, &template), before);
}

#[test]
fn clones_are_made_side_by_side() {
    let Some(running) = running() else { return };
    let (server, template) = (running.server(), everything(&running));
    let wanted = portrait(&running, &template);
    let clones = thread::scope(|scope| {
        let makers = (0..4).map(|_| scope.spawn(|| clone_of(&server, &template))).collect::<Vec<_>>();
        makers.into_iter().map(|maker| maker.join().unwrap()).collect::<Vec<_>>()
    });
    for clone in clones {
        pretty(&with_texts_of(portrait(&running, &clone), &template), &wanted);
    }
}

#[test]
fn a_borrowed_connection_clones_as_well() {
    let Some(running) = running() else { return };
    let (own, template) = (running.server(), everything(&running));
    let borrowed = MysqlServer::over(Box::new(super::Driver::new(running.target("all", ""))));
    assert_eq!(borrowed.facts().unwrap().identity, own.facts().unwrap().identity);
    let clone = clone_of(&borrowed, &template);
    pretty(&with_texts_of(portrait(&running, &clone), &template), &portrait(&running, &template));
}

#[test]
fn a_table_whose_rows_are_elsewhere_is_named_and_not_copied() {
    let Some(running) = running() else { return };
    let template = template(
        &running,
        &["CREATE TABLE one (id INT) ENGINE = MyISAM", "CREATE TABLE many (id INT) ENGINE = MERGE UNION = (one)"],
    );
    let (server, clone) = (running.server(), clone_name());
    let error = server.clone_template(&template, &clone, &marker(Use::Clone)).unwrap_err();
    assert!(matches!(&error, DatabaseError::Unsupported(text) if text.contains("many")), "{error}");
    assert_eq!(server.look(&clone).unwrap(), None);
}

/// Two tables with rows and one without, as a project without triggers has them.
const PLAIN: [&str; 6] = [
    "CREATE TABLE parent (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(10)) AUTO_INCREMENT = 50",
    "CREATE TABLE child (id INT AUTO_INCREMENT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent (id))",
    "CREATE TABLE nothing (id INT AUTO_INCREMENT PRIMARY KEY)",
    "INSERT INTO parent VALUES (1, 'one'), (2, 'two')",
    "INSERT INTO child VALUES (1, 1), (2, 2)",
    "CREATE VIEW both_tables AS SELECT parent.v, child.id FROM parent JOIN child ON child.p = parent.id",
];

#[test]
fn a_restored_clone_holds_what_its_template_holds() {
    let Some(running) = running() else { return };
    let (server, template) = (running.server(), template(&running, &PLAIN));
    let wanted = portrait(&running, &template);
    let clone = clone_of(&server, &template);
    let mut session = running.talk(Some(&clone));
    for statement in [
        "DELETE FROM child",
        "DELETE FROM parent",
        "INSERT INTO parent (v) VALUES ('new')",
        "INSERT INTO nothing VALUES ()",
    ] {
        sql(&mut *session, statement);
    }
    assert_ne!(portrait(&running, &clone), wanted);
    assert_eq!(server.restore(&template, &clone).unwrap(), Restored::InPlace);
    pretty(&portrait(&running, &clone), &wanted);
}

#[test]
fn a_clone_whose_tables_changed_is_not_restored_in_place() {
    let Some(running) = running() else { return };
    let (server, template) = (running.server(), template(&running, &PLAIN));
    for change in [
        "ALTER TABLE nothing ADD COLUMN v INT",
        "CREATE TABLE added (id INT)",
        "DROP VIEW both_tables",
        "CREATE TRIGGER t AFTER DELETE ON nothing FOR EACH ROW SET @x = 1",
        "ALTER TABLE parent ADD INDEX (v)",
    ] {
        let clone = clone_of(&server, &template);
        let mut session = running.talk(Some(&clone));
        sql(&mut *session, change);
        sql(&mut *session, "DELETE FROM child");
        assert_eq!(server.restore(&template, &clone).unwrap(), Restored::UseAnother, "{change}");
        assert_eq!(one(&mut *session, "SELECT COUNT(*) FROM child").as_deref(), Some("0"), "{change}");
    }
}

#[test]
fn rows_that_triggers_watch_are_not_restored_in_place() {
    let Some(running) = running() else { return };
    let (server, template) = (running.server(), everything(&running));
    let clone = clone_of(&server, &template);
    assert_eq!(server.restore(&template, &clone).unwrap(), Restored::UseAnother);
}
