//! Feeds the fuzzer's bytes to `ledgerd_fuzz::session`, which says what has to hold of them.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    ledgerd_fuzz::session(bytes);
});
