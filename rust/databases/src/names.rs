//! The names of what we make: recognisable, unique, and nothing that a server could read as anything else.
//!
//! `test_<label>_t_<random>` is a template or one that is being built, `test_<label>_c_<run>_<random>` a clone.

use engine::guard::{DatabaseName, folded};

/// The longest label, in bytes: the longest name, a clone's, then has 52 of the 63 bytes that PostgreSQL keeps.
const LONGEST_LABEL: usize = 20;
/// Hexadecimal digits of the random part: 64 bits.
const RANDOM_DIGITS: usize = 16;
/// Hexadecimal digits of a run in the name of a clone.
const RUN_DIGITS: usize = 8;

/// What a name says about a database of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A template, complete or being built; the marker says which.
    Template,
    /// A worker's copy, with the first digits of the run that made it.
    Clone(String),
}

/// The part of a name that people read: the project's name, folded to what every server takes.
///
/// ```
/// assert_eq!(databases::names::label("Déjà Vu — shop"), "d_j_vu_shop");
/// ```
pub fn label(project: &str) -> String {
    let mut label = folded(project);
    label.truncate(LONGEST_LABEL);
    let label = label.trim_matches('_');
    if label.is_empty() { "project".to_owned() } else { label.to_owned() }
}

/// A new name for a template of the project.
pub fn template_name(project: &str, random: u64) -> DatabaseName {
    ours(&format!("test_{}_t_{random:016x}", label(project)))
}

/// A new name for a clone of a run, whose id has at least eight hexadecimal digits.
pub fn clone_name(project: &str, run: &str, random: u64) -> DatabaseName {
    let run: String = run.chars().filter(char::is_ascii_hexdigit).take(RUN_DIGITS).collect();
    ours(&format!("test_{}_c_{:0>8}_{random:016x}", label(project), run.to_ascii_lowercase()))
}

fn ours(name: &str) -> DatabaseName {
    #[expect(clippy::expect_used, reason = "the parts are folded to what a name may hold, and are short enough")]
    name.parse().expect("a folded label, a letter and hexadecimal digits make a name")
}

/// What kind of database has this name; `None` = none of ours has.
pub fn kind_of(name: &str) -> Option<Kind> {
    name.parse::<DatabaseName>().ok()?;
    let (rest, random) = name.strip_prefix("test_")?.rsplit_once('_')?;
    if !is_hex(random, RANDOM_DIGITS) {
        return None;
    }
    if let Some(label) = rest.strip_suffix("_t") {
        return (!label.is_empty()).then_some(Kind::Template);
    }
    let (rest, run) = rest.rsplit_once('_')?;
    let label = rest.strip_suffix("_c")?;
    (!label.is_empty() && is_hex(run, RUN_DIGITS)).then(|| Kind::Clone(run.to_owned()))
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn foreign_names_are_of_no_kind() {
        for name in
            ["test_shop", "test_shop_gw0", "test_shop_t_12", "test_t_0123456789abcdef", "Test_a_t_0123456789abcdef"]
        {
            assert_eq!(kind_of(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_project_gets_names_that_say_what_they_are(project in ".{0,80}", run in "[0-9a-f]{8,32}", random: u64) {
            let (template, clone) = (template_name(&project, random), clone_name(&project, &run, random));
            prop_assert_eq!(kind_of(template.as_str()), Some(Kind::Template));
            prop_assert_eq!(kind_of(clone.as_str()), Some(Kind::Clone(run[..8].to_owned())));
        }

        #[test]
        fn any_text_has_a_kind_or_none(name in ".{0,80}") {
            let _ = kind_of(&name);
        }
    }
}
