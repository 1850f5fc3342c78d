//! The tags of a comment (NIP-22), an answer to anything but a post.

use nostrp2p_protocol::{
    Kind, Tag, UnsignedEvent,
    event_policy::{COMMENTS, EventAddress, address_of},
};

/// The tags of a comment about the root event of the conversation; of several of one name the first counts.
const ABOUT: [&str; 5] = ["A", "E", "I", "K", "P"];

/// The tags of a comment on this event, besides those for people: in capitals those of the conversation's root, then
/// those of the answered event. Empty for a post, which is answered by a post.
pub fn tags(on: &UnsignedEvent) -> Vec<Tag> {
    let mut tags: Vec<Tag> = Vec::new();
    if on.kind == Kind::POST {
        return tags;
    }
    if COMMENTS.contains(&on.kind) {
        for name in ABOUT {
            let first = on.tags.iter().find(|tag| tag.name() == name && is_plain(tag));
            tags.extend(first.cloned());
        }
    }
    if tags.is_empty() {
        name(on, ["A", "E", "K"], &mut tags);
        tags.push(Tag::new(["P".to_owned(), on.pubkey.to_string()]));
    }
    name(on, ["a", "e", "k"], &mut tags);
    tags
}

/// Names an event by its address, its id and its kind.
fn name(event: &UnsignedEvent, [address, id, kind]: [&str; 3], tags: &mut Vec<Tag>) {
    let mut add = |elements: &[&str]| tags.push(Tag::new(elements.iter().copied()));
    let (number, author) = (event.kind.0.to_string(), event.pubkey.to_string());
    if let Some(EventAddress { identifier, .. }) = address_of(event)
        && !identifier.contains(char::is_control)
    {
        add(&[address, &[&number, &author, identifier.as_str()].join(":")]);
    }
    add(&[id, &event.id().to_string(), "", &author]);
    add(&[kind, &number]);
}

/// Whether a tag can be stored in one line with others.
fn is_plain(tag: &Tag) -> bool {
    !tag.elements().iter().any(|element| element.contains(char::is_control))
}

/// The tags as a text without line breaks.
pub fn to_text(tags: &[Tag]) -> String {
    let mut text = String::new();
    for tag in tags {
        text.push('\t');
        text.push_str(&tag.elements().join("\u{1f}"));
    }
    text
}

/// Reads [`to_text`].
pub fn parse(text: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    for tag in text.split('\t').filter(|tag| !tag.is_empty()) {
        tags.push(Tag::new(tag.split('\u{1f}')));
    }
    tags
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{EventTemplate, PublicKey};

    use super::*;

    fn event(author: u8, kind: u16, tags: &[&[&str]]) -> UnsignedEvent {
        let tags = tags.iter().map(|tag| Tag::new(tag.iter().copied())).collect();
        let template = EventTemplate { created_at: 7, kind: Kind(kind), tags, content: "x".into() };
        template.by(PublicKey::from_bytes([author; 32]))
    }

    #[track_caller]
    fn check(on: &UnsignedEvent, expected: &[&[&str]]) {
        let expected: Vec<Tag> = expected.iter().map(|tag| Tag::new(tag.iter().copied())).collect();
        assert_eq!(tags(on), expected);
        assert_eq!(parse(&to_text(&expected)), expected, "it survives its text");
    }

    #[test]
    fn a_comment_on_an_article_names_address_id_kind_and_author_twice() {
        let article = event(2, 30_023, &[&["d", "on: rust"]]);
        let (id, author) = (article.id().to_string(), article.pubkey.to_string());
        let address = format!("30023:{author}:on: rust");
        check(
            &article,
            &[
                &["A", &address],
                &["E", &id, "", &author],
                &["K", "30023"],
                &["P", &author],
                &["a", &address],
                &["e", &id, "", &author],
                &["k", "30023"],
            ],
        );
        check(&event(2, 1, &[]), &[]);
    }

    #[test]
    fn a_comment_on_a_comment_keeps_what_the_conversation_is_about() {
        let about: [&[&str]; 3] = [&["E", "ab", "wss://a.example"], &["K", "1068"], &["P", "cd"]];
        let more: [&[&str]; 3] = [&["E", "other"], &["e", "ab"], &["k", "1068"]];
        let comment = event(3, 1_111, &[&about[..], &more[..]].concat());
        let (id, author) = (comment.id().to_string(), comment.pubkey.to_string());
        check(&comment, &[about[0], about[1], about[2], &["e", &id, "", &author], &["k", "1111"]]);
    }

    #[test]
    fn a_comment_without_a_root_is_one_and_an_address_with_a_line_break_is_left_out() {
        let bare = event(3, 1_111, &[&["E", "a\nb"]]);
        let (id, author) = (bare.id().to_string(), bare.pubkey.to_string());
        let own: [&[&str]; 3] = [&["E", &id, "", &author], &["K", "1111"], &["P", &author]];
        check(&bare, &[own[0], own[1], own[2], &["e", &id, "", &author], &["k", "1111"]]);
        let article = event(2, 30_023, &[&["d", "a\tb"]]);
        assert!(tags(&article).iter().all(|tag| tag.name() != "A" && tag.name() != "a"));
    }
}
