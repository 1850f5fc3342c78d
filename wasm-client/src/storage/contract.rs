//! What every [`Storage`] must do; run against memory natively and against IndexedDB in a real browser.

use nostrp2p_protocol::{Event, EventTemplate, Kind, PublicKey, SecretKey, Tag, UnsignedEvent};

use crate::model::{Context, Cursor, PostDraft, StoredDraft, Theme, TimelineKey, lists::MAX_LISTS};

use super::{MAX_EVENTS, OPENING_EVENTS, Setting, Snapshot, Storage, StorageChange};

/// Checks the whole contract, beginning and ending with an empty storage.
///
/// # Panics
/// When the storage breaks it.
pub async fn check_all(storage: &impl Storage) {
    starts_empty(storage).await;
    keeps_events_newest_first(storage).await;
    keeps_the_latest_profile_and_the_outbox(storage).await;
    takes_out_what_is_deleted(storage).await;
    keeps_versions_of_lists(storage).await;
    keeps_settings(storage).await;
    forgets(storage).await;
    drops_the_oldest_beyond_its_bound(storage).await;
    forgets(storage).await;
}

async fn starts_empty(storage: &impl Storage) {
    assert_eq!(load(storage).await, Snapshot::default());
    assert_eq!(storage.older(TimelineKey::new(u64::MAX, post(1).id()), 10).await, Ok(vec![]));
}

async fn keeps_events_newest_first(storage: &impl Storage) {
    let posts: Vec<UnsignedEvent> =
        (1..=u64::from(OPENING_EVENTS) + 50).map(|time| post(time).into_rumor()).collect();
    apply(storage, posts.iter().cloned().map(StorageChange::Keep).collect()).await;
    apply(storage, posts.iter().take(3).cloned().map(StorageChange::Keep).collect()).await;
    let loaded = load(storage).await.events;
    let newest_first: Vec<UnsignedEvent> = posts.into_iter().rev().collect();
    assert_eq!(loaded.len(), usize::try_from(OPENING_EVENTS).unwrap_or(0));
    assert!(newest_first.starts_with(&loaded));
    let last = loaded.last().map(|unsigned| TimelineKey::new(unsigned.created_at, unsigned.id()));
    let older = storage.older(last.expect("200 events were loaded"), 30).await;
    assert_eq!(older.as_deref(), Ok(&newest_first[loaded.len()..loaded.len() + 30]));
}

async fn keeps_the_latest_profile_and_the_outbox(storage: &impl Storage) {
    let profile = |name: &str| event(1, Kind::PROFILE, name).into_rumor();
    apply(
        storage,
        vec![
            StorageChange::Profile(profile("old")),
            StorageChange::Outgoing(post(7)),
            StorageChange::Outgoing(post(8)),
        ],
    )
    .await;
    apply(storage, vec![StorageChange::Profile(profile("new")), StorageChange::Settled(post(7).id())]).await;
    let Snapshot { profiles, outbox, .. } = load(storage).await;
    assert_eq!((profiles, outbox), (vec![profile("new")], vec![post(8)]));
}

async fn takes_out_what_is_deleted(storage: &impl Storage) {
    let kept = load(storage).await.events;
    let (own, other) = (event(900, Kind::POST, "own").into_rumor(), by_another(901, Kind::POST, vec![]));
    apply(storage, vec![StorageChange::Keep(own.clone()), StorageChange::Keep(other.clone())]).await;
    let names = |unsigned_events: &[&UnsignedEvent]| {
        unsigned_events.iter().map(|unsigned| Tag::new(["e".to_owned(), unsigned.id().to_string()])).collect()
    };
    let both: Vec<Tag> = names(&[&own, &other]);
    let deletion =
        UnsignedEvent { kind: Kind::DELETION, tags: both, ..event(902, Kind::POST, "").into_rumor() };
    // In one go with what comes after it, as a batch brings it.
    let later = event(903, Kind::POST, "later").into_rumor();
    apply(storage, vec![StorageChange::Deletion(deletion.clone()), StorageChange::Keep(later.clone())]).await;
    let Snapshot { events, deletions, .. } = load(storage).await;
    assert_eq!(deletions, vec![deletion]);
    assert_eq!(events.get(..2), Some(&[later.clone(), other.clone()][..]), "others cannot be deleted");
    assert!(events.contains(kept.first().expect("there were some")));
    let theirs = by_another(904, Kind::DELETION, names(&[&other]));
    let own = UnsignedEvent {
        kind: Kind::DELETION,
        tags: names(&[&later]),
        ..event(905, Kind::POST, "").into_rumor()
    };
    apply(storage, vec![StorageChange::Deletion(theirs.clone()), StorageChange::Deletion(own.clone())]).await;
    let left = load(storage).await;
    assert_eq!((left.events.first(), left.deletions.get(..2)), (kept.first(), Some(&[own, theirs][..])));
}

