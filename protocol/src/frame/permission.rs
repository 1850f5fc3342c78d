//! Requests of a node to its owner: to allow something, or to publish something.

use crate::{
    Malformed,
    msgpack::{Input, Read, Write},
};

/// Most permissions that a client is told of.
pub const MAX_PERMISSIONS: usize = 128;

/// Longest subject of a permission, in bytes: an origin, an address or an id.
pub const MAX_SUBJECT_BYTES: usize = 512;

/// Something that the owner may allow: `[sort, subject, granted]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// The sort of permission. A client ignores sorts that it does not know.
    pub sort: u8,
    /// The subject of the permission.
    pub subject: String,
    /// The owner's decision; None while it is undecided.
    pub granted: Option<bool>,
}

impl Permission {
    /// The sort 0: the web pages of an origin may use the node. The subject is the origin (RFC 6454).
    pub const WEB_ORIGIN: u8 = 0;
    /// The sort 1: a list of relays is published although it names an address of the owner's own network, the subject.
    pub const HELD_LIST: u8 = 1;
    /// The sort 2: the address of a relay, the subject, is published as the owner's inbox (NIP-65, NIP-17).
    pub const INBOX: u8 = 2;
    /// The sort 3: a name of the owner at the node (NIP-05), the subject, goes into the profile, which the client edits.
    pub const NAME: u8 = 3;
    /// The sort 4: replies, mentions, comments and likes that the owner's other programs write are for everyone
    /// ([`crate::PublicStatement`]). The subject is empty, and it is always decided.
    pub const REPLIES: u8 = 4;
}

impl Write for Permission {
    fn write(&self, out: &mut Vec<u8>) {
        (self.sort, &self.subject, self.granted).write(out);
    }
}

impl Read for Permission {
    fn read(input: &mut Input<'_>) -> Result<Self, Malformed> {
        let (sort, subject, granted) = Read::read(input)?;
        Ok(Self { sort, subject, granted })
    }
}
