//! The messages of NIP-01 and NIP-42: what a client sends, parsed, and what a relay sends, as text.

use nostrp2p_protocol::{Event, EventId, Filter, UnverifiedEvent};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What a client sends.
#[derive(Debug, PartialEq)]
pub(crate) enum ClientMessage {
    Event(Box<UnverifiedEvent>),
    Req { subscription: String, filters: Vec<Filter> },
    Close { subscription: String },
    Auth(Box<UnverifiedEvent>),
}

/// Why a line is not understood, with what is needed to answer it in the right form.
#[derive(Debug, PartialEq)]
pub(crate) enum Unreadable {
    /// Answer with NOTICE.
    Line(String),
    /// Answer with OK false for this event.
    Event(EventId, String),
    /// Answer with CLOSED for this subscription.
    Req(String, String),
}

impl ClientMessage {
    pub(crate) fn parse(line: &str) -> Result<Self, Unreadable> {
        let notice = |reason: &str| Unreadable::Line(reason.to_owned());
        let parts: Vec<&RawValue> = serde_json::from_str(line)
            .map_err(|_| notice("a message is a JSON array such as [\"REQ\", ...]"))?;
        let mut parts = parts.into_iter();
        match parts.next().and_then(text).as_deref() {
            Some("EVENT") => event(parts.next()).map(|event| Self::Event(Box::new(event))),
            Some("AUTH") => event(parts.next()).map(|event| Self::Auth(Box::new(event))),
            Some("REQ") => {
                let subscription = subscription(parts.next())?;
                let filters: Result<Vec<Filter>, _> =
                    parts.map(|part| serde_json::from_str(part.get())).collect();
                match filters {
                    Ok(filters) if filters.is_empty() => {
                        Err(Unreadable::Req(subscription, "a REQ needs at least one filter".to_owned()))
                    }
                    Ok(filters) => Ok(Self::Req { subscription, filters }),
                    Err(error) => {
                        Err(Unreadable::Req(subscription, format!("a filter cannot be read: {error}")))
                    }
                }
            }
            Some("CLOSE") => Ok(Self::Close { subscription: subscription(parts.next())? }),
            Some(_) => Err(notice("this relay knows EVENT, REQ, CLOSE and AUTH")),
            None => Err(notice("a message begins with its type, such as \"REQ\"")),
        }
    }
}

fn text(part: &RawValue) -> Option<String> {
    serde_json::from_str(part.get()).ok()
}

fn subscription(part: Option<&RawValue>) -> Result<String, Unreadable> {
    part.and_then(text)
        .ok_or_else(|| Unreadable::Line("the second element must be a subscription id".to_owned()))
}

/// Reads an event; when that fails, its id alone, so that the answer can name it.
fn event(part: Option<&RawValue>) -> Result<UnverifiedEvent, Unreadable> {
    #[derive(Deserialize)]
    struct OnlyId {
        id: EventId,
    }
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

pub(crate) fn notice(reason: &str) -> String {
    line(&("NOTICE", reason))
}

fn line(message: &impl Serialize) -> String {
    serde_json::to_string(message).expect("text, numbers and hex always have a JSON form")
}
