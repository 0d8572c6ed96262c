//! Taking secrets out of texts that somebody else wrote, before they stand in a file or an error of ours.
//!
//! Two kinds are found: values that are known to be secret, wherever they stand, and whatever stands where secrets do,
//! as in `://user:password@`, `password=…`, `Authorization: Bearer …`. The second kind is a guess that rather hides a
//! word too many.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

/// What stands where a secret stood.
pub const HIDDEN: &str = "***";

/// A value that is found by the name of its variable counts from so many bytes on: shorter ones are words of any text
/// (`test`, `admin`), which would be hidden everywhere.
const SHORTEST: usize = 6;

/// How the name of what is secret ends, in any case.
const SECRET: &str = r"(?:password|passwd|passphrase|pwd|[_-]pass|secret|token|credentials?|authorization|(?:api|secret|access|private|signing|encryption|auth)[_-]?key)\d*";

/// `://user:password@`. Neither a port nor a path looks like it, because of the `@`.
static IN_URL: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"(?P<before>://[^\s:/@'"]*:)(?P<secret>[^\s/'"]+)(?P<after>@)"#));

/// `password=…`, `"token": "…"`, as in connection strings, dictionaries, variables and headers.
static IN_FIELD: LazyLock<Regex> = LazyLock::new(|| {
    let quoted = r#""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"#;
    let bare = r#"(?:(?:bearer|basic|token)\s+)?[^\s"',;&<>=()\[\]{}][^\s"',;&<>()\[\]{}]*"#;
    regex(&format!(r#"(?is)(?P<before>[\w.-]*{SECRET}["']?\s*[:=]\s*)(?P<secret>{quoted}|{bare})(?P<after>)"#))
});

/// What is recognised by itself: keys of well-known services, JSON web tokens, private keys.
static BY_SHAPE: LazyLock<Regex> = LazyLock::new(|| {
    let services = r"gh[opsur]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}|xox[abeprs]-[\w-]{10,}|AKIA[0-9A-Z]{16}|[rs]k_live_\w{16,}";
    let web_token = r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*";
    let bearer = r"(?i:bearer|basic)\s+[\w.~+/-]{16,}=*";
    let key = r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)";
    regex(&format!(r"(?P<before>\b|^)(?P<secret>{services}|{web_token}|{bearer}|{key})(?P<after>)"))
});

static NAME: LazyLock<Regex> = LazyLock::new(|| regex(&format!(r"(?i)^(?:.*\W)?\w*{SECRET}$")));

/// Takes secrets out of texts.
#[derive(Clone, Debug, Default)]
pub struct Redaction {
    known: Vec<String>,
}

impl Redaction {
    /// Knows these secrets, beside what is recognised by where it stands. They are found as they are and as URLs write
    /// them.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut known: Vec<_> = secrets.into_iter().filter(|secret| !secret.is_empty()).flat_map(spellings).collect();
        // A secret that is a part of another one must not leave the rest of it.
        known.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        known.dedup();
        Self { known }
    }

    /// The text without secrets; the same text where there are none.
    pub fn apply<'text>(&self, text: &'text str) -> Cow<'text, str> {
        let mut text = Cow::Borrowed(text);
        for secret in &self.known {
            if text.contains(secret.as_str()) {
                text = Cow::Owned(text.replace(secret.as_str(), HIDDEN));
            }
        }
        [&IN_URL, &IN_FIELD, &BY_SHAPE].into_iter().fold(text, |text, pattern| without(text, pattern))
    }
}

/// The secrets among variables, or settings, by their names, and those within their values: a URL's password.
pub fn secrets_in<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value) in variables {
        if NAME.is_match(name) {
            found.push(value.trim().to_owned());
        }
        let within = |pattern: &LazyLock<Regex>| {
            let secrets = pattern.captures_iter(value).filter_map(|captures| captures.name("secret"));
            secrets.map(|secret| bare(secret.as_str()).to_owned()).collect::<Vec<_>>()
        };
        for secret in within(&IN_URL) {
            found.extend(percent_decoded(&secret));
            found.push(secret);
        }
        found.extend(within(&IN_FIELD));
    }
    found.retain(|secret| secret.len() >= SHORTEST);
    found
}

fn without<'text>(text: Cow<'text, str>, pattern: &Regex) -> Cow<'text, str> {
    match pattern.replace_all(&text, "${before}***${after}") {
        Cow::Borrowed(_) => text,
        Cow::Owned(changed) => Cow::Owned(changed),
    }
}

