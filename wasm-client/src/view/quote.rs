//! A post within a post: what it quotes.

use std::borrow::Cow;

use nostrp2p_protocol::{Kind, UnsignedEvent};

use super::{Html, avatar::avatar};
use crate::{
    letters,
    model::{Model, Quote},
    richtext::{self, Span},
    route::Route,
    texts,
    vdom::element,
    when,
};

/// Most tags that are looked at for what is shown of an event; a poll with more options is cut off there. A guess.
const MAX_PARTS: usize = 100;
/// Most characters of a quoted post that are drawn; the rest is behind the tap.
const MAX_CHARACTERS: usize = 400;

/// The card, which opens what is quoted; while that is being fetched, a place for it.
pub fn view(model: &Model, quote: &Quote) -> Html {
    let card = element("a")
        .class("quote")
        .test_id("quote")
        .with("href", Route::Thread(quote.id, quote.author).fragment());
    match model.timeline.written(&quote.id) {
        Some(unsigned) => card
            .child(head(model, unsigned))
            .child(element("span").class("quote-text").with("dir", "auto").text(words(model, unsigned))),
        None => card
            .with("data-state", "awaited")
            .child(element("span").class("skeleton-line skeleton-middle"))
            .child(element("span").class("muted").text(model.say(texts::TARGET_AWAITED))),
    }
}

fn head(model: &Model, unsigned: &UnsignedEvent) -> Html {
    let time = when::ago(unsigned.created_at, model.now(), model.environment.zone, model.language());
    element("span")
        .class("quote-head")
        .child(avatar(&unsigned.pubkey))
        .child(element("bdi").class("strong").text(model.name_of(&unsigned.pubkey)))
        .child(element("span").class("muted").text(time))
}

/// Of what the author of a post warns (NIP-36); empty without a reason.
pub fn warning(unsigned: &UnsignedEvent) -> Option<&str> {
    let warning = unsigned.tags.iter().find(|tag| tag.name() == "content-warning");
    warning.map(|tag| tag.value().unwrap_or_default())
}

/// The words of a post where there is little room; of one that its author warns of the warning.
pub fn words(model: &Model, unsigned: &UnsignedEvent) -> String {
    match warning(unsigned) {
        None => plain(model, &content(unsigned)),
        Some(reason) if letters::has_visible(reason) => {
            let reason = letters::isolated(letters::cut(reason, MAX_CHARACTERS));
            texts::sensitive_of(model.language(), &reason)
        }
        Some(_) => model.say(texts::SENSITIVE).to_owned(),
    }
}

/// What is shown as the text of an event: of what is no post also what stands in its tags, the title of an article or
/// picture before it, the options of a poll and the addresses of pictures below it. What says nothing else says what it is
/// (`alt`, NIP-31).
pub fn content(unsigned: &UnsignedEvent) -> Cow<'_, str> {
    if unsigned.kind == Kind::POST {
        return Cow::Borrowed(&unsigned.content);
    }
    let mut text = String::new();
    let mut line = |part: &str, before: &str| {
        if letters::has_visible(part) {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(before);
            text.push_str(part);
        }
    };
    unsigned.tag_values("title").for_each(|title| line(title, ""));
    line(&unsigned.content, "");
    for tag in unsigned.tags.iter().take(MAX_PARTS) {
        let part = |place: usize| tag.elements().get(place).map_or("", String::as_str);
        match (unsigned.kind.0, tag.name()) {
            (1_068, "option") => line(part(2), "○ "),
            (9_802, "r") => line(part(1), ""),
            (20, "imeta") => {
                let urls = tag.elements().iter().filter_map(|element| element.strip_prefix("url "));
                urls.for_each(|url| line(url, ""));
            }
            _ => {}
        }
    }
    if text.is_empty() {
        text = unsigned.tag_values("alt").collect();
    }
    Cow::Owned(text)
}

/// A text without links: the card as a whole is one.
pub fn plain(model: &Model, content: &str) -> String {
    let mut spans = richtext::spans(content);
    // A text ends in what it quotes.
    if spans.len() > 1 && matches!(spans.last(), Some(Span::Post(..))) {
        spans.pop();
    }
    let mut plain = String::new();
    for span in spans {
        match span {
            Span::Text(text) | Span::Link(text) => plain.push_str(&text),
            Span::Hashtag(tag) => {
                plain.push('#');
                plain.push_str(&tag);
            }
            Span::Mention(person) => {
                plain.push_str(&letters::isolated(&format!("@{}", model.name_of(&person))));
            }
            Span::Post(..) => plain.push_str(model.say(texts::A_POST)),
        }
    }
    plain.truncate(plain.trim_end().len());
    let length = letters::cut(&plain, MAX_CHARACTERS).len();
    if length < plain.len() {
        plain.truncate(length);
        plain.push('…');
    }
    plain
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::EventId;

    use super::*;

    #[test]
    fn what_a_text_ends_in_is_what_it_quotes_and_says_nothing_in_little_room() {
        let note = EventId::from_bytes([6; 32]).to_note();
        let check =
            |text: &str, expected: &str| assert_eq!(plain(&Model::default(), text), expected, "{text}");
        check(&format!("so true\n\nnostr:{note}"), "so true");
        check(&format!("nostr:{note} says it"), "a post says it");
        check(&format!("nostr:{note}"), "a post");
    }
}
