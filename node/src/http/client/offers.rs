//! Events that the node asks its owner to publish: relay lists with the address of the inbox (NIP-65, NIP-17), a
//! profile with a name at the node's domain (NIP-05), and a list that the node holds back because it names an address
//! of the owner's own network.
//!
//! The node makes the drafts, because it knows the addresses. The page shows them, and the owner signs them there or
//! not.

use nostrp2p_protocol::{
    Event, EventTemplate, Filter, Kind, PublicKey, Tag, UnsignedEvent,
    event_policy::{everyone_tag, inside_address, is_inside_name, is_inside_url},
    frame::{MirrorState, Permission},
};

use super::{Gone, Session};
use crate::{
    clock,
    http::{App, base, well_known::relay_url},
};

/// Relays where somebody reads and writes (NIP-65), and those where direct messages come (NIP-17), with the tags that
/// name them.
const LISTS: [(Kind, &str); 2] = [(Kind(10_002), "r"), (Kind(10_050), "relay")];

/// Whether an event of the owner changes what is offered.
pub(super) fn matters(event: &Event, owner: Option<PublicKey>) -> bool {
    owner == Some(event.pubkey)
        && (event.kind == Kind::PROFILE || LISTS.iter().any(|(kind, _)| *kind == event.kind))
}

impl Session {
    /// Looks at it once the others have given what they hold, if that was waited for, and when there is another inbox.
    pub(super) async fn offer_what_waited(&mut self) -> Result<(), Gone> {
        let is_due = self.offers_wait || (self.reads_features && self.inbox() != self.offers.inbox);
        if !is_due || base::others_owe(&self.app) {
            return Ok(());
        }
        self.look_at_lists().await;
        self.tell_permissions().await
    }

    /// Looks again at what the owner has published.
    pub(super) async fn look_at_lists(&mut self) {
        let Some(owner) = self.app.node_status.borrow().owner else { return };
        if !self.reads_features {
            return;
        }
        // A list that begins from nothing would take the place of one that another node or a mirror still has.
        self.offers_wait = base::others_owe(&self.app);
        if self.offers_wait {
            return;
        }
        let kinds = LISTS.iter().map(|(kind, _)| *kind).chain([Kind::PROFILE]).collect();
        let filter = Filter { authors: Some([owner].into()), kinds: Some(kinds), ..Filter::default() };
        let found = self.read(move |store, reading| store.find_within(&[filter], |_| true, reading)).await;
        if let Ok(found) = found {
            let inbox = self.inbox();
            let name = public_name(&self.app).and_then(|(_, name)| name);
            self.offers = offers(&found.events, owner, inbox.clone(), name, clock::now());
            self.offers.inbox = inbox;
        }
    }

    /// Where other people's programs can write to the owner: at the node itself, or at a mirror.
    fn inbox(&self) -> Option<String> {
        let own =
            public_name(&self.app).filter(|_| self.app.relay.policy.inbox.is_some()).map(|(url, _)| url);
        own.or_else(|| {
            let mirrors = self.app.mirrors.status.borrow();
            let mirrors = mirrors.values().map(|mirror| (mirror.url.as_str(), mirror.state));
            mirror_for_inbox(mirrors, self.offers.inbox.as_deref()).map(str::to_owned)
        })
    }
}

/// The mirror that is offered already, so that the offer does not change with each connection, or the first one that is
/// connected and that everybody can reach.
fn mirror_for_inbox<'a>(
    mirrors: impl Iterator<Item = (&'a str, MirrorState)> + Clone,
    offered: Option<&str>,
) -> Option<&'a str> {
    let mut public = mirrors.filter(|(url, _)| !is_inside_url(url));
    let before = public.clone().find(|(url, _)| Some(*url) == offered);
    before.or_else(|| public.find(|(_, state)| *state == MirrorState::Connected)).map(|(url, _)| url)
}

/// A name of the node that is for everybody: the address of its relay, and the owner's name there (NIP-05), which has no
/// port.
fn public_name(app: &App) -> Option<(String, Option<String>)> {
    let name =
        app.names.configured().into_iter().find(|name| name.ip().is_none() && !is_inside_name(name))?;
    let person = app.person_names.first().filter(|_| name.port().is_none());
    let person = person.map(|person| format!("{person}@{}", name.host()));
    Some((relay_url(&name, app.names.serves_tls()), person))
}

/// Events that the owner is asked to publish.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Offers {
    /// Sort and subject of each ([`Permission`]).
    pub(super) offers: Vec<(u8, String)>,
    /// The lists of relays that are to be signed; each names the subject of its offer.
    pub(super) drafts: Vec<UnsignedEvent>,
    /// The address of the inbox when this was last computed.
    inbox: Option<String>,
}

fn offers(
    found: &[Event],
    owner: PublicKey,
    inbox: Option<String>,
    name: Option<String>,
    now: u64,
) -> Offers {
    let newest = |kind: Kind| found.iter().find(|event| event.kind == kind);
    let mut all = Offers::default();
    for list in LISTS.iter().filter_map(|(kind, _)| newest(*kind)) {
        if let Some(address) = inside_address(list) {
            let offer = (Permission::HELD_LIST, address.to_owned());
            if !all.offers.contains(&offer) {
                all.offers.push(offer);
            }
            all.drafts.push(next(list, everyone_tag(), now));
        }
    }
    // One after the other: a list is not drafted twice.
    if let Some(url) = inbox.filter(|_| all.drafts.is_empty()) {
        let draft = |(kind, tag): &(Kind, &str)| with_inbox(newest(*kind), owner, *kind, tag, &url, now);
        all.drafts = LISTS.iter().filter_map(draft).collect();
        if !all.drafts.is_empty() {
            all.offers.push((Permission::INBOX, url));
        }
    }
    // A profile is never begun from nothing.
    let profile = newest(Kind::PROFILE)
        .and_then(|profile| serde_json::from_str::<serde_json::Value>(&profile.content).ok());
    if let (Some(name), Some(profile)) = (name, profile)
        && profile["nip05"] != name.as_str()
    {
        all.offers.push((Permission::NAME, name));
    }
    all
}

