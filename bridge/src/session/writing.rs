//! EVENT: events that the owner's programs publish, and those that are refused before the node sees them.

use nostrp2p_core::NotReceived;
use nostrp2p_protocol::{
    Authority, Event, EventId, Kind, PublicKey, UnsignedEvent, UnverifiedEvent,
    event_policy::{
        HORIZON_SECONDS, inside_address, is_for_inbox, is_gift_wrap, is_protected, is_public, is_repost,
        is_too_old,
    },
    frame::{Carried, Refusal, RefusalCode},
    work::keeps_commitment,
};

use super::{Session, SessionStep};
use crate::{message, reader::Reader};

/// Characters of an address that an answer repeats.
const SHOWN: usize = 100;

/// Direct messages of NIP-04, which show everybody who writes to whom.
const LEGACY_MESSAGE: Kind = Kind(4);

/// The result of an event that the node did not refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishOutcome {
    /// It is durably stored, and travels like this.
    New(Carried),
    /// It had been stored before.
    Known,
    /// A newer one of the same author, kind and `d` tag is stored (NIP-01).
    Superseded,
}

impl Session {
    /// Answers an EVENT once the node knows what became of it. Who will get it is said in the answer, as NIP-01 allows;
    /// nothing is said of what everybody gets. `now` is in seconds since 1970.
    pub fn on_published(
        &self,
        event: &Submitted,
        result: Result<PublishOutcome, Refusal>,
        now: u64,
    ) -> SessionStep {
        let id = &event.id;
        SessionStep::Send(match result {
            Ok(PublishOutcome::New(carried)) => message::ok(id, true, &event.fate(carried, now)),
            Ok(PublishOutcome::Known) => message::ok(id, true, "duplicate: this event is stored already"),
            Ok(PublishOutcome::Superseded) => message::ok(id, false, "duplicate: a newer version is stored"),
            Err(refusal) => message::ok(id, false, &format!("{}: {}", prefix(refusal.code), refusal.reason)),
        })
    }

    pub(super) fn on_event(
        &self,
        event: Box<UnverifiedEvent>,
        owner: Option<PublicKey>,
        now: u64,
    ) -> Vec<SessionStep> {
        let id = event.claimed_id.unwrap_or_else(|| event.unsigned.id());
        let refuse = |reason: &str| vec![SessionStep::Send(message::ok(&id, false, reason))];
        let Some(Reader::Owner(owner)) = self.reader(owner) else {
            return match (self.policy.inbox, owner) {
                (Some(_), Some(owner)) => vec![self.on_event_of_stranger(id, event, &owner)],
                _ => refuse(&self.not_allowed("only the node's owner publishes here")),
            };
        };
        if let Err(reason) = self.check(&id, &event.unsigned) {
            return refuse(reason);
        }
        if !event.unsigned.kind.is_ephemeral() {
            return vec![SessionStep::Publish(event)];
        }
        match spread(*event, &owner, now) {
            Ok(event) => {
                vec![SessionStep::Spread(Box::new(event)), SessionStep::Send(message::ok(&id, true, ""))]
            }
            Err(reason) => refuse(&reason),
        }
    }

    /// Answers an event that was brought to the inbox once the node knows what became of it. Nothing is said of whether it
    /// was there before.
    pub fn on_received(&self, id: &EventId, result: Result<(), NotReceived>) -> SessionStep {
        SessionStep::Send(match result {
            Ok(()) => message::ok(id, true, ""),
            Err(refused) => {
                message::ok(id, false, &format!("{}: {refused}", prefix_of_not_received(&refused)))
            }
        })
    }

    /// An EVENT by a client that has not signed in as the owner, at a relay with an inbox.
    fn on_event_of_stranger(
        &self,
        id: EventId,
        event: Box<UnverifiedEvent>,
        owner: &PublicKey,
    ) -> SessionStep {
        let refuse = |reason: &str| SessionStep::Send(message::ok(&id, false, reason));
        let unsigned = &event.unsigned;
        if is_for_inbox(unsigned, owner) {
            return match self.check(&id, unsigned) {
                Ok(()) => SessionStep::Receive(event, self.signed_in),
                Err(reason) => refuse(reason),
            };
        }
        // A login helps the owner's programs alone; they also send gift wraps, signed by keys that are thrown away.
        let may_be_owners = unsigned.pubkey == *owner || is_gift_wrap(unsigned.kind);
        if may_be_owners {
            return refuse(&self.not_allowed("only the node's owner publishes this here"));
        }
        refuse(&format!("restricted: {}", NotReceived::NotForInbox))
    }

