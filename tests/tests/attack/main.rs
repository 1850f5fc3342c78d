//! The attack suite: each attack of SECURITY.md against real nodes, with what it must not achieve.
//!
//! `cargo xtask attack` runs them and prints a table; `cargo xtask test product` runs them like all other tests.
//! The attacker in the overlay is [`nostrp2p_tests::Attacker`]: correct libp2p, and no rule of ours kept. Programs that do
//! not even speak libp2p as they should are in `overlay/tests/network/strangers.rs`.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod flooding;
mod forging;
mod homeward;
mod page;
mod port;
mod relayed;
mod surrounding;

use nostrp2p_tests::{Client, Node, get, until};

/// A number from the node's metrics, with all labels added up.
async fn metric(node: &Node, name: &str) -> u64 {
    let text = get(&node.clients(), "/metrics", &[]).await.2;
    let text = String::from_utf8_lossy(&text);
    let value = |line: &str| {
        let (series, value) = line.split_once(' ')?;
        let series = series.split('{').next()?;
        (series.strip_prefix("nostrp2p_")? == name).then(|| value.parse::<u64>().ok())?
    };
    text.lines().filter_map(value).sum()
}

/// Waits until a number from the node's metrics is at least so large.
async fn reaches(node: &Node, name: &str, least: u64) {
    until(&format!("{name} to reach {least}"), || async {
        let value = metric(node, name).await;
        if value >= least { Ok(()) } else { Err(value) }
    })
    .await;
}

/// All that the node of a client holds, as texts, however much it is.
async fn texts(client: &mut Client) -> Vec<String> {
    client.everything_after(0).await
}
