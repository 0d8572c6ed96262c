//! Which processes may outlive the run.

/// Patterns for command lines, as the user gave them. `*` stands for anything, and each may begin and end anywhere.
#[derive(Clone, Debug, Default)]
pub struct Keep(Vec<String>);

impl Keep {
    /// Keeps what matches one of these.
    pub fn new(patterns: Vec<String>) -> Self {
        Self(patterns.into_iter().filter(|pattern| !pattern.trim_matches('*').is_empty()).collect())
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a process with this command line is kept.
    pub fn matches(&self, command: &str) -> bool {
        self.0.iter().any(|pattern| holds_in_order(command, pattern.split('*')))
    }
}

/// Whether the parts stand in the text one after another.
fn holds_in_order<'a>(text: &str, parts: impl Iterator<Item = &'a str>) -> bool {
    let mut rest = Some(text);
    for part in parts {
        rest = rest.and_then(|rest| rest.split_once(part)).map(|(_, rest)| rest);
    }
    rest.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeps(pattern: &str, command: &str) -> bool {
        Keep::new(vec![pattern.to_owned()]).matches(command)
    }

    #[test]
    fn pattern_is_found_anywhere() {
        assert!(keeps("redis-server", "/usr/bin/redis-server --port 7"));
        assert!(!keeps("redis-server", "/usr/bin/redis-cli"));
    }

    #[test]
    fn star_stands_for_anything() {
        assert!(keeps("python*server.py", "/usr/bin/python3 -u tools/server.py"));
        assert!(!keeps("server.py*python", "/usr/bin/python3 -u tools/server.py"));
    }

    #[test]
    fn pattern_of_nothing_keeps_nothing() {
        assert!(!keeps("*", "sleep 60") && !keeps("", "sleep 60"));
        assert!(Keep::new(vec!["**".to_owned()]).is_empty());
    }
}
