//! The messages of NIP-01, 42, 45 and 77: what a client sends, parsed, and what a relay sends, as text.

use nostrp2p_protocol::{Event, EventId, UnverifiedEvent};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::query::{Query, ReadQuery};

/// Messages of a client.
#[derive(Debug, PartialEq)]
pub(crate) enum ClientMessage {
    Event(Box<UnverifiedEvent>),
    Req { subscription: String, queries: Queries },
    Count { subscription: String, queries: Queries },
    Close { subscription: String },
    Auth(Box<UnverifiedEvent>),
    NegOpen { subscription: String, queries: Queries, message: Vec<u8> },
    NegMsg { subscription: String, message: Vec<u8> },
    NegClose { subscription: String },
}

/// The filters of a question.
#[derive(Debug, PartialEq)]
pub(crate) struct Queries {
    /// The filters, without those values.
    pub(crate) queries: Vec<Query>,
    /// The first value that is no id and no key, although it stands where one should.
    pub(crate) wrong: Option<String>,
}

impl Queries {
    fn of(read: Vec<ReadQuery>) -> Self {
        let wrong = read.iter().find_map(|read| read.wrong.clone());
        Self { queries: read.into_iter().map(|read| read.query).collect(), wrong }
    }
}

/// Why a line is not understood, with what is needed to answer it in the right form.
#[derive(Debug, PartialEq)]
pub(crate) enum Unreadable {
    /// Answer with NOTICE.
    Line(String),
    /// Answer with OK false for this event.
    Event(EventId, String),
    /// Answer with OK false for this event, and with NOTICE: the line is no JSON.
    Control(EventId, String),
    /// Answer with CLOSED for this subscription.
    Req(String, String),
    /// Answer with NEG-ERR for this reconciliation.
    Neg(String, String),
}

impl ClientMessage {
    pub(crate) fn parse(line: &str) -> Result<Self, Unreadable> {
        let notice = |reason: &str| Unreadable::Line(reason.to_owned());
        let parts: Vec<&RawValue> = serde_json::from_str(line).map_err(|_| {
            with_control_characters(line)
                .unwrap_or_else(|| notice("a message is a JSON array such as [\"REQ\", ...]"))
        })?;
        let mut parts = parts.into_iter();
        match parts.next().and_then(text).as_deref() {
            Some("EVENT") => event(parts.next()).map(|event| Self::Event(Box::new(event))),
            Some("AUTH") => event(parts.next()).map(|event| Self::Auth(Box::new(event))),
            Some("REQ") => {
                let subscription = subscription(parts.next())?;
                let queries = queries(&subscription, parts)?;
                Ok(Self::Req { subscription, queries })
            }
            Some("COUNT") => {
                let subscription = subscription(parts.next())?;
                let queries = queries(&subscription, parts)?;
                Ok(Self::Count { subscription, queries })
            }
            Some("CLOSE") => Ok(Self::Close { subscription: subscription(parts.next())? }),
            Some("NEG-OPEN") => {
                let subscription = subscription(parts.next())?;
                let refuse = |reason| Unreadable::Neg(subscription.clone(), reason);
                let queries = parts.next().map_or("null", RawValue::get);
                // NIP-77 has one filter here; @nostr-dev-kit/sync sends an array of them.
                let queries = match queries.starts_with('[') {
                    true => serde_json::from_str(queries),
                    false => serde_json::from_str(queries).map(|query| vec![query]),
                };
                let queries = queries
                    .map(Queries::of)
                    .map_err(|error| refuse(format!("the filter cannot be read: {error}")))?;
                let message = bytes(&subscription, parts.next())?;
                Ok(Self::NegOpen { subscription, queries, message })
            }
            Some("NEG-MSG") => {
                let subscription = subscription(parts.next())?;
                let message = bytes(&subscription, parts.next())?;
                Ok(Self::NegMsg { subscription, message })
            }
            Some("NEG-CLOSE") => Ok(Self::NegClose { subscription: subscription(parts.next())? }),
            Some(_) => Err(notice(
                "this relay knows EVENT, REQ, CLOSE, AUTH, COUNT, NEG-OPEN, NEG-MSG and NEG-CLOSE",
            )),
            None => Err(notice("a message begins with its type, such as \"REQ\"")),
        }
    }
}

