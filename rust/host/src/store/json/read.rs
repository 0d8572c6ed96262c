//! Reading JSON in one pass, straight into the timings: a million tests must not take longer than a blink.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use engine::history::{Entry, Timings};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::super::error::Fault;
use super::super::format::Loaded;
use super::SCHEMA;
use super::value::{Fields, Item, Scalar};

/// About what one test takes in our own files; with it the map is made large enough at once.
const BYTES_PER_TEST: usize = 160;

pub(in super::super) fn parse(content: &[u8]) -> Result<Loaded, Fault> {
    let mut reading = Reading::new(content.len());
    let mut json = serde_json::Deserializer::from_slice(content);
    let outcome = Document(&mut reading).deserialize(&mut json).and_then(|()| json.end());
    match (reading.schema, outcome) {
        (Some(schema), _) if schema > SCHEMA => Err(Fault::Newer { schema, known: SCHEMA }),
        (_, Err(error)) => Err(fault(&error)),
        (_, Ok(())) => Ok(reading.loaded),
    }
}

fn fault(error: &serde_json::Error) -> Fault {
    let cause = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    Fault::Syntax {
        line: error.line(),
        column: error.column().max(1),
        cause: cause.strip_suffix(&place).unwrap_or(&cause).to_owned(),
    }
}

/// What was read so far.
struct Reading {
    loaded: Loaded,
    schema: Option<u64>,
    workers: HashSet<Arc<str>>,
}

impl Reading {
    fn new(bytes: usize) -> Self {
        let timings = Timings::with_capacity(bytes / BYTES_PER_TEST);
        Self { loaded: Loaded { timings, refused: 0 }, schema: None, workers: HashSet::new() }
    }

    /// Stops at a schema that is not known: what follows may mean anything.
    fn check_schema<E: Error>(&mut self, schema: u64) -> Result<(), E> {
        self.schema = Some(schema);
        if schema > SCHEMA { Err(E::custom("a newer schema")) } else { Ok(()) }
    }

    fn add_test(&mut self, nodeid: String, item: Item<'_>) {
        let entry = match item {
            Item::Seconds(seconds) => Some(Entry::undated(seconds)),
            Item::Fields(fields) => self.entry(&fields),
            Item::Other => None,
        };
        if entry.is_none_or(|entry| self.loaded.timings.insert(nodeid, entry).is_err()) {
            self.loaded.refused += 1;
        }
    }

    fn add_fixture(&mut self, key: String, item: &Item<'_>) {
        let entry = match item {
            Item::Fields(fields) => fields.fixture(),
            Item::Seconds(_) | Item::Other => None,
        };
        if entry.is_none_or(|entry| self.loaded.timings.insert_fixture(key, entry).is_err()) {
            self.loaded.refused += 1;
        }
    }

    fn entry(&mut self, fields: &Fields<'_>) -> Option<Entry> {
        Some(Entry {
            duration: fields.duration.number()?,
            setup: fields.setup.optional_number()?.unwrap_or(0.0),
            status: fields.status()?,
            runs: fields.runs.optional_number()?.map_or(1, |runs| runs as u64),
            timestamp: fields.timestamp.optional_number()?,
            worker: self.worker(&fields.worker),
            provisional: matches!(fields.provisional, Scalar::Flag(true)),
        })
    }

    /// A suite has a handful of workers: each name is kept once.
    fn worker(&mut self, name: &Scalar<'_>) -> Option<Arc<str>> {
        let Scalar::Text(name) = name else { return None };
        if let Some(known) = self.workers.get(&**name) {
            return Some(Arc::clone(known));
        }
        let new: Arc<str> = Arc::from(&**name);
        self.workers.insert(Arc::clone(&new));
        Some(new)
    }
}

/// The whole file.
struct Document<'r>(&'r mut Reading);

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object with timings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let reading = self.0;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "schema" => reading.check_schema(map.next_value()?)?,
                "tests" => map.next_value_seed(Items(|id, item| reading.add_test(id, item)))?,
                "fixtures" => map.next_value_seed(Items(|key, item: Item<'_>| reading.add_fixture(key, &item)))?,
                _ if reading.schema.is_some() => drop(map.next_value::<IgnoredAny>()?),
                _ => reading.add_test(key, map.next_value()?),
            }
        }
        Ok(())
    }
}

/// An object of tests or of shared set-ups: each is given to the function, and none is kept.
struct Items<F>(F);

impl<'de, F: FnMut(String, Item<'de>)> DeserializeSeed<'de> for Items<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnMut(String, Item<'de>)> Visitor<'de> for Items<F> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object with a value for each name")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((key, item)) = map.next_entry()? {
            (self.0)(key, item);
        }
        Ok(())
    }
}
