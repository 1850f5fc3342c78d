//! Events from one relay on their way into the store: counted and checked; the mirror's position advances only when
//! they are stored.

use std::{collections::VecDeque, time::Duration};

use nostrp2p_core::{INTAKE_PAUSE_SECONDS, Intake};
use nostrp2p_protocol::UnverifiedEvent;
use tokio::{sync::oneshot, time::Instant};

use super::Context;
use crate::{
    clock,
    driver::Command,
    store::{Inserted, Stored},
};

/// Events that are on their way into the store at a time, so that one commit takes many of them along.
const UNDER_WAY: usize = 500;

/// Events of one relay that are under way, and the relay's remaining budget.
#[derive(Debug, Default)]
pub(super) struct Receiving {
    intake: Intake,
    under_way: VecDeque<UnderWay>,
    paused_until: Option<Instant>,
}

#[derive(Debug)]
struct UnderWay {
    created_at: u64,
    bytes: usize,
    stored: oneshot::Receiver<Stored>,
}

impl Receiving {
    /// Hands an event to the store. Returns the times of those that turned out not to be taken.
    pub(super) async fn take(&mut self, event: UnverifiedEvent, context: &Context, relay: &str) -> Vec<u64> {
        let (bytes, created_at) = (event.unsigned.size(), event.unsigned.created_at);
        let event = match event.unsigned.check(clock::now()) {
            Ok(()) => event.verify().ok(),
            Err(_) => None,
        };
        let Some(event) = event else {
            self.intake.charge(bytes, false, clock::now());
            return vec![];
        };
        let (reply, stored) = oneshot::channel();
        drop(context.commands.send(Command::Mirrored(event, relay.to_owned(), reply)).await);
        self.under_way.push_back(UnderWay { created_at, bytes, stored });
        self.wait_for_all_but(UNDER_WAY).await
    }

    /// Waits until everything is stored that was handed over. Returns the times of those that were not taken.
    pub(super) async fn settle(&mut self) -> Vec<u64> {
        self.wait_for_all_but(0).await
    }

    async fn wait_for_all_but(&mut self, rest: usize) -> Vec<u64> {
        let mut not_taken = Vec::new();
        while self.under_way.len() > rest {
            let Some(UnderWay { created_at, bytes, stored }) = self.under_way.pop_front() else { break };
            let stored = stored.await;
            let new = matches!(stored, Ok(Ok(Inserted::New(_))));
            self.intake.charge(bytes, new, clock::now());
            if !matches!(stored, Ok(Ok(inserted)) if inserted != Inserted::MailboxFull) {
                not_taken.push(created_at);
            }
        }
        not_taken
    }

    /// Whether the relay is not to be listened to now.
    pub(super) fn pauses(&mut self) -> bool {
        if self.paused_until.is_none() && self.intake.is_spent(clock::now()) {
            self.paused_until = Some(Instant::now() + Duration::from_secs(INTAKE_PAUSE_SECONDS));
        }
        self.paused_until.is_some()
    }

    /// Whether a pause has just ended.
    pub(super) fn resumes(&mut self) -> bool {
        self.paused_until.take_if(|until| *until <= Instant::now()).is_some()
    }

    /// Why it is not listened to, for people.
    pub(super) fn reason(&self) -> Option<String> {
        let left = self.paused_until?.saturating_duration_since(Instant::now());
        Some(format!(
            "it has brought more than 20,000 events or 64 MiB within an hour; the node listens to it again in {} minutes",
            left.as_secs().div_ceil(60)
        ))
    }
}
