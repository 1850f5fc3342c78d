//! Subscriptions for new events: as many as the relay allows, each for a part of what is wanted.
//!
//! The node polls what no subscription covers, because the relay allows no more of them or has ended one; see
//! [`Live::untold`].

use nostrp2p_protocol::Filter;

use super::{EOSE_WITHIN, OVERLAP, request};
use crate::mirror::{
    MirrorStep, line,
    mail::is_mail,
    patience::{Due, Patience},
    questions::Allowed,
};

/// How far the time of a gift wrap lies in the past at most, in seconds (NIP-59), and a quarter of an hour.
const WRAPPED_WITHIN: u64 = 2 * 86_400 + OVERLAP;
/// The first subscription; the others have a number behind it.
const LIVE: &str = "live";
/// Subscriptions that the node asks for again when the relay refuses them. A relay that refuses a later one allows fewer
/// than it says; the node then gives up all later ones, so that other questions have room.
const HELD: usize = 6;

/// All subscriptions for what is new.
#[derive(Debug, Default)]
pub(super) struct Live {
    subscriptions: Vec<Subscription>,
    /// The filters for which the relay allows no subscription.
    beyond: Vec<Filter>,
}

#[derive(Debug)]
struct Subscription {
    filters: Vec<Filter>,
    patience: Patience,
    /// Whether the relay has sent EOSE, so that it tells new events from now on.
    listens: bool,
    /// The `since` of its filters, in seconds since 1970.
    since: u64,
}

impl Live {
    /// Subscribes to these filters, and closes former subscriptions that are not needed any more.
    pub(super) fn begin(&mut self, filters: &[Filter], allowed: &Allowed, now: u64) -> Vec<MirrorStep> {
        let before = self.subscriptions.len();
        let mut questions = allowed.pack(filters);
        self.beyond = questions.split_off(questions.len().min(allowed.live())).concat();
        let subscribe =
            |filters| Subscription { filters, patience: Patience::default(), listens: false, since: now };
        self.subscriptions = questions.into_iter().map(subscribe).collect();
        let ended = (self.subscriptions.len()..before).map(close);
        let asked = self.subscriptions.iter_mut().enumerate().map(|(number, asked)| asked.ask(number));
        ended.chain(asked).collect()
    }

    /// Whether this is one of the subscriptions.
    pub(super) fn is_one(&self, subscription: &str) -> bool {
        self.number(subscription).is_some()
    }

    /// Whether all subscriptions stand.
    pub(super) fn listens(&self) -> bool {
        !self.subscriptions.is_empty() && self.subscriptions.iter().all(|subscription| subscription.listens)
    }

    /// The filters that no standing subscription covers.
    pub(super) fn untold(&self) -> Vec<Filter> {
        let ended = self.subscriptions.iter().filter(|subscription| !subscription.listens);
        let ended = ended.flat_map(|subscription| &subscription.filters);
        ended.chain(&self.beyond).cloned().collect()
    }

    /// How many people are in filters without a subscription.
    pub(super) fn people_beyond(&self) -> usize {
        self.beyond.iter().filter_map(|filter| filter.authors.as_ref()).map(|authors| authors.len()).sum()
    }

    pub(super) fn on_eose(&mut self, subscription: &str) {
        if let Some(asked) = self.named(subscription)
            && asked.patience.is_waiting()
        {
            asked.patience.on_answered();
            asked.listens = true;
        }
    }

    /// The relay has ended a subscription or refused it: asks again after a pause, if it is one of the first [`HELD`].
    pub(super) fn on_closed(&mut self, subscription: &str, now: u64) -> Vec<MirrorStep> {
        let Some(number) = self.number(subscription) else { return vec![] };
        self.on_failed(number, now)
    }

    pub(super) fn on_tick(&mut self, now: u64) -> Vec<MirrorStep> {
        let mut steps = Vec::new();
        let mut late = Vec::new();
        for (number, asked) in self.subscriptions.iter_mut().enumerate() {
            match asked.patience.on_tick(EOSE_WITHIN, now) {
                Due::Late => late.push(number),
                Due::Again => steps.push(asked.ask(number)),
                Due::Nothing => {}
            }
        }
        for number in late {
            steps.push(close(number));
            steps.extend(self.on_failed(number, now));
        }
        steps
    }

    fn on_failed(&mut self, number: usize, now: u64) -> Vec<MirrorStep> {
        let Some(asked) = self.subscriptions.get_mut(number) else { return vec![] };
        if number < HELD || asked.listens {
            asked.on_failed(now);
            return vec![];
        }
        let given_up = self.subscriptions.split_off(HELD);
        let ended = (HELD..HELD + given_up.len()).map(close).collect();
        self.beyond.extend(given_up.into_iter().flat_map(|asked| asked.filters));
        ended
    }

    /// The relay tells nothing any more, until [`Live::begin`].
    pub(super) fn stop(&mut self) {
        for asked in &mut self.subscriptions {
            asked.listens = false;
            asked.patience.stop();
        }
    }

    /// The connection is gone, and all subscriptions with it.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Ends all subscriptions, until [`Live::begin`].
    pub(super) fn close(&mut self) -> Vec<MirrorStep> {
        let ended = (0..self.subscriptions.len()).map(close).collect();
        self.forget();
        ended
    }

    fn number(&self, subscription: &str) -> Option<usize> {
        (0..self.subscriptions.len()).find(|number| name(*number) == subscription)
    }

    fn named(&mut self, subscription: &str) -> Option<&mut Subscription> {
        self.number(subscription).and_then(|number| self.subscriptions.get_mut(number))
    }
}

impl Subscription {
    fn ask(&mut self, number: usize) -> MirrorStep {
        self.patience.on_asked();
        let filters = self.filters.iter().map(|filter| {
            let back = if is_mail(filter) { WRAPPED_WITHIN } else { 0 };
            Filter { since: Some(self.since.saturating_sub(back)), ..filter.clone() }
        });
        MirrorStep::Send(request(&name(number), filters))
    }

    fn on_failed(&mut self, now: u64) {
        if self.listens {
            // What comes until it is asked again must not be missed.
            self.since = now.saturating_sub(OVERLAP);
        }
        self.listens = false;
        self.patience.on_failed(now);
    }
}

fn name(number: usize) -> String {
    if number == 0 { LIVE.to_owned() } else { format!("{LIVE}-{}", number + 1) }
}

fn close(number: usize) -> MirrorStep {
    MirrorStep::Send(line(&("CLOSE", name(number))))
}
