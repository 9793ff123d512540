//! Any environment becomes settings: `fuzz_checks::configuration`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_checks::configuration(data));
