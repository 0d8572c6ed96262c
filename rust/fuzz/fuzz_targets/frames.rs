//! Any bytes are frames, messages and values, or a refusal; what was read is written and read again unchanged.
#![no_main]

use engine::wire::message::{self, FromWorker, FromZygote, ToWorker, ToZygote};
use engine::wire::value::{self, Builder, Encoder, Sequence};
use engine::wire::{WireError, frame};
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;

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
    read_from_worker(bytes);
    read_owned::<FromZygote>(bytes);
    read_owned::<ToWorker>(bytes);
    read_owned::<ToZygote>(bytes);
}

fn read_from_worker(bytes: &[u8]) {
    let Ok(message) = message::decode::<FromWorker<'_>>(bytes) else { return };
    let written = encoded(&message);
    let again: FromWorker<'_> = message::decode(&written).expect("we read what we write");
    assert_eq!(encoded(&again), written);
    if let FromWorker::Ended { payload, .. }
    | FromWorker::BetweenTests { payload, .. }
    | FromWorker::Finished { payload } = message
    {
        read_value(payload);
    }
}

fn read_owned<T: Serialize + DeserializeOwned>(bytes: &[u8]) {
    let Ok(message) = message::decode::<T>(bytes) else { return };
    let written = encoded(&message);
    let again: T = message::decode(&written).expect("we read what we write");
    // Bytes are compared, not messages: a float that is no number does not equal itself.
    assert_eq!(encoded(&again), written);
}

fn encoded<T: Serialize>(message: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    message::encode(message, &mut bytes);
    bytes
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
                for item in items {
                    item.write(encoder);
                }
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
