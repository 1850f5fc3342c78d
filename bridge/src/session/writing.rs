//! EVENT: what the owner's programs publish, and what ends before the node looks at it.

use nostrp2p_protocol::{
    Authority, Event, EventId, Kind, PublicKey, Rumor, UnverifiedEvent,
    frame::{Refusal, RefusalCode},
};

use super::{Session, Step};
use crate::{message, reader::Reader, work};

/// Reposts (NIP-18), which carry another event in their content.
const REPOSTS: [Kind; 2] = [Kind::REPOST, Kind(16)];

/// What became of an event that the node did not refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is durably stored.
    New,
    /// It had been stored before.
    Known,
    /// A newer one of the same author, kind and `d` tag is stored (NIP-01).
    Superseded,
}

impl Session {
    /// Answers an EVENT once the node knows what became of it.
    pub fn on_published(&self, id: &EventId, result: Result<Outcome, Refusal>) -> Step {
        Step::Send(match result {
            Ok(Outcome::New) => message::ok(id, true, ""),
            Ok(Outcome::Known) => message::ok(id, true, "duplicate: this event is stored already"),
            Ok(Outcome::Superseded) => message::ok(id, false, "duplicate: a newer version is stored"),
            Err(refusal) => message::ok(id, false, &format!("{}: {}", prefix(refusal.code), refusal.reason)),
        })
    }

    pub(super) fn on_event(
        &self,
        event: Box<UnverifiedEvent>,
        owner: Option<PublicKey>,
        now: u64,
    ) -> Vec<Step> {
        let id = event.claimed_id.unwrap_or_else(|| event.rumor.id());
        let refuse = |reason: &str| vec![Step::Send(message::ok(&id, false, reason))];
        let Some(Reader::Owner(owner)) = self.reader(owner) else {
            return refuse("auth-required: only the node's owner publishes here");
        };
        if let Err(reason) = self.check(&id, &event.rumor) {
            return refuse(reason);
        }
        if !event.rumor.kind.is_ephemeral() {
            return vec![Step::Publish(event)];
        }
        match spread(*event, &owner, now) {
            Ok(event) => vec![Step::Spread(Box::new(event)), Step::Send(message::ok(&id, true, ""))],
            Err(reason) => refuse(&reason),
        }
    }

    /// What a relay has to check besides what every node checks.
    fn check(&self, id: &EventId, rumor: &Rumor) -> Result<(), &'static str> {
        if !work::keeps_its_word(id, rumor) {
            return Err("pow: the id has less work than its nonce tag says (NIP-13)");
        }
        if is_protected(rumor) && self.authenticated != Some(rumor.pubkey) {
            return Err("auth-required: a protected event is taken from its author only (NIP-70)");
        }
        if REPOSTS.contains(&rumor.kind) && carries_protected(&rumor.content) {
            return Err("blocked: a protected event is not to be reposted (NIP-70)");
        }
        if rumor.kind == Kind::VANISH && !self.is_named(rumor) {
            return Err("invalid: no relay tag names this relay, so nothing vanishes here (NIP-62)");
        }
        Ok(())
    }

    /// Whether a request to vanish is meant for this relay.
    fn is_named(&self, rumor: &Rumor) -> bool {
        let own = self.authority.parse::<Authority>().ok();
        let is_own = |relay: &str| own.as_ref().is_some_and(|own| own.is_of(relay));
        rumor.tag_values("relay").any(|relay| relay == "ALL_RELAYS" || is_own(relay))
    }
}

/// Checks an ephemeral event as a node checks what it stores.
fn spread(event: UnverifiedEvent, owner: &PublicKey, now: u64) -> Result<Event, String> {
    let rumor = &event.rumor;
    if rumor.kind == Kind::LOGIN {
        return Err("invalid: a login comes by AUTH (NIP-42)".to_owned());
    }
    if rumor.pubkey != *owner {
        return Err("restricted: only events that the node's owner signed are published here".to_owned());
    }
    rumor.check(now).map_err(|unacceptable| format!("invalid: {unacceptable}"))?;
    event.verify().map_err(|forged| format!("invalid: {forged}"))
}

fn is_protected(rumor: &Rumor) -> bool {
    rumor.tags.iter().any(|tag| tag.name() == "-")
}

/// Whether a repost's content is an event with the tag `-`.
fn carries_protected(content: &str) -> bool {
    serde_json::from_str::<UnverifiedEvent>(content).is_ok_and(|event| is_protected(&event.rumor))
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
