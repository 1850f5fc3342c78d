//! The machine as the runtime needs it: its clock, and threads that check signatures.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use nostrp2p_protocol::UnverifiedEvent;
use nostrp2p_runtime::{Checked, Platform};
use tokio::{task::spawn_blocking, time::sleep};

use crate::{
    clock,
    verifier::{self, Verifier},
};

/// A signature that comes after so long a quiet is checked at once: to wake a thread and be woken by it takes longer than the
/// 50 us of the check. So at most a hundredth of the time goes into this, however much comes.
const QUIET: Duration = Duration::from_millis(5);

pub(super) struct Machine {
    verifier: Verifier,
    /// When an event came last, and what was checked at once.
    last: Option<Instant>,
    checked: Vec<Checked>,
}

impl Machine {
    pub(super) fn start() -> Self {
        Self { verifier: Verifier::start(), last: None, checked: Vec::new() }
    }
}

impl Platform for Machine {
    fn now(&self) -> u64 {
        clock::now()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static {
        sleep(duration)
    }

    fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = Option<T>> + Send + 'static {
        let working = spawn_blocking(work);
        async move { working.await.ok() }
    }

    fn check(&mut self, number: u64, event: UnverifiedEvent) -> bool {
        let now = Instant::now();
        let before = self.last.replace(now);
        if before.is_none_or(|before| now.duration_since(before) >= QUIET) {
            self.checked.push((number, verifier::check(event)));
            return true;
        }
        self.verifier.check(number, event)
    }

    async fn checked(&mut self) -> Vec<Checked> {
        if !self.checked.is_empty() {
            return std::mem::take(&mut self.checked);
        }
        match self.verifier.checked().await {
            Some(checked) => checked,
            // Its threads have gone, which only a fault of theirs brings about; the node goes on without it.
            None => std::future::pending().await,
        }
    }
}