    /// The checks of a relay besides those of every node.
    fn check(&self, id: &EventId, unsigned: &UnsignedEvent) -> Result<(), &'static str> {
        if !keeps_commitment(id, unsigned) {
            return Err("pow: the id has less work than its nonce tag says (NIP-13)");
        }
        if is_protected(unsigned) && self.authenticated.or(self.signed_in) != Some(unsigned.pubkey) {
            return Err("auth-required: a protected event is taken from its author only (NIP-70)");
        }
        if unsigned.kind == LEGACY_MESSAGE {
            return Err("blocked: use NIP-17; messages of kind 4 show everybody who writes to whom");
        }
        if is_repost(unsigned.kind) && carries_protected(&unsigned.content) {
            return Err("blocked: a protected event is not to be reposted (NIP-70)");
        }
        if unsigned.kind == Kind::VANISH && !self.is_named(unsigned) {
            return Err("invalid: no relay tag names this relay, so nothing vanishes here (NIP-62)");
        }
        Ok(())
    }

    /// Whether a request to vanish is meant for this relay.
    fn is_named(&self, unsigned: &UnsignedEvent) -> bool {
        let own = self.authority.parse::<Authority>().ok();
        let is_own = |relay: &str| own.as_ref().is_some_and(|own| own.is_of(relay));
        unsigned.tag_values("relay").any(|relay| relay == "ALL_RELAYS" || is_own(relay))
    }
}

/// An event that a program has submitted, as far as the answer needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// Its id, as its sender says.
    pub id: EventId,
    kind: Kind,
    created_at: u64,
    is_public: bool,
    is_protected: bool,
    /// An address of the owner's own network in a list of relays.
    inside_address: Option<String>,
}

impl From<&UnverifiedEvent> for Submitted {
    fn from(event: &UnverifiedEvent) -> Self {
        let UnverifiedEvent { claimed_id, unsigned, .. } = event;
        Self {
            id: claimed_id.unwrap_or_else(|| unsigned.id()),
            kind: unsigned.kind,
            created_at: unsigned.created_at,
            is_public: is_public(unsigned),
            is_protected: is_protected(unsigned),
            inside_address: inside_address(unsigned).map(|url| url.chars().take(SHOWN).collect()),
        }
    }
}

impl Submitted {
    /// Names who gets the event, for the answer; empty when everybody does.
    fn fate(&self, carried: Carried, now: u64) -> String {
        if let (Carried::Kept, Some(inside)) = (carried, &self.inside_address) {
            return format!("kept on your node: it names {inside}, which is in your own machine or network");
        }
        match carried {
            Carried::Broadcast(_) if is_too_old(self.created_at, now) => {
                format!("kept on your node: older than {} days", HORIZON_SECONDS / 86_400)
            }
            Carried::Broadcast(0) => "waits on your node until another node is connected".to_owned(),
            Carried::Broadcast(_) => String::new(),
            Carried::Waiting(0) if self.kind == Kind::VOTE => {
                "kept on your node: the poll is your own".to_owned()
            }
            Carried::Waiting(_) if self.kind == Kind::VOTE => {
                "goes to the author of the poll, whose node shows it to everybody who asks".to_owned()
            }
            Carried::Kept if self.kind == Kind::VOTE => {
                "kept on your node: the poll was not found, so the vote does not reach its author".to_owned()
            }
            Carried::Waiting(0) => "kept on your node: it names nobody else".to_owned(),
            Carried::Waiting(1) => "goes privately to the person it names".to_owned(),
            Carried::Waiting(people) => format!("goes privately to the {people} people it names"),
            Carried::Kept if self.is_protected => "kept on your node: it is protected (NIP-70)".to_owned(),
            Carried::Kept if self.is_public => "kept on your node, which gives it to whoever asks".to_owned(),
            Carried::Kept if self.kind == Kind::DELETION => {
                "kept on your node: nothing that it deletes is here".to_owned()
            }
            Carried::Kept => format!("kept on your node: kind {} is not carried", self.kind.0),
        }
    }
}

/// Checks an ephemeral event as a node checks what it stores.
fn spread(event: UnverifiedEvent, owner: &PublicKey, now: u64) -> Result<Event, String> {
    let unsigned = &event.unsigned;
    if unsigned.kind == Kind::LOGIN {
        return Err("invalid: a login comes by AUTH (NIP-42)".to_owned());
    }
    if unsigned.pubkey != *owner {
        return Err("restricted: only events that the node's owner signed are published here".to_owned());
    }
    unsigned.check(now).map_err(|unacceptable| format!("invalid: {unacceptable}"))?;
    event.verify().map_err(|forged| format!("invalid: {forged}"))
}

/// Whether a repost's content is an event with the tag `-`.
fn carries_protected(content: &str) -> bool {
    serde_json::from_str::<UnverifiedEvent>(content).is_ok_and(|event| is_protected(&event.unsigned))
}

/// The machine-readable prefix of NIP-01 for what the inbox does not take.
const fn prefix_of_not_received(refused: &NotReceived) -> &'static str {
    match refused {
        NotReceived::NotForInbox => "restricted",
        NotReceived::Unacceptable(_) | NotReceived::TooManyPeople | NotReceived::Forged(_) => "invalid",
        NotReceived::TooLittleWork(_) => "pow",
        NotReceived::OverBudget | NotReceived::Busy | NotReceived::Full => "rate-limited",
        NotReceived::Unwanted | NotReceived::Gone => "blocked",
        NotReceived::Internal => "error",
    }
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
