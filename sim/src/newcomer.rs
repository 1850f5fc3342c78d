//! What a node knows that joins while somebody invents others.

use std::time::{Duration, Instant};

use nostrp2p_protocol::PeerId;
use tokio::sync::{mpsc, oneshot};

use crate::node::Order;

/// How often the newcomer is asked.
const EVERY: Duration = Duration::from_millis(200);

/// Asks a node how many of these others it knows, until it knows half of them or the patience is over; returns how many
/// it knew at last, and how long it took to know half.
pub(crate) async fn watch(
    orders: mpsc::Sender<Order>,
    others: Vec<PeerId>,
    patience: Duration,
) -> (usize, Option<Duration>) {
    let (started, mut known) = (Instant::now(), 0);
    while started.elapsed() < patience {
        let (reply, answer) = oneshot::channel();
        if orders.send(Order::Know(others.clone(), reply)).await.is_err() {
            break;
        }
        known = answer.await.unwrap_or(known);
        if known * 2 >= others.len() {
            return (known, Some(started.elapsed()));
        }
        tokio::time::sleep(EVERY).await;
    }
    (known, None)
}
