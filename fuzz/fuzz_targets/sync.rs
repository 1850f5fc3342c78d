//! See [`nostrp2p_fuzz::sync`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| nostrp2p_fuzz::sync(bytes));
