//! Notifications: what others did that concerns the person: answers, mentions, quotes, reposts, likes.

use std::cmp::Reverse;

use nostrp2p_protocol::{EventId, Kind, PublicKey, UnsignedEvent, event_policy::is_conversation};

use super::{Quote, likes, reply, timeline::GENERIC_REPOST};
use crate::{
    model::TimelineKey,
    richtext,
    sorted_map::{SortedMap, SortedSet},
};

/// Most that are held of each sort; beyond it the oldest of that sort go, so that no number of likes displaces words, nor
/// any number of mentions the answers. The first who did something and 500 others; a guess.
const MAX_OF_A_SORT: usize = 501;
/// Most followers that are remembered; beyond it new ones are no news. A guess.
const MAX_FOLLOWERS: usize = 2_000;
/// Most conversations that are followed; a guess.
const MAX_THREADS: usize = 200;
/// The name of the read marker that one's devices share.
pub const MARKER: &str = "notifications";

/// Kinds of notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// An answer in a conversation of one's own.
    Reply,
    /// One's own name in a post.
    Mention,
    /// Words about an own post.
    Quote,
    /// An own post, passed on.
    Repost,
    /// An own post, liked.
    Like,
    /// Somebody began to follow one.
    Follow,
    /// An answer in a conversation that one follows.
    Followed,
}

/// A notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notice {
    /// Its kind.
    pub what: What,
    /// The person who did it.
    pub by: PublicKey,
    /// The post that it is about: the own one, or the new one if it says something.
    pub post: EventId,
    /// The key by which notifications are grouped: the post that is answered, liked or reposted; the first post of a
    /// conversation that the person follows; the event itself otherwise.
    pub gathered: EventId,
}

/// Notifications.
#[derive(Debug, Clone, Default)]
pub struct Notices {
    /// Known followers, each with the time since when, in seconds since 1970.
    followers: SortedMap<PublicKey, u64>,
    /// From the oldest to the newest.
    list: SortedMap<Reverse<TimelineKey>, Notice>,
    /// The posts of which some likes or reposts went for the bound: there were more of them than are counted.
    uncounted: SortedSet<(What, EventId)>,
    /// Of what the node has more than it was asked for.
    in_part: SortedSet<What>,
    /// From when on all answers, and all reposts, are here that name one, in seconds since 1970; none before the node has
    /// said so.
    pub counted_since: Option<[u64; 2]>,
    /// The conversations that one follows, by their first posts, the one that was followed last at the end.
    pub threads: Vec<EventId>,
    /// The time up to which everything was read on any device, in seconds since 1970.
    pub read_until: u64,
    /// The time up to which everything had been read when the screen was opened; later entries stand out.
    pub shown_until: u64,
}

/// The notification of this event, if it concerns `me`.
pub fn notice(unsigned: &UnsignedEvent, me: &PublicKey) -> Option<Notice> {
    let tagged = reply::names(unsigned, me);
    // A post for everyone names people in its text alone: with a tag it would be for them alone.
    let named =
        || is_conversation(unsigned.kind) && richtext::people(&unsigned.content).any(|person| person == *me);
    if unsigned.pubkey == *me || !(tagged || named()) {
        return None;
    }
    let own = |what, post| Some(Notice { what, by: unsigned.pubkey, post, gathered: post });
    match unsigned.kind {
        Kind::REACTION => own(What::Like, likes::target(unsigned)?),
        Kind::REPOST | GENERIC_REPOST => own(What::Repost, unsigned.tag_values("e").next()?.parse().ok()?),
        kind if !tagged && is_conversation(kind) => own(What::Mention, unsigned.id()),
        kind if is_conversation(kind) && unsigned.has_tag("e") => {
            let (post, gathered) = (unsigned.id(), reply::target(unsigned));
            let what = if gathered.is_some() { What::Reply } else { What::Mention };
            Some(Notice { what, by: unsigned.pubkey, post, gathered: gathered.unwrap_or(post) })
        }
        Kind::POST if Quote::of(unsigned).is_some() => own(What::Quote, unsigned.id()),
        kind if is_conversation(kind) => own(What::Mention, unsigned.id()),
        Kind::FOLLOW_LIST => own(What::Follow, unsigned.id()),
        _ => None,
    }
}

impl Notices {
    /// Takes in who is known to follow one, and since when.
    pub fn restore_followers(&mut self, followers: Vec<(PublicKey, u64)>) {
        for (person, since) in followers {
            self.follow(person, since);
        }
    }

    /// Known followers, each with the time since when.
    pub fn followers(&self) -> Vec<(PublicKey, u64)> {
        self.followers.iter().map(|(person, since)| (*person, *since)).collect()
    }

