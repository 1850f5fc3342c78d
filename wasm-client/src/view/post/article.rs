//! The text of an article (NIP-23): its Markdown as elements, and nothing in it that is none.

use super::{Html, draw};
use crate::{
    markdown::{self, Block, BlockKind, Piece},
    message::Message,
    model::Model,
    richtext::{self, Span},
    vdom::{VNode, element},
};

/// The text of an article, block by block.
pub fn view(model: &Model, text: &str) -> Vec<Html> {
    let mut shown: Vec<Html> = Vec::new();
    // The list that the next entry goes on with, and in how many quotes it stands.
    let mut list: Option<(&'static str, usize, Vec<Html>)> = None;
    for block in markdown::blocks(text) {
        let tag = match block.kind {
            BlockKind::Item { ordered: true } => Some("ol"),
            BlockKind::Item { ordered: false } => Some("ul"),
            _ => None,
        };
        if let Some((former, depth, entries)) = list.take() {
            if tag == Some(former) && depth == block.depth {
                list = Some((former, depth, entries));
            } else {
                shown.push(quoted(depth, element(former).children(entries)));
            }
        }
        match tag {
            Some(tag) => {
                let entries = &mut list.get_or_insert_with(|| (tag, block.depth, Vec::new())).2;
                entries.push(element("li").children(words(model, &block.text)));
            }
            None => shown.push(quoted(block.depth, alone(model, &block))),
        }
    }
    if let Some((tag, depth, entries)) = list {
        shown.push(quoted(depth, element(tag).children(entries)));
    }
    shown
}

/// A block that is no entry of a list.
fn alone(model: &Model, block: &Block) -> Html {
    match block.kind {
        BlockKind::Heading(rank) => {
            // The first rank is the heading of the screen.
            element(if rank == 1 { "h2" } else { "h3" }).children(words(model, &block.text))
        }
        BlockKind::Code => element("pre").child(element("code").text(richtext::visible(&block.text))),
        BlockKind::Rule => element("hr"),
        BlockKind::Paragraph | BlockKind::Item { .. } => element("p").children(words(model, &block.text)),
    }
}

fn quoted(depth: usize, html: Html) -> Html {
    (0..depth).fold(html, |html, _| element("blockquote").child(html))
}

fn words(model: &Model, text: &str) -> Vec<VNode<Message>> {
    let mut nodes = Vec::new();
    // With loops, because each chain of iterators would be code of its own in the first load.
    for Piece { text, strong, emphasis, code, link } in markdown::pieces(text) {
        let mut drawn: Vec<VNode<Message>> = Vec::new();
        match link {
            _ if code => drawn.push(element("code").text(richtext::visible(&text)).into()),
            Some(link) => linked(model, &text, &link, &mut drawn),
            None => {
                for span in richtext::spans(&text) {
                    drawn.push(draw(model, span));
                }
            }
        }
        for (is, tag) in [(strong, "strong"), (emphasis, "em")] {
            if is {
                drawn = vec![element(tag).children(drawn).into()];
            }
        }
        nodes.append(&mut drawn);
    }
    nodes
}

/// A label and where it leads, as links in posts are shown; without a link where the address is none of those that posts
/// may have. The address stands beside the label, which may say anything.
fn linked(model: &Model, label: &str, address: &str, drawn: &mut Vec<VNode<Message>>) {
    let mut spans = richtext::spans(address);
    let link =
        spans.pop().filter(|span| spans.is_empty() && !matches!(span, Span::Text(_) | Span::Hashtag(_)));
    let text = |text: &str| VNode::Text(richtext::visible(text).into());
    match link {
        Some(link) if label == address => drawn.push(draw(model, link)),
        Some(link) => drawn.extend([text(label), text(" ("), draw(model, link), text(")")]),
        None => drawn.push(text(label)),
    }
}
