//! A path that swallows large packets and says nothing of it (a tunnel whose router drops the ICMP of RFC 1191).
#![cfg(target_os = "linux")]

use std::{process::Command, time::Duration};

use nostrp2p_tests::{Client, NetworkEnd, post, random_key, skip, until};
use tokio::time::timeout;

/// TCP tries the same packet for a quarter of an hour, and the pings of an idle connection stand in line behind it: they
/// noticed after 75 s. After a large broadcast the node asks its connections, and gives up those that do not answer within
/// 7 s.
const SOON: Duration = Duration::from_secs(20);
/// The smallest packet that every link of IPv6 carries.
const SWALLOW: [&str; 3] = [
    "add table inet path",
    "add chain inet path out { type filter hook output priority 0 ; }",
    "add rule inet path out oifname lan meta length > 1280 drop",
];

#[tokio::test]
async fn a_path_that_swallows_large_packets_is_noticed_soon() {
    let Some((mut here, mut there)) = NetworkEnd::on_one_cable("sends", "waits") else {
        return skip("there can be no network namespaces: that needs root and `ip`");
    };
    let key = random_key();
    there.start(&[]);
    until("the other node runs", || async { there.status() }).await;
    here.start(&["-b", "10.78.0.2:20000", "-p", &key.public_key().to_npub()]);
    until("they are connected", || async { here.with_peers(1) }).await;
    for rule in SWALLOW {
        assert!(here.inside(&[&["nft"], &rule.split(' ').collect::<Vec<_>>()[..]].concat()), "{rule}");
    }
    let connections = || {
        let listed = Command::new("ip")
            .args([
                "netns",
                "exec",
                here.namespace(),
                "ss",
                "-tnH",
                "state",
                "established",
                "dport",
                "=",
                ":20000",
            ])
            .output()
            .expect("ss runs");
        let lines = String::from_utf8(listed.stdout).expect("ss writes text");
        // Its own end is the third word; who asks the node for its status comes over loopback.
        let ends = lines.lines().filter_map(|line| line.split_whitespace().nth(2).map(str::to_owned));
        ends.filter(|end| end.starts_with("10.78.")).collect::<Vec<_>>()
    };
    let first = connections();
    assert_eq!(first.len(), 1, "one connection to the other node");

    here.within(|| async {
        let mut owner = Client::login("127.0.0.1:20001", &key).await;
        owner.publish(&post(&key, &"long ".repeat(600))).await;
    });
    let given_up = until("the connection that carries nothing any more is given up", || async {
        let now = connections();
        if now == first { Err(format!("{now:?}")) } else { Ok(()) }
    });
    assert!(timeout(SOON, given_up).await.is_ok(), "the node waits for pings that do not come");
}
