//! Deletions: they take their target's way, and nothing brings the target back.

use nostrp2p_protocol::frame::{ClientFrame, Delivery, RefusalCode};
use nostrp2p_tests::{Person, deletion, post, reply};

#[tokio::test]
async fn a_deleted_post_is_gone_everywhere_and_stays_away() {
    let (mut alice, mut bob) = Person::pair().await;
    bob.client.watch(0).await;
    let target = post(&alice.key, "better not said");
    alice.client.publish(&target).await;
    bob.client.hear("better not said").await;
    alice.client.publish(&deletion(&alice.key, &target)).await;
    bob.client.hear("gone").await;
    assert_eq!(bob.client.everything().await.iter().filter(|text| *text == "better not said").count(), 0);

    alice.client.send(ClientFrame::Publish { request: 9, event: target.into() }).await;
    assert_eq!(alice.client.refusal().await.code, RefusalCode::Unwanted);
}

#[tokio::test]
async fn nobody_deletes_what_another_wrote() {
    let (mut alice, mut bob) = Person::pair().await;
    bob.client.watch(0).await;
    alice.client.watch(0).await;
    let target = post(&alice.key, "said and meant");
    alice.client.publish(&target).await;
    bob.client.hear("said and meant").await;
    bob.client.publish(&deletion(&bob.key, &target)).await;
    bob.client.publish(&post(&bob.key, "after it")).await;
    alice.client.hear("after it").await;
    assert!(alice.client.everything().await.contains(&target.content));
    assert!(bob.client.everything().await.contains(&target.content));
}

#[tokio::test]
async fn the_deletion_of_a_private_reply_is_private() {
    let (mut alice, mut bob) = Person::pair().await;
    let mut carol = Person::arrive(Some(&alice)).await;
    bob.client.watch(0).await;
    carol.client.watch(0).await;
    let target = reply(&alice.key, "between us", &[&bob.key]);
    alice.client.publish(&target).await;
    alice.client.delivery(&target, &bob.key, Delivery::Delivered).await;
    bob.client.hear("between us").await;
    let word = deletion(&alice.key, &target);
    alice.client.publish(&word).await;
    bob.client.hear("gone").await;
    alice.client.publish(&post(&alice.key, "for everyone")).await;
    carol.client.hear("for everyone").await;
    assert!(!carol.client.everything().await.contains(&"gone".to_owned()));
    assert!(!bob.client.everything().await.contains(&"between us".to_owned()));
}
