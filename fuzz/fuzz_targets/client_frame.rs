//! See [`nostrp2p_fuzz::client_frame`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| nostrp2p_fuzz::client_frame(bytes));
