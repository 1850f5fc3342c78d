//! Reads the store for HTTP and WebSocket clients: for the owner at once, for guests in their turn and within a
//! budget.

use std::{collections::BTreeSet, sync::LazyLock};

use nostrp2p_protocol::{Kind, event_policy::open_kinds};

use super::client_limits::{Allowance, GUEST_QUESTION_ROWS};
use crate::{
    clock,
    store::{Reading, Store},
};

/// Kinds of which guests of the relay may see something.
pub(super) static OPEN: LazyLock<BTreeSet<Kind>> = LazyLock::new(open_kinds);

/// Why nothing was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// The disk refuses; the log says why.
    Store,
    /// The guest has had much read lately.
    OverBudget,
}

/// The refusal of a guest over the budget.
pub(super) const OVER_BUDGET: &str =
    "guests at your address have asked for much; wait a minute, or sign in as the owner";

/// Reads for the owner.
pub(super) async fn for_owner<T: Send + 'static>(
    store: &Store,
    read: impl FnOnce(&Store, &mut Reading<'_>) -> Result<T, redb::Error> + Send + 'static,
) -> Result<T, Unread> {
    let (store, turn) = (store.clone(), store.turns().owner());
    let read = move || {
        let _first = turn;
        read(&store, &mut Reading::for_owner())
    };
    logged(tokio::task::spawn_blocking(read).await)
}

/// Reads for a guest, who may see public events of these kinds.
pub(super) async fn for_guest<T: Send + 'static>(
    store: &Store,
    (allowance, kinds): (Allowance, &'static BTreeSet<Kind>),
    read: impl FnOnce(&Store, &mut Reading<'_>) -> Result<T, redb::Error> + Send + 'static,
) -> Result<T, Unread> {
    if !allowance.put_aside(clock::now()) {
        return Err(Unread::OverBudget);
    }
    let (store, turn) = (store.clone(), store.turns().others().await);
    let read = move || {
        let mut reading = Reading::of_public(usize::try_from(GUEST_QUESTION_ROWS).unwrap_or(0), kinds, &turn);
        let found = read(&store, &mut reading);
        allowance.settle(reading.read(), clock::now());
        found
    };
    logged(tokio::task::spawn_blocking(read).await)
}

fn logged<T>(read: Result<Result<T, redb::Error>, tokio::task::JoinError>) -> Result<T, Unread> {
    match read {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            tracing::error!(%error, "the store cannot be read");
            Err(Unread::Store)
        }
        Err(error) => {
            tracing::error!(%error, "reading the store broke off");
            Err(Unread::Store)
        }
    }
}
