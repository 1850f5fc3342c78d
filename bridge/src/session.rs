//! One client's conversation with the relay.

use std::collections::BTreeMap;

use nostrp2p_core::{Ownership, Proof};
use nostrp2p_protocol::{
    Event, EventId, Filter, PublicKey, UnverifiedEvent,
    frame::{Refusal, RefusalCode},
    limits::MAX_FILTERS,
};

use crate::message::{self, ClientMessage, Unreadable};

/// Most open subscriptions of one session: 200, as strfry takes.
pub const MAX_SUBSCRIPTIONS: usize = 200;
/// Longest subscription id in characters (NIP-01).
pub(crate) const MAX_SUBSCRIPTION_ID: usize = 64;

/// What the node does for a session, in this order.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Send this line to the client.
    Send(String),
    /// Publish the owner's event, then call [`Session::on_published`].
    Publish(Box<UnverifiedEvent>),
    /// Look events up, then call [`Session::on_found`].
    Find(String, Vec<Filter>),
}

/// The state of one conversation.
#[derive(Debug)]
pub struct Session {
    challenge: [u8; 32],
    authority: String,
    authenticated: Option<PublicKey>,
    subscriptions: BTreeMap<String, Vec<Filter>>,
}

impl Session {
    /// Begins with the challenge of NIP-42. `authority` is what the client's request named as `Host`.
    pub fn open(challenge: [u8; 32], authority: String) -> (Self, Step) {
        let greeting = Step::Send(message::auth(&challenge));
        (Self { challenge, authority, authenticated: None, subscriptions: BTreeMap::new() }, greeting)
    }

    /// Takes one line. `owner` is whose node this is, `now` in seconds since 1970.
    pub fn on_line(&mut self, line: &str, owner: Option<PublicKey>, now: u64) -> Vec<Step> {
        match ClientMessage::parse(line) {
            Ok(ClientMessage::Auth(event)) => vec![self.on_auth(*event, owner, now)],
            Ok(ClientMessage::Close { subscription }) => {
                self.subscriptions.remove(&subscription);
                vec![]
            }
            Ok(ClientMessage::Event(event)) => vec![self.on_event(event)],
            Ok(ClientMessage::Req { subscription, filters }) => vec![self.on_req(subscription, filters)],
            Err(Unreadable::Line(reason)) => vec![Step::Send(message::notice(&format!("invalid: {reason}")))],
            Err(Unreadable::Event(id, reason)) => {
                vec![Step::Send(message::ok(&id, false, &format!("invalid: {reason}")))]
            }
            Err(Unreadable::Req(subscription, reason)) => {
                vec![close(&subscription, &format!("invalid: {reason}"))]
            }
        }
    }

    /// Answers an EVENT once the node knows what became of it.
    pub fn on_published(&self, id: &EventId, result: Result<(), Refusal>) -> Step {
        match result {
            Ok(()) => Step::Send(message::ok(id, true, "")),
            Err(refusal) => {
                let prefix = prefix(refusal.code);
                Step::Send(message::ok(id, false, &format!("{prefix}: {}", refusal.reason)))
            }
        }
    }

    /// Answers a REQ with what is stored.
    pub fn on_found(&self, subscription: &str, events: &[Event]) -> Vec<Step> {
        let lines = events.iter().map(|event| Step::Send(message::event_line(subscription, event)));
        lines.chain([Step::Send(message::eose(subscription))]).collect()
    }

    /// Passes on an event that was stored just now.
    pub fn on_stored(&self, event: &Event) -> Vec<Step> {
        let wanted = self
            .subscriptions
            .iter()
            .filter(|(_, filters)| filters.iter().any(|filter| filter.matches(&event.id(), event)));
        wanted.map(|(subscription, _)| Step::Send(message::event_line(subscription, event))).collect()
    }

    fn on_auth(&mut self, event: UnverifiedEvent, owner: Option<PublicKey>, now: u64) -> Step {
        let Some(id) = event.claimed_id else {
            return Step::Send(message::notice("invalid: the AUTH event has no id"));
        };
        let event = match event.verify() {
            Ok(event) => event,
            Err(forged) => return Step::Send(message::ok(&id, false, &format!("invalid: {forged}"))),
        };
        let proof = Proof { event: &event, challenge: &self.challenge, authority: &self.authority };
        let result = match owner {
            Some(owner) => Ownership::Owned(owner).login(proof, now),
            None => Err(Refusal::new(RefusalCode::NoOwner, "this node has no owner yet; claim it first")),
        };
        match result {
            Ok(owner) => {
                self.authenticated = Some(owner);
                Step::Send(message::ok(&id, true, ""))
            }
            Err(refusal) => Step::Send(message::ok(&id, false, &format!("restricted: {}", refusal.reason))),
        }
    }

    fn on_event(&self, event: Box<UnverifiedEvent>) -> Step {
        if self.authenticated.is_none() {
            let id = event.claimed_id.unwrap_or_else(|| event.rumor.id());
            return Step::Send(message::ok(
                &id,
                false,
                "auth-required: only the node's owner publishes here",
            ));
        }
        Step::Publish(event)
    }

    fn on_req(&mut self, subscription: String, filters: Vec<Filter>) -> Step {
        let length = subscription.chars().count();
        if length == 0 || length > MAX_SUBSCRIPTION_ID {
            return close(&subscription, "invalid: a subscription id has 1 to 64 characters");
        }
        if self.authenticated.is_none() {
            return close(&subscription, "auth-required: only the node's owner reads here");
        }
        if filters.len() > MAX_FILTERS {
            return close(&subscription, &format!("invalid: at most {MAX_FILTERS} filters"));
        }
        if let Some(invalid) = filters.iter().find_map(|filter| filter.check_shape().err()) {
            return close(&subscription, &format!("invalid: {invalid}"));
        }
        let known = self.subscriptions.contains_key(&subscription);
        if !known && self.subscriptions.len() >= MAX_SUBSCRIPTIONS {
            return close(&subscription, &format!("rate-limited: at most {MAX_SUBSCRIPTIONS} subscriptions"));
        }
        self.subscriptions.insert(subscription.clone(), filters.clone());
        Step::Find(subscription, filters)
    }
}

fn close(subscription: &str, reason: &str) -> Step {
    // A client that sent a very long id learns why; its id is not sent back whole.
    let shown: String = subscription.chars().take(MAX_SUBSCRIPTION_ID).collect();
    Step::Send(message::closed(&shown, reason))
}

/// The machine-readable prefix of NIP-01 for a refusal.
const fn prefix(code: RefusalCode) -> &'static str {
    match code {
        RefusalCode::ForeignAuthor | RefusalCode::ReadOnly | RefusalCode::NotOwner => "restricted",
        RefusalCode::LoginNeeded | RefusalCode::NoOwner => "auth-required",
        RefusalCode::Busy => "rate-limited",
        RefusalCode::Internal => "error",
        RefusalCode::Unwanted => "blocked",
        _ => "invalid",
    }
}

#[cfg(test)]
mod tests;
