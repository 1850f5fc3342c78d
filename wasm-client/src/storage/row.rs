//! The stored form of an event, as bytes that mean the same to every version.
//!
//! `version, pubkey (32), created_at (8), kind (2), signature (0 or 64, its length before it), tags, content`;
//! numbers big-endian, lists and texts with their length in four bytes before them. Version 2 is an event that a
//! node's statement makes public; a page that does not know it fetches the event again.

use nostrp2p_protocol::{
    Event, Kind, PublicKey, PublicStatement, Signature, Tag, UnsignedEvent, UnverifiedEvent,
};

/// The first byte of a row.
const VERSION: u8 = 1;
/// The same of an event with a statement.
const STATED: u8 = 2;

/// Encodes an event without its signature.
pub fn from_rumor(unsigned: &UnsignedEvent) -> Vec<u8> {
    encode(unsigned, &[])
}

/// Encodes an event with its signature.
pub fn from_event(event: &Event) -> Vec<u8> {
    encode(event, event.sig().as_bytes())
}

/// Decodes an event; none when the bytes are something else.
pub fn to_rumor(bytes: &[u8]) -> Option<UnsignedEvent> {
    decode(bytes).map(|(unsigned, _)| unsigned)
}

/// Decodes an event that was stored with its signature; none when the bytes are something else.
pub fn to_event(bytes: &[u8]) -> Option<Event> {
    let (unsigned, sig) = decode(bytes)?;
    let sig = Signature::try_from(sig).ok()?;
    Some(Event::trusted(UnverifiedEvent { claimed_id: None, unsigned, sig }))
}

fn encode(unsigned: &UnsignedEvent, sig: &[u8]) -> Vec<u8> {
    let mut row = vec![if unsigned.statement.is_some() { STATED } else { VERSION }];
    row.extend_from_slice(unsigned.pubkey.as_bytes());
    row.extend_from_slice(&unsigned.created_at.to_be_bytes());
    row.extend_from_slice(&unsigned.kind.0.to_be_bytes());
    push_bytes(&mut row, sig);
    push_length(&mut row, unsigned.tags.len());
    for tag in &unsigned.tags {
        push_length(&mut row, tag.elements().len());
        tag.elements().iter().for_each(|element| push_bytes(&mut row, element.as_bytes()));
    }
    push_bytes(&mut row, unsigned.content.as_bytes());
    row
}

fn push_bytes(row: &mut Vec<u8>, bytes: &[u8]) {
    push_length(row, bytes.len());
    row.extend_from_slice(bytes);
}

fn push_length(row: &mut Vec<u8>, length: usize) {
    let length = u32::try_from(length).expect("an event is at most 64 KiB");
    row.extend_from_slice(&length.to_be_bytes());
}

fn decode(mut row: &[u8]) -> Option<(UnsignedEvent, &[u8])> {
    let row = &mut row;
    let statement = match take_array(row)? {
        [VERSION] => None,
        [STATED] => Some(PublicStatement::mark()),
        _ => return None,
    };
    let pubkey = PublicKey::from_bytes(take_array(row)?);
    let created_at = u64::from_be_bytes(take_array(row)?);
    let kind = Kind(u16::from_be_bytes(take_array(row)?));
    let sig = take_bytes(row)?;
    let tags = (0..take_length(row)?).map(|_| take_tag(row)).collect::<Option<Vec<Tag>>>()?;
    let content = take_text(row)?;
    row.is_empty().then_some((UnsignedEvent { pubkey, created_at, kind, tags, content, statement }, sig))
}

fn take_tag(row: &mut &[u8]) -> Option<Tag> {
    let elements = (0..take_length(row)?).map(|_| take_text(row)).collect::<Option<Vec<String>>>()?;
    Some(Tag::new(elements))
}

fn take_text(row: &mut &[u8]) -> Option<String> {
    String::from_utf8(take_bytes(row)?.to_vec()).ok()
}

fn take_bytes<'a>(row: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_length(row)?;
    let (bytes, rest) = row.split_at_checked(length)?;
    *row = rest;
    Some(bytes)
}

fn take_length(row: &mut &[u8]) -> Option<usize> {
    usize::try_from(u32::from_be_bytes(take_array(row)?)).ok()
}

fn take_array<const N: usize>(row: &mut &[u8]) -> Option<[u8; N]> {
    let (array, rest) = row.split_first_chunk()?;
    *row = rest;
    Some(*array)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nostrp2p_protocol::{EventTemplate, SecretKey};

    #[test]
    fn events_survive_their_rows_and_other_bytes_are_refused() {
        let key = SecretKey::from_bytes([1; 32]).unwrap();
        let tags = vec![Tag::new(["t", "x"]), Tag::new(["e", "", "é"])];
        let event = EventTemplate { created_at: 7, kind: Kind::POST, tags, content: "é\n".into() }
            .sign(&key, &[0; 32]);
        let row = from_event(&event);
        assert_eq!(to_event(&row), Some(event.clone()));
        assert_eq!(to_rumor(&row), Some(event.clone().into_rumor()));
        assert_eq!(to_rumor(&from_rumor(&event)), Some(event.clone().into_rumor()));
        assert_eq!(to_event(&from_rumor(&event)), None);
        for end in 0..row.len() {
            assert_eq!(to_rumor(&row[..end]), None);
        }
        assert_eq!(to_rumor(&[&row[..], &[0]].concat()), None);
        assert_eq!(to_rumor(&[&[3], &row[1..]].concat()), None);
        let stated = UnsignedEvent { statement: Some(PublicStatement::mark()), ..event.clone().into_rumor() };
        assert_eq!(to_rumor(&from_rumor(&stated)), Some(stated));
        // Lengths that promise more than is there must not reserve it.
        let mut lying = row.clone();
        lying[111..115].copy_from_slice(&u32::MAX.to_be_bytes());
        assert_eq!(to_rumor(&lying), None);
    }
}
