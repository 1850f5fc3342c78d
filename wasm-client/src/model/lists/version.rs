//! A version of a list, its two parts, and how the next one is made.

use std::rc::Rc;

use nostrp2p_protocol::{EventId, EventTemplate, Kind, PublicKey, Tag, UnsignedEvent};

use super::{FOLLOW_SET, LISTS, MUTE_LIST, PINS};

/// Which list: its kind, and of a follow set its `d` tag.
pub type ListName = (Kind, Rc<str>);

/// A change to a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListChange {
    /// Which one.
    pub list: ListName,
    /// The name of the tag: `p`, `e` or `word`.
    pub tag: &'static str,
    /// Its value.
    pub value: String,
    /// In, or out.
    pub within: bool,
}

/// The next version of a list, to be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListDraft {
    /// As it is signed, but for a content that is to be encrypted.
    pub template: EventTemplate,
    /// The private part to encrypt as its content; None where the content stays as it is.
    pub private: Option<Vec<Tag>>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct List {
    pub(super) newest: Option<UnsignedEvent>,
    /// The versions before, the newest last, for when the node takes a later one not.
    pub(super) former: Vec<UnsignedEvent>,
    pub(super) private: PrivatePart,
}

/// The private part of a list: its content, encrypted (NIP-44).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum PrivatePart {
    /// It is still to be decrypted.
    #[default]
    Sealed,
    /// It is being decrypted.
    Opening,
    /// It is decrypted.
    Open(Vec<Tag>),
    /// It cannot be read here, and is left as it is.
    Unreadable,
}

impl ListChange {
    /// This person in a list or out.
    pub fn person(kind: Kind, person: PublicKey, within: bool) -> Self {
        Self { list: (kind, "".into()), tag: "p", value: person.to_string(), within }
    }

    /// This post in a list or out.
    pub fn post(kind: Kind, post: EventId, within: bool) -> Self {
        Self { list: (kind, "".into()), tag: "e", value: post.to_string(), within }
    }

    /// Whether it goes into the part that nobody else can read: all but people whom one follows or mutes, and posts that
    /// others are to see first.
    pub(super) fn is_private(&self) -> bool {
        let kind = self.list.0;
        !matches!(kind, Kind::FOLLOW_LIST | PINS) && (kind, self.tag) != (MUTE_LIST, "p")
    }

    pub(super) fn is_in(&self, tags: &[Tag]) -> bool {
        tags.iter().any(|tag| self.names(tag))
    }

    pub(super) fn names(&self, tag: &Tag) -> bool {
        tag.name() == self.tag && tag.value() == Some(&*self.value)
    }
}

impl List {
    pub(super) fn of(newest: Option<UnsignedEvent>, private: Option<Vec<Tag>>) -> Self {
        let none = newest.as_ref().is_none_or(|newest| !has_private(newest));
        let private = match private {
            Some(tags) => PrivatePart::Open(tags),
            None if none => PrivatePart::Open(Vec::new()),
            None => PrivatePart::Sealed,
        };
        Self { newest, former: Vec::new(), private }
    }

    pub(super) fn public(&self) -> &[Tag] {
        self.newest.as_ref().map_or(&[], |newest| &newest.tags)
    }

    pub(super) fn private(&self) -> &[Tag] {
        if let PrivatePart::Open(tags) = &self.private { tags } else { &[] }
    }

    pub(super) fn tags(&self) -> impl Iterator<Item = &Tag> {
        self.public().iter().chain(self.private())
    }

    pub(super) fn has(&self, change: &ListChange) -> bool {
        change.is_in(self.public()) || change.is_in(self.private())
    }

    pub(super) fn values<T: std::str::FromStr>(&self, name: &'static str) -> impl Iterator<Item = T> {
        self.tags().filter(move |tag| tag.name() == name).filter_map(|tag| tag.value()?.parse().ok())
    }
}

/// Whether a version has a part for its author alone. The content of a follow list means something else.
pub(super) fn has_private(unsigned: &UnsignedEvent) -> bool {
    unsigned.kind != Kind::FOLLOW_LIST && !unsigned.content.is_empty()
}

/// Which list an event is a version of, if it is one.
pub(super) fn name_of(unsigned: &UnsignedEvent) -> Option<ListName> {
    let d = if unsigned.kind == FOLLOW_SET { unsigned.tag_values("d").next()? } else { "" };
    LISTS.contains(&unsigned.kind).then(|| (unsigned.kind, d.into()))
}

/// A list holds something for its author alone that cannot be read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnreadableList;

/// The next version: this in or out, all else as it was, each in its part.
pub(super) fn changed(list: &List, change: &ListChange, now: u64) -> ListDraft {
    let (mut tags, mut private) = (list.public().to_vec(), list.private().to_vec());
    if change.within {
        let tag = |name: &str, value: &str| Tag::new([name.to_owned(), value.to_owned()]);
        let (kind, d) = &change.list;
        if *kind == FOLLOW_SET && list.newest.is_none() {
            tags.extend(["d", "title"].map(|name| tag(name, d)));
        }
        let part = if change.is_private() { &mut private } else { &mut tags };
        part.push(tag(change.tag, &change.value));
    } else {
        tags.retain(|tag| !change.names(tag));
        private.retain(|tag| !change.names(tag));
    }
    let same = private == list.private();
    let content = list.newest.as_ref().filter(|_| same).map(|newest| newest.content.clone());
    let created_at = after(list.newest.as_ref(), now);
    let template =
        EventTemplate { created_at, kind: change.list.0, tags, content: content.unwrap_or_default() };
    ListDraft { template, private: (!same).then_some(private) }
}

/// The title of a follow set.
pub(super) fn title_of(list: &List) -> Option<&str> {
    let title = list.public().iter().find(|tag| tag.name() == "title")?.value()?;
    crate::letters::has_visible(title).then_some(title)
}

/// Now, but later than the version before: of two at one second chance would decide.
pub(super) fn after(newest: Option<&UnsignedEvent>, now: u64) -> u64 {
    newest.map_or(now, |newest| now.max(newest.created_at + 1))
}

pub(super) fn people(unsigned: &UnsignedEvent) -> impl Iterator<Item = PublicKey> {
    unsigned.tag_values("p").filter_map(|value| value.parse().ok())
}
