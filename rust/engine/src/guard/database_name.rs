//! The only kind of database name that this project creates, clones or drops.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The longest name, in bytes: PostgreSQL cuts longer ones off silently (63), MySQL and MariaDB allow 64 characters.
pub const MAX_LENGTH: usize = 63;

/// What every name contains, so that users' own guards ("only touch test databases") let it pass.
pub const MARKER: &str = "test_";

/// A name that any server reads as a name and nothing else: a letter, then letters, digits and underscores, all of them
/// lower-case ASCII. It needs no quoting, and folding its case changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatabaseName(String);

/// Why a text is no [`DatabaseName`].
#[derive(Debug, Error, PartialEq, Eq)]
pub enum DatabaseNameError {
    /// It has no characters, or more than [`MAX_LENGTH`].
    #[error("a database name of {0} bytes is not between 1 and {MAX_LENGTH}")]
    Length(usize),
    /// It begins with something other than a letter, or holds a character that is not allowed.
    #[error("a database name may not contain {0:?} here")]
    Character(char),
    /// It does not contain [`MARKER`].
    #[error("a database name of ours contains {MARKER:?}")]
    Unmarked,
}

impl DatabaseName {
    /// A name made of any text: the text itself if it is a name, else what [`folded`] leaves of it, behind [`MARKER`]
    /// if that is not in it.
    pub fn made_of(text: &str) -> Result<Self, DatabaseNameError> {
        if let Ok(name) = text.parse() {
            return Ok(name);
        }
        let folded = folded(text);
        if folded.is_empty() {
            return Err(DatabaseNameError::Length(0));
        }
        let is_marked = folded.contains(MARKER) && folded.starts_with(|first: char| first.is_ascii_lowercase());
        if is_marked { folded.parse() } else { format!("{MARKER}{folded}").parse() }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What every server takes of a text: lower-case letters and digits of ASCII, and one underscore between them for
/// whatever else there was.
pub fn folded(text: &str) -> String {
    let mut folded = String::new();
    for character in text.to_lowercase().chars() {
        match character {
            'a'..='z' | '0'..='9' => folded.push(character),
            _ if folded.is_empty() || folded.ends_with('_') => {}
            _ => folded.push('_'),
        }
    }
    folded.truncate(folded.trim_end_matches('_').len());
    folded
}

impl FromStr for DatabaseName {
    type Err = DatabaseNameError;

    fn from_str(text: &str) -> Result<Self, DatabaseNameError> {
        if text.is_empty() || text.len() > MAX_LENGTH {
            return Err(DatabaseNameError::Length(text.len()));
        }
        let allowed = |(index, character): &(usize, char)| match character {
            'a'..='z' => true,
            '0'..='9' | '_' => *index > 0,
            _ => false,
        };
        if let Some((_, character)) = text.char_indices().find(|pair| !allowed(pair)) {
            return Err(DatabaseNameError::Character(character));
        }
        if !text.contains(MARKER) {
            return Err(DatabaseNameError::Unmarked);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for DatabaseName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_plain_test_database_has_a_name() {
        assert_eq!("test_shop_gw0".parse::<DatabaseName>().unwrap().as_str(), "test_shop_gw0");
    }

    #[test]
    fn what_a_server_could_misread_is_refused() {
        for (text, error) in [
            ("", DatabaseNameError::Length(0)),
            ("test_shop\"; drop", DatabaseNameError::Character('"')),
            ("Test_shop", DatabaseNameError::Character('T')),
            ("1test_shop", DatabaseNameError::Character('1')),
            ("test_café", DatabaseNameError::Character('é')),
            ("shop", DatabaseNameError::Unmarked),
        ] {
            assert_eq!(text.parse::<DatabaseName>(), Err(error), "{text}");
        }
    }

    #[test]
    fn a_name_is_made_of_any_text_or_refused() {
        for (text, name) in [
            ("test_shop", "test_shop"),
            ("Shop; DROP DATABASE x", "test_shop_drop_database_x"),
            ("my_test_shop", "my_test_shop"),
            ("My Test-Shop", "my_test_shop"),
            ("1test_shop", "test_1test_shop"),
        ] {
            assert_eq!(DatabaseName::made_of(text).map(|name| name.to_string()), Ok(name.to_owned()), "{text}");
        }
        assert_eq!(DatabaseName::made_of("../"), Err(DatabaseNameError::Length(0)));
        assert!(DatabaseName::made_of(&"a".repeat(64)).is_err());
    }

    proptest! {
        #[test]
        fn what_is_made_of_a_text_is_a_name(text in "\\PC{0,60}") {
            if let Ok(name) = DatabaseName::made_of(&text) {
                prop_assert_eq!(name.as_str().parse(), Ok(name.clone()));
            }
        }

        #[test]
        fn a_name_holds_nothing_but_a_name(text in ".{0,70}|[a-z_0-9]{0,40}test_[a-z_0-9]{0,40}") {
            if let Ok(name) = text.parse::<DatabaseName>() {
                prop_assert!(name.as_str().len() <= MAX_LENGTH);
                prop_assert!(name.as_str().bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase() || byte.is_ascii_digit()));
                prop_assert_eq!(name.as_str(), text);
            }
        }
    }
}
