//! Events in the MessagePack form of the original, safe for its clients.
//!
//! Those lose a whole answer over one event that they cannot read, so such events are left out, and short `e` tags
//! are padded. The clients do not recompute ids, so they do not notice.

use nostrp2p_protocol::{Event, Kind, PublicKey, Tag};
use rmp::encode::{self, ByteBuf, ValueWriteError};
use serde::Deserialize;

type Written = Result<(), ValueWriteError<std::convert::Infallible>>;

/// Elements that a client expects of an `e` tag in a reply or quote.
const E_TAG_ELEMENTS: usize = 4;

/// Whether signatures are in an answer: they are where a client asks for everything, not where it asks by id or author.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signatures {
    Given,
    LeftOut,
}

/// Whether a client can read the event.
pub(super) fn readable(event: &Event) -> bool {
    match event.kind {
        Kind::REACTION => event.tag_values("e").next().is_some(),
        Kind::REPOST => serde_json::from_str::<Reposted>(&event.content).is_ok(),
        _ => true,
    }
}

/// The event that a client expects in the content of a repost. It checks no signature, and sends none itself.
#[derive(Deserialize)]
#[expect(dead_code, reason = "only whether it can be read matters")]
struct Reposted {
    id: String,
    pubkey: PublicKey,
    created_at: u64,
    kind: Kind,
    tags: Vec<Tag>,
    content: String,
    sig: String,
}

/// Encodes an answer.
///
/// # Errors
/// Never for events that keep the limits: a length would have to be beyond 32 bits.
pub(super) fn events(
    events: &[Event],
    signatures: Signatures,
) -> Result<Vec<u8>, ValueWriteError<std::convert::Infallible>> {
    let mut out = ByteBuf::new();
    encode::write_map_len(&mut out, 1)?;
    encode::write_str(&mut out, "Evts")?;
    encode::write_array_len(&mut out, length(events))?;
    for event in events {
        write_event(&mut out, event, signatures)?;
    }
    Ok(out.into_vec())
}

fn write_event(out: &mut ByteBuf, event: &Event, signatures: Signatures) -> Written {
    encode::write_map_len(out, 7)?;
    encode::write_str(out, "Id")?;
    encode::write_bin(out, event.id().as_bytes())?;
    encode::write_str(out, "Pubkey")?;
    encode::write_bin(out, event.pubkey.as_bytes())?;
    encode::write_str(out, "Created_at")?;
    // Exact: MAX_CREATED_AT is what a double holds.
    encode::write_f64(out, event.created_at as f64)?;
    encode::write_str(out, "Kind")?;
    encode::write_u16(out, event.kind.0)?;
    encode::write_str(out, "Tags")?;
    encode::write_array_len(out, length(&event.tags))?;
    for tag in &event.tags {
        write_tag(out, tag, event.kind)?;
    }
    encode::write_str(out, "Content")?;
    encode::write_str(out, &event.content)?;
    encode::write_str(out, "Sig")?;
    match signatures {
        Signatures::Given => encode::write_bin(out, event.sig().as_bytes()),
        Signatures::LeftOut => encode::write_nil(out).map_err(ValueWriteError::InvalidMarkerWrite),
    }
}

fn write_tag(out: &mut ByteBuf, tag: &Tag, kind: Kind) -> Written {
    let elements = tag.elements();
    let missing = match kind {
        Kind::POST if tag.name() == "e" => E_TAG_ELEMENTS.saturating_sub(elements.len()),
        _ => 0,
    };
    let padding = std::iter::repeat_n("", missing);
    encode::write_array_len(out, length(elements).saturating_add(u32::try_from(missing).unwrap_or(0)))?;
    for element in elements.iter().map(String::as_str).chain(padding) {
        encode::write_bin(out, element.as_bytes())?;
    }
    Ok(())
}

/// No list that is kept here comes near the end of 32 bits.
fn length<T>(list: &[T]) -> u32 {
    u32::try_from(list.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{EventTemplate, SecretKey};

    use super::*;

    fn event(kind: Kind, tags: Vec<Tag>, content: &str) -> Event {
        let key = SecretKey::from_bytes([1; 32]).unwrap();
        EventTemplate { created_at: 5, kind, tags, content: content.into() }.sign(&key, &[0; 32])
    }

    #[test]
    fn nothing_is_an_empty_list_and_never_nil() {
        assert_eq!(hex::encode(events(&[], Signatures::Given).unwrap()), "81a44576747390");
        let bytes = events(&[event(Kind::POST, vec![], "x")], Signatures::LeftOut).unwrap();
        let text = hex::encode(&bytes);
        assert!(text.contains("a45461677390a7436f6e74656e74a178a3536967c0"), "{text}");
        assert!(text.contains("cb4014000000000000a44b696e64cd0001"), "{text}");
    }

    #[test]
    fn short_e_tags_of_posts_are_filled_up() {
        let tags = vec![Tag::new(["e", "a"]), Tag::new(["p", "b"])];
        let encoded =
            |kind| hex::encode(events(&[event(kind, tags.clone(), "")], Signatures::LeftOut).unwrap());
        assert!(encoded(Kind::POST).contains("9294c40165c40161c400c40092c40170c40162"));
        assert!(encoded(Kind::REACTION).contains("9292c40165c4016192c40170c40162"));
    }

    #[test]
    fn what_would_cost_the_client_a_whole_answer_is_held_back() {
        let check = |kind, tags: Vec<Tag>, content: &str, expected| {
            assert_eq!(readable(&event(kind, tags, content)), expected, "{kind:?} {content}");
        };
        let unsigned = format!(
            r#"{{"id":"1","pubkey":"{}","created_at":1,"kind":1,"tags":[],"content":"","sig":""}}"#,
            "ab".repeat(32)
        );
        check(Kind::REPOST, vec![], &unsigned, true);
        for bad in ["", "{}", "[]", "text", &unsigned.replace("[]", "null")] {
            check(Kind::REPOST, vec![], bad, false);
        }
        check(Kind::REACTION, vec![Tag::new(["e", "a"])], "+", true);
        check(Kind::REACTION, vec![Tag::new(["e"])], "+", false);
        check(Kind::REACTION, vec![Tag::new(["p", "a"])], "+", false);
        check(Kind(30_078), vec![], "", true);
    }
}
