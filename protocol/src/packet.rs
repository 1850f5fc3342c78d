//! Packets: the payloads of gossipsub messages between nodes, one in each. See PROTOCOL.md, "Packets".

use crate::{
    Malformed, UnverifiedEvent,
    limits::MAX_EVENT_BYTES,
    wire::{self, CompactEvent},
};

/// Longest packet in bytes. The compact form of an event is never longer than its canonical form by more
/// than the signature and a few headers.
pub const MAX_PACKET_BYTES: usize = MAX_EVENT_BYTES + 1024;

/// Longest revocation in bytes: one is about 230, and a program may add a tag of its own. Each is kept for 90 days.
pub const MAX_REVOCATION_BYTES: usize = 1024;

/// A packet on the topic `events`. The number is the first element of the array.
#[derive(Debug, Clone, PartialEq)]
pub enum Packet {
    /// 1 `[1, event]`: an event for everybody; 2 `[2, event with its statement]`: one that its author's node states to be
    /// (see [`crate::PublicStatement`]). Earlier versions pass the second over.
    Event(UnverifiedEvent),
    /// 3 `[3, event]`: an owner takes back the delegation of a node, see [`crate::delegation::revoked`]. At most
    /// [`MAX_REVOCATION_BYTES`].
    Revocation(UnverifiedEvent),
}

impl Packet {
    /// Encodes the packet as the payload of one gossip message.
    pub fn encode(self) -> Vec<u8> {
        match self {
            Self::Event(event) => {
                let kind = if event.unsigned.statement.is_some() { 2u8 } else { 1 };
                wire::encode(&(kind, CompactEvent::from(event)))
            }
            Self::Revocation(event) => wire::encode(&(3u8, CompactEvent::from(event))),
        }
    }

    /// Decodes the payload of one gossip message.
    ///
    /// # Errors
    /// When it is over [`MAX_PACKET_BYTES`], cut off, over a limit, or of an unknown type.
    /// Only an unknown type may come from an honest node: a newer one.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > MAX_PACKET_BYTES {
            return Err(Malformed::TooLong { length: bytes.len(), max: MAX_PACKET_BYTES });
        }
        match wire::message_type(bytes)? {
            kind @ (1 | 2) => {
                let (_, event): (u8, CompactEvent) = wire::decode(bytes)?;
                let event = UnverifiedEvent::from(event);
                match event.unsigned.statement.is_some() == (kind == 2) {
                    true => Ok(Self::Event(event)),
                    false => Err(Malformed::Encoding("a statement where none belongs, or none".to_owned())),
                }
            }
            3 if bytes.len() > MAX_REVOCATION_BYTES => {
                Err(Malformed::TooLong { length: bytes.len(), max: MAX_REVOCATION_BYTES })
            }
            3 => wire::decode(bytes).map(|(_, event): (u8, CompactEvent)| Self::Revocation(event.into())),
            other => Err(Malformed::UnknownType(other)),
        }
    }
}
