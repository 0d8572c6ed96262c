//! Any bytes are events, the figures of a benchmark, or a refusal; what was read is shown, compared and written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use report::{Record, Tolerance};

fuzz_target!(|bytes: &[u8]| {
    for record in report::record::read(bytes).unwrap_or_default() {
        let line = record.to_line();
        assert!(!line.contains('\n'), "an event is one line");
        let again = Record::parse_line(&line).expect("we read what we write");
        assert_eq!(again.to_line(), line);
    }
    let Ok(benchmark) = report::load(bytes) else { return };
    let _ = benchmark.render();
    let tolerance = Tolerance { share: 0.2, seconds: 0.1 };
    assert!(!report::compare(&benchmark, &benchmark, tolerance).is_worse(), "nothing is slower than itself");
    let written = benchmark.to_json();
    let again = report::load(written.as_bytes()).expect("we read what we write");
    assert_eq!(again.to_json(), written);
});
