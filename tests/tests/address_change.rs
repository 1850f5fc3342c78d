//! The address of a host changes while its node runs: another network, another lease.
#![cfg(target_os = "linux")]

use std::time::Duration;

use nostrp2p_tests::{NetworkEnd, skip, until};
use tokio::time::timeout;

/// The pings of an idle connection would notice after 75 s. The node asks all of its connections at once when an address
/// comes or goes, gives up those that do not answer within 7 s, and joins anew: 8 s were seen.
const AT_ONCE: Duration = Duration::from_secs(40);
/// Whether somebody is connected from the new address.
const CONNECTED: &str = "ss -tnH state established | grep -q 10.78.0.7";

#[tokio::test]
async fn a_node_whose_host_gets_another_address_is_connected_again_at_once() {
    let Some((mut here, mut there)) = NetworkEnd::on_one_cable("moves", "stays") else {
        return skip("there can be no network namespaces: that needs root and `ip`");
    };
    there.start(&[]);
    until("the other node runs", || async { there.status() }).await;
    here.start(&["-b", "10.78.0.2:20000"]);
    until("they are connected", || async { here.with_peers(1) }).await;

    assert!(here.inside(&["ip", "addr", "add", "10.78.0.7/24", "dev", "lan"]));
    assert!(here.inside(&["ip", "addr", "del", "10.78.0.1/24", "dev", "lan"]));
    // While the old address is a secondary one, the new one goes with it.
    here.inside(&["ip", "addr", "add", "10.78.0.7/24", "dev", "lan"]);
    let connected = until("they are connected by the new address", || async {
        there.inside(&["sh", "-c", CONNECTED]).then_some(()).ok_or_else(|| "they are not".to_owned())
    });
    assert!(timeout(AT_ONCE, connected).await.is_ok(), "the node waits for pings that do not come");
    until("both know it", || async { here.with_peers(1) }).await;
}
