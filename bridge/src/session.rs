//! One client's session with the relay: lines in, [`SessionStep`]s out.
//!
//! Sans-IO: the node has the sockets, the store and the clock. The constants here bound the state of a session.

mod reading;
mod reconciling;
mod writing;

use std::collections::BTreeMap;

use nostrp2p_core::{InboxTerms, Ownership, Proof};
use nostrp2p_protocol::{
    Event, PeerId, PublicKey, UnverifiedEvent, delegation,
    frame::{Refusal, RefusalCode},
};

pub use reading::Counted;
use reading::Subscription;
pub use reconciling::MAX_COLLECTED;
use reconciling::Reconciliations;
pub use writing::{PublishOutcome, Submitted};

use crate::{
    message::{self, ClientMessage, Queries, Unreadable},
    query::Query,
    reader::Reader,
};

/// Most open subscriptions of one session: 200, as strfry takes.
pub const MAX_SUBSCRIPTIONS: usize = 200;
/// Longest subscription id in characters (NIP-01).
pub(crate) const MAX_SUBSCRIPTION_ID: usize = 64;
/// Most values in the filters of all subscriptions of a session: four follow lists of 10,000 people, about 4 MB.
const MAX_VALUES: usize = 40_000;
/// Logins of one session that may fail or be a stranger's, each of which costs a signature check; then it is closed.
const MAX_FAILED_LOGINS: u32 = 20;
const SECONDS_A_DAY: u64 = 86_400;
/// Characters of a wrong value that a NOTICE repeats: enough to find it.
const SHOWN: usize = 12;

/// Actions of the node for a session, in this order.
#[derive(Debug, PartialEq)]
pub enum SessionStep {
    /// Send this line to the client.
    Send(String),
    /// Publish the owner's event, then call [`Session::on_published`]. Others may be published meanwhile.
    Publish(Box<UnverifiedEvent>),
    /// Bring an event of anybody to the inbox, then call [`Session::on_received`]. The key is the one by which they have
    /// signed in, if they have.
    Receive(Box<UnverifiedEvent>, Option<PublicKey>),
    /// Hand an ephemeral event to [`Session::on_spread`] of all sessions, this one too.
    Spread(Box<Event>),
    /// Look up what this reader may see, then call [`Session::on_found`] once or more and [`Session::on_end`]. Where
    /// [`Session::is_owners`], other nodes may be asked first for what the store lacks: then [`Session::on_read`] and
    /// [`Session::on_fetched`] come in the place of the latter.
    Find(String, Vec<Query>, Reader),
    /// Count what this reader may see, then call [`Session::on_counted`].
    Count(String, Vec<Query>, Reader),
    /// Collect times and ids of what this reader may see, at most one more than [`MAX_COLLECTED`], then call
    /// [`Session::on_collected`] with them and this message.
    Collect(String, Vec<Query>, Reader, Vec<u8>),
    /// Close the connection, and say why.
    HangUp(&'static str),
}

/// What a node allows clients that have not signed in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policy {
    /// Guests read what is public (`--public-read`).
    pub public_read: bool,
    /// Every client counts as the owner (`--open-relay`).
    pub open: bool,
    /// Anybody brings what names the owner (`--inbox`), with what the owner demands of strangers.
    pub inbox: Option<InboxTerms>,
}

/// The state of one conversation.
pub struct Session {
    challenge: [u8; 32],
    authority: String,
    policy: Policy,
    authenticated: Option<PublicKey>,
    /// A stranger's key, at a relay with an inbox.
    signed_in: Option<PublicKey>,
    failed_logins: u32,
    /// Whether somebody has signed in who may not: to sign in again does not help (NIP-42).
    stranger: bool,
    /// Whether a page of another site speaks, in which the owner does not sign in.
    foreign: bool,
    /// Whether the owner has tried to.
    owner_refused: bool,
    /// Whether the client knows that a value of a filter was none.
    told_of_wrong: bool,
    subscriptions: BTreeMap<String, Subscription>,
    reconciliations: Reconciliations,
}

impl Session {
    /// Begins with the challenge of NIP-42. `authority` is what the client's request named as `Host`.
    pub fn open(challenge: [u8; 32], authority: String, policy: Policy) -> (Self, SessionStep) {
        let greeting = SessionStep::Send(message::auth(&challenge));
        let session = Self {
            challenge,
            authority,
            policy,
            authenticated: None,
            signed_in: None,
            failed_logins: 0,
            stranger: false,
            foreign: false,
            owner_refused: false,
            told_of_wrong: false,
            subscriptions: BTreeMap::new(),
            reconciliations: Reconciliations::default(),
        };
        (session, greeting)
    }

