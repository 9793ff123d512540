//! A file with the name of a spill file is adopted as far as it is one: `fuzz_checks::spill`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_checks::spill(data));
