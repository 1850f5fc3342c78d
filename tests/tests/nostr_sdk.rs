//! The crate nostr-sdk as a client of the relay.

use std::time::Duration;

use nostr_sdk::prelude::{
    Alphabet, Client, EventBuilder, EventDeletionRequest, Filter, Keys, Kind, MemoryDatabase,
    MemoryDatabaseOptions, Metadata, NostrDatabase, RelayPoolNotification, SingleLetterTag, SyncOptions, Tag,
    Timestamp,
};
use nostrp2p_tests::{Node, PATIENCE, random_key};
use tokio::time::timeout;

#[tokio::test]
async fn nostr_sdk_does_everything_with_the_relay() {
    let key = random_key();
    let node = Node::start(&["-p", &key.public_key().to_npub()]).await;
    let keys = Keys::parse(&hex::encode(key.to_bytes().as_slice())).unwrap();
    let url = format!("ws://{}/", node.clients());
    let database = MemoryDatabase::with_opts(MemoryDatabaseOptions { events: true, max_events: None });
    let client = Client::builder().signer(keys.clone()).database(database.clone()).build();
    client.add_relay(&url).await.unwrap();
    client.connect().await;
    client.wait_for_connection(PATIENCE).await;
    let publish = async |builder: EventBuilder| {
        let output = client.send_event_builder(builder).await.unwrap();
        assert!(output.failed.is_empty(), "{output:?}");
        output.val
    };
    let stored = async |filter: Filter| client.fetch_events(filter, PATIENCE).await.unwrap();

    // Publish (it signs in when it is told to), query, count.
    let first = publish(EventBuilder::text_note("by nostr-sdk")).await;
    assert!(stored(Filter::new().kind(Kind::TextNote)).await.iter().any(|event| event.id == first));
    let relay = client.relay(&url).await.unwrap();
    assert_eq!(relay.count_events(Filter::new().kind(Kind::TextNote), PATIENCE).await.unwrap(), 1);

    // Subscribe.
    let mut notifications = client.notifications();
    client.subscribe(Filter::new().kind(Kind::TextNote).since(Timestamp::now()), None).await.unwrap();
    let other = Client::new(keys.clone());
    other.add_relay(&url).await.unwrap();
    other.connect().await;
    other.wait_for_connection(PATIENCE).await;
    let live = other.send_event_builder(EventBuilder::text_note("live")).await.unwrap();
    assert!(live.failed.is_empty(), "{live:?}");
    let live = live.val;
    let heard = async {
        loop {
            if let RelayPoolNotification::Event { event, .. } = notifications.recv().await.unwrap()
                && event.id == live
            {
                break;
            }
        }
    };
    timeout(PATIENCE, heard).await.unwrap();

    // Replace and delete.
    let profile = |name: &str| EventBuilder::metadata(&Metadata::new().name(name));
    publish(profile("old").custom_created_at(Timestamp::now() - 10u64)).await;
    let new = publish(profile("new")).await;
    let profiles = stored(Filter::new().kind(Kind::Metadata)).await;
    assert_eq!(profiles.iter().map(|event| event.id).collect::<Vec<_>>(), [new]);
    publish(EventBuilder::delete(EventDeletionRequest::new().id(first))).await;
    assert!(
        relay.fetch_events(Filter::new().id(first), PATIENCE, Default::default()).await.unwrap().is_empty()
    );

    // Search.
    let rain = publish(EventBuilder::text_note("明日は雨でしょう")).await;
    let found = relay.fetch_events(Filter::new().search("雨"), PATIENCE, Default::default()).await.unwrap();
    assert_eq!(found.iter().map(|event| event.id).collect::<Vec<_>>(), [rain]);

    // A thousand events, and negentropy in both directions.
    let made = |number: u64| {
        let at = Timestamp::now() - 5_000u64 + number;
        EventBuilder::text_note(number.to_string()).tag(Tag::hashtag("many")).custom_created_at(at)
    };
    for number in 0..1_000 {
        publish(made(number)).await;
    }
    let tag = SingleLetterTag::lowercase(Alphabet::T);
    let many = Filter::new().custom_tag(tag, "many");
    assert_eq!(relay.count_events(many.clone(), PATIENCE).await.unwrap(), 1_000);
    let fresh = MemoryDatabase::with_opts(MemoryDatabaseOptions { events: true, max_events: None });
    for number in 1_000..1_010 {
        fresh.save_event(&made(number).sign_with_keys(&keys).unwrap()).await.unwrap();
    }
    let second = Client::builder().signer(keys).database(fresh.clone()).build();
    second.add_relay(&url).await.unwrap();
    second.connect().await;
    second.wait_for_connection(PATIENCE).await;
    // Signs in before it reconciles.
    second.fetch_events(Filter::new().limit(1), PATIENCE).await.unwrap();
    let both = SyncOptions::default().direction(nostr_sdk::prelude::SyncDirection::Both);
    let synced = timeout(Duration::from_secs(120), second.sync(many.clone(), &both)).await.unwrap().unwrap();
    assert!(synced.failed.is_empty(), "{synced:?}");
    assert_eq!((synced.val.received.len(), synced.val.sent.len()), (1_000, 10));
    assert_eq!(relay.count_events(many, PATIENCE).await.unwrap(), 1_010);
}
