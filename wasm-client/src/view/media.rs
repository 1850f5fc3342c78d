//! Pictures in posts. None is loaded before the person wants to see it, because loading it would tell a stranger who
//! reads.

use super::{Html, icons, paragraph, sentence};
use crate::{
    letters,
    message::{Message, Reading},
    model::{Media, Model, Picture},
    pictures::{MAX_EMOJI, is_picture},
    richtext::Span,
    texts,
    vdom::{On, VNode, element},
};
use icons::{Icon, icon};

/// Most pictures of one post that are offered; the rest stay links.
const MAX_PICTURES: usize = 4;

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
