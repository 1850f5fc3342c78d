//! A machine loses power and is back before its neighbours have noticed.
#![cfg(target_os = "linux")]

use std::time::Duration;

use nostrp2p_tests::{Client, NetworkEnd, post, random_key, skip, until};
use tokio::time::timeout;

/// The neighbour asks the connection of before at once, gives it up after 7 s, and lets the node connect anew. Without that
/// gossipsub never greets the node again, and what it writes comes by catching up alone.
const SOON: Duration = Duration::from_secs(40);

#[tokio::test]
async fn a_node_that_is_back_after_a_power_cut_is_heard_at_once() {
    lose_power_and_be_heard("silent", |_| {}).await;
}

#[tokio::test]
async fn a_node_whose_machine_resets_the_connections_of_before_is_heard_at_once() {
    lose_power_and_be_heard("resets", NetworkEnd::reset_what_it_does_not_know).await;
}

async fn lose_power_and_be_heard(name: &str, start_again: impl Fn(&NetworkEnd)) {
    let Some((mut here, mut there)) = NetworkEnd::on_one_cable(name, &format!("{name}-hub")) else {
        return skip("there can be no network namespaces: that needs root and `ip`");
    };
    let (alice, bob) = (random_key(), random_key());
    there.start(&["-p", &bob.public_key().to_npub()]);
    until("the other node runs", || async { there.status() }).await;
    let joins = ["-b", "10.78.0.2:20000", "-p", &alice.public_key().to_npub()];
    here.start(&joins);
    until("they are connected", || async { here.with_peers(1) }).await;
    until("both of them", || async { there.with_peers(1) }).await;

    here.lose_power();
    start_again(&here);
    here.start(&joins);
    until("they are connected again", || async { here.with_peers(1) }).await;
    here.within(|| async {
        let mut owner = Client::login("127.0.0.1:20001", &alice).await;
        owner.publish(&post(&alice, "there is light again")).await;
    });
    let there = &there;
    there.within(|| async move {
        let mut owner = Client::login("127.0.0.1:20001", &bob).await;
        owner.watch(0).await;
        assert!(timeout(SOON, owner.hear("there is light again")).await.is_ok(), "it is not heard");
    });
}
