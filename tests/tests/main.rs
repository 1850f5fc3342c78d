//! Every whole-product test, in one binary: libp2p, nostr-sdk and rustls are linked once.
//!
//! A test's name begins with its module, so `cargo nextest run -E 'test(/^sessions::/)'` runs one file.

mod attack;
mod bad_input;
mod browser_killed;
mod catching_up;
mod clients;
mod clock;
mod commands;
mod crowd;
mod deleting;
mod descriptors;
mod disk_full;
mod disk_refuses;
mod durability;
mod exporting;
mod fetching;
mod four_nodes;
mod home;
mod hosted;
mod install;
mod installing;
mod keys;
mod logs;
mod mirrors;
mod network;
mod nostr_sdk;
mod offline;
mod own_nodes;
mod people;
mod private;
mod proxy;
mod reading;
mod relay;
mod relay_nips;
mod rest;
mod screens;
mod scrolling;
mod sessions;
mod tls;
mod two_browsers;
mod two_nodes;
mod unreachable;
mod updating;
mod using;
mod year;
