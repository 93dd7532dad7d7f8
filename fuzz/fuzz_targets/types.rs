#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| gigadb_fuzz::types::types(data));
