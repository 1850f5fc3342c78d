//! Who a post is for, and what answers it (NIP-10, NIP-22). PROTOCOL.md, "What travels how": `p` tags that name others make a
//! post private to these people, unless it is a quote.

use nostrp2p_protocol::{
    EventId, Kind, PublicKey, Tag, UnsignedEvent,
    event_policy::{COMMENTS, everyone_tag, is_conversation, is_for_everyone, says_everyone},
};

use super::comment;
use crate::sorted_map::SortedSet;

/// An answered event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The post that is answered.
    pub to: EventId,
    /// Its author.
    pub author: PublicKey,
    /// The post with which the conversation began, if it is another one.
    pub root: Option<EventId>,
    /// The people of the conversation, the author of what is answered last: the answer goes to them, unless it is for
    /// everyone. None where one goes on with what everyone can see.
    pub people: Vec<PublicKey>,
    /// The tags of a comment on it; empty if it is a post, which is answered by a post.
    pub comment: Vec<Tag>,
}

impl Reply {
    /// An answer by `me` to this post.
    pub fn to(unsigned: &UnsignedEvent, me: &PublicKey) -> Self {
        let own = unsigned.pubkey == *me;
        let goes_on = own && !is_private(unsigned) && !says_everyone(unsigned);
        let former = if goes_on { Vec::new() } else { named(unsigned) };
        let mut people: Vec<PublicKey> =
            former.iter().copied().filter(|person| *person != unsigned.pubkey && person != me).collect();
        if !own {
            // Last, because the last one is who is answered.
            people.push(unsigned.pubkey);
        }
        let comment = comment::tags(unsigned);
        Self { to: unsigned.id(), author: unsigned.pubkey, root: root(unsigned), people, comment }
    }

    /// The kind of the answer.
    pub fn kind(&self) -> Kind {
        if self.comment.is_empty() { Kind::POST } else { COMMENTS[0] }
    }

    /// The tags of the answer.
    pub fn tags(&self) -> Vec<Tag> {
        let event = |id: EventId, marker: &str| {
            Tag::new(["e".to_owned(), id.to_string(), String::new(), marker.to_owned()])
        };
        let mut tags = self.comment.clone();
        if tags.is_empty() {
            tags.push(event(self.root.unwrap_or(self.to), "root"));
            if self.root.is_some() {
                tags.push(event(self.to, "reply"));
            }
        }
        // A comment names whom it answers, also its own author.
        let own = [self.author];
        let alone = self.people.is_empty() && !self.comment.is_empty();
        let people = if alone { &own[..] } else { &self.people };
        tags.extend(people.iter().map(|person| Tag::new(["p".to_owned(), person.to_string()])));
        tags
    }

    /// The tags of the answer if everyone is to see it.
    pub fn tags_for_everyone(&self) -> Vec<Tag> {
        let mut tags = self.tags();
        if !self.people.is_empty() {
            tags.push(everyone_tag());
        }
        tags
    }

    /// As a text to be stored.
    pub fn to_text(&self) -> String {
        let mut text = format!("{} {} ", self.to, self.author);
        match self.root {
            Some(root) => text.push_str(&root.to_string()),
            None => text.push('-'),
        }
        for person in &self.people {
            text.push(' ');
            text.push_str(&person.to_string());
        }
        text.push_str(&comment::to_text(&self.comment));
        text
    }

    /// Reads [`Reply::to_text`].
    pub fn parse(text: &str) -> Option<Self> {
        let (text, comment) = text.split_once('\t').unwrap_or((text, ""));
        let mut words = text.split(' ');
        let (to, author) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let root = match words.next()? {
            "-" => None,
            root => Some(root.parse().ok()?),
        };
        let people = words.map(|word| word.parse().ok()).collect::<Option<_>>()?;
        Some(Self { to, author, root, people, comment: comment::parse(comment) })
    }
}

/// Whether a post goes to some people only.
pub fn is_private(unsigned: &UnsignedEvent) -> bool {
    is_conversation(unsigned.kind) && !is_for_everyone(unsigned)
}

/// The people who get a private post besides its author.
pub fn audience(unsigned: &UnsignedEvent) -> Vec<PublicKey> {
    named(unsigned).into_iter().filter(|person| *person != unsigned.pubkey).collect()
}

/// The person that a post says it answers.
pub fn answered(unsigned: &UnsignedEvent) -> Option<PublicKey> {
    unsigned.has_tag("e").then(|| named(unsigned).last().copied())?
}

/// The post that a post answers: marked as such, or the last one that it names.
pub fn target(unsigned: &UnsignedEvent) -> Option<EventId> {
    marked(unsigned, "reply").or_else(|| {
        let named = unsigned.tags.iter().filter(|tag| tag.name() == "e" && marker(tag) != "mention");
        named.filter_map(|tag| tag.value()?.parse().ok()).next_back()
    })
}

/// The post with which the conversation of a post began, if it is another one: marked as such, or named first; of a
/// comment (NIP-22) what it is about.
pub fn root(unsigned: &UnsignedEvent) -> Option<EventId> {
    let named = || unsigned.tag_values("E").chain(unsigned.tag_values("e"));
    marked(unsigned, "root").or_else(|| named().find_map(|id| id.parse().ok()))
}

fn marked(unsigned: &UnsignedEvent, wanted: &str) -> Option<EventId> {
    let mut tags = unsigned.tags.iter().filter(|tag| tag.name() == "e" && marker(tag) == wanted);
    tags.find_map(|tag| tag.value()?.parse().ok())
}

fn marker(tag: &Tag) -> &str {
    tag.elements().get(3).map_or("", String::as_str)
}

/// Whether an event names somebody, as those of a conversation do.
pub fn names(unsigned: &UnsignedEvent, person: &PublicKey) -> bool {
    named(unsigned).contains(person)
}

