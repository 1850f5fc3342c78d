//! A node to which the system gives no UDP, or whose UDP port another program has: TCP goes on, and `status` says what is
//! missing.
//!
//! The system refuses by a seccomp filter, as a sandbox does. A thread that has taken one passes it on to the programs
//! that it starts, and never loses it; each test is a process of its own.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{collections::BTreeMap, net::UdpSocket};

use nostrp2p_tests::{Client, Node, Person, binary, free_port, post, random_key, skip};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use tokio::process::Command;

/// The number of the system call `socket`.
const SOCKET: i64 = if cfg!(target_arch = "x86_64") { 41 } else { 198 };
/// Families of addresses, and the kind of socket, as Linux numbers them.
const INET: u64 = 2;
const INET6: u64 = 10;
const NETLINK: u64 = 16;
const DATAGRAM: u64 = 2;
/// The flags beside the kind of a socket stand above these bits.
const KIND: u64 = 0xf;
/// "Operation not permitted".
const EPERM: u32 = 1;

fn equals(argument: u8, operator: SeccompCmpOp, value: u64) -> SeccompCondition {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value).unwrap()
}

/// From now on this thread, and what it starts, gets no UDP sockets and none of these families. False where the system
/// has no such filters.
fn deny_udp_and(families: &[u64]) -> bool {
    let datagrams = [INET, INET6].map(|family| {
        SeccompRule::new(vec![
            equals(0, SeccompCmpOp::Eq, family),
            equals(1, SeccompCmpOp::MaskedEq(KIND), DATAGRAM),
        ])
    });
    let whole = families.iter().map(|family| SeccompRule::new(vec![equals(0, SeccompCmpOp::Eq, *family)]));
    let rules = datagrams.into_iter().chain(whole).map(Result::unwrap).collect();
    let filter = SeccompFilter::new(
        BTreeMap::from([(SOCKET, rules)]),
        SeccompAction::Allow,
        SeccompAction::Errno(EPERM),
        std::env::consts::ARCH.try_into().unwrap(),
    );
    let program: BpfProgram = filter.unwrap().try_into().unwrap();
    seccompiler::apply_filter(&program).is_ok()
}

/// What `nostrp2p status` says of a node.
async fn status(node: &Node) -> String {
    let mut command = Command::new(binary());
    command.args(["status", "-l", &node.nodes(), "--data-dir"]).arg(node.data_dir());
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Starts a node on this port that joins somebody's, and lets the two exchange posts. Gives what it says of itself.
async fn exchanges(alice: &mut Person, port: u16, arguments: &[&str]) -> String {
    let joined = alice.node.nodes();
    let node = Node::start_on(port, &[&["-b", &joined], arguments].concat()).await;
    let bob = random_key();
    let mut client = Client::claim(&node.clients(), node.token(), &bob).await;
    client.delegate(&bob).await;
    client.neighbours(1).await;
    client.watch(0).await;
    alice.client.watch(0).await;
    client.publish(&post(&bob, "by TCP alone")).await;
    alice.client.hear("by TCP alone").await;
    alice.client.publish(&post(&alice.key, "and back")).await;
    client.hear("and back").await;
    status(&node).await
}

#[tokio::test]
async fn a_node_without_udp_exchanges_posts_over_tcp_and_says_what_is_missing() {
    let mut alice = Person::arrive(None).await;
    let (port, open) = (free_port(), format!("0.0.0.0:{}", free_port()));
    if !deny_udp_and(&[]) {
        return skip("the system has no seccomp filters");
    }
    assert!(UdpSocket::bind("127.0.0.1:0").is_err(), "the filter filters");
    let text = exchanges(&mut alice, port, &["--mdns", "-l", &open]).await;
    for part in ["QUIC is off (", "UPnP is off (", "mDNS is off ("] {
        assert!(text.contains(&format!("missing     {part}")), "no {part} in {text}");
    }
    assert_eq!(text.matches("missing  ").count(), 3, "{text}");
    assert!(text.contains("/tcp/") && !text.contains("/quic-v1"), "{text}");
}

#[tokio::test]
async fn a_node_that_may_not_ask_for_its_interfaces_either_says_that_nobody_can_dial_it() {
    let mut alice = Person::arrive(None).await;
    let (port, open) = (free_port(), format!("0.0.0.0:{}", free_port()));
    if !deny_udp_and(&[NETLINK]) {
        return skip("the system has no seccomp filters");
    }
    let text = exchanges(&mut alice, port, &["-l", &open]).await;
    for part in
        ["QUIC is off (", "network interfaces are not reported (", "no address of this machine but loopback"]
    {
        assert!(text.contains(&format!("missing     {part}")), "no {part} in {text}");
    }
}

#[tokio::test]
async fn a_udp_port_that_another_program_has_costs_quic_alone() {
    let mut alice = Person::arrive(None).await;
    let port = free_port();
    let taken = UdpSocket::bind(("127.0.0.1", port)).unwrap();
    let text = exchanges(&mut alice, port, &[]).await;
    assert!(text.contains(&format!("QUIC is off (UDP port {port} is in use by another program)")), "{text}");
    assert_eq!(text.matches("missing  ").count(), 1, "{text}");
    drop(taken);
}
