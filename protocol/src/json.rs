//! The JSON forms of NIP-01: events with hex values, filters with `#e` keys.
//!
//! Only human-readable formats use these; between nodes events travel in compact form.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, IgnoredAny, MapAccess, Visitor},
    ser::SerializeMap,
};

use crate::{Event, EventId, Filter, Kind, PublicKey, Signature, Tag, UnsignedEvent, UnverifiedEvent};

#[derive(Serialize)]
struct EventForm<'a> {
    id: EventId,
    pubkey: &'a PublicKey,
    created_at: u64,
    kind: Kind,
    tags: &'a [Tag],
    content: &'a str,
    sig: &'a Signature,
}

#[derive(Deserialize)]
struct OwnedForm {
    id: EventId,
    pubkey: PublicKey,
    created_at: u64,
    kind: Kind,
    tags: Vec<Tag>,
    content: String,
    sig: Signature,
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let form = EventForm {
            id: self.id(),
            pubkey: &self.pubkey,
            created_at: self.created_at,
            kind: self.kind,
            tags: &self.tags,
            content: &self.content,
            sig: self.sig(),
        };
        form.serialize(serializer)
    }
}

/// Unknown keys are passed over; missing, doubled or mistyped ones are an error.
impl<'de> Deserialize<'de> for UnverifiedEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let OwnedForm { id, pubkey, created_at, kind, tags, content, sig } =
            OwnedForm::deserialize(deserializer)?;
        Ok(Self {
            claimed_id: Some(id),
            unsigned: UnsignedEvent { pubkey, created_at, kind, tags, content, statement: None },
            sig,
        })
    }
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(ids) = &self.ids {
            map.serialize_entry("ids", ids)?;
        }
        if let Some(authors) = &self.authors {
            map.serialize_entry("authors", authors)?;
        }
        if let Some(kinds) = &self.kinds {
            map.serialize_entry("kinds", kinds)?;
        }
        for (name, values) in &self.tags {
            map.serialize_entry(&format!("#{name}"), values)?;
        }
        if let Some(since) = self.since {
            map.serialize_entry("since", &since)?;
        }
        if let Some(until) = self.until {
            map.serialize_entry("until", &until)?;
        }
        if let Some(limit) = self.limit {
            map.serialize_entry("limit", &limit)?;
        }
        map.end()
    }
}

/// A filter of somebody else, who may have named what is no id and no key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadFilter {
    /// The filter without it: it matches nothing.
    pub filter: Filter,
    /// The first value that is no id and no key.
    pub wrong: Option<String>,
}

/// As [`ReadFilter`], but what is no id and no key is an error.
impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match ReadFilter::deserialize(deserializer)? {
            ReadFilter { filter, wrong: None } => Ok(filter),
            ReadFilter { .. } => {
                Err(de::Error::custom("ids and authors are 64 lower-case hexadecimal digits"))
            }
        }
    }
}

