//! Two nodes on a point-to-point link, as PPP and OpenVPN make them. The system then lists the other end's address among
//! this machine's, so a node may take its neighbour for itself.
#![cfg(target_os = "linux")]

use nostrp2p_tests::{NetworkEnd, skip, until};

/// The two ends: the addresses of each.
const ENDS: [(&str, &str); 2] = [("10.77.0.1", "10.77.0.2"), ("10.77.0.2", "10.77.0.1")];

/// One node joins the other at this address of the other end.
async fn joins(pair: usize, address: impl Fn(&str) -> String) {
    let (Some(mut here), Some(mut there)) =
        (NetworkEnd::new(&format!("ptp{pair}a")), NetworkEnd::new(&format!("ptp{pair}b")))
    else {
        return skip("there can be no network namespaces: that needs root and `ip`");
    };
    let link = ["ip", "link", "add", "ptp", "type", "veth", "peer", "ptp", "netns", there.namespace()];
    assert!(here.inside(&link));
    for (end, (own, other)) in [&here, &there].into_iter().zip(ENDS) {
        assert!(end.inside(&["ip", "link", "set", "lo", "up"]));
        assert!(end.inside(&["ip", "addr", "add", own, "peer", other, "dev", "ptp"]));
        assert!(end.inside(&["ip", "link", "set", "ptp", "up"]));
    }
    let [(own, other), _] = ENDS;
    there.start(&[]);
    until("the other node runs", || async { there.status() }).await;
    here.start(&["-b", &address(other), "-b", &address(own)]);
    let status = until("they are connected", || async { here.with_peers(1) }).await;
    let announced = status["addresses"].to_string();
    assert!(announced.contains(own) && !announced.contains(other), "{announced}");
}

#[tokio::test]
async fn a_node_at_the_other_end_of_a_point_to_point_link_is_not_taken_for_this_node() {
    joins(0, |ip| format!("{ip}:20000")).await;
}

#[tokio::test]
async fn it_is_joined_over_quic_too() {
    joins(1, |ip| format!("/ip4/{ip}/udp/20000/quic-v1")).await;
}
