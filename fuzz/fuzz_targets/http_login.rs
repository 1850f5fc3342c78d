//! See [`nostrp2p_fuzz::http_login`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| nostrp2p_fuzz::http_login(bytes));