/// Unknown keys are passed over, as relays do; a doubled key is an error.
impl<'de> Deserialize<'de> for ReadFilter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = ReadFilter;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a filter object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ReadFilter, A::Error> {
                let (mut filter, mut wrong) = (Filter::default(), None);
                let mut seen = BTreeSet::new();
                while let Some(key) = map.next_key::<String>()? {
                    if !seen.insert(key.clone()) {
                        return Err(de::Error::custom(format_args!("the key {key} stands twice")));
                    }
                    match key.as_str() {
                        "ids" => filter.ids = values(map.next_value()?, &mut wrong),
                        "authors" => filter.authors = values(map.next_value()?, &mut wrong),
                        "kinds" => filter.kinds = Some(map.next_value()?),
                        "since" => filter.since = Some(map.next_value()?),
                        "until" => filter.until = Some(map.next_value()?),
                        "limit" => filter.limit = Some(map.next_value()?),
                        other => match tag_letter(other) {
                            Some(letter) => drop(filter.tags.insert(letter, map.next_value()?)),
                            None => drop(map.next_value::<IgnoredAny>()?),
                        },
                    }
                }
                Ok(ReadFilter { filter, wrong })
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// The values of a field that can be read; the first that cannot goes to `wrong`.
fn values<T: FromStr + Ord>(texts: Vec<String>, wrong: &mut Option<String>) -> Option<BTreeSet<T>> {
    let mut values = BTreeSet::new();
    for text in texts {
        match text.parse() {
            Ok(value) => drop(values.insert(value)),
            Err(_) => drop(wrong.get_or_insert(text)),
        }
    }
    Some(values)
}

/// The letter of a tag condition such as `#e`.
fn tag_letter(key: &str) -> Option<char> {
    let mut letters = key.strip_prefix('#')?.chars();
    let letter = letters.next()?;
    (letter.is_ascii_alphabetic() && letters.next().is_none()).then_some(letter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EventTemplate, SecretKey};

    #[test]
    fn an_event_survives_json() {
        let key = SecretKey::from_bytes([1; 32]).unwrap();
        let draft = EventTemplate {
            created_at: 1,
            kind: Kind::POST,
            tags: vec![Tag::new(["t", "x"])],
            content: "\"\n😀".into(),
        };
        let event = draft.sign(&key, &[0; 32]);
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<UnverifiedEvent>(&text).unwrap().verify(), Ok(event));
    }

    #[test]
    fn broken_events_are_refused() {
        let hex = "ab".repeat(32);
        let sig = "ab".repeat(64);
        let good = format!(
            r#"{{"id":"{hex}","pubkey":"{hex}","created_at":1,"kind":1,"tags":[],"content":"","sig":"{sig}"}}"#
        );
        assert!(serde_json::from_str::<UnverifiedEvent>(&good).is_ok());
        for (from, to) in [
            (r#""kind":1"#, r#""kind":65536"#),
            (r#""kind":1"#, r#""kind":-1"#),
            (r#""created_at":1"#, r#""created_at":1.5"#),
            (r#""created_at":1"#, r#""created_at":"1""#),
            (r#""tags":[]"#, r#""tags":null"#),
            (r#""tags":[]"#, r#""tags":[[1]]"#),
            (r#""content":"""#, r#""content":null"#),
            (r#""content":"""#, r#""content":"","content":"""#),
            (r#","kind":1"#, ""),
            (&sig, "ab"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good);
            assert!(serde_json::from_str::<UnverifiedEvent>(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_filter_survives_json_and_passes_over_unknown_keys() {
        let text = r##"{"kinds":[0,1],"#e":["x"],"since":1,"until":2,"limit":3}"##;
        let filter: Filter = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&filter).unwrap(), text);
        let odd: Filter = serde_json::from_str(r##"{"#long":["x"],"unknown":{"a":[]},"limit":3}"##).unwrap();
        assert_eq!(odd, Filter { limit: Some(3), ..Filter::default() });
        for bad in
            [r#"{"kinds":1}"#, r#"{"since":-1}"#, r#"{"limit":1,"limit":2}"#, r#"{"ids":["AB"]}"#, "[]"]
        {
            assert!(serde_json::from_str::<Filter>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_no_key_is_left_out_and_named() {
        let good = "ab".repeat(32);
        let text = format!(r#"{{"ids":["{good}"],"authors":["npub1x","{good}","{good},{good}"]}}"#);
        let read: ReadFilter = serde_json::from_str(&text).unwrap();
        let filter = Filter {
            ids: Some([good.parse().unwrap()].into()),
            authors: Some([good.parse().unwrap()].into()),
            ..Filter::default()
        };
        assert_eq!(read, ReadFilter { filter, wrong: Some("npub1x".to_owned()) });
        let nothing: ReadFilter = serde_json::from_str(r#"{"ids":["x"]}"#).unwrap();
        assert_eq!(nothing.filter.ids, Some(BTreeSet::new()), "which matches nothing");
        assert!(serde_json::from_str::<ReadFilter>(r#"{"ids":[1]}"#).is_err());
    }
}
