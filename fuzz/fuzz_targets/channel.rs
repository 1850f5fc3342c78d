//! See [`nostrp2p_fuzz::channel`].
#![no_main]
#![expect(missing_docs, reason = "the macro of libFuzzer writes the entry point")]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| nostrp2p_fuzz::channel(bytes));
