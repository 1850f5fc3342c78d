//! See [`nostrp2p_fuzz::channel_session`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| nostrp2p_fuzz::channel_session(bytes));
