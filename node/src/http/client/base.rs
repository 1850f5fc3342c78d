//! Requests of a client that wait for events of the owner's other nodes and mirrors; see [`crate::http::base`].

use nostrp2p_protocol::{Filter, frame::RequestId};
use tokio::time::Instant;

use super::{Gone, Session};
use crate::http::base::{self, WAIT};

/// Most questions of one session that wait; a page asks one.
const MAX_AWAITING: usize = 4;

/// Questions that wait for others, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Awaiting(Vec<(RequestId, Vec<Filter>, Instant)>);

impl Awaiting {
    /// When the oldest has waited long enough.
    pub(super) fn due(&self) -> Option<Instant> {
        self.0.first().map(|(.., until)| *until)
    }
}

impl Session {
    /// Whether this question is answered later: the store lacks something of it, and others may have that.
    pub(super) async fn waits_for_others(&mut self, request: RequestId, filters: &[Filter]) -> bool {
        let owner = self.app.node_status.borrow().owner.filter(|_| self.is_owner());
        let (Some(owner), [filter]) = (owner, filters) else { return false };
        if base::asked(filter, &owner).is_none() || !base::others_owe(&self.app) {
            return false;
        }
        let asked = [filter.clone()];
        let found = self.read(move |store, reading| store.find_within(&asked, |_| true, reading)).await;
        let lacks = found.is_ok_and(|found| base::lacks(filter, &owner, &found.events));
        if lacks && self.awaiting.0.len() < MAX_AWAITING {
            self.awaiting.0.push((request, filters.to_vec(), Instant::now() + WAIT));
            return true;
        }
        false
    }

    /// Answers what has waited long enough, or all when the others have given what they hold.
    pub(super) async fn answer_awaiting(&mut self, now: Instant) -> Result<(), Gone> {
        let done = !base::others_owe(&self.app);
        while self.awaiting.due().is_some_and(|due| done || due <= now) {
            let (request, filters, _) = self.awaiting.0.remove(0);
            self.answer_fetch(request, filters, None).await?;
        }
        Ok(())
    }
}
