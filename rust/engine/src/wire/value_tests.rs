//! Properties of the tagged encoding, shown on a plain tree of values.

use proptest::prelude::*;

use super::WireError;
use super::value::{Builder, Encoder, Sequence, decode};

#[derive(Clone, Debug, PartialEq)]
enum Tree {
    None,
    Bool(bool),
    Int(i64),
    BigInt(String),
    Float(f64),
    Text(String),
    Surrogates(Vec<u8>),
    Bytes(Vec<u8>),
    Sequence(Sequence, Vec<Tree>),
    Dict(Vec<(Tree, Tree)>),
}

struct TreeBuilder;

impl Builder for TreeBuilder {
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
        Ok(Tree::BigInt(decimal.into()))
    }
    fn float(&mut self, value: f64) -> Result<Tree, WireError> {
        Ok(Tree::Float(value))
    }
    fn text(&mut self, value: &str) -> Result<Tree, WireError> {
        Ok(Tree::Text(value.into()))
    }
    fn surrogates(&mut self, value: &[u8]) -> Result<Tree, WireError> {
        Ok(Tree::Surrogates(value.into()))
    }
    fn bytes(&mut self, value: &[u8]) -> Result<Tree, WireError> {
        Ok(Tree::Bytes(value.into()))
    }
    fn sequence(&mut self, kind: Sequence, items: Vec<Tree>) -> Result<Tree, WireError> {
        Ok(Tree::Sequence(kind, items))
    }
    fn dict(&mut self, items: Vec<(Tree, Tree)>) -> Result<Tree, WireError> {
        Ok(Tree::Dict(items))
    }
}

fn encode(tree: &Tree, encoder: &mut Encoder<'_>) {
    match tree {
        Tree::None => encoder.none(),
        Tree::Bool(value) => encoder.bool(*value),
        Tree::Int(value) => encoder.int(*value),
        Tree::BigInt(decimal) => encoder.big_int(decimal),
        Tree::Float(value) => encoder.float(*value),
        Tree::Text(value) => encoder.text(value),
        Tree::Surrogates(value) => encoder.surrogates(value),
        Tree::Bytes(value) => encoder.bytes(value),
        Tree::Sequence(kind, items) => {
            encoder.sequence(*kind, items.len());
            for item in items {
                encode(item, encoder);
            }
        }
        Tree::Dict(items) => {
            encoder.dict(items.len());
            for (key, value) in items {
                encode(key, encoder);
                encode(value, encoder);
            }
        }
    }
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        Just(Tree::None),
        any::<bool>().prop_map(Tree::Bool),
        any::<i64>().prop_map(Tree::Int),
        "-?[0-9]{1,40}".prop_map(Tree::BigInt),
        (-1e300..1e300).prop_map(Tree::Float),
        ".*".prop_map(Tree::Text),
        any::<Vec<u8>>().prop_map(Tree::Surrogates),
        any::<Vec<u8>>().prop_map(Tree::Bytes),
    ];
    let kind = prop::sample::select(vec![Sequence::List, Sequence::Tuple, Sequence::Set, Sequence::FrozenSet]);
    leaf.prop_recursive(6, 64, 8, move |inner| {
        prop_oneof![
            (kind.clone(), prop::collection::vec(inner.clone(), 0..8))
                .prop_map(|(kind, items)| Tree::Sequence(kind, items)),
            prop::collection::vec((inner.clone(), inner), 0..4).prop_map(Tree::Dict),
        ]
    })
}

proptest! {
    #[test]
    fn values_come_out_as_they_went_in(value in tree()) {
        let mut bytes = Vec::new();
        encode(&value, &mut Encoder(&mut bytes));
        prop_assert_eq!(decode(&bytes, &mut TreeBuilder), Ok(value));
    }

    #[test]
    fn any_bytes_are_a_value_or_an_error(bytes: Vec<u8>) {
        let _ = decode(&bytes, &mut TreeBuilder);
    }

    #[test]
    fn a_value_cut_short_is_an_error(value in tree(), cut in any::<prop::sample::Index>()) {
        let mut bytes = Vec::new();
        encode(&value, &mut Encoder(&mut bytes));
        let end = cut.index(bytes.len());
        prop_assert!(decode(&bytes[..end], &mut TreeBuilder).is_err());
    }
}

#[test]
fn a_bottomless_nest_is_refused() {
    let mut bytes = Vec::new();
    for _ in 0..100_000 {
        Encoder(&mut bytes).sequence(Sequence::List, 1);
    }
    Encoder(&mut bytes).none();
    assert_eq!(decode(&bytes, &mut TreeBuilder), Err(WireError::TooDeep));
}

#[test]
fn a_boastful_count_reserves_nothing() {
    let bytes = [b'[', 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    assert_eq!(decode(&bytes, &mut TreeBuilder), Err(WireError::Truncated));
}