/// An EVENT that would be JSON if control characters in its strings were escaped. Its publisher waits for an OK.
fn with_control_characters(line: &str) -> Option<Unreadable> {
    let is_control = |c: char| c < ' ';
    let spaced = line.contains(is_control).then(|| line.replace(is_control, " "))?;
    let parts: Vec<&RawValue> = serde_json::from_str(&spaced).ok()?;
    let is_event = parts.first().and_then(|part| text(part)).is_some_and(|name| name == "EVENT");
    let OnlyId { id } = serde_json::from_str(parts.get(1).filter(|_| is_event)?.get()).ok()?;
    let reason =
        "control characters stand in JSON strings as \\n, \\t or \\u001f, not as they are (RFC 8259, 7)";
    Some(Unreadable::Control(id, reason.to_owned()))
}

fn queries<'a>(subscription: &str, parts: impl Iterator<Item = &'a RawValue>) -> Result<Queries, Unreadable> {
    let refuse = |reason| Unreadable::Req(subscription.to_owned(), reason);
    let queries: Result<Vec<ReadQuery>, _> = parts.map(|part| serde_json::from_str(part.get())).collect();
    match queries {
        Ok(queries) if queries.is_empty() => Err(refuse("at least one filter is needed".to_owned())),
        Ok(queries) => Ok(Queries::of(queries)),
        Err(error) => Err(refuse(format!("a filter cannot be read: {error}"))),
    }
}

/// A message of the negentropy protocol: hex in lower or upper case.
fn bytes(subscription: &str, part: Option<&RawValue>) -> Result<Vec<u8>, Unreadable> {
    let bytes = part.and_then(text).and_then(|text| hex::decode(text).ok());
    bytes.ok_or_else(|| Unreadable::Neg(subscription.to_owned(), "the message is not hex".to_owned()))
}

fn text(part: &RawValue) -> Option<String> {
    serde_json::from_str(part.get()).ok()
}

fn subscription(part: Option<&RawValue>) -> Result<String, Unreadable> {
    part.and_then(text)
        .ok_or_else(|| Unreadable::Line("the second element must be a subscription id".to_owned()))
}

#[derive(Deserialize)]
struct OnlyId {
    id: EventId,
}

/// Reads an event; when that fails, its id alone, so that the answer can name it.
fn event(part: Option<&RawValue>) -> Result<UnverifiedEvent, Unreadable> {
    let part = part.map_or("null", RawValue::get);
    serde_json::from_str(part).map_err(|error| {
        let reason = format!("the event cannot be read: {error}");
        match serde_json::from_str::<OnlyId>(part) {
            Ok(OnlyId { id }) => Unreadable::Event(id, reason),
            Err(_) => Unreadable::Line(reason),
        }
    })
}

pub(crate) fn auth(challenge: &[u8; 32]) -> String {
    line(&("AUTH", hex::encode(challenge)))
}

pub(crate) fn ok(id: &EventId, accepted: bool, reason: &str) -> String {
    line(&("OK", id, accepted, reason))
}

pub(crate) fn event_line(subscription: &str, event: &Event) -> String {
    line(&("EVENT", subscription, event))
}

pub(crate) fn eose(subscription: &str) -> String {
    line(&("EOSE", subscription))
}

pub(crate) fn closed(subscription: &str, reason: &str) -> String {
    line(&("CLOSED", subscription, reason))
}

pub(crate) fn count(subscription: &str, count: u64, approximate: bool) -> String {
    #[derive(Serialize)]
    struct Count {
        count: u64,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        approximate: bool,
    }
    line(&("COUNT", subscription, Count { count, approximate }))
}

pub(crate) fn neg_msg(subscription: &str, message: &[u8]) -> String {
    line(&("NEG-MSG", subscription, hex::encode(message)))
}

pub(crate) fn neg_err(subscription: &str, reason: &str) -> String {
    line(&("NEG-ERR", subscription, reason))
}

pub(crate) fn notice(reason: &str) -> String {
    line(&("NOTICE", reason))
}

fn line(message: &impl Serialize) -> String {
    serde_json::to_string(message).expect("text, numbers and hex always have a JSON form")
}
