//! See [`nostrp2p_fuzz::relay_session`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| nostrp2p_fuzz::relay_session(bytes));