fn bare(secret: &str) -> &str {
    secret.trim_matches(['"', '\''])
}

/// A secret as it is, as a URL's path has it, and as a form has it.
fn spellings(secret: String) -> [String; 3] {
    let quoted = percent_encoded(&secret);
    let form = quoted.replace("%20", "+");
    [secret, quoted, form]
}

/// What a URL means by it; `None` if that is itself, or no text.
fn percent_decoded(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let code = others.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(byte) = code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            decoded.push(byte);
            rest = &others[2..];
        } else {
            decoded.push(*first);
            rest = others;
        }
    }
    String::from_utf8(decoded).ok().filter(|decoded| decoded != text)
}

fn percent_encoded(text: &str) -> String {
    use std::fmt::Write;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => encoded.push(byte.into()),
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

fn regex(pattern: &str) -> Regex {
    #[expect(clippy::expect_used, reason = "the patterns are constants that the tests below compile")]
    Regex::new(pattern).expect("a pattern of ours is one")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn redacted(text: &str) -> String {
        Redaction::default().apply(text).into_owned()
    }

    #[test]
    fn what_stands_where_secrets_do_is_hidden() {
        for (text, expected) in [
            ("postgresql://shop:hunter2@db/shop", "postgresql://shop:***@db/shop"),
            ("postgresql://shop:p@ss@db/shop", "postgresql://shop:***@db/shop"),
            ("mysql+pymysql://:p@db", "mysql+pymysql://:***@db"),
            ("host=db password=hunter2 user=shop", "host=db password=*** user=shop"),
            ("PASSWORD = 'two words'", "PASSWORD = ***"),
            ("{'PASSWORD': 'it\\'s', 'HOST': 'db'}", "{'PASSWORD': ***, 'HOST': 'db'}"),
            (r#"{"api_key": "a\"b", "n": 1}"#, r#"{"api_key": ***, "n": 1}"#),
            ("Authorization: Bearer abc.def", "Authorization: ***"),
            ("curl -H 'X-Auth-Token: abc'", "curl -H 'X-Auth-Token: ***'"),
            ("AWS_SECRET_ACCESS_KEY=abc/def+1", "AWS_SECRET_ACCESS_KEY=***"),
            ("DB_PASS=x&user=y", "DB_PASS=***&user=y"),
            ("got ghp_0123456789abcdefghij01", "got ***"),
            ("-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\nrest", "***\nrest"),
        ] {
            assert_eq!(redacted(text), expected);
        }
    }

    #[test]
    fn other_words_stay() {
        for text in [
            "http://example.org:80/a@b",
            "nothing to hide",
            "TokenError: unexpected end",
            "assert token == other",
            "bypass = 3",
            "compass: north",
            "12:30:45 user@example.org",
            "",
        ] {
            assert_eq!(redacted(text), text);
        }
    }

    #[test]
    fn secrets_are_found_by_name_and_within_values() {
        let variables = [
            ("LANG", "C.UTF-8"),
            ("SHOP_API_KEY", "key-0123456"),
            ("TOKEN", "short"),
            ("DATABASE_URL", "postgres://shop:hunter22@db/shop"),
            ("BROKER", "amqp://shop:p%40ss%20w0rd@broker"),
            ("DSN", "host=db password='two words'"),
            ("DATABASES.default.PASSWORD", "opensesame"),
            ("TOKENIZERS_PARALLELISM", "false-or-true"),
        ];
        let wanted = ["key-0123456", "hunter22", "p@ss w0rd", "p%40ss%20w0rd", "two words", "opensesame"];
        assert_eq!(secrets_in(variables), wanted);
    }

    #[test]
    fn a_secret_within_another_leaves_nothing_of_it() {
        let redaction = Redaction::new(["abc".to_owned(), "abcdef".to_owned()]);
        assert_eq!(redaction.apply("abcdef abc"), "*** ***");
    }

    proptest! {
        #[test]
        fn a_known_secret_is_nowhere(before in "[ -~]{0,20}", secret in "[!-)+-~]{4,20}", after in "\\PC{0,20}") {
            let text = format!("{before}{secret} {} {after}{secret}", percent_encoded(&secret));
            let left = Redaction::new([secret.clone()]).apply(&text).replace(HIDDEN, "");
            prop_assert!(!left.contains(&secret), "{left}");
        }

        #[test]
        fn any_text_is_taken(text in "\\PC{0,200}") {
            let once = redacted(&text);
            prop_assert_eq!(redacted(&once), once);
        }
    }
}
