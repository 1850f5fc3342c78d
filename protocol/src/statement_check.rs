//! Making and checking statements (see [`crate::PublicStatement`]). This is apart from the event and the statement,
//! because it needs delegations and the rules of `event_policy`, which build on events.

#[cfg(not(target_arch = "wasm32"))]
use crate::{
    Delegation, EventId, Kind, Malformed, PublicKey, Signature, Tag, UnsignedEvent,
    delegation::LIFETIME_SECONDS,
    event_policy::may_be_stated,
    limits::MAX_SECONDS_AHEAD,
    msgpack::{Input, Read},
    peer::signing_input,
    statement_input, wire,
};
use crate::{
    Event, PublicStatement, UnverifiedEvent, VerifyError,
    msgpack::{Write, write_array, write_binary},
    wire::CompactTags,
};

impl UnverifiedEvent {
    /// Checks id, signature and statement. The signature costs about 30 us on native, 60 us where k256 does it, and a
    /// statement 80 us. The browser client does not check statements: it has them from its own node.
    ///
    /// # Errors
    /// When one of them is not what the content and the author demand.
    pub fn verify(self) -> Result<Event, VerifyError> {
        let event = self.verify_author()?;
        #[cfg(not(target_arch = "wasm32"))]
        if event.statement.as_ref().is_some_and(|statement| !statement.is_valid_for(&event.id(), &event)) {
            return Err(VerifyError::Statement);
        }
        Ok(event)
    }
}

impl PublicStatement {
    /// Puts a statement together; `sig` is the node's signature over [`crate::statement_input`]. None when it would be longer
    /// than [`crate::MAX_STATEMENT_BYTES`].
    pub fn new(delegation: &Event, sig: &[u8; 64]) -> Option<Self> {
        let mut bytes = Vec::new();
        write_array(&mut bytes, 5);
        delegation.created_at.write(&mut bytes);
        CompactTags::write_all(&delegation.tags, &mut bytes);
        delegation.content.write(&mut bytes);
        delegation.sig().write(&mut bytes);
        write_binary(&mut bytes, sig);
        Self::from_bytes(&bytes).ok()
    }
}

/// A statement as it is read.
#[cfg(not(target_arch = "wasm32"))]
struct Parts {
    created_at: u64,
    tags: Vec<Tag>,
    content: String,
    sig: Signature,
    node_sig: [u8; 64],
}

