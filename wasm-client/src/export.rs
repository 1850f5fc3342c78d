//! Events as JSON, one in a line, as other Nostr programs and `nostrp2p import` read them.
//!
//! The cache has no signatures, because the page trusts its own node. So an export asks the node for everything that
//! it holds, with signatures. Events that only this device has are written without `sig`, except those that wait in
//! the outbox.

use nostrp2p_protocol::{EventId, Signature, UnsignedEvent, UnverifiedEvent};

use crate::{json::Json, storage::Snapshot};

/// The lines of signed events.
pub fn signed(events: &[UnverifiedEvent]) -> String {
    let mut lines = String::new();
    for event in events {
        let id = event.claimed_id.unwrap_or_else(|| event.unsigned.id());
        line(&event.unsigned, id, Some(&event.sig), &mut lines);
    }
    lines
}

/// The lines of all that this device holds, what waits to be sent first.
pub fn held(all: &Snapshot) -> String {
    let mut lines = String::new();
    for event in &all.outbox {
        line(event, event.id(), Some(event.sig()), &mut lines);
    }
    for unsigned in [&all.lists, &all.profiles, &all.events, &all.deletions].into_iter().flatten() {
        line(unsigned, unsigned.id(), None, &mut lines);
    }
    lines
}

fn line(unsigned: &UnsignedEvent, id: EventId, sig: Option<&Signature>, lines: &mut String) {
    let text = |text: &str| Json::Text(text.to_owned());
    let number = |number: u64| Json::Plain(number.to_string());
    let tags = unsigned
        .tags
        .iter()
        .map(|tag| Json::Array(tag.elements().iter().map(|element| text(element)).collect()));
    let mut fields = vec![
        ("id".to_owned(), text(&id.to_string())),
        ("pubkey".to_owned(), text(&unsigned.pubkey.to_string())),
        ("created_at".to_owned(), number(unsigned.created_at)),
        ("kind".to_owned(), number(u64::from(unsigned.kind.0))),
        ("tags".to_owned(), Json::Array(tags.collect())),
        ("content".to_owned(), text(&unsigned.content)),
    ];
    if let Some(sig) = sig {
        fields.push(("sig".to_owned(), text(&sig.to_string())));
    }
    lines.push_str(&Json::Object(fields).write());
    lines.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use nostrp2p_protocol::{Event, EventTemplate, Kind, SecretKey, Tag};

    fn event() -> Event {
        let key = SecretKey::from_bytes([1; 32]).unwrap();
        let tags = vec![Tag::new(["t", "a\"b"]), Tag::new(["e", "", "x"])];
        EventTemplate { created_at: 7, kind: Kind::POST, tags, content: "é\n\u{1}".into() }
            .sign(&key, &[0; 32])
    }

    #[test]
    fn each_event_is_a_line_that_other_programs_read() {
        let event = event();
        let all = Snapshot {
            outbox: vec![event.clone()],
            events: vec![event.clone().into_rumor()],
            ..Snapshot::default()
        };
        let lines = held(&all);
        let read: Vec<serde_json::Value> =
            lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(read.len(), 2);
        assert_eq!(read[0]["sig"], event.sig().to_string());
        assert_eq!(read[1].get("sig"), None);
        for line in &read {
            assert_eq!(
                (line["id"].as_str().unwrap(), line["content"].as_str().unwrap()),
                (event.id().to_string().as_str(), "é\n\u{1}")
            );
            assert_eq!(line["tags"][1][2], "x");
        }
    }

    #[test]
    fn what_the_node_gives_has_the_signature_that_fits() {
        let unnamed = UnverifiedEvent { claimed_id: None, ..event().into() };
        let read: UnverifiedEvent = serde_json::from_str(signed(&[unnamed]).trim_end()).unwrap();
        assert_eq!(read.verify(), Ok(event()));
    }
}
