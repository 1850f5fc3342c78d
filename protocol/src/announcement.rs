//! The announcement: a node says where it is reached and for whom it acts.
//!
//! Signed with the node's own ed25519 key, which this crate deliberately does not handle: the overlay signs and
//! checks the bytes that [`Announcement::signed_bytes`] gives. See PROTOCOL.md, "Announcements".

use crate::{
    Malformed, PeerId, UnverifiedEvent,
    limits::MAX_WAY_BYTES,
    msgpack::{Input, Read},
    wire::{self, CompactEvent},
};

/// Longest announcement in bytes.
pub const MAX_ANNOUNCEMENT_BYTES: usize = 4 * 1024;
/// Most addresses of one announcement.
pub const MAX_ADDRESSES: usize = 16;
/// Longest address in bytes.
pub const MAX_ADDRESS_BYTES: usize = 256;
/// Longest address of a helper in bytes.
pub const MAX_HELPER_BYTES: usize = MAX_WAY_BYTES;
/// Announcements that one answer holds at most.
pub const MAX_ANNOUNCEMENTS: usize = 200;

/// Prefix of the signed bytes, so that no other signature of the node can be taken for one of these.
const CONTEXT: &[u8] = b"nostrp2p announcement 1:";

/// An announcement of a node.
#[derive(Debug, Clone, PartialEq)]
pub struct Announcement {
    /// Which node.
    pub peer: PeerId,
    /// When it was signed, in seconds since 1970; a later one replaces an earlier one.
    pub issued_at: u64,
    /// Its addresses: multiaddrs, at most [`MAX_ADDRESSES`].
    pub addresses: Vec<String>,
    /// Its delegation by the person for whom it acts, if any.
    pub delegation: Option<UnverifiedEvent>,
    /// Where browsers reach it, if it serves as a helper: `wss://host` or `wss://host:port`. See PROTOCOL.md, "The
    /// way home".
    pub helper: Option<String>,
}

/// An announcement as it came from somebody: the signature is not checked.
#[derive(Debug, Clone, PartialEq)]
pub struct SignedAnnouncement {
    /// The announcement.
    pub announcement: Announcement,
    /// The bytes that the signature must cover.
    pub signed_bytes: Vec<u8>,
    /// The node's signature, 64 bytes.
    pub sig: [u8; 64],
}

/// Whether a text is an address that a browser can be sent to: `wss://host` or `wss://host:port` and nothing behind.
pub fn is_way(text: &str) -> bool {
    let authority = text.strip_prefix("wss://").unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    !authority.is_empty() && text.len() <= MAX_HELPER_BYTES && authority.bytes().all(plain)
}

impl Announcement {
    /// The bytes that the node's key signs.
    pub fn signed_bytes(&self) -> Vec<u8> {
        [CONTEXT, self.body().as_slice()].concat()
    }

    /// Encodes it with its signature: `[1, body, sig]`, where `body` is binary that holds
    /// `[peer, issued_at, addresses, delegation or nil]`, with the address of a helper behind it if it is one.
    pub fn encode(&self, sig: &[u8; 64]) -> Vec<u8> {
        wire::encode(&(1u8, serde_bytes::Bytes::new(&self.body()), serde_bytes::Bytes::new(sig)))
    }

    fn body(&self) -> Vec<u8> {
        let peer = serde_bytes::Bytes::new(self.peer.as_ed25519());
        let delegation = self.delegation.clone().map(CompactEvent::from);
        match &self.helper {
            None => wire::encode(&(peer, self.issued_at, &self.addresses, delegation)),
            Some(helper) => wire::encode(&(peer, self.issued_at, &self.addresses, delegation, helper)),
        }
    }
}

