//! The statement of a node that an event of its owner is for everyone. PROTOCOL.md, "Statements".
//!
//! Programs that do not know the tag `audience` cannot say so in the event. The owner tells the own node once what
//! the replies of such programs are, and the node makes a statement for each. A statement is valid if the author's
//! delegation for that node held at the event's `created_at`. All nodes judge it from its bytes alone and always
//! alike, and having the event is not enough to make one.

use crate::{
    EventId, Malformed,
    msgpack::{Input, Read, Write, write_binary},
};

/// Longest statement in bytes, with the delegation in it. One is about 240; a program that signs delegations may add tags.
pub const MAX_STATEMENT_BYTES: usize = 300;

/// Prefix of the signed id, so that no other signature of the node can be taken for a statement.
const CONTEXT: &[u8] = b"nostrp2p public 1:";

/// A statement as it travels behind its event: `[created_at, tags, content, sig]` of the delegation, whose author is
/// the event's, and the signature of the node that it names. The statement in a [`crate::Event`] is already checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicStatement(Box<[u8]>);

/// The bytes that the node's key signs.
pub fn statement_input(id: &EventId) -> Vec<u8> {
    [CONTEXT, id.as_bytes()].concat()
}

impl PublicStatement {
    /// Takes the bytes of a statement; nothing but their number is checked.
    ///
    /// # Errors
    /// When there are more than [`MAX_STATEMENT_BYTES`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > MAX_STATEMENT_BYTES {
            return Err(Malformed::TooLong { length: bytes.len(), max: MAX_STATEMENT_BYTES });
        }
        Ok(Self(bytes.into()))
    }

    /// Stands for a statement that the own node has seen. It is valid for nobody.
    pub fn mark() -> Self {
        Self(Box::default())
    }

    /// The bytes as they travel and are stored.
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Write for PublicStatement {
    fn write(&self, out: &mut Vec<u8>) {
        write_binary(out, &self.0);
    }
}

impl Read for PublicStatement {
    fn read(input: &mut Input<'_>) -> Result<Self, Malformed> {
        Self::from_bytes(&serde_bytes::ByteBuf::read(input)?)
    }
}
