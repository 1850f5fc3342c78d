//! Overlays that talk to each other in one process.

mod addresses;
mod bootstrap;
mod broadcast;
mod rig;
