//! The durations in a JUnit XML file, as pytest and others write it.
//!
//! Read with an XML reader, not with a JUnit model: other writers leave out what a model demands (counts, time zones).

use engine::Verdict;
use engine::history::{Entry, Timings};
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::error::Fault;
use super::format::Loaded;
use super::moment;

pub(super) fn parse(content: &[u8]) -> Result<Loaded, Fault> {
    let text = std::str::from_utf8(content)
        .map_err(|error| Fault::at_offset(content, error.valid_up_to(), &"it is not UTF-8"))?;
    let mut xml = Reader::from_str(text);
    let mut suites = Suites::default();
    loop {
        let event =
            xml.read_event().map_err(|error| Fault::at_offset(content, xml.error_position() as usize, &error))?;
        let understood = match event {
            Event::Start(element) => suites.open(&element).map(|()| suites.depth += 1),
            Event::Empty(element) => suites.open(&element).map(|()| suites.close(element.name().as_ref())),
            Event::End(element) => {
                suites.depth = suites.depth.saturating_sub(1);
                suites.close(element.name().as_ref());
                Ok(())
            }
            Event::Eof => break,
            _ => Ok(()),
        };
        understood.map_err(|cause| Fault::at_offset(content, xml.buffer_position() as usize, &cause))?;
    }
    suites.finish().map_err(|cause| Fault::at_offset(content, content.len(), &cause))
}

/// What was read so far.
#[derive(Default)]
struct Suites {
    depth: usize,
    seen_root: bool,
    timestamp: Option<f64>,
    case: Option<Case>,
    loaded: Loaded,
}

/// The test case that is being read.
struct Case {
    id: String,
    seconds: Option<f64>,
    status: Verdict,
}

type Understood<T> = Result<T, String>;

impl Suites {
    fn open(&mut self, element: &BytesStart<'_>) -> Understood<()> {
        match (self.seen_root, element.name().as_ref()) {
            (_, b"testsuites") => self.seen_root = true,
            (_, b"testsuite") => {
                self.seen_root = true;
                self.timestamp = attribute(element, "timestamp")?.and_then(|text| moment::parse_iso(&text));
            }
            (false, _) => return Err("this XML is no JUnit file: it does not begin with `testsuites`".to_owned()),
            (true, b"testcase") => self.case = Some(Case::read(element)?),
            (true, b"failure") => self.judge(Verdict::Failed),
            (true, b"error") => self.judge(Verdict::Error),
            (true, b"skipped") => {
                let expected = attribute(element, "type")?.is_some_and(|kind| kind == "pytest.xfail");
                self.judge(if expected { Verdict::Xfailed } else { Verdict::Skipped });
            }
            (true, _) => {}
        }
        Ok(())
    }

    fn judge(&mut self, status: Verdict) {
        if let Some(case) = &mut self.case {
            case.status = status;
        }
    }

    fn close(&mut self, element: &[u8]) {
        if element != b"testcase" {
            return;
        }
        let Some(case) = self.case.take() else { return };
        if !self.add(case) {
            self.loaded.refused += 1;
        }
    }

    fn add(&mut self, case: Case) -> bool {
        let Some(seconds) = case.seconds else { return false };
        let entry = Entry {
            status: case.status,
            timestamp: self.timestamp,
            provisional: !case.status.is_typical(),
            ..Entry::undated(seconds)
        };
        add_report(&mut self.loaded.timings, case.id, entry)
    }

    fn finish(self) -> Understood<Loaded> {
        match (self.seen_root, self.depth) {
            (false, _) => Err("this XML has no `testsuites` element".to_owned()),
            (true, 0) => Ok(self.loaded),
            (true, _) => Err("the file ends in the middle".to_owned()),
        }
    }
}

/// A test that failed and then failed again in its teardown has two elements: together they are one run.
fn add_report(timings: &mut Timings, id: String, mut entry: Entry) -> bool {
    if let Some(first) = timings.get(&id) {
        entry.duration += first.duration;
    }
    timings.insert(id, entry).is_ok()
}

impl Case {
    fn read(element: &BytesStart<'_>) -> Understood<Self> {
        let name = attribute(element, "name")?.unwrap_or_default();
        let class = attribute(element, "classname")?.unwrap_or_default();
        let file = attribute(element, "file")?;
        let seconds = attribute(element, "time")?.and_then(|text| text.trim().replace(',', "").parse().ok());
        Ok(Self { id: test_id(&class, &name, file.as_deref()), seconds, status: Verdict::Passed })
    }
}

/// A node id where the file is named and agrees with the class, as in pytest's `xunit1`; else a dotted id.
fn test_id(class: &str, name: &str, file: Option<&str>) -> String {
    if let Some(file) = file
        && let Some(module) = file.strip_suffix(".py").map(|path| path.replace('/', "."))
        && let Some(rest) = class.strip_prefix(&module)
        && (rest.is_empty() || rest.starts_with('.'))
    {
        return format!("{file}{}::{name}", rest.replace('.', "::"));
    }
    if class.is_empty() { name.to_owned() } else { format!("{class}.{name}") }
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Understood<Option<String>> {
    let found = element.try_get_attribute(name).map_err(|error| error.to_string())?;
    let value = found.map(|attribute| attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0));
    Ok(value.transpose().map_err(|error| error.to_string())?.map(std::borrow::Cow::into_owned))
}
