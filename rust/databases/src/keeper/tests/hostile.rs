//! Clients that are broken, or worse.

use proptest::prelude::*;

use super::super::request::LONGEST_LINE;
use super::*;

#[test]
fn what_is_not_understood_is_an_error_and_the_conversation_goes_on() {
    let house = House::new();
    let mut client = house.stranger();
    for line in [
        "",
        "{",
        "[]",
        "null",
        "7",
        "\u{0}",
        "{\"op\":7}",
        "{\"op\":\"drop_all\"}",
        "{\"op\":\"begin\"}",
        "{\"op\":\"begin\",\"server\":-1,\"label\":\"x\"}",
        "{\"op\":\"find\",\"server\":99,\"project\":\"\",\"key\":\"\"}",
        "{\"op\":\"abandon\",\"server\":0,\"name\":\"postgres\"}",
        "{\"op\":\"retire\",\"name\":\"test_x; drop\"}",
        "{\"op\":\"clone\",\"alias\":[],\"fingerprint\":1}",
    ] {
        client.say(line.as_bytes());
        let answer = client.hear();
        assert_eq!(answer["error"]["kind"], "invalid", "{line}: {answer}");
    }
    client.ok(json!({"op": "hello", "role": "worker"}));
}

#[test]
fn no_answer_repeats_a_password_in_the_wrong_place() {
    let house = House::new();
    let mut client = house.enter("controller");
    for target in [
        json!({"vendor": "postgresql", "port": "hunter2"}),
        json!({"vendor": "hunter2"}),
        json!({"vendor": "postgresql", "password": {"is": "hunter2"}}),
        json!({"vendor": "postgresql", "hunter2": 1}),
    ] {
        let answer = client.refused(json!({"op": "open", "target": target}));
        assert!(!answer.to_string().contains("hunter2"), "{answer}");
    }
}

#[test]
fn a_line_without_end_ends_that_client_only() {
    let house = House::new();
    let mut endless = house.stranger();
    let mut other = house.enter("worker");
    let mut stream = endless.stream.try_clone().unwrap();
    let writer = thread::spawn(move || stream.write_all(&vec![b' '; LONGEST_LINE + 1]).is_ok());
    assert_eq!(endless.hear()["error"]["kind"], "invalid");
    writer.join().unwrap();
    assert_eq!(endless.hear(), Value::Null);
    other.ok(json!({"op": "status"}));
}

#[test]
fn packets_that_are_no_conversation_are_put_aside() {
    let house = House::new();
    let file: OwnedFd = File::open("/dev/null").unwrap().into();
    house.send(&[&file]);
    house.send(&[&file, &file]);
    let (_near, far) = UnixStream::pair().unwrap();
    far.set_nonblocking(true).unwrap();
    house.send(&[&far.into()]);
    house.enter("worker").ok(json!({"op": "status"}));
}

#[test]
fn nobody_publishes_or_drops_what_others_build() {
    let house = House::new();
    let (mut controller, template) = house.with_template();
    for op in ["create", "abandon"] {
        controller.refused(json!({"op": op, "server": 0, "name": template}));
    }
    controller.refused(json!({"op": "mark", "server": 0, "name": template, "project": "shop"}));
    controller.refused(json!({
        "op": "publish", "server": 0, "name": "test_shop", "project": "shop", "key": "k",
    }));
    assert!(house.fake.inside().dropped.is_empty());
}

#[test]
fn a_lock_ends_with_its_holder() {
    let house = House::new();
    let (mut controller, _) = house.with_template();
    let mut maker = house.enter("maker");
    let lock = |wait: f64| json!({"op": "lock", "server": 0, "key": "k", "wait": wait});
    assert_eq!(maker.ok(lock(0.0)), json!({"held": true}));
    assert_eq!(controller.ok(lock(0.02)), json!({"held": false}));
    drop(maker);
    assert_eq!(controller.ok(lock(20.0)), json!({"held": true}));
    controller.ok(json!({"op": "unlock", "server": 0, "key": "k"}));
    assert!(house.fake.inside().locks.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_bytes_are_answered_or_end_the_client(lines in prop::collection::vec("[^\n]{0,60}", 1..6)) {
        let house = House::new();
        let mut client = house.stranger();
        for line in lines {
            client.say(line.as_bytes());
            prop_assert!(client.hear().is_object());
        }
        drop(client);
        house.leave();
    }
}
