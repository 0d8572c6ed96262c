//! SQL that runs through a client.

use super::super::borrowed::{Borrowed, Lane};
use super::super::client::Lines;
use super::*;
use crate::names;
use crate::session::Connector;

/// A lane and the client at its other end.
fn lane() -> (Borrowed, Client) {
    let (near, far) = UnixStream::pair().unwrap();
    near.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let lane = Lane::new(Lines::new(far.try_clone().unwrap()), far);
    (Borrowed { lane }, Client { lines: BufReader::new(near.try_clone().unwrap()), stream: near })
}

#[test]
fn statements_go_to_the_client_and_rows_come_back() {
    let (borrowed, mut client) = lane();
    let name = names::template_name("shop", 1);
    let wanted = name.to_string();
    let lender = thread::spawn(move || {
        assert_eq!(client.hear(), json!({"sql": "SELECT 1", "database": wanted}));
        client.say(br#"{"rows":[["1",null]]}"#);
        assert_eq!(client.hear(), json!({"sql": "BAD", "database": null}));
        client.say(br#"{"sql_error":{"code":"42601","message":"syntax"}}"#);
    });
    let rows = borrowed.connect(Some(&name)).unwrap().query("SELECT 1").unwrap();
    assert_eq!(rows, [[Some("1".to_owned()), None]]);
    let error = borrowed.connect(None).unwrap().query("BAD").unwrap_err();
    assert_eq!((error.code.as_str(), error.lost), ("42601", false));
    lender.join().unwrap();
}

#[test]
fn a_lender_that_is_gone_or_talks_nonsense_is_lost_for_good() {
    let (borrowed, mut client) = lane();
    client.say(b"nonsense");
    let mut session = borrowed.connect(None).unwrap();
    assert!(session.query("SELECT 1").unwrap_err().lost);
    assert!(session.query("SELECT 1").unwrap_err().lost);
    assert!(borrowed.connect(None).is_err());
    let (borrowed, client) = lane();
    drop(client);
    assert!(borrowed.connect(None).unwrap().query("SELECT 1").unwrap_err().lost);
}

#[test]
fn a_connection_that_the_server_ended_is_another_one_after_that() {
    let (borrowed, mut client) = lane();
    let lender = thread::spawn(move || {
        for code in ["57P01", "2013"] {
            client.hear();
            client.say(json!({"sql_error": {"code": code, "message": "gone"}}).to_string().as_bytes());
        }
        assert_eq!(client.hear()["sql"], "SELECT 1");
        client.say(br#"{"rows":[["1"]]}"#);
    });
    for _ in 0..2 {
        assert!(borrowed.connect(None).unwrap().query("SELECT 1").unwrap_err().lost);
    }
    assert_eq!(borrowed.connect(None).unwrap().query("SELECT 1").unwrap().len(), 1);
    lender.join().unwrap();
}

#[test]
fn statements_of_several_threads_take_turns() {
    let (borrowed, mut client) = lane();
    let lender = thread::spawn(move || {
        for _ in 0..8 {
            let sql = client.hear()["sql"].clone();
            client.say(json!({"rows": [[sql]]}).to_string().as_bytes());
        }
    });
    thread::scope(|scope| {
        for number in 0..8 {
            let borrowed = &borrowed;
            scope.spawn(move || {
                let sql = format!("SELECT {number}");
                assert_eq!(borrowed.connect(None).unwrap().query(&sql).unwrap(), [[Some(sql)]]);
            });
        }
    });
    lender.join().unwrap();
}

#[test]
fn a_lender_is_answered_before_it_is_asked() {
    let house = House::new();
    let mut lender = house.enter("lender");
    let facts = lender.ok(json!({"op": "borrow", "server_facts": {"vendor": "postgresql", "identity": "theirs"}}));
    assert_eq!(facts, json!({"server": 0, "vendor": "postgresql", "identity": "theirs"}));
    house.leave();
}
