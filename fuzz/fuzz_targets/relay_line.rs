//! See [`nostrp2p_fuzz::relay_line`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| nostrp2p_fuzz::relay_line(bytes));
