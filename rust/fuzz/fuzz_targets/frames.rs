//! Any bytes are frames, messages and values, or a refusal; what was read is written and read again unchanged.
#![no_main]

use engine::wire::message::{self, FromWorker, FromZygote, ToWorker, ToZygote};
use engine::wire::value::{self, Builder, Encoder, Sequence};
use engine::wire::{WireError, frame};
use libfuzzer_sys::fuzz_target;
use serde::{Deserialize, Serialize};

fuzz_target!(|bytes: &[u8]| {
    read_message(bytes);
    read_value(bytes);
    let mut rest = bytes;
    while let Ok(Some((message, used))) = frame::split(rest) {
        assert_eq!(framed(message), rest[..used]);
        read_message(message);
        rest = &rest[used..];
    }
});

fn framed(message: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    let mark = frame::begin(&mut frame);
    frame.extend_from_slice(message);
    frame::finish(&mut frame, mark).expect("what was a frame is one again");
    frame
}

fn read_message(bytes: &[u8]) {
    if let Ok(message) = message::decode::<FromWorker<'_>>(bytes) {
        read_payload(&message);
        write_again(&message);
    }
    if let Ok(message) = message::decode::<FromZygote>(bytes) {
        write_again(&message);
    }
    if let Ok(message) = message::decode::<ToWorker>(bytes) {
        write_again(&message);
    }
    if let Ok(message) = message::decode::<ToZygote>(bytes) {
        write_again(&message);
    }
}

fn read_payload(message: &FromWorker<'_>) {
    match message {
        FromWorker::Ended { payload, .. }
        | FromWorker::BetweenTests { payload, .. }
        | FromWorker::Finished { payload } => read_value(payload),
        _ => {}
    }
}

/// Compares bytes, not messages: a float that is no number does not equal itself.
fn write_again<'a, T: Serialize + Deserialize<'a>>(message: &T) {
    let mut written = Vec::new();
    message::encode(message, &mut written);
    // The message read back may borrow from the bytes, which so must outlive every message.
    let bytes: &'static [u8] = Box::leak(written.into_boxed_slice());
    let again: T = message::decode(bytes).expect("we read what we write");
    let mut twice = Vec::new();
    message::encode(&again, &mut twice);
    assert_eq!(bytes, twice);
}

fn read_value(bytes: &[u8]) {
    let Ok(tree) = value::decode(bytes, &mut Trees) else { return };
    let mut written = Vec::new();
    tree.write(&mut Encoder(&mut written));
    assert_eq!(value::decode(&written, &mut Trees), Ok(tree));
}

#[derive(Debug, PartialEq)]
enum Tree {
    None,
    Bool(bool),
    Int(i64),
    BigInt(String),
    /// Bits.
    Float(u64),
    Text(String),
    Surrogates(Vec<u8>),
    Bytes(Vec<u8>),
    Items(Sequence, Vec<Tree>),
    Dict(Vec<(Tree, Tree)>),
}

impl Tree {
    fn write(&self, encoder: &mut Encoder<'_>) {
        match self {
            Self::None => encoder.none(),
            Self::Bool(value) => encoder.bool(*value),
            Self::Int(value) => encoder.int(*value),
            Self::BigInt(decimal) => encoder.big_int(decimal),
            Self::Float(bits) => encoder.float(f64::from_bits(*bits)),
            Self::Text(text) => encoder.text(text),
            Self::Surrogates(bytes) => encoder.surrogates(bytes),
            Self::Bytes(bytes) => encoder.bytes(bytes),
            Self::Items(kind, items) => {
                encoder.sequence(*kind, items.len());
                items.iter().for_each(|item| item.write(encoder));
            }
            Self::Dict(items) => {
                encoder.dict(items.len());
                for (key, value) in items {
                    key.write(encoder);
                    value.write(encoder);
                }
            }
        }
    }
}

struct Trees;

impl Builder for Trees {
    type Value = Tree;
    type Error = WireError;

    fn none(&mut self) -> Result<Tree, WireError> {
        Ok(Tree::None)
    }

    fn bool(&mut self, value: bool) -> Result<Tree, WireError> {
        Ok(Tree::Bool(value))
    }

    fn int(&mut self, value: i64) -> Result<Tree, WireError> {
        Ok(Tree::Int(value))
    }

    fn big_int(&mut self, decimal: &str) -> Result<Tree, WireError> {
        Ok(Tree::BigInt(decimal.to_owned()))
    }

    fn float(&mut self, value: f64) -> Result<Tree, WireError> {
        Ok(Tree::Float(value.to_bits()))
    }

    fn text(&mut self, value: &str) -> Result<Tree, WireError> {
        Ok(Tree::Text(value.to_owned()))
    }

    fn surrogates(&mut self, value: &[u8]) -> Result<Tree, WireError> {
        Ok(Tree::Surrogates(value.to_owned()))
    }

    fn bytes(&mut self, value: &[u8]) -> Result<Tree, WireError> {
        Ok(Tree::Bytes(value.to_owned()))
    }

    fn sequence(&mut self, kind: Sequence, items: Vec<Tree>) -> Result<Tree, WireError> {
        Ok(Tree::Items(kind, items))
    }

    fn dict(&mut self, items: Vec<(Tree, Tree)>) -> Result<Tree, WireError> {
        Ok(Tree::Dict(items))
    }
}