    /// Makes it the session of a page of another site, at a relay with an inbox: the owner does not sign in there.
    pub const fn of_foreign_page(mut self) -> Self {
        (self.foreign, self.stranger) = (true, true);
        self
    }

    /// Whether the owner has tried to sign in on a page of another site, since this was asked the last time.
    pub const fn take_owner_refused(&mut self) -> bool {
        std::mem::replace(&mut self.owner_refused, false)
    }

    /// Takes one line. `owner` is whose node this is, `now` in seconds since 1970.
    pub fn on_line(&mut self, line: &str, owner: Option<PublicKey>, now: u64) -> Vec<SessionStep> {
        match ClientMessage::parse(line) {
            Ok(ClientMessage::Auth(event)) => self.on_auth(*event, owner, now),
            Ok(ClientMessage::Event(event)) => self.on_event(event, owner, now),
            Ok(ClientMessage::Req { subscription, queries: Queries { queries, wrong } }) => {
                let answer = self.on_req(subscription, queries, owner);
                self.told_of(wrong).into_iter().chain([answer]).collect()
            }
            Ok(ClientMessage::Count { subscription, queries: Queries { queries, wrong } }) => {
                let answer = self.on_count(subscription, queries, owner);
                self.told_of(wrong).into_iter().chain([answer]).collect()
            }
            Ok(ClientMessage::Close { subscription }) => {
                self.subscriptions.remove(&subscription);
                vec![]
            }
            Ok(ClientMessage::NegOpen { subscription, queries: Queries { queries, wrong }, message }) => {
                let answer = self.on_neg_open(subscription, queries, message, owner);
                self.told_of(wrong).into_iter().chain([answer]).collect()
            }
            Ok(ClientMessage::NegMsg { subscription, message }) => {
                vec![self.reconciliations.go_on(&subscription, &message)]
            }
            Ok(ClientMessage::NegClose { subscription }) => {
                self.reconciliations.close(&subscription);
                vec![]
            }
            Err(Unreadable::Line(reason)) => {
                vec![SessionStep::Send(message::notice(&format!("invalid: {reason}")))]
            }
            Err(Unreadable::Event(id, reason)) => {
                vec![SessionStep::Send(message::ok(&id, false, &format!("invalid: {reason}")))]
            }
            Err(Unreadable::Control(id, reason)) => {
                let reason = format!("invalid: {reason}");
                vec![
                    SessionStep::Send(message::ok(&id, false, &reason)),
                    SessionStep::Send(message::notice(&reason)),
                ]
            }
            Err(Unreadable::Req(subscription, reason)) => {
                self.subscriptions.remove(&subscription);
                vec![close(&subscription, &format!("invalid: {reason}"))]
            }
            Err(Unreadable::Neg(subscription, reason)) => {
                self.reconciliations.close(&subscription);
                vec![neg_err(&subscription, &format!("invalid: {reason}"))]
            }
        }
    }

    /// Says once in a session that a value of a filter is no id and no key.
    fn told_of(&mut self, wrong: Option<String>) -> Option<SessionStep> {
        let wrong = wrong.filter(|_| !self.told_of_wrong)?;
        self.told_of_wrong = true;
        // Who put a secret key there shall not find it in a log.
        let length = if wrong.starts_with("nsec1") { 5 } else { SHOWN };
        let shown: String = wrong.chars().take(length).collect();
        let reason = format!(
            "invalid: {shown:?}... in a filter is no id or key of 64 lower-case hex digits (no npub1..., no commas), so it \
             matches nothing; the rest of the filter counts"
        );
        Some(SessionStep::Send(message::notice(&reason)))
    }

    /// A binary message came. NIP-01 knows none.
    pub fn on_binary(&self) -> SessionStep {
        SessionStep::Send(message::notice("invalid: a relay takes text messages"))
    }

