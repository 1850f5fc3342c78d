//! Eclipse: a node whose neighbours are all the attacker's but one.

use nostrp2p_tests::{Attacker, Client, Person, held, post};

/// Enough to fill the mesh of gossip (8) and the first answers to every question, several times over.
const ATTACKERS: usize = 36;

#[tokio::test]
async fn a_surrounded_node_still_hears_the_honest_neighbour_that_it_has_or_knew() {
    let mut alice = Person::arrive(None).await;
    let mut carol = Person::arrive(Some(&alice)).await;
    let mut bob = Person::arrive(Some(&alice)).await;
    alice.client.neighbours(2).await;
    // They pass nothing on, and answer nothing.
    let mut attackers = Vec::new();
    for _ in 0..ATTACKERS {
        attackers.push(Attacker::join(&bob.node).await);
    }
    bob.client.watch(0).await;
    alice.client.publish(&post(&alice.key, "from the honest neighbour")).await;
    let mut through = bob.client.hear("from the honest neighbour").await;
    // Carol is no neighbour: it must go on from Alice's node, which is hardly in the mesh any more.
    carol.client.publish(&post(&carol.key, "from beyond")).await;
    through = through.max(bob.client.hear("from beyond").await);

    // It is killed and comes back with nobody named by -b. The attackers are back at once, as far as it lets them.
    bob.node = bob.node.kill().await.start_with(&[]).await;
    for _ in 0..ATTACKERS {
        attackers.push(Attacker::join(&bob.node).await);
    }
    let mut client = Client::login(&bob.node.clients(), &bob.key).await;
    client.watch(through).await;
    alice.client.publish(&post(&alice.key, "after the restart")).await;
    client.hear("after the restart").await;
    held(
        "eclipse",
        &format!("{ATTACKERS} silent neighbours, again after a restart without -b"),
        "the honest neighbour, and who is beyond it, are heard; it is found again after the restart",
    );
}
