//! The mark that we leave on every database that we make: what it is, whose, and since when.

use serde::{Deserialize, Serialize};

/// The version of the format. What a newer version wrote is left alone.
pub const VERSION: u32 = 1;
/// Who writes it.
const TOOL: &str = "pytest-concurrent";
/// How much of a project's name is kept, in characters: MariaDB's comments hold 1,024 bytes in all.
const LONGEST_PROJECT: usize = 40;

/// What a database is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Use {
    /// A template that is not complete yet, or never became so.
    Build,
    /// A complete template.
    Template,
    /// A copy that one worker owns.
    Clone,
}

/// The mark. Times are in seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    tool: String,
    /// Version of the format.
    #[serde(rename = "v")]
    pub version: u32,
    /// What the database is for.
    pub kind: Use,
    /// The project whose tests made it.
    pub project: String,
    /// Id of the run that made it.
    pub run: String,
    /// Key of the template's content; for a clone, of the template that it was copied from.
    pub key: String,
    /// What the server calls this very database: the oid on PostgreSQL, elsewhere its name. A mark that was copied to
    /// another database, or a database that was dropped and made again, does not match.
    pub id: String,
    /// When it was made.
    pub created: u64,
    /// When a run last used it.
    pub used: u64,
}

impl Marker {
    /// A mark of ours.
    pub fn new(kind: Use, project: &str, run: &str, key: &str, id: &str, now: u64) -> Self {
        Self {
            tool: TOOL.to_owned(),
            version: VERSION,
            kind,
            project: project.chars().filter(|character| !character.is_control()).take(LONGEST_PROJECT).collect(),
            run: run.to_owned(),
            key: key.to_owned(),
            id: id.to_owned(),
            created: now,
            used: now,
        }
    }

    /// The mark as it is written on the server: JSON on one line.
    ///
    /// # Panics
    /// Never: a mark is texts and numbers.
    pub fn to_text(&self) -> String {
        #[expect(clippy::expect_used, reason = "texts and numbers always serialise")]
        serde_json::to_string(self).expect("a mark is texts and numbers")
    }

    /// Reads a mark; `None` = it is not one of ours, or of a newer version than this.
    pub fn parse(text: &str) -> Option<Self> {
        let marker: Self = serde_json::from_str(text).ok()?;
        (marker.tool == TOOL && marker.version <= VERSION).then_some(marker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn marks_of_others_are_not_read() {
        let ours = Marker::new(Use::Clone, "shop", "0a", "0b", "17", 5).to_text();
        assert!(Marker::parse(&ours).is_some());
        for foreign in ["", "a comment", "{}", &ours.replace("pytest-", "py-"), &ours.replace("\"v\":1", "\"v\":2")] {
            assert_eq!(Marker::parse(foreign), None, "{foreign}");
        }
    }

    proptest! {
        #[test]
        fn a_mark_survives_being_written(project in ".{0,60}", run in "[0-9a-f]{16}", key in "[0-9a-f]{40}", now: u64) {
            let marker = Marker::new(Use::Template, &project, &run, &key, "16384", now);
            prop_assert_eq!(Marker::parse(&marker.to_text()), Some(marker));
        }

        #[test]
        fn a_mark_fits_into_every_comment(project in ".{0,60}") {
            let marker = Marker::new(Use::Template, &project, &"f".repeat(32), &"f".repeat(64), &"n".repeat(63), u64::MAX);
            prop_assert!(marker.to_text().len() <= 900);
        }
    }
}
