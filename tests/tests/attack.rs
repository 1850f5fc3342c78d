//! The attack suite: each attack of SECURITY.md against real nodes, with what it must not achieve.
//!
//! `cargo xtask attack` runs them and prints a table; `cargo xtask test product` runs them like all other tests.
//! The attacker in the overlay is [`nostrp2p_tests::Attacker`]: correct libp2p, and no rule of ours kept. Programs that do
//! not even speak libp2p as they should are in `overlay/tests/network/strangers.rs`.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod brought;
mod flooding;
mod forging;
mod homeward;
mod links;
mod mailing;
mod page;
mod passed_on;
mod port;
mod relayed;
mod revealing;
mod surrounding;
mod tables;
mod working;

use nostrp2p_tests::{Client, Node, until};

/// Waits until a number from the node's metrics is at least so large.
async fn reaches(node: &Node, name: &str, least: u64) {
    until(&format!("{name} to reach {least}"), || async {
        let value = node.metric(name).await;
        if value >= least { Ok(()) } else { Err(value) }
    })
    .await;
}

/// All that the node of a client holds, as texts, however much it is.
async fn texts(client: &mut Client) -> Vec<String> {
    client.everything_after(0).await
}
