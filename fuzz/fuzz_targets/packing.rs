//! Events become records, and a consumer makes the same events of these: `fuzz_checks::packing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_checks::packing(data));