    /// Every version of somebody's list names those in it again; only the first one is news.
    fn follow(&mut self, by: PublicKey, since: u64) -> bool {
        if self.followers.contains_key(&by) || self.followers.len() >= MAX_FOLLOWERS {
            return false;
        }
        self.followers.insert(by, since);
        let post = EventId::from_bytes(*by.as_bytes());
        let notice = Notice { what: What::Follow, by, post, gathered: post };
        self.list.insert(Reverse(TimelineKey::new(since, post)), notice);
        true
    }

    /// Takes an event in; says whether it is news.
    pub fn take(&mut self, unsigned: &UnsignedEvent, me: Option<PublicKey>) -> bool {
        let Some(me) = me else { return false };
        let notice = notice(unsigned, &me).or_else(|| self.in_thread(unsigned, &me));
        let Some(notice) = notice else { return false };
        let new = if notice.what == What::Follow {
            self.follow(notice.by, unsigned.created_at)
        } else {
            self.list.insert(Reverse(TimelineKey::new(unsigned.created_at, unsigned.id())), notice).is_none()
        };
        self.bound(notice.what);
        new
    }

    /// An answer of somebody else in a conversation that one follows.
    fn in_thread(&self, unsigned: &UnsignedEvent, me: &PublicKey) -> Option<Notice> {
        let is_answer = !self.threads.is_empty() && is_conversation(unsigned.kind) && unsigned.pubkey != *me;
        let root = reply::root(unsigned).filter(|root| is_answer && self.threads.contains(root))?;
        Some(Notice { what: What::Followed, by: unsigned.pubkey, post: unsigned.id(), gathered: root })
    }

    /// Follows a conversation, or not any more. Beyond the bound the one that was followed first goes.
    pub fn follow_thread(&mut self, root: EventId) {
        let before = self.threads.len();
        self.threads.retain(|other| *other != root);
        if self.threads.len() == before {
            if before >= MAX_THREADS {
                self.threads.remove(0);
            }
            self.threads.push(root);
        }
    }

    /// Lets the oldest of this sort go, if there are too many.
    fn bound(&mut self, sort: What) {
        let of_sort = || self.list.iter().filter(|(_, notice)| notice.what == sort);
        if of_sort().count() <= MAX_OF_A_SORT {
            return;
        }
        let oldest = of_sort().map(|(place, _)| *place).next();
        if let Some(gone) = oldest.and_then(|oldest| self.list.remove(&oldest)) {
            if self.uncounted.len() >= MAX_OF_A_SORT {
                let held: SortedSet<(What, EventId)> =
                    self.list.values().map(|notice| (notice.what, notice.post)).collect();
                self.uncounted = self.uncounted.iter().filter(|it| held.contains(it)).copied().collect();
            }
            self.uncounted.insert((gone.what, gone.post));
        }
    }

    /// There is more of this than is held.
    pub fn count_in_part(&mut self, what: What) {
        self.in_part.insert(what);
    }

    /// Whether more people may have done this to this post than are held.
    pub fn is_uncounted(&self, what: What, post: EventId) -> bool {
        self.in_part.contains(&what) || self.uncounted.contains(&(what, post))
    }

    /// The author of this event, if it made a notification.
    pub fn author(&self, id: &EventId) -> Option<PublicKey> {
        self.list.iter().find(|(place, _)| place.0.id == *id).map(|(_, notice)| notice.by)
    }

    /// An event was taken back.
    pub fn remove(&mut self, id: &EventId) {
        let place = self.list.keys().find(|place| place.0.id == *id).copied();
        if let Some(place) = place {
            self.list.remove(&place);
        }
    }

    /// All, the newest first.
    pub fn iter(&self) -> impl Iterator<Item = (&TimelineKey, &Notice)> {
        self.list.iter().rev().map(|(place, notice)| (&place.0, notice))
    }

    /// The time of the newest; 0 if there is none.
    pub fn newest(&self) -> u64 {
        self.iter().next().map_or(0, |(place, _)| place.created_at())
    }

    /// Those that were not read yet, the newest first.
    pub fn unread(&self) -> impl Iterator<Item = &Notice> {
        let until = self.read_until;
        self.iter().take_while(move |(place, _)| place.created_at() > until).map(|(_, notice)| notice)
    }

