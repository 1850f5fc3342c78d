//! Parses the JSON that clients send to the REST interface.

use std::collections::BTreeSet;

use nostrp2p_protocol::{EventId, Kind, PublicKey, Signature, Tag, UnsignedEvent, UnverifiedEvent};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use super::answer::Problem;

/// The kind by which a client asks for everything the owner may see. No event has it.
const TIMELINE: u16 = 40_000;
/// Longest sentence about JSON that cannot be read, in characters: it may quote what was sent.
const MAX_SENTENCE_CHARS: usize = 300;

/// A client's request. Tag conditions are ignored, as in the original.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// Kind 40000.
    Timeline {
        /// None: not given. Below 0: from the beginning.
        since: Option<i64>,
        /// None or below 0: without end.
        until: Option<i64>,
        /// At least 1, if given.
        limit: Option<usize>,
    },
    /// Kind 1.
    Posts(BTreeSet<EventId>),
    /// Kinds 0 and 3.
    Newest(BTreeSet<Kind>, BTreeSet<PublicKey>),
    /// Any other kind: the answer is empty.
    Nothing,
}

#[derive(Deserialize)]
struct EventForm {
    id: EventId,
    pubkey: PublicKey,
    created_at: u64,
    kind: Kind,
    #[serde(deserialize_with = "present")]
    tags: Option<Vec<Tag>>,
    content: String,
    sig: Signature,
}

#[derive(Deserialize)]
struct FilterForm {
    kinds: BTreeSet<u16>,
    ids: Option<BTreeSet<EventId>>,
    authors: Option<BTreeSet<PublicKey>>,
    since: Option<i64>,
    until: Option<i64>,
    limit: Option<i64>,
}

/// May be null, but must be there.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Tag>>, D::Error> {
    Option::deserialize(deserializer)
}

/// Reads an event. Null tags count as none where the original takes them so.
pub(super) fn read_event(body: &[u8]) -> Result<UnverifiedEvent, Problem> {
    let EventForm { id, pubkey, created_at, kind, tags, content, sig } = read(body, "an event")?;
    if tags.is_none() && matches!(kind, Kind::PROFILE | Kind::FOLLOW_LIST) {
        return Err(Problem::bad("Tags is null"));
    }
    if content.is_empty() && kind == Kind::POST {
        return Err(Problem::bad("Content is required"));
    }
    let unsigned =
        UnsignedEvent { pubkey, created_at, kind, tags: tags.unwrap_or_default(), content, statement: None };
    Ok(UnverifiedEvent { claimed_id: Some(id), unsigned, sig })
}

/// Reads a filter with at most so many values in each field.
pub(super) fn read_question(body: &[u8], most: usize) -> Result<Question, Problem> {
    let FilterForm { kinds, ids, authors, since, until, limit } = read(body, "a filter")?;
    let (ids, authors) = (ids.unwrap_or_default(), authors.unwrap_or_default());
    if kinds.len().max(ids.len()).max(authors.len()) > most {
        return Err(Problem::bad(format!("A field of the filter has more than {most} values")));
    }
    if kinds.contains(&TIMELINE) {
        // The original cannot tell 0 from absent.
        let given = |value: Option<i64>| value.filter(|value| *value != 0);
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0);
        return Ok(Question::Timeline { since: given(since), until: given(until), limit });
    }
    if kinds.contains(&Kind::POST.0) {
        // The original also wants the author, to ask his node; what is here is found without.
        if ids.is_empty() {
            return Err(Problem::bad("Ids and Authors are needed"));
        }
        return Ok(Question::Posts(ids));
    }
    let newest: BTreeSet<Kind> =
        [Kind::PROFILE, Kind::FOLLOW_LIST].into_iter().filter(|kind| kinds.contains(&kind.0)).collect();
    if newest.is_empty() {
        return Ok(Question::Nothing);
    }
    if authors.is_empty() {
        return Err(Problem::bad("Authors are needed"));
    }
    Ok(Question::Newest(newest, authors))
}

