//! Pictures in posts. None is loaded before somebody wants to see it, for its address would tell a stranger who reads.

use nostrp2p_protocol::UnsignedEvent;

use super::{Html, icons, paragraph, sentence};
use crate::{
    letters,
    message::{Message, Reading},
    model::{Model, Picture},
    richtext::Span,
    storage::Media,
    texts,
    vdom::{On, VNode, element},
};
use icons::{Icon, icon};

/// Most pictures of one post that are offered; the rest stay links.
const MAX_PICTURES: usize = 4;

/// Most emoji of one post that are shown as pictures, and places where they stand; the rest stays text.
const MAX_EMOJI: usize = 30;

/// The emoji of a post's own that stand in its text (NIP-30), each as `:code:` with its address; none where no pictures are
/// wanted.
pub fn emoji<'a>(model: &Model, unsigned: &'a UnsignedEvent) -> Vec<(String, &'a str)> {
    if model.media == Media::Never {
        return Vec::new();
    }
    let tags = unsigned.tags.iter().filter_map(|tag| match tag.elements() {
        [name, code, address, ..] if name == "emoji" && !code.is_empty() && is_picture(address) => {
            Some((format!(":{code}:"), address.as_str()))
        }
        _ => None,
    });
    tags.filter(|(code, _)| unsigned.content.contains(code.as_str())).take(MAX_EMOJI).collect()
}

/// A text with its emoji: each a picture once it is here, and until then a button that has it loaded.
pub fn with_emoji(model: &Model, emoji: &[(String, &str)], text: &str) -> Vec<VNode<Message>> {
    let mut nodes = Vec::new();
    let mut rest = text;
    while nodes.len() < 2 * MAX_EMOJI
        && let Some((_, code, address)) =
            emoji.iter().filter_map(|(code, address)| Some((rest.find(code.as_str())?, code, *address))).min()
        && let Some((before, after)) = rest.split_once(code.as_str())
    {
        nodes.push(VNode::Text(before.to_owned().into()));
        nodes.push(one_emoji(model, code, address));
        rest = after;
    }
    nodes.push(VNode::Text(rest.to_owned().into()));
    nodes.retain(|node| !matches!(node, VNode::Text(text) if text.is_empty()));
    nodes
}

fn one_emoji(model: &Model, code: &str, address: &str) -> VNode<Message> {
    match model.pictures.get(address) {
        Some(Picture::Here(own)) => {
            element("img").class("emoji").with("src", own.clone()).with("alt", code.to_owned()).into()
        }
        Some(_) => VNode::Text(code.to_owned().into()),
        None => element("button")
            .class("button-link")
            .with("type", "button")
            .with("title", texts::picture_from(model.language(), &letters::host(address)))
            .on(On::Click(Message::Reading(Reading::ShowPicture(address.to_owned()))))
            .text(code.to_owned())
            .into(),
    }
}

/// Takes the addresses of pictures out of a text, to be shown below it; none where no pictures are wanted.
pub fn take(model: &Model, spans: &mut Vec<Span>) -> Vec<String> {
    let mut pictures = Vec::new();
    if model.media == Media::Never {
        return pictures;
    }
    spans.retain(|span| match span {
        Span::Link(address) if is_picture(address) && pictures.len() < MAX_PICTURES => {
            pictures.push(address.clone());
            false
        }
        _ => true,
    });
    pictures
}

/// Whether an address is that of a picture that the page may load: by https, and by its ending.
pub fn is_picture(address: &str) -> bool {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let ending = name.rsplit_once('.').map(|(_, ending)| ending).unwrap_or_default();
    let pictures = ["jpg", "jpeg", "png", "gif", "webp", "avif"];
    address.starts_with("https://")
        && path.split('/').count() > 3
        && pictures.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// The pictures of a post, each in a frame that keeps its size whatever comes.
pub fn view(model: &Model, author: &str, addresses: Vec<String>) -> Option<Html> {
    (!addresses.is_empty()).then(|| {
        let pictures = addresses.into_iter().map(|address| picture(model, author, address));
        element("div").class("media").children(pictures)
    })
}

fn picture(model: &Model, author: &str, address: String) -> Html {
    let host = letters::host(&address);
    match model.pictures.get(&address) {
        None => element("button")
            .class("media-frame media-ask")
            .with("type", "button")
            .test_id("media-show")
            .on(On::Click(Message::Reading(Reading::ShowPicture(address))))
            .child(icon(Icon::Picture))
            .child(element("span").class("strong").text(model.say(texts::PICTURE_SHOW)))
            .child(sentence("span", &texts::picture_from(model.language(), &host)).class("muted")),
        Some(Picture::Loading) => element("div")
            .class("media-frame")
            .child(element("span").class("spinner"))
            .child(paragraph("muted", model.say(texts::PICTURE_LOADING))),
        Some(Picture::Here(own)) => link(address).class("media-frame").with("aria-label", host).child(
            element("img")
                .class("media-picture")
                .test_id("media")
                .with("src", own.clone())
                .with("alt", texts::picture_of(model.language(), author)),
        ),
        Some(Picture::Failed) => element("div")
            .class("media-frame")
            .child(paragraph("muted", model.say(texts::PICTURE_FAILED)))
            .child(link(address).text(host)),
    }
}

fn link(address: String) -> Html {
    element("a")
        .with("href", address)
        .with("target", "_blank")
        .with("rel", "noopener noreferrer nofollow ugc")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_known_by_their_ending() {
        for yes in
            ["https://x.example/a.JPG", "https://x.example/b/c.webp?w=1", "https://x.example/a.b.png#x"]
        {
            assert!(is_picture(yes), "{yes}");
        }
        for no in
            ["https://x.png", "http://x.example/a.png", "https://x.example/png", "https://x.example/.html"]
        {
            assert!(!is_picture(no), "{no}");
        }
    }
}
