//! The body of a listener's request becomes events: `fuzz_checks::intake`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_checks::intake(data));