/// The people in the `p` tags, each once; before them the author of what a comment is about, who gets it too.
fn named(unsigned: &UnsignedEvent) -> Vec<PublicKey> {
    let (mut seen, mut people) = (SortedSet::default(), Vec::new());
    let about = if COMMENTS.contains(&unsigned.kind) { "P" } else { "p" };
    for name in [about, "p"] {
        for person in unsigned.tag_values(name).filter_map(|value| value.parse().ok()) {
            if seen.insert(person) {
                people.push(person);
            }
        }
    }
    people
}

#[cfg(test)]
mod tests {
    use super::*;
    use nostrp2p_protocol::EventTemplate;

    const ME: u8 = 1;

    fn person(seed: u8) -> PublicKey {
        PublicKey::from_bytes([seed; 32])
    }

    fn post(author: u8, tags: Vec<Tag>) -> UnsignedEvent {
        EventTemplate { created_at: 7, kind: Kind::POST, tags, content: "x".into() }.by(person(author))
    }

    fn p(seed: u8) -> Tag {
        Tag::new(["p".to_owned(), person(seed).to_string()])
    }

    fn e(seed: u8, marker: &str) -> Tag {
        Tag::new([
            "e".to_owned(),
            [seed; 32].map(|byte| format!("{byte:02x}")).concat(),
            String::new(),
            marker.to_owned(),
        ])
    }

    fn answering(unsigned: &UnsignedEvent, marker: &str) -> Tag {
        Tag::new(["e".to_owned(), unsigned.id().to_string(), String::new(), marker.to_owned()])
    }

    #[track_caller]
    fn check(to: &UnsignedEvent, expected: &[Tag]) {
        let reply = Reply::to(to, &person(ME));
        assert_eq!(reply.tags(), expected);
        assert_eq!(Reply::parse(&reply.to_text()), Some(reply), "it survives its text");
    }

    #[test]
    fn a_reply_to_a_public_post_goes_to_its_author() {
        let to = post(2, vec![]);
        check(&to, &[answering(&to, "root"), p(2)]);
    }

    #[test]
    fn a_reply_in_a_conversation_keeps_its_root_and_its_people_each_once_and_not_oneself() {
        let to = post(2, vec![e(9, "mention"), e(8, "root"), e(7, "reply"), p(3), p(ME), p(3), p(2)]);
        check(&to, &[e(8, "root"), answering(&to, "reply"), p(3), p(2)]);
    }

    #[test]
    fn without_a_marker_the_first_post_that_is_named_is_the_root() {
        let bare = |seed| Tag::new(e(seed, "").elements()[..2].to_vec());
        let to = post(2, vec![Tag::new(["e", "nonsense"]), bare(5), bare(6), p(ME)]);
        check(&to, &[e(5, "root"), answering(&to, "reply"), p(2)]);
        let to = post(2, vec![Tag::new(["e", "nonsense"]), Tag::new(["p", "nobody"])]);
        check(&to, &[answering(&to, "root"), p(2)]);
    }

    #[test]
    fn a_reply_to_an_own_public_post_is_public_and_one_to_a_private_one_keeps_its_people() {
        let public = post(ME, vec![]);
        check(&public, &[answering(&public, "root")]);
        let quote = post(ME, vec![p(2), Tag::new(["q", "x"])]);
        check(&quote, &[answering(&quote, "root")]);
        let private = post(ME, vec![e(8, "root"), p(2), p(3)]);
        check(&private, &[e(8, "root"), answering(&private, "reply"), p(2), p(3)]);
        let further = post(ME, vec![e(8, "root"), p(ME)]);
        check(&further, &[e(8, "root"), answering(&further, "reply")]);
        let quoting = post(2, vec![e(8, "root"), p(ME), Tag::new(["q", "x"])]);
        assert!(is_private(&quoting), "it answers, whatever it quotes");
    }

    #[test]
    fn what_is_no_post_is_answered_by_a_comment_for_its_author_and_that_of_what_it_is_about() {
        let event = |author, kind, tags| {
            EventTemplate { created_at: 7, kind: Kind(kind), tags, content: "x".into() }.by(person(author))
        };
        let comment = |unsigned: &UnsignedEvent, people: &[Tag]| {
            let reply = Reply::to(unsigned, &person(ME));
            assert_eq!((reply.kind(), reply.tags()), (Kind(1_111), [&reply.comment, people].concat()));
            assert_eq!(Reply::parse(&reply.to_text()), Some(reply.clone()), "it survives its text");
            event(ME, 1_111, reply.tags())
        };
        let poll = event(2, 1_068, vec![]);
        let on_poll = comment(&poll, &[p(2)]);
        assert!(is_private(&on_poll) && target(&on_poll) == Some(poll.id()));
        // What another says about it goes to the author of the poll, too.
        let by_another = event(3, 1_111, comment::tags(&poll).into_iter().chain([p(2)]).collect());
        let below = comment(&by_another, &[p(2), p(3)]);
        assert_eq!((root(&below), target(&below)), (Some(poll.id()), Some(by_another.id())));
        // One goes on with what everyone can see.
        let on_own = comment(&event(ME, 1_068, vec![]), &[p(ME)]);
        assert!(!is_private(&on_own));
    }

    #[test]
    fn what_a_post_answers_is_marked_or_named_last() {
        let id = |seed| Some(EventId::from_bytes([seed; 32]));
        assert_eq!(target(&post(2, vec![e(8, "root"), e(7, "reply"), e(9, "mention")])), id(7));
        assert_eq!(target(&post(2, vec![e(8, "root"), e(9, "mention")])), id(8));
        assert_eq!(target(&post(2, vec![])), None);
    }
}
