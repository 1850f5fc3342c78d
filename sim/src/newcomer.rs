//! What a node knows that joins while somebody invents others.

use std::time::{Duration, Instant};

use nostrp2p_protocol::PeerId;
use tokio::sync::{mpsc, oneshot};

use crate::node::Order;

/// How often the newcomer is asked.
const EVERY: Duration = Duration::from_millis(200);

/// Asks a node how many of these others it knows, until it knows half of them or the patience is over; returns how long it
/// took to know half. What it loses afterwards [`known`] tells.
pub(crate) async fn watch(
    orders: mpsc::Sender<Order>,
    others: Vec<PeerId>,
    patience: Duration,
) -> Option<Duration> {
    let started = Instant::now();
    while started.elapsed() < patience {
        if known(&orders, &others).await? * 2 >= others.len() {
            return Some(started.elapsed());
        }
        tokio::time::sleep(EVERY).await;
    }
    None
}

/// How many of these others a node knows now; None when it has stopped.
pub(crate) async fn known(orders: &mpsc::Sender<Order>, others: &[PeerId]) -> Option<usize> {
    let (reply, answer) = oneshot::channel();
    orders.send(Order::Know(others.to_vec(), reply)).await.ok()?;
    answer.await.ok()
}
