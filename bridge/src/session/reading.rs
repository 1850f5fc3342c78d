//! REQ and COUNT: what a client asks for, and what it hears later.

use nostrp2p_protocol::{Event, PublicKey, limits::MAX_FILTERS};

use super::{MAX_SUBSCRIPTIONS, MAX_VALUES, Session, SessionStep, check_subscription, close};
use crate::{message, query::Query, reader::Reader};

/// A client's subscription.
pub(super) struct Subscription {
    queries: Vec<Query>,
    /// How many values the queries hold.
    values: usize,
    reader: Reader,
    /// Events up to this sequence number were in the stored part of the answer.
    through: u64,
}

/// The answer to a COUNT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Events that match any of the queries.
    pub count: u64,
    /// Whether the store looked at all that might match.
    pub complete: bool,
}

impl Session {
    /// Answers a REQ with events that are stored, in the order in which they are to be sent.
    pub fn on_found(&self, subscription: &str, events: &[Event]) -> Vec<SessionStep> {
        events.iter().map(|event| SessionStep::Send(message::event_line(subscription, event))).collect()
    }

    /// The store was read, up to the sequence number `through`, and the node still asks others for what it lacks: what
    /// comes is passed on as it is stored, and [`Session::on_fetched`] ends the answer.
    pub fn on_read(&mut self, subscription: &str, through: u64) {
        if let Some(subscription) = self.subscriptions.get_mut(subscription) {
            subscription.through = through;
        }
    }

    /// Ends the stored part of an answer, in which everything up to the sequence number `through` was looked at.
    pub fn on_end(&mut self, subscription: &str, through: u64) -> SessionStep {
        self.on_read(subscription, through);
        SessionStep::Send(message::eose(subscription))
    }

    /// Ends an answer for which others were asked, unless the client has closed the subscription meanwhile.
    pub fn on_fetched(&self, subscription: &str) -> Option<SessionStep> {
        self.subscriptions.contains_key(subscription).then(|| SessionStep::Send(message::eose(subscription)))
    }

    /// Ends a subscription because the store cannot be read.
    pub fn on_unreadable(&mut self, subscription: &str) -> SessionStep {
        self.subscriptions.remove(subscription);
        close(subscription, "error: the node cannot read its store; its log says why")
    }

    /// Ends a subscription, or refuses a COUNT, because much was read for this client lately.
    pub fn on_over_budget(&mut self, subscription: &str, reason: &str) -> SessionStep {
        self.subscriptions.remove(subscription);
        close(subscription, &format!("rate-limited: {reason}"))
    }

    /// Answers a COUNT.
    pub fn on_counted(&self, subscription: &str, counted: Counted) -> SessionStep {
        SessionStep::Send(message::count(subscription, counted.count, !counted.complete))
    }

    /// Passes on an event that was stored just now under this sequence number.
    pub fn on_stored(&self, sequence: u64, event: &Event) -> Vec<SessionStep> {
        let wanted = self.subscriptions.iter().filter(|(_, wanted)| wanted.through < sequence);
        Self::hear(wanted, event)
    }

    /// Passes on an ephemeral event, which is not stored.
    pub fn on_spread(&self, event: &Event) -> Vec<SessionStep> {
        Self::hear(self.subscriptions.iter(), event)
    }

    /// Whether anything is subscribed to, so that news have to be read.
    pub fn listens(&self) -> bool {
        !self.subscriptions.is_empty()
    }

    fn hear<'a>(
        subscriptions: impl Iterator<Item = (&'a String, &'a Subscription)>,
        event: &Event,
    ) -> Vec<SessionStep> {
        subscriptions
            .filter(|(_, wanted)| wanted.reader.sees(event))
            .filter(|(_, wanted)| wanted.queries.iter().any(|query| query.matches(event)))
            .map(|(subscription, _)| SessionStep::Send(message::event_line(subscription, event)))
            .collect()
    }

    pub(super) fn on_req(
        &mut self,
        subscription: String,
        queries: Vec<Query>,
        owner: Option<PublicKey>,
    ) -> SessionStep {
        // Whatever becomes of the new one, the earlier one with this id has ended (NIP-01).
        self.subscriptions.remove(&subscription);
        let reader = match self.may_ask(&subscription, &queries, owner) {
            Ok(reader) => reader,
            Err(reason) => return close(&subscription, &reason),
        };
        if self.subscriptions.len() >= MAX_SUBSCRIPTIONS {
            return close(&subscription, &format!("rate-limited: at most {MAX_SUBSCRIPTIONS} subscriptions"));
        }
        let values = queries.iter().map(Query::values).sum::<usize>();
        let held: usize = self.subscriptions.values().map(|held| held.values).sum();
        if held + values > MAX_VALUES {
            let reason = format!("rate-limited: the subscriptions hold more than {MAX_VALUES} values");
            return close(&subscription, &reason);
        }
        let kept = Subscription { queries: queries.clone(), values, reader, through: u64::MAX };
        self.subscriptions.insert(subscription.clone(), kept);
        SessionStep::Find(subscription, queries, reader)
    }

    pub(super) fn on_count(
        &self,
        subscription: String,
        queries: Vec<Query>,
        owner: Option<PublicKey>,
    ) -> SessionStep {
        match self.may_ask(&subscription, &queries, owner) {
            Ok(reader) => SessionStep::Count(subscription, queries, reader),
            Err(reason) => close(&subscription, &reason),
        }
    }

    /// As whom a client asks this, or why it may not.
    pub(super) fn may_ask(
        &self,
        subscription: &str,
        queries: &[Query],
        owner: Option<PublicKey>,
    ) -> Result<Reader, String> {
        check_subscription(subscription)?;
        let reader =
            self.reader(owner).ok_or_else(|| self.not_allowed("only the node's owner reads here"))?;
        if queries.iter().any(|query| reader.never_sees(&query.filter)) {
            return Err(self.not_allowed("only the node's owner reads private messages"));
        }
        if queries.len() > MAX_FILTERS {
            return Err(format!("invalid: at most {MAX_FILTERS} filters"));
        }
        match queries.iter().find_map(|query| query.check_shape_for(&reader).err()) {
            Some(invalid) => Err(format!("invalid: {invalid}")),
            None => Ok(reader),
        }
    }
}