impl SignedAnnouncement {
    /// Decodes an announcement.
    ///
    /// # Errors
    /// When it is over a limit, cut off, or of an unknown type.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > MAX_ANNOUNCEMENT_BYTES {
            return Err(Malformed::TooLong { length: bytes.len(), max: MAX_ANNOUNCEMENT_BYTES });
        }
        match wire::message_type(bytes)? {
            1 => {}
            other => return Err(Malformed::UnknownType(other)),
        }
        let (_, body, sig): (u8, serde_bytes::ByteBuf, serde_bytes::ByteArray<64>) = wire::decode(bytes)?;
        let Body(peer, issued_at, addresses, delegation, helper) = wire::decode(&body)?;
        if helper.as_ref().is_some_and(|helper| helper.len() > MAX_HELPER_BYTES) {
            return Err(Malformed::Encoding("too long an address of a helper".to_owned()));
        }
        if addresses.len() > MAX_ADDRESSES
            || addresses.iter().any(|address| address.len() > MAX_ADDRESS_BYTES)
        {
            return Err(Malformed::Encoding("too many or too long addresses".to_owned()));
        }
        let delegation = delegation.map(Into::into);
        Ok(Self {
            announcement: Announcement { peer, issued_at, addresses, delegation, helper },
            signed_bytes: [CONTEXT, body.as_slice()].concat(),
            sig: sig.into_array(),
        })
    }
}

/// The body as it is read: the last element is missing unless the node is a helper.
struct Body(PeerId, u64, Vec<String>, Option<CompactEvent>, Option<String>);

impl Read for Body {
    fn read(input: &mut Input<'_>) -> Result<Self, Malformed> {
        let helps = match input.array()? {
            4 => false,
            5 => true,
            _ => return Err(Malformed::Encoding("an announcement has 4 or 5 elements".to_owned())),
        };
        let (peer, issued_at) = (Read::read(input)?, Read::read(input)?);
        let (addresses, delegation) = (Read::read(input)?, Read::read(input)?);
        let helper = if helps { Some(Read::read(input)?) } else { None };
        Ok(Self(peer, issued_at, addresses, delegation, helper))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SecretKey, delegation};

    fn announcement() -> Announcement {
        let peer = PeerId::from_ed25519([5; 32]);
        let key = SecretKey::from_bytes([1; 32]).unwrap();
        let delegation =
            UnverifiedEvent { claimed_id: None, ..delegation::draft(&peer, 7).sign(&key, &[0; 32]).into() };
        let addresses = vec!["/ip4/127.0.0.1/tcp/20000".to_owned()];
        Announcement { peer, issued_at: 8, addresses, delegation: Some(delegation), helper: None }
    }

    #[test]
    fn an_announcement_survives_its_encoding() {
        let bytes = announcement().encode(&[9; 64]);
        let decoded = SignedAnnouncement::decode(&bytes).unwrap();
        assert_eq!(decoded.announcement, announcement());
        assert_eq!((decoded.signed_bytes, decoded.sig), (announcement().signed_bytes(), [9; 64]));
        for length in 0..bytes.len() {
            assert!(SignedAnnouncement::decode(&bytes[..length]).is_err());
        }
    }

    #[test]
    fn a_helper_says_where_it_is_reached() {
        let helper = Announcement { helper: Some("wss://helper.example".into()), ..announcement() };
        let bytes = helper.encode(&[9; 64]);
        assert_eq!(SignedAnnouncement::decode(&bytes).unwrap().announcement, helper);
        for length in 0..bytes.len() {
            assert!(SignedAnnouncement::decode(&bytes[..length]).is_err());
        }
    }

    #[test]
    fn limits_hold() {
        let many = Announcement { addresses: vec!["x".into(); 17], ..announcement() };
        assert!(SignedAnnouncement::decode(&many.encode(&[0; 64])).is_err());
        let long = Announcement { addresses: vec!["x".repeat(271)], ..announcement() };
        assert!(SignedAnnouncement::decode(&long.encode(&[0; 64])).is_err());
        let far = Announcement { helper: Some("x".repeat(271)), ..announcement() };
        assert!(SignedAnnouncement::decode(&far.encode(&[0; 64])).is_err());
        assert!(SignedAnnouncement::decode(&[0x93; 5_000]).is_err());
    }
}
