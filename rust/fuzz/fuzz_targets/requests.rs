//! Any bytes are a request to the keeper of databases, or a refusal of one line that repeats nothing of them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = databases::keeper::probe(bytes);
});
