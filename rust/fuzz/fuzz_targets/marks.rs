//! Any text is the mark of a database of ours or a stranger's; a mark that was read is written and read again unchanged.
#![no_main]

use databases::marker::Marker;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Some(marker) = Marker::parse(text) else { return };
    assert_eq!(Marker::parse(&marker.to_text()), Some(marker));
});
