//! Any text makes a name that is nothing but a name, or none; and loses every secret that is known, at once.
#![no_main]

use engine::guard::{DatabaseName, HIDDEN, Redaction, secrets_in};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str)| {
    let (text, secret) = input;
    if let Ok(name) = DatabaseName::made_of(text) {
        assert_eq!(name.as_str().parse(), Ok(name.clone()));
    }
    let redaction = Redaction::new([secret.to_owned()]);
    let left = redaction.apply(text).into_owned();
    // What is hidden may stand beside what makes the secret up again: `***`, or one character.
    if secret.len() > 3 && !secret.contains('*') {
        assert!(left.split(HIDDEN).all(|part| !part.contains(secret)));
    }
    let _ = secrets_in([(text, secret)]);
});
