//! Everything that this device holds, as one line of JSON for each event: what other programs for Nostr read.
//!
//! The cache carries no signatures, for the own node is trusted; so cached events are written without `sig`, and only
//! what waits in the outbox has one. The node's own export has all of them.

use nostrp2p_protocol::{Event, Rumor};

use crate::{json::Json, storage::Snapshot};

/// The lines, what waits to be sent first.
pub fn lines(all: &Snapshot) -> String {
    let mut lines = String::new();
    for event in &all.outbox {
        line(event, Some(event), &mut lines);
    }
    for rumor in [&all.lists, &all.profiles, &all.events, &all.deletions].into_iter().flatten() {
        line(rumor, None, &mut lines);
    }
    lines
}

fn line(rumor: &Rumor, signed: Option<&Event>, lines: &mut String) {
    let text = |text: &str| Json::Text(text.to_owned());
    let number = |number: u64| Json::Plain(number.to_string());
    let tags = rumor
        .tags
        .iter()
        .map(|tag| Json::Array(tag.elements().iter().map(|element| text(element)).collect()));
    let mut fields = vec![
        ("id".to_owned(), text(&rumor.id().to_string())),
        ("pubkey".to_owned(), text(&rumor.pubkey.to_string())),
        ("created_at".to_owned(), number(rumor.created_at)),
        ("kind".to_owned(), number(u64::from(rumor.kind.0))),
        ("tags".to_owned(), Json::Array(tags.collect())),
        ("content".to_owned(), text(&rumor.content)),
    ];
    if let Some(event) = signed {
        fields.push(("sig".to_owned(), text(&event.sig().to_string())));
    }
    lines.push_str(&Json::Object(fields).write());
    lines.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use nostrp2p_protocol::{Draft, Kind, SecretKey, Tag};

    #[test]
    fn each_event_is_a_line_that_other_programs_read() {
        let key = SecretKey::from_bytes([1; 32]).unwrap();
        let tags = vec![Tag::new(["t", "a\"b"]), Tag::new(["e", "", "x"])];
        let event =
            Draft { created_at: 7, kind: Kind::POST, tags, content: "é\n\u{1}".into() }.sign(&key, &[0; 32]);
        let all = Snapshot {
            outbox: vec![event.clone()],
            events: vec![event.clone().into_rumor()],
            ..Snapshot::default()
        };
        let lines = lines(&all);
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
}
