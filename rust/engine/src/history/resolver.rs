//! From the names that other tools give a test to the node id that pytest gives it.

use std::cell::OnceCell;
use std::collections::HashMap;

/// Finds the collected test that a dotted id (`tests.unit.test_a.TestB.test_c[x]`) means.
///
/// An id fits a test when it is the test's path and names joined by dots, when it is the end of that (the tool started
/// in a folder below ours), or when that is its end (a prefix was put before it). Two candidates are none.
pub struct Resolver<'a> {
    exact: HashMap<String, Fit<'a>>,
    ends: OnceCell<HashMap<String, Fit<'a>>>,
}

/// The only test of this name, or the sign that there are several.
#[derive(Clone, Copy)]
enum Fit<'a> {
    One(&'a str),
    Several,
}

impl<'a> Resolver<'a> {
    /// For these collected node ids.
    pub fn new(nodeids: impl IntoIterator<Item = &'a str>) -> Self {
        let mut exact = HashMap::new();
        for nodeid in nodeids {
            add(&mut exact, dotted(nodeid), nodeid);
        }
        Self { exact, ends: OnceCell::new() }
    }

    /// The node id that a dotted id means; `None` for what is a node id already, or fits no test or several.
    pub fn resolve(&self, id: &str) -> Option<&'a str> {
        if id.contains("::") {
            return None;
        }
        let fit = self
            .exact
            .get(id)
            .or_else(|| self.ends().get(id))
            .or_else(|| ends_of(id).find_map(|end| self.exact.get(end)));
        match fit? {
            Fit::One(nodeid) => Some(nodeid),
            Fit::Several => None,
        }
    }

    /// Made when first asked for: most files need exact names only.
    fn ends(&self) -> &HashMap<String, Fit<'a>> {
        self.ends.get_or_init(|| {
            let mut ends = HashMap::new();
            for (name, fit) in &self.exact {
                for end in ends_of(name) {
                    match fit {
                        Fit::One(nodeid) => add(&mut ends, end.to_owned(), nodeid),
                        Fit::Several => drop(ends.insert(end.to_owned(), Fit::Several)),
                    }
                }
            }
            ends
        })
    }
}

fn add<'a>(names: &mut HashMap<String, Fit<'a>>, name: String, nodeid: &'a str) {
    names
        .entry(name)
        .and_modify(|known| {
            if !matches!(known, Fit::One(same) if *same == nodeid) {
                *known = Fit::Several;
            }
        })
        .or_insert(Fit::One(nodeid));
}

/// As `--junit-xml` spells a node id: the path without `.py`, everything joined by dots, parameters as they are.
fn dotted(nodeid: &str) -> String {
    let (address, parameters) = nodeid.split_at(nodeid.find('[').unwrap_or(nodeid.len()));
    let (path, names) = address.split_once("::").unwrap_or((address, ""));
    let mut dotted = path.strip_suffix(".py").unwrap_or(path).replace('/', ".");
    for name in names.split("::").filter(|name| !name.is_empty()) {
        dotted.push('.');
        dotted.push_str(name);
    }
    dotted + parameters
}

/// The shorter ends of a dotted id that still name at least two things (`test_a.test_c`).
fn ends_of(name: &str) -> impl Iterator<Item = &str> {
    let address = &name[..name.find('[').unwrap_or(name.len())];
    let last = address.rfind('.').unwrap_or(0);
    address[..last].match_indices('.').map(|(dot, _)| &name[dot + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLLECTED: [&str; 5] = [
        "tests/unit/test_a.py::TestB::test_c[x]",
        "tests/unit/test_a.py::TestB::test_c[1.5/y::z]",
        "tests/unit/test_a.py::test_plain",
        "tests/other/test_a.py::test_plain",
        "tests/other/test_d.py::test_alone",
    ];

    fn resolved(id: &str) -> Option<&'static str> {
        Resolver::new(COLLECTED).resolve(id)
    }

    #[test]
    fn dotted_id_means_its_node_id() {
        assert_eq!(resolved("tests.unit.test_a.TestB.test_c[x]"), Some(COLLECTED[0]));
        assert_eq!(resolved("tests.other.test_a.test_plain"), Some(COLLECTED[3]));
    }

    #[test]
    fn shorter_id_means_the_only_test_it_ends() {
        assert_eq!(resolved("unit.test_a.TestB.test_c[x]"), Some(COLLECTED[0]));
        assert_eq!(resolved("test_d.test_alone"), Some(COLLECTED[4]));
    }

    #[test]
    fn longer_id_means_the_test_that_ends_it() {
        assert_eq!(resolved("nightly.tests.other.test_d.test_alone"), Some(COLLECTED[4]));
    }

    #[test]
    fn id_that_fits_two_tests_is_left_alone() {
        assert_eq!(resolved("test_a.test_plain"), None);
        assert_eq!(resolved("test_plain"), None);
    }

    #[test]
    fn node_id_is_left_alone() {
        assert_eq!(resolved(COLLECTED[2]), None);
        assert_eq!(resolved(""), None);
    }

    #[test]
    fn dots_in_parameters_separate_nothing() {
        assert_eq!(dotted(COLLECTED[1]), "tests.unit.test_a.TestB.test_c[1.5/y::z]");
        assert_eq!(ends_of("m.test[a.b]").count(), 0);
    }
}
