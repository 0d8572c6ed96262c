//! Names and texts, written so that the server reads them back as they were.

/// A name between backticks.
pub(super) fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A text between quotes. Every session of ours has a known `sql_mode`, in which a backslash escapes.
pub(super) fn text(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('\'');
    for character in value.chars() {
        match character {
            '\'' => quoted.push_str("''"),
            '\\' => quoted.push_str("\\\\"),
            '\0' => quoted.push_str("\\0"),
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}

/// Names between backticks, with commas.
pub(super) fn identifiers<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(identifier).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the server makes of a quoted text.
    fn read_back(quoted: &str) -> Option<String> {
        let mut rest = quoted.strip_prefix('\'')?.strip_suffix('\'')?.chars();
        let mut value = String::new();
        while let Some(character) = rest.next() {
            value.push(match character {
                '\'' => rest.next().filter(|next| *next == '\'')?,
                '\\' => rest.next().map(|next| if next == '0' { '\0' } else { next })?,
                other => other,
            });
        }
        Some(value)
    }

    #[test]
    fn a_name_cannot_end_early() {
        assert_eq!(identifier("a`; DROP DATABASE x; -- "), "`a``; DROP DATABASE x; -- `");
    }

    proptest! {
        #[test]
        fn any_text_is_read_back_as_it_was(value in "(?s).{0,40}|['\\\\\0]{0,8}") {
            prop_assert_eq!(read_back(&text(&value)), Some(value));
        }
    }
}