    fn on_auth(&mut self, event: UnverifiedEvent, owner: Option<PublicKey>, now: u64) -> Vec<SessionStep> {
        let id = event.claimed_id.unwrap_or_else(|| event.unsigned.id());
        let event = match event.verify() {
            Ok(event) => event,
            Err(forged) => {
                return self.on_failed_login(message::ok(&id, false, &format!("invalid: {forged}")));
            }
        };
        let proof =
            Proof { event: &event, challenge: &self.challenge, authority: &self.authority, peer: None };
        let result = match owner {
            Some(owner) => Ownership::Owned(owner).login(proof, now),
            None => Err(Refusal::new(RefusalCode::NoOwner, "this node has no owner yet; claim it first")),
        };
        match result {
            Ok(_) if self.foreign => {
                self.owner_refused = true;
                let reason = "restricted: your node takes no login of yours on pages of this site; start it with \
                              --allow-origin and the address of the site, if you trust it";
                self.on_failed_login(message::ok(&id, false, reason))
            }
            Ok(owner) => {
                self.authenticated = Some(owner);
                self.stranger = false;
                vec![SessionStep::Send(message::ok(&id, true, ""))]
            }
            // Anybody may say who they are: it opens nothing and decides how much they may bring.
            Err(refusal) if refusal.code == RefusalCode::NotOwner && self.policy.inbox.is_some() => {
                self.stranger = true;
                self.signed_in = Some(event.pubkey);
                self.on_failed_login(message::ok(&id, true, ""))
            }
            Err(refusal) => {
                self.stranger |= refusal.code == RefusalCode::NotOwner;
                let prefix = if refusal.code == RefusalCode::NotOwner { "restricted" } else { "invalid" };
                self.on_failed_login(message::ok(&id, false, &format!("{prefix}: {}", refusal.reason)))
            }
        }
    }

    /// Answers a login that does not open the relay.
    fn on_failed_login(&mut self, line: String) -> Vec<SessionStep> {
        self.failed_logins += 1;
        let mut steps = vec![SessionStep::Send(line)];
        if self.failed_logins >= MAX_FAILED_LOGINS {
            steps.push(SessionStep::HangUp("too many logins; connect again"));
        }
        steps
    }

    /// Whether the owner has signed in here.
    pub const fn is_owners(&self) -> bool {
        self.authenticated.is_some()
    }

    /// The notice to the owner after AUTH when other nodes do not send private mail to this node, or soon will not:
    /// that needs a delegation, which the node's own page renews and other programs do not. `delegated` is its end,
    /// in seconds since 1970.
    pub fn on_signed_in(&self, peer: &PeerId, delegated: Option<u64>, now: u64) -> Option<SessionStep> {
        let left = delegated.map_or(0, |end| end.saturating_sub(now));
        if left >= delegation::RENEW_SECONDS {
            return None;
        }
        let state = match left / SECONDS_A_DAY {
            0 if left == 0 => "nobody has your word that this node acts for you".to_owned(),
            days => format!("your word that this node acts for you ends in {} days", days + 1),
        };
        let identifier = delegation::identifier(peer);
        Some(SessionStep::Send(message::notice(&format!(
            "private mail: {state}; without it replies, likes and messages of others do not come here. Sign in once with \
             the page of the node, or publish here an event of kind 30078 with the tags [\"d\",\"{identifier}\"] and \
             [\"expiration\",\"{}\"] (docs/relay.md)",
            now.saturating_add(delegation::LIFETIME_SECONDS)
        ))))
    }

    /// A refusal of what only the owner may do, with the prefix of NIP-42: a client that has signed in by another key
    /// need not do so again.
    fn not_allowed(&self, reason: &str) -> String {
        format!("{}: {reason}", if self.stranger { "restricted" } else { "auth-required" })
    }

    /// The reader of this session; None before AUTH, unless the node allows more.
    fn reader(&self, owner: Option<PublicKey>) -> Option<Reader> {
        match (self.authenticated, owner) {
            (Some(owner), _) => Some(Reader::Owner(owner)),
            (None, Some(owner)) if self.policy.open && !self.foreign => Some(Reader::Owner(owner)),
            (None, _) => self.policy.public_read.then_some(Reader::Guest),
        }
    }
}

/// Ends a subscription, or refuses it.
fn close(subscription: &str, reason: &str) -> SessionStep {
    SessionStep::Send(message::closed(&shown(subscription), reason))
}

/// Ends a reconciliation, or refuses it.
fn neg_err(subscription: &str, reason: &str) -> SessionStep {
    SessionStep::Send(message::neg_err(&shown(subscription), reason))
}

/// A client that sent a very long id learns why; its id is not sent back whole.
fn shown(subscription: &str) -> String {
    subscription.chars().take(MAX_SUBSCRIPTION_ID).collect()
}

fn check_subscription(subscription: &str) -> Result<(), &'static str> {
    let length = subscription.chars().take(MAX_SUBSCRIPTION_ID + 1).count();
    if length == 0 || length > MAX_SUBSCRIPTION_ID {
        return Err("invalid: a subscription id has 1 to 64 characters");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
