//! What the owner's programs build the next version of a profile or a list on.
//!
//! A node that was just claimed with a key from elsewhere holds none, and a version that begins from nothing would take
//! the place of the one on the owner's other nodes and on the relays. So an answer waits until these have given what they
//! hold, as far as they answer.

use std::time::Duration;

use nostrp2p_protocol::{Filter, PublicKey, frame::RequestId};
use tokio::time::Instant;

use super::{Gone, Session};

/// How long an answer waits at most. The page asks the person when nothing came.
const WAIT: Duration = Duration::from_secs(15);
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
    /// Whether another node of the owner or a mirror may soon give what the store lacks.
    fn others_owe(&self) -> bool {
        self.app.mirrors.owe_answers() || self.app.node_status.borrow().own_nodes_owe
    }

    /// Whether this question is answered later: the store lacks something of it, and others may have that.
    pub(super) async fn waits_for_others(&mut self, request: RequestId, filters: &[Filter]) -> bool {
        let owner = self.app.node_status.borrow().owner.filter(|_| self.is_owner());
        let (Some(owner), [filter]) = (owner, filters) else { return false };
        let (Some(kinds), true) = (asked_base(filter, &owner), self.others_owe()) else {
            return false;
        };
        let asked = [filter.clone()];
        let found = self.read(move |store, reading| store.find_within(&asked, |_| true, reading)).await;
        let lacks = found.is_ok_and(|found| found.events.len() < kinds);
        if lacks && self.awaiting.0.len() < MAX_AWAITING {
            self.awaiting.0.push((request, filters.to_vec(), Instant::now() + WAIT));
            return true;
        }
        false
    }

    /// Answers what has waited long enough, or all when the others have given what they hold.
    pub(super) async fn answer_awaiting(&mut self, now: Instant) -> Result<(), Gone> {
        let done = !self.others_owe();
        while self.awaiting.due().is_some_and(|due| done || due <= now) {
            let (request, filters, _) = self.awaiting.0.remove(0);
            self.answer_fetch(request, filters).await?;
        }
        Ok(())
    }
}

/// How many kinds are asked for, if it is the owner's own replaceable events and nothing else.
fn asked_base(filter: &Filter, owner: &PublicKey) -> Option<usize> {
    let own = filter.authors.as_ref().is_some_and(|authors| authors.len() == 1 && authors.contains(owner));
    let kinds = filter.kinds.as_ref()?;
    (own && filter.ids.is_none() && kinds.iter().all(|kind| kind.is_replaceable())).then_some(kinds.len())
}
