//! What nodes broadcast to each other: one packet in each gossip message. See PROTOCOL.md, "Packets".

use crate::{
    Malformed, UnverifiedEvent,
    limits::MAX_EVENT_BYTES,
    wire::{self, CompactEvent},
};

/// Longest packet in bytes. The compact form of an event is never longer than its canonical form by more
/// than the signature and a few headers.
pub const MAX_PACKET_BYTES: usize = MAX_EVENT_BYTES + 1024;

/// A packet on the topic `events`. The number is the first element of the array.
#[derive(Debug, Clone, PartialEq)]
pub enum Packet {
    /// 1 `[1, event]`: an event for everybody.
    Event(UnverifiedEvent),
}

impl Packet {
    /// Encodes the packet as the payload of one gossip message.
    pub fn encode(self) -> Vec<u8> {
        match self {
            Self::Event(event) => wire::encode(&(1u8, CompactEvent::from(event))),
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
            1 => wire::decode(bytes).map(|(_, event): (u8, CompactEvent)| Self::Event(event.into())),
            other => Err(Malformed::UnknownType(other)),
        }
    }
}