#[cfg(not(target_arch = "wasm32"))]
impl Read for Parts {
    fn read(input: &mut Input<'_>) -> Result<Self, Malformed> {
        input.array_of(5)?;
        let created_at = Read::read(input)?;
        let tags = CompactTags::read_all(Kind::APPLICATION_DATA, input)?;
        let (content, sig) = (Read::read(input)?, Read::read(input)?);
        let node_sig = serde_bytes::ByteArray::<64>::read(input)?.into_array();
        Ok(Self { created_at, tags, content, sig, node_sig })
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl PublicStatement {
    /// Whether it makes this event, whose signature is right, one for everyone: a node of its author signed it, and the
    /// delegation for that node held when the event was written. Costs about 80 us.
    pub(crate) fn is_valid_for(&self, id: &EventId, unsigned: &UnsignedEvent) -> bool {
        may_be_stated(unsigned) && self.holds(id, &unsigned.pubkey, unsigned.created_at).is_some()
    }

    fn holds(&self, id: &EventId, author: &PublicKey, at: u64) -> Option<()> {
        let Parts { created_at, tags, content, sig, node_sig } = wire::decode(self.as_bytes()).ok()?;
        let kind = Kind::APPLICATION_DATA;
        let unsigned = UnsignedEvent { pubkey: *author, created_at, kind, tags, content, statement: None };
        let word = UnverifiedEvent { claimed_id: None, unsigned, sig }.verify_author().ok()?;
        let word = Delegation::from_event(word).ok()?;
        // As every node takes a delegation, seen at its own date.
        let longest = word.created_at().saturating_add(LIFETIME_SECONDS + MAX_SECONDS_AHEAD);
        let held = word.created_at() <= at && at < word.expires() && word.expires() <= longest;
        let key = ed25519_dalek::VerifyingKey::from_bytes(word.peer().as_ed25519()).ok()?;
        let node_sig = ed25519_dalek::Signature::from_bytes(&node_sig);
        let signed = key.verify_strict(&signing_input(&statement_input(id)), &node_sig).is_ok();
        (held && signed).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};

    use super::*;
    use crate::{
        EventTemplate, MAX_STATEMENT_BYTES, Packet, PeerId, SecretKey, delegation,
        event_policy::{Audience, audience, everyone_tag, is_public},
    };

    const AT: u64 = 1_700_000_000;

    fn node() -> SigningKey {
        SigningKey::from_bytes(&[5; 32])
    }

    fn alice() -> SecretKey {
        SecretKey::from_bytes([1; 32]).unwrap()
    }

    fn peer() -> PeerId {
        PeerId::from_ed25519(node().verifying_key().to_bytes())
    }

    fn reply(kind: Kind, tags: &[Tag]) -> Event {
        let tags = [&[Tag::new(["p", &"ab".repeat(32)])], tags].concat();
        EventTemplate { created_at: AT, kind, tags, content: "a reply".into() }.sign(&alice(), &[0; 32])
    }

    fn signed(id: &EventId) -> [u8; 64] {
        node().sign(&signing_input(&statement_input(id))).to_bytes()
    }

    /// Whether an event is verified with a statement under this word.
    fn holds(event: &Event, word: EventTemplate, by: &SecretKey, sig: [u8; 64]) -> bool {
        let statement = PublicStatement::new(&word.sign(by, &[0; 32]), &sig).unwrap();
        let mut event = UnverifiedEvent::from(event.clone());
        event.unsigned.statement = Some(statement);
        match event.verify() {
            Ok(event) => is_public(&event) && audience(&event) == Audience::Everyone,
            Err(VerifyError::Statement) => false,
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_statement_holds_for_its_event_while_the_delegation_did() {
        let event = reply(Kind::POST, &[]);
        let sig = signed(&event.id());
        let until = |created_at, expires: u64| EventTemplate {
            tags: vec![
                Tag::new(["d".to_owned(), delegation::identifier(&peer())]),
                Tag::new(["expiration".to_owned(), expires.to_string()]),
            ],
            ..delegation::draft(&peer(), created_at)
        };
        let check = |word, expected| assert_eq!(holds(&event, word, &alice(), sig), expected);
        check(delegation::draft(&peer(), AT), true);
        check(until(AT - 1_000, AT + 1), true);
        check(until(AT - 1_000, AT), false);
        check(delegation::draft(&peer(), AT + 1), false);
        check(delegation::ended(&peer(), AT), false);
        check(until(AT, AT + LIFETIME_SECONDS + 901), false);
        check(delegation::draft(&PeerId::from_ed25519([6; 32]), AT), false);
        let bob = SecretKey::from_bytes([2; 32]).unwrap();
        assert!(!holds(&event, delegation::draft(&peer(), AT), &bob, sig), "another's word");
        let other = signed(&reply(Kind::POST, &[everyone_tag()]).id());
        assert!(!holds(&event, delegation::draft(&peer(), AT), &alice(), other), "of another event");
    }

    #[test]
    fn what_says_for_whom_it_is_or_goes_another_way_cannot_be_stated() {
        let check = |kind, tags: &[Tag], expected| {
            let event = reply(kind, tags);
            let word = delegation::draft(&peer(), AT);
            assert_eq!(holds(&event, word, &alice(), signed(&event.id())), expected, "{kind:?} {tags:?}");
        };
        for kind in [1, 7, 1111, 1244] {
            check(Kind(kind), &[], true);
            check(Kind(kind), &[Tag::new(["audience", "friends"])], false);
            check(Kind(kind), &[Tag::new(["-"])], false);
        }
        for kind in [0, 3, 4, 5, 14, 1059, 10_000, 30_078] {
            check(Kind(kind), &[], false);
        }
    }

    #[test]
    fn it_travels_behind_its_event_in_a_packet_of_its_own_and_is_short() {
        let event = reply(Kind::POST, &[]);
        let word = delegation::draft(&peer(), AT).sign(&alice(), &[0; 32]);
        let statement = PublicStatement::new(&word, &signed(&event.id())).unwrap();
        assert!(statement.as_bytes().len() <= 256, "{} bytes", statement.as_bytes().len());
        let plain = UnverifiedEvent { claimed_id: None, ..event.into() };
        let mut stated = plain.clone();
        stated.unsigned.statement = Some(statement);
        let (one, two) = (Packet::Event(plain).encode(), Packet::Event(stated.clone()).encode());
        assert_eq!((one[1], two[1]), (1, 2));
        assert!(two.len() - one.len() <= MAX_STATEMENT_BYTES);
        assert_eq!(Packet::decode(&two), Ok(Packet::Event(stated.clone())));
        for (kind, bytes) in [(2, one), (1, two.clone())] {
            let mixed = [&[0x92, kind], &bytes[2..]].concat();
            assert!(matches!(Packet::decode(&mixed), Err(Malformed::Encoding(_))));
        }
        for length in 0..two.len() {
            assert!(Packet::decode(&two[..length]).is_err());
        }
        let stored = UnverifiedEvent::from_compact(&stated.to_compact()).unwrap();
        assert_eq!(stored.clone().verify().map(UnverifiedEvent::from).unwrap().unsigned, stated.unsigned);
        assert_eq!(stored.without_statement().unsigned.statement, None);
        let long = delegation::draft(&peer(), AT);
        let long = EventTemplate { content: "x".repeat(100), ..long }.sign(&alice(), &[0; 32]);
        assert_eq!(PublicStatement::new(&long, &[0; 64]), None, "longer than it may be");
    }
}
