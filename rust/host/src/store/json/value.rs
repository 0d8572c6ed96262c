//! Values in a timing file: what is of the wrong kind spoils its own entry, not the file.

use std::borrow::Cow;
use std::fmt;

use engine::Verdict;
use engine::history::{FixtureEntry, status_verdict};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What stands after a node id.
pub(super) enum Item<'de> {
    Seconds(f64),
    Fields(Fields<'de>),
    Other,
}

/// The fields of one test or shared set-up. Others are passed over.
#[derive(serde::Deserialize)]
pub(super) struct Fields<'a> {
    #[serde(borrow, default)]
    pub(super) duration: Scalar<'a>,
    #[serde(borrow, default)]
    pub(super) setup: Scalar<'a>,
    #[serde(borrow, default)]
    pub(super) status: Scalar<'a>,
    #[serde(borrow, default)]
    pub(super) runs: Scalar<'a>,
    #[serde(borrow, default)]
    pub(super) timestamp: Scalar<'a>,
    #[serde(borrow, default)]
    pub(super) worker: Scalar<'a>,
    #[serde(borrow, default)]
    pub(super) provisional: Scalar<'a>,
}

impl Fields<'_> {
    pub(super) fn status(&self) -> Option<Verdict> {
        match &self.status {
            Scalar::Nothing => Some(Verdict::Passed),
            Scalar::Text(name) => status_verdict(name),
            _ => None,
        }
    }

    pub(super) fn fixture(&self) -> Option<FixtureEntry> {
        Some(FixtureEntry {
            duration: self.duration.number()?,
            runs: self.runs.optional_number()?.map_or(1, |runs| runs as u64),
            timestamp: self.timestamp.optional_number()?,
        })
    }
}

/// A field of whatever kind.
#[derive(Default)]
pub(super) enum Scalar<'de> {
    #[default]
    Nothing,
    Number(f64),
    Text(Cow<'de, str>),
    Flag(bool),
    Other,
}

impl Scalar<'_> {
    pub(super) fn number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// `Some(None)` when there is none, `None` when it is something else than a number.
    #[expect(clippy::option_option, reason = "absent and wrong are different, and `?` takes the wrong ones out")]
    pub(super) fn optional_number(&self) -> Option<Option<f64>> {
        match self {
            Self::Nothing => Some(None),
            Self::Number(number) => Some(Some(*number)),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Item<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ItemVisitor)
    }
}

struct ItemVisitor;

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = Item<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("seconds or an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Item<'de>, A::Error> {
        Fields::deserialize(MapAccessDeserializer::new(map)).map(Item::Fields)
    }

    fn visit_f64<E>(self, seconds: f64) -> Result<Item<'de>, E> {
        Ok(Item::Seconds(seconds))
    }

    fn visit_u64<E>(self, seconds: u64) -> Result<Item<'de>, E> {
        Ok(Item::Seconds(seconds as f64))
    }

    fn visit_i64<E>(self, seconds: i64) -> Result<Item<'de>, E> {
        Ok(Item::Seconds(seconds as f64))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Item<'de>, E> {
        Ok(Item::Other)
    }

    fn visit_unit<E>(self) -> Result<Item<'de>, E> {
        Ok(Item::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Item<'de>, E> {
        Ok(Item::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Item<'de>, A::Error> {
        pass_over(seq).map(|()| Item::Other)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Nothing)
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Number(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Number(number as f64))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Number(number as f64))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Flag(flag))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Scalar<'de>, A::Error> {
        pass_over(seq).map(|()| Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}

fn pass_over<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<(), A::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}
