//! Measures what a joining node knows while an attacker invents nodes.

use std::time::{Duration, Instant};

use std::collections::BTreeSet;

use nostrp2p_protocol::PublicKey;
use nostrp2p_runtime::Command;
use tokio::sync::oneshot;

use crate::node::Commands;

/// How often the newcomer is asked.
const EVERY: Duration = Duration::from_millis(200);

/// Asks a node of how many of these people it knows a node, until it knows half of them or the patience is over; returns how long it
/// took to know half. What it loses afterwards [`known`] tells.
pub(crate) async fn watch(
    commands: Commands,
    others: BTreeSet<PublicKey>,
    patience: Duration,
) -> Option<Duration> {
    let started = Instant::now();
    while started.elapsed() < patience {
        if known(&commands, &others).await? * 2 >= others.len() {
            return Some(started.elapsed());
        }
        tokio::time::sleep(EVERY).await;
    }
    None
}

/// Of how many of these people a node knows a node now; None when it has stopped.
pub(crate) async fn known(commands: &Commands, others: &BTreeSet<PublicKey>) -> Option<usize> {
    let (reply, answer) = oneshot::channel();
    commands.send(Command::Strangers(others.clone(), reply)).await.ok()?;
    Some(others.len().saturating_sub(answer.await.ok()?.len()))
}
