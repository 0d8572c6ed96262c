//! Any bytes are a timing file or a refusal; what was read is written and read again unchanged.
#![no_main]

use host::store::{Format, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|content: &[u8]| {
    let Ok(loaded) = parse(content) else { return };
    let mut written = Vec::new();
    Format::Json.write(&loaded.timings, &mut written).expect("memory takes everything");
    let again = parse(&written).expect("we read what we write");
    assert_eq!((again.timings, again.refused), (loaded.timings, 0));
});