fn read<T: DeserializeOwned>(body: &[u8], what: &str) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        let sentence = format!("The body is not {what} in JSON: {error}");
        Problem::bad(sentence.chars().take(MAX_SENTENCE_CHARS).collect::<String>())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(filter: &str, expected: Question) {
        assert_eq!(read_question(filter.as_bytes(), 2_000).ok(), Some(expected), "{filter}");
    }

    #[track_caller]
    fn refused(filter: &[u8]) {
        assert!(read_question(filter, 2_000).is_err(), "{}", String::from_utf8_lossy(filter));
    }

    #[test]
    fn kinds_decide_in_the_order_of_the_original() {
        let (id, author) = ("ab".repeat(32), "cd".repeat(32));
        let ids: BTreeSet<EventId> = [id.parse().unwrap()].into();
        let authors: BTreeSet<PublicKey> = [author.parse().unwrap()].into();
        let timeline = |since, until, limit| Question::Timeline { since, until, limit };
        check(r#"{"kinds":[40000]}"#, timeline(None, None, None));
        check(r#"{"kinds":[0,1,40000],"since":5,"until":7,"limit":-1}"#, timeline(Some(5), Some(7), None));
        check(r#"{"kinds":[40000],"since":-1,"until":-1,"limit":3}"#, timeline(Some(-1), Some(-1), Some(3)));
        check(r#"{"kinds":[40000],"since":0,"until":null,"limit":0}"#, timeline(None, None, None));
        check(&format!(r#"{{"kinds":[0,1],"ids":["{id}"]}}"#), Question::Posts(ids));
        check(
            &format!(r##"{{"kinds":[3,0,7],"authors":["{author}"],"#e":["x"],"search":{{}}}}"##),
            Question::Newest([Kind::PROFILE, Kind::FOLLOW_LIST].into(), authors),
        );
        for nothing in [r#"{"kinds":[7]}"#, r#"{"kinds":[]}"#] {
            check(nothing, Question::Nothing);
        }
    }

    #[test]
    fn filters_that_mean_nothing_are_refused() {
        for filter in [
            "",
            "null",
            "[]",
            "7",
            "{",
            "{}",
            r#"{"kinds":[7]} {}"#,
            r#"{"kinds":null}"#,
            r#"{"kinds":[1]}"#,
            r#"{"kinds":[0]}"#,
            r#"{"kinds":[3],"authors":[]}"#,
            r#"{"kinds":40000}"#,
            r#"{"kinds":["40000"]}"#,
            r#"{"kinds":[65536]}"#,
            r#"{"kinds":[-1]}"#,
            r#"{"kinds":[40000],"kinds":[1]}"#,
            r#"{"kinds":[40000],"since":"5"}"#,
            r#"{"kinds":[40000],"limit":1e400}"#,
            r#"{"kinds":[0],"authors":["ab"]}"#,
        ] {
            refused(filter.as_bytes());
        }
        refused(format!(r#"{{"kinds":[0],"authors":["{}"]}}"#, "AB".repeat(32)).as_bytes());
        refused(format!(r#"{{"x":{}}}"#, "[".repeat(10_000)).as_bytes());
        refused(b"{\"kinds\":[\xff]}");
        let many: Vec<String> = (0..2_001).map(|number| format!("\"{number:064x}\"")).collect();
        refused(format!(r#"{{"kinds":[0],"authors":[{}]}}"#, many.join(",")).as_bytes());
    }

    #[test]
    fn null_tags_are_none_except_where_the_original_refuses_them() {
        let read = |kind: u16, tags: &str| {
            let (id, sig) = ("ab".repeat(32), "cd".repeat(64));
            read_event(
                format!(
                    r#"{{"id":"{id}","pubkey":"{id}","created_at":1,"kind":{kind},{tags}"content":"x","sig":"{sig}"}}"#
                )
                .as_bytes(),
            )
        };
        assert_eq!(read(1, r#""tags":null,"#).unwrap().unsigned.tags, vec![]);
        for kind in [0, 3] {
            assert_eq!(read(kind, r#""tags":null,"#), Err(Problem::bad("Tags is null")));
        }
        assert!(read(1, "").is_err(), "tags must be there");
    }
}