async fn keeps_versions_of_lists(storage: &impl Storage) {
    let version = |time| event(time, Kind::FOLLOW_LIST, "").into_rumor();
    let all: Vec<UnsignedEvent> = (1..=u64::from(MAX_LISTS) + 3).map(version).collect();
    apply(storage, all.iter().cloned().map(StorageChange::List).collect()).await;
    apply(storage, all.iter().take(1).cloned().map(StorageChange::List).collect()).await;
    let newest: Vec<UnsignedEvent> = all.into_iter().skip(3).rev().collect();
    assert_eq!(load(storage).await.lists, newest);
}

async fn keeps_settings(storage: &impl Storage) {
    let cursor = Cursor { store: 3, after: 9 };
    let friends = event(1, Kind(30_000), "sealed").into_rumor();
    let tags = vec![Tag::new(["d", "my friends"])];
    let friends = UnsignedEvent { tags: tags.clone(), ..friends };
    let private = Setting::Private((Kind(10_000), "".into()), friends.id(), tags.clone());
    let set = [
        Setting::Cursor(cursor),
        Setting::Theme(Theme::Dark),
        draft("to be"),
        Setting::OwnList(Box::new(friends.clone())),
        private,
    ];
    apply(storage, set.map(StorageChange::Set).to_vec()).await;
    apply(storage, vec![StorageChange::Set(draft(""))]).await;
    let settings = load(storage).await.settings;
    assert_eq!((settings.cursor, settings.theme, settings.drafts), (Some(cursor), Theme::Dark, vec![]));
    assert_eq!((settings.private, settings.lists), (vec![(friends.id(), tags)], vec![friends]));
}

/// A draft of a new post; an empty text takes it out.
fn draft(text: &str) -> Setting {
    let stored = StoredDraft {
        draft: PostDraft { text: text.to_owned(), ..PostDraft::default() },
        ..StoredDraft::default()
    };
    Setting::EventTemplate(Context::New, (!text.is_empty()).then(|| Box::new(stored)))
}

async fn forgets(storage: &impl Storage) {
    apply(storage, vec![StorageChange::ForgetEvents]).await;
    let left = load(storage).await;
    assert!(left.events.is_empty() && left.profiles.is_empty() && left.deletions.is_empty());
    apply(storage, vec![StorageChange::Outgoing(post(1)), StorageChange::ForgetAll]).await;
    assert_eq!(load(storage).await, Snapshot::default());
}

async fn drops_the_oldest_beyond_its_bound(storage: &impl Storage) {
    let many = u64::from(MAX_EVENTS) + 600;
    // One signature for all: what is cached carries none, and 10,000 would take a browser seconds.
    let model = post(1).into_rumor();
    let at = |time| StorageChange::Keep(UnsignedEvent { created_at: time, ..model.clone() });
    apply(storage, (1..=many).map(at).collect()).await;
    apply(storage, vec![at(many + 1)]).await;
    let edge = many - u64::from(MAX_EVENTS) - u64::from(super::EVENTS_SLACK);
    let dropped = storage.older(TimelineKey::new(edge, model.id()), 10).await;
    assert_eq!(dropped, Ok(vec![]), "the oldest are gone");
    assert_eq!(load(storage).await.events.first().map(|unsigned| unsigned.created_at), Some(many + 1));
}

async fn load(storage: &impl Storage) -> Snapshot {
    storage.load().await.expect("the storage under test loads")
}

async fn apply(storage: &impl Storage, changes: Vec<StorageChange>) {
    storage.apply(changes).await.expect("the storage under test applies changes");
}

fn post(time: u64) -> Event {
    event(time, Kind::POST, "hello")
}

fn event(created_at: u64, kind: Kind, content: &str) -> Event {
    let key = SecretKey::from_bytes([1; 32]).expect("one is a secret key");
    EventTemplate { created_at, kind, tags: vec![], content: content.to_owned() }.sign(&key, &[0; 32])
}

fn by_another(created_at: u64, kind: Kind, tags: Vec<Tag>) -> UnsignedEvent {
    EventTemplate { created_at, kind, tags, content: String::new() }.by(PublicKey::from_bytes([2; 32]))
}