    /// Forgets them; up to when they were read stays.
    pub fn clear(&mut self) {
        self.list.clear();
        self.uncounted.clear();
        // Who follows one hangs on no store of the node.
        let followers = std::mem::take(&mut self.followers);
        for (person, since) in followers.iter() {
            self.follow(*person, *since);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use nostrp2p_protocol::{EventTemplate, Tag};

    use super::*;

    const ME: PublicKey = PublicKey::from_bytes([1; 32]);
    const BO: PublicKey = PublicKey::from_bytes([2; 32]);

    fn event(kind: Kind, tags: &[(&str, String)]) -> UnsignedEvent {
        let tags = tags.iter().map(|(name, value)| Tag::new([(*name).to_owned(), value.clone()])).collect();
        EventTemplate { created_at: 7, kind, tags, content: "+".into() }.by(BO)
    }

    #[test]
    fn only_what_others_do_to_oneself_is_news() {
        let (id, me) = ("ab".repeat(32), ME.to_string());
        let check = |kind, tags: &[(&str, String)], expected: Option<What>| {
            assert_eq!(notice(&event(kind, tags), &ME).map(|notice| notice.what), expected, "{tags:?}");
        };
        let (e, p, q) = (("e", id.clone()), ("p", me), ("q", id));
        check(Kind::POST, &[e.clone(), p.clone()], Some(What::Reply));
        check(Kind::POST, from_ref(&p), Some(What::Mention));
        check(Kind::POST, &[q, p.clone()], Some(What::Quote));
        check(Kind::REPOST, &[e.clone(), p.clone()], Some(What::Repost));
        check(Kind::REACTION, &[e.clone(), p.clone()], Some(What::Like));
        check(Kind::REACTION, from_ref(&p), None);
        check(Kind::POST, from_ref(&e), None);
        check(Kind::FOLLOW_LIST, from_ref(&p), Some(What::Follow));
        let about = ("P", ME.to_string());
        check(Kind(1_111), &[about.clone(), e.clone()], Some(What::Reply));
        check(Kind::POST, &[about, e.clone()], None);
        check(Kind(10_000), from_ref(&p), None);
        assert_eq!(notice(&UnsignedEvent { pubkey: ME, ..event(Kind::POST, &[e, p]) }, &ME), None);
    }

    #[test]
    fn no_number_of_likes_displaces_words_and_what_is_not_counted_is_known() {
        let (id, me) = ("ab".repeat(32), ME.to_string());
        let mut notices = Notices::default();
        let at = |time: usize, unsigned: UnsignedEvent| UnsignedEvent { created_at: time as u64, ..unsigned };
        for time in 0..3 {
            notices.take(&at(time, event(Kind::POST, &[("e", id.clone()), ("p", me.clone())])), Some(ME));
        }
        let like = event(Kind::REACTION, &[("e", id.clone()), ("p", me)]);
        let post = id.parse().unwrap();
        for time in 10..10 + MAX_OF_A_SORT {
            notices.take(&at(time, like.clone()), Some(ME));
        }
        assert!(!notices.is_uncounted(What::Like, post), "up to the bound all are counted");
        for time in 1_000..1_100 {
            notices.take(&at(time, like.clone()), Some(ME));
        }
        let count = |what| notices.iter().filter(|(_, notice)| notice.what == what).count();
        assert_eq!((count(What::Reply), count(What::Like)), (3, MAX_OF_A_SORT));
        assert!(notices.is_uncounted(What::Like, post) && !notices.is_uncounted(What::Repost, post));
    }

    #[test]
    fn no_number_of_mentions_displaces_answers() {
        let (id, me) = ("ab".repeat(32), ME.to_string());
        let mut notices = Notices::default();
        let at = |time: u64, unsigned: UnsignedEvent| UnsignedEvent { created_at: time, ..unsigned };
        notices.take(&at(1, event(Kind::POST, &[("e", id.clone()), ("p", me.clone())])), Some(ME));
        notices.take(&at(1, event(Kind::POST, &[("q", id), ("p", me.clone())])), Some(ME));
        for time in 10..700 {
            notices.take(&at(time, event(Kind::POST, &[("p", me.clone())])), Some(ME));
        }
        let count = |what| notices.iter().filter(|(_, notice)| notice.what == what).count();
        assert_eq!((count(What::Reply), count(What::Quote), count(What::Mention)), (1, 1, MAX_OF_A_SORT));
    }

    #[test]
    fn what_came_after_the_marker_is_unread() {
        let mut notices = Notices::default();
        let mention =
            |time| UnsignedEvent { created_at: time, ..event(Kind::POST, &[("p", ME.to_string())]) };
        for time in [5, 9, 7, 7] {
            notices.take(&mention(time), Some(ME));
        }
        assert_eq!((notices.newest(), notices.unread().count()), (9, 3));
        notices.read_until = 7;
        assert_eq!(notices.unread().count(), 1);
        notices.remove(&mention(9).id());
        assert_eq!((notices.newest(), notices.unread().count()), (7, 0));
    }
}
