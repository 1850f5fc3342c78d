//! What the owner wrote with other programs, before there was a node and since.

use super::*;

fn written(key: &SecretKey, kind: u16, days_ago: u64, tags: &[&[&str]], content: &str) -> Event {
    let tags = tags.iter().map(|tag| Tag::new(tag.iter().copied())).collect();
    let created_at = now() - days_ago * 86_400;
    EventTemplate { created_at, kind: Kind(kind), tags, content: content.into() }.sign(key, &[7; 32])
}

#[tokio::test]
async fn what_the_owner_wrote_elsewhere_comes_in_however_old_it_is_and_me_shows_it() {
    let (ada, bo) = (random_key(), random_key());
    let foreign = ForeignRelay::start().await;
    let name = bo.public_key().to_string();
    foreign.put(&written(&ada, 1, 400, &[], "of last year")).await;
    foreign.put(&written(&ada, 1, 40, &[&["p", &name]], "an answer to Bo")).await;
    foreign.put(&written(&ada, 7, 35, &[&["p", &name]], "+")).await;
    foreign.put(&written(&bo, 1, 40, &[], "of somebody else")).await;
    let node = node_of(&ada, &foreign.url()).await;
    let mut relay = Relay::login(&node.clients(), &ada).await;
    node_holds(&mut relay, &["+", "an answer to Bo", "of last year"]).await;
    status_says(&node, "caught_up", json!(true)).await;

    let there = elsewhere(&foreign.url(), &ada).await;
    say(&there, &post(&ada, "of now, elsewhere")).await;
    node_holds(&mut relay, &["+", "an answer to Bo", "of last year", "of now, elsewhere"]).await;

    let browser = Browser::start(Size::Phone).await;
    browser.sign_in(&node, &ada.to_nsec()).await;
    browser.go("#/me").await;
    for text in ["of now, elsewhere", "an answer to Bo", "of last year"] {
        browser.see("post-text", text).await;
    }
    browser.close().await;
}
