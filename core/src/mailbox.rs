//! The sender who is accountable for a piece of mail; a full mailbox evicts by it.

use nostrp2p_protocol::{PeerId, PublicKey};

/// The sender who is accountable for a piece of mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sender {
    /// The author, or the person for whom the node acts that handed a gift wrap over.
    Person(PublicKey),
    /// The node that handed a gift wrap over and acts for nobody who is known: the key of a gift wrap is thrown away.
    Node(PeerId),
    /// Somebody who wrote a gift wrap to the inbox without signing in.
    Anyone,
}
