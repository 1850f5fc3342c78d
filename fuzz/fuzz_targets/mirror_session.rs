//! See [`nostrp2p_fuzz::mirror_session`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| nostrp2p_fuzz::mirror_session(bytes));