/// The list with this relay besides what is on it; None if it is there.
fn with_inbox(
    list: Option<&Event>,
    owner: PublicKey,
    kind: Kind,
    tag: &str,
    url: &str,
    now: u64,
) -> Option<UnsignedEvent> {
    let bare = |url: &str| url.trim_end_matches('/').to_ascii_lowercase();
    if list.is_some_and(|list| list.tag_values(tag).any(|there| bare(there) == bare(url))) {
        return None;
    }
    // On the list of NIP-65 a relay where others' programs bring what is for the owner is one for reading.
    let added = if tag == "r" { Tag::new([tag, url, "read"]) } else { Tag::new([tag, url]) };
    let none = || EventTemplate { created_at: 0, kind, tags: vec![], content: String::new() }.by(owner);
    Some(next(&list.map_or_else(none, |list| list.clone().into_rumor()), added, now))
}

/// The next version of a list, with a tag more.
fn next(list: &UnsignedEvent, tag: Tag, now: u64) -> UnsignedEvent {
    let mut next = list.clone();
    next.created_at = now.max(list.created_at.saturating_add(1));
    next.tags.push(tag);
    next
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::SecretKey;

    use super::*;

    const NOW: u64 = 1_700_000_000;
    const NODE: &str = "wss://node.example/";

    fn signed(kind: Kind, tags: &[&[&str]], content: &str) -> Event {
        let tags = tags.iter().map(|tag| Tag::new(tag.iter().copied())).collect();
        let draft = EventTemplate { created_at: NOW, kind, tags, content: content.into() };
        draft.sign(&SecretKey::from_bytes([1; 32]).unwrap(), &[2; 32])
    }

    fn offered(found: &[Event], inbox: Option<&str>, name: Option<&str>) -> Offers {
        let owner = SecretKey::from_bytes([1; 32]).unwrap().public_key();
        offers(found, owner, inbox.map(str::to_owned), name.map(str::to_owned), NOW)
    }

    #[test]
    fn an_inbox_is_added_to_the_lists_that_lack_it_and_what_is_on_them_stays() {
        let relays = signed(LISTS[0].0, &[&["r", "wss://a.example", "write"], &["x", "y"]], "kept");
        let messages = signed(LISTS[1].0, &[&["relay", "wss://NODE.example"]], "");
        let Offers { offers, drafts, .. } = offered(&[relays.clone(), messages], Some(NODE), None);
        assert_eq!(offers, [(Permission::INBOX, NODE.to_owned())]);
        assert!(drafts.len() == 1 && drafts[0].created_at > NOW && drafts[0].content == "kept");
        assert_eq!(drafts[0].tags, [&relays.tags[..], &[Tag::new(["r", NODE, "read"])]].concat());
        assert_eq!(offered(&[], Some(NODE), None).drafts.len(), 2, "lists that begin");
        assert_eq!(offered(&[], None, None), Offers::default());
    }

    #[test]
    fn a_mirror_is_offered_once_it_is_connected_and_stays_so() {
        let (waiting, connected) = (MirrorState::Waiting, MirrorState::Connected);
        let offered = |mirrors: &[(&'static str, MirrorState)], before| {
            mirror_for_inbox(mirrors.iter().copied(), before)
        };
        assert_eq!(offered(&[("wss://a.example", waiting)], None), None);
        assert_eq!(offered(&[("ws://localhost:1", connected)], None), None);
        let both = [("wss://a.example", waiting), ("wss://b.example", connected)];
        assert_eq!(offered(&both, None), Some("wss://b.example"));
        assert_eq!(offered(&both, Some("wss://a.example")), Some("wss://a.example"));
        assert_eq!(offered(&both, Some("wss://gone.example")), Some("wss://b.example"));
    }

    #[test]
    fn a_list_that_is_held_back_is_offered_with_the_word_for_it_before_anything_else() {
        let list = signed(LISTS[1].0, &[&["relay", "ws://localhost:1"], &["relay", "wss://a.example"]], "");
        let Offers { offers, drafts, .. } = offered(std::slice::from_ref(&list), Some(NODE), None);
        assert_eq!(offers, [(Permission::HELD_LIST, "ws://localhost:1".to_owned())]);
        assert_eq!(drafts.len(), 1);
        assert_eq!(drafts[0].tags, [&list.tags[..], &[everyone_tag()]].concat());
        assert_eq!(inside_address(&drafts[0]), None);
    }

    #[test]
    fn a_name_is_offered_for_a_profile_that_has_another_or_none() {
        let name = Some("_@node.example");
        for (content, expected) in [
            (r#"{"name":"A"}"#, true),
            (r#"{"nip05":"a@b.example"}"#, true),
            (r#"{"nip05":"_@node.example"}"#, false),
            ("no profile", false),
        ] {
            let all = offered(&[signed(Kind::PROFILE, &[], content)], None, name);
            assert_eq!(all.offers.len() == 1, expected, "{content}");
        }
        assert_eq!(offered(&[], None, name), Offers::default(), "a profile is never begun from nothing");
    }
}
