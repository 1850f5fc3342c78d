//! TCP towards clients, below TLS and HTTP: `accept` keeps taking connections when the system refuses one, `quickack`
//! acknowledges at once what the node does not answer at once.

mod accept;
mod quickack;

pub(crate) use accept::{FdExhausted, RetryingListener};
pub(crate) use quickack::QuickAck;
