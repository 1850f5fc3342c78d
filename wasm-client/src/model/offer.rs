//! Another node than the one in use, named by a link, the person or an alarm, and the state of its offer.
//!
//! While it is only offered, nothing of the page's own connection, memory or storage changes.

use nostrp2p_protocol::channel::ChannelKey;

use super::connection::NodeGreeting;
use crate::address::{ClaimLink, ways::Way};

/// Another node, which waits for the person's word.
#[derive(Debug, Clone, Default)]
pub struct Offer {
    /// The link that names it.
    pub link: ClaimLink,
    /// How far the person has come.
    pub step: OfferStep,
    /// The socket to it, if there is one; named like attempts of the own connection.
    pub attempt: Option<u32>,
    /// The way that is being tried.
    pub way: Option<Way>,
    /// The key of the channel inside of which everything is said on that way, if it is one.
    pub key: Option<ChannelKey>,
    /// The ways that are tried next.
    pub later: Vec<Way>,
}

/// How far the person has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum OfferStep {
    /// Nothing has been said to the node.
    #[default]
    Asked,
    /// It is asked which node it is, with nothing but a nonce.
    Looking,
    /// It has proved which node it is, and said whose.
    Found(NodeGreeting),
    /// The person has said yes; it is being logged in to and gets a delegation.
    Joining(NodeGreeting, Wish),
    /// It failed, for this reason.
    Failed(String),
}

/// The person's choice for the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// It acts for them too, and this page stays with its own.
    Add,
    /// This page goes over to it.
    Move,
}

impl Offer {
    /// The node's welcome.
    pub const fn greeting(&self) -> Option<&NodeGreeting> {
        match &self.step {
            OfferStep::Found(greeting) | OfferStep::Joining(greeting, _) => Some(greeting),
            _ => None,
        }
    }

    /// The authority that a login there names.
    pub fn authority(&self) -> Option<String> {
        let way = self.way.as_ref()?;
        Some(self.key.map_or_else(|| way.address().authority().to_owned(), |key| key.to_string()))
    }
}
