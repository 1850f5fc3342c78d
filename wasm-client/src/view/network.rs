//! The own node and its neighbours as a picture, with four figures under it.

use nostrp2p_protocol::{
    PublicKey,
    frame::{Path, PeerStatus, Reached},
};

use super::{Html, avatar::avatar, button, error, own_nodes, paragraph, relays};
use crate::{
    address::ways::Way,
    letters,
    message::{Link, Message},
    model::{
        Model, Phase,
        connection::{OverlayStatus, Pill, Trouble},
    },
    sorted_map::SortedSet,
    texts,
    vdom::{On, element, svg},
    when,
};

/// Most peers that are drawn; a node rarely has more connections, and the picture would say nothing.
const MAX_DRAWN: usize = 36;
/// Up to how many peers their names are written into the picture.
const NAMED_UP_TO: usize = 10;
/// The rings: up to this delay in milliseconds, at this radius.
const RINGS: [(u32, u32); 3] = [(25, 76), (100, 104), (u32::MAX, 130)];

/// The screen.
pub fn view(model: &Model) -> Html {
    let section = element("section").class("cards network");
    let section = if model.environment.wide {
        section.child(element("h1").class("column-title").text(model.say(texts::NETWORK)))
    } else {
        section
    };
    section
        .child_if(refusal_card(model).or_else(|| trouble_card(model)))
        .child_if(warnings(model))
        .child(
            element("div")
                .class("card")
                .child(picture(model, NAMED_UP_TO))
                .child_if(sentence(model))
                .child_if(way(model))
                .child_if(reached(model))
                .child(legend(model))
                .child_if(caught_up(model)),
        )
        .child_if(chosen(model))
        .child_if(own_nodes::card(model))
        .child_if(relays::card(model))
        .child(figures(model))
}

/// By which way this page is connected, and which others there are.
fn way(model: &Model) -> Option<Html> {
    let connection = &model.connection;
    let used = connection.way.as_ref().filter(|_| connection.is_logged_in())?;
    let mut text = texts::way(model.language(), used.address().authority(), used.is_helped());
    let all = connection.ways();
    let others: Vec<&str> =
        all.iter().filter(|way| *way != used).map(|way| way.address().authority()).collect();
    if !others.is_empty() {
        text.push(' ');
        text.push_str(&texts::other_ways(model.language(), &others.join(", ")));
    }
    Some(paragraph("muted", text).test_id("way"))
}

/// The live miniature beside the column.
pub fn miniature(model: &Model) -> Html {
    let people = model.connection.status.iter().flat_map(|status| &status.peers).take(8).map(|peer| {
        let who = element("li").class("around-row").key(peer.peer.to_string());
        match &peer.owner {
            Some(owner) => who.child(avatar(owner)).child(element("bdi").text(model.name_of(owner))),
            None => who
                .child(element("span").class("around-node"))
                .child(element("span").class("muted").text(peer.peer.short())),
        }
        .child(element("span").class("muted around-delay").text(texts::delay(peer.delay_ms)))
    });
    element("div")
        .class("card side-card")
        .child(element("h2").text(model.say(texts::AROUND)))
        .child(picture(model, 0))
        .child_if(sentence(model))
        .child(element("ul").class("around").children(people))
}

/// The node's refusal, if any, and what to do.
pub fn refusal_card(model: &Model) -> Option<Html> {
    let Phase::Refused(refusal) = &model.connection.phase else { return None };
    Some(
        element("div")
            .class("card card-trouble")
            .child(error(texts::refusal(model.language(), refusal)))
            .child(
                element("div")
                    .class("row")
                    .child(button("plain", model.say(texts::NODE_CHANGE), Message::Link(Link::SetUpAgain)))
                    .child(button("quiet", model.say(texts::TRY_AGAIN), Message::Link(Link::Retry))),
            ),
    )
}

fn trouble_card(model: &Model) -> Option<Html> {
    (model.connection.pill() == Pill::Offline).then_some(())?;
    let sentence = trouble(model)?;
    let look = is_alarm(model).then(|| {
        button("quiet", model.say(texts::OFFER_LOOK), Message::Link(Link::Stranger)).test_id("stranger")
    });
    Some(
        element("div").class("card card-trouble").child(error(sentence)).child(
            element("div")
                .class("row")
                .child(
                    button("plain", model.say(texts::TRY_NOW), Message::Link(Link::Retry)).test_id("try-now"),
                )
                .child_if(look),
        ),
    )
}

/// The node's warnings.
fn warnings(model: &Model) -> Option<Html> {
    let known = model.connection.warnings.iter().filter_map(|code| match code {
        1 => Some(texts::WARNING_TWIN),
        2 => Some(texts::WARNING_CLOCK),
        3 => Some(texts::WARNING_MAIL),
        4 => Some(texts::WARNING_DISK),
        _ => None,
    });
    let sentences: Vec<Html> = known.map(|words| error(model.say(words))).collect();
    let card = element("div").class("card card-trouble").test_id("warnings");
    (!sentences.is_empty()).then(|| sentences.into_iter().fold(card, |card, sentence| card.child(sentence)))
}

/// Another node where the own one should be: told on every screen.
pub fn alarm(model: &Model) -> Option<Html> {
    is_alarm(model).then(|| trouble_card(model)).flatten()
}

fn is_alarm(model: &Model) -> bool {
    matches!(model.connection.trouble, Some(Trouble::OtherNode(_)))
}

/// The node has no word that it acts for its owner, and only the owner can give it.
pub fn unsaid(model: &Model) -> Option<Html> {
    (model.connection.unsaid && model.connection.is_logged_in()).then(|| {
        let appoint =
            button("plain", model.say(texts::APPOINT), Message::Link(Link::Appoint)).test_id("appoint");
        element("div")
            .class("banner banner-warn")
            .child(element("span").text(model.say(texts::NOT_APPOINTED)))
            .child(appoint)
    })
}

/// Why the node cannot be reached, in words.
pub fn trouble(model: &Model) -> Option<String> {
    let trouble = model.connection.trouble.as_ref()?;
    let connection = &model.connection;
    let node = connection.troubled.as_ref().map(Way::address).or(connection.node.as_ref())?;
    Some(texts::trouble(model.language(), trouble, node, model.environment.page_is_secure, connection.pin))
}

fn sentence(model: &Model) -> Option<Html> {
    match &model.connection.status {
        Some(OverlayStatus { peers, .. }) if peers.is_empty() => {
            Some(paragraph("muted", model.say(texts::NETWORK_EMPTY)))
        }
        None if model.connection.pill() == Pill::Offline => {
            Some(paragraph("muted", model.say(texts::NETWORK_OFFLINE)))
        }
        _ => None,
    }
}

fn picture(model: &Model, named_up_to: usize) -> Html {
    let peers = model.connection.status.as_ref().map_or(&[][..], |status| &status.peers);
    let drawn = peers.get(..MAX_DRAWN).unwrap_or(peers);
    let places =
        || drawn.iter().zip(0..).map(|(peer, index)| (peer, TimelineKey::new(index, drawn.len(), peer)));
    let named = drawn.len() <= named_up_to;
    let mut own = svg("g").class(if model.connection.is_logged_in() { "own" } else { "own own-away" });
    own = own.child(svg("circle").class("own-ring").with("r", "25"));
    own = own.child_if(model.me.as_ref().map(|me| framed(me, "40", "-20")));
    if named_up_to > 0 && drawn.is_empty() {
        own = own.child(label(model.say(texts::YOUR_NODE), "42"));
    }
    svg("svg")
        .class("picture")
        .with("viewBox", "-160 -150 320 300")
        // Not an image: the nodes in it can be pressed.
        .with("role", "group")
        .with("aria-label", model.say(texts::NETWORK_PICTURE))
        .child(
            svg("g")
                .class("rings")
                .children(RINGS.map(|(_, radius)| svg("circle").with("r", radius.to_string()))),
        )
        .child(svg("g").children(places().map(|(peer, place)| line(model, peer, &place))))
        .child(svg("g").children(places().map(|(peer, place)| node(model, peer, &place, named))))
        .child(own)
}

/// Where a peer is drawn: a direction from the middle, and how far.
struct TimelineKey {
    degrees: usize,
    radius: u32,
}

impl TimelineKey {
    /// Evenly around the middle, on the ring of its delay; the first one up and to the right.
    fn new(index: usize, count: usize, peer: &PeerStatus) -> Self {
        let delay = peer.delay_ms.unwrap_or(50);
        let radius = RINGS.iter().find(|(up_to, _)| delay <= *up_to).map_or(130, |(_, radius)| *radius);
        Self { degrees: 330 + index * 360 / count.max(1), radius }
    }
}

/// Bytes received from this peer and sent to it within the last hour.
fn traffic_with(model: &Model, peer: &PeerStatus) -> (u64, u64) {
    let network = model.connection.status.as_ref().and_then(|status| status.network.as_ref());
    network.map_or((0, 0), |network| network.traffic_with(peer.peer))
}

/// How thick a line is for that many bytes in an hour: a step for each tenfold.
const fn thickness(bytes: u64) -> &'static str {
    match bytes {
        0..100_000 => "",
        100_000..1_000_000 => " line-some",
        1_000_000..10_000_000 => " line-much",
        _ => " line-most",
    }
}

/// How others reach the own node, in words.
fn reached(model: &Model) -> Option<Html> {
    let reached = model.connection.status.as_ref()?.network.as_ref()?.reached;
    let words = match reached {
        Reached::Unknown => texts::REACHED_UNKNOWN,
        Reached::Directly => texts::REACHED_DIRECTLY,
        Reached::Relayed => texts::REACHED_RELAYED,
        Reached::No => texts::REACHED_NO,
        Reached::Nowhere => texts::REACHED_NOWHERE,
    };
    Some(paragraph("", model.say(words)).test_id("reached"))
}

fn line(model: &Model, peer: &PeerStatus, place: &TimelineKey) -> Html {
    let class = match peer.path {
        Path::Direct => "line",
        Path::Punched => "line line-punched",
        Path::Relayed => "line line-relayed",
    };
    let (received, sent) = traffic_with(model, peer);
    let line =
        svg("g").key(peer.peer.to_string()).with("transform", format!("rotate({})", place.degrees)).child(
            svg("path")
                .class(format!("{class}{}", thickness(received.saturating_add(sent))))
                .with("d", format!("M0 0H{}", place.radius)),
        );
    if peer.path == Path::Relayed {
        let middle = (place.radius * 11 / 20).to_string();
        line.child(svg("circle").class("line-helper").with("cx", middle).with("r", "4"))
    } else {
        line
    }
}

fn node(model: &Model, peer: &PeerStatus, place: &TimelineKey, named: bool) -> Html {
    let name = peer_name(model, peer);
    let TimelineKey { degrees, radius } = place;
    let mut node = svg("g")
        .class(if model.chosen_peer == Some(peer.peer) { "peer peer-chosen" } else { "peer" })
        .key(peer.peer.to_string())
        .with("role", "button")
        .with("tabindex", "0")
        .with("aria-label", name.clone())
        // Out there by turning, and upright again.
        .with("transform", format!("rotate({degrees}) translate({radius}) rotate(-{degrees})"))
        .on(On::Click(Message::Link(Link::Peer(peer.peer))))
        .child(svg("circle").class("peer-back").with("r", "17"));
    node = match &peer.owner {
        Some(owner) => node.child(framed(owner, "30", "-15")),
        None => node.child(svg("circle").class("peer-plain").with("r", "7")),
    };
    if named { node.child(label(shortened(&name), "28")) } else { node }
}

fn framed(person: &PublicKey, size: &'static str, offset: &'static str) -> Html {
    // Another picture than the one in a list: it is placed.
    let picture = avatar(person).picture(format!("{person} {size}"));
    picture.with("x", offset).with("y", offset).with("width", size).with("height", size)
}

fn label(text: impl Into<crate::vdom::Text>, y: &'static str) -> Html {
    svg("text").class("label").with("y", y).text(text)
}

fn peer_name(model: &Model, peer: &PeerStatus) -> String {
    peer.owner.as_ref().map_or_else(|| peer.peer.short(), |owner| model.name_of(owner))
}

fn shortened(name: &str) -> String {
    const LONGEST: usize = 14;
    if letters::cut(name, LONGEST).len() == name.len() {
        return name.to_owned();
    }
    let short = letters::cut(name, LONGEST - 1);
    // At the end of a word if there is one: half a word is not a part of the name.
    let whole = short.rsplit_once(' ').map_or(short, |(words, _)| words);
    format!("{whole}…")
}

fn legend(model: &Model) -> Html {
    let entry = |class: &'static str, text: &'static str| {
        element("li")
            .child(
                svg("svg")
                    .class("legend-line")
                    .with("viewBox", "0 0 28 8")
                    .with("aria-hidden", "true")
                    .child(svg("path").class(class).with("d", "M1 4H27")),
            )
            .text(text)
    };
    element("ul")
        .class("legend")
        .child(entry("line", model.say(texts::LEGEND_DIRECT)))
        .child(entry("line line-punched", model.say(texts::LEGEND_PUNCHED)))
        .child(entry("line line-relayed", model.say(texts::LEGEND_RELAYED)))
}

/// When the node last compared what it has with another one's.
fn caught_up(model: &Model) -> Option<Html> {
    let status = model.connection.status.as_ref()?;
    let last = status.caught_up?;
    let (language, offset) = (model.language(), model.environment.zone);
    let ago = when::ago(last.at, model.now(), offset, language);
    let known = status.peers.iter().find(|peer| peer.peer == last.peer);
    let who = known.map_or_else(|| last.peer.short(), |peer| letters::isolated(&peer_name(model, peer)));
    let text = texts::caught_up(language, &ago, &who, last.events);
    Some(super::sentence("p", &text).class("muted").test_id("caught-up"))
}

fn chosen(model: &Model) -> Option<Html> {
    let chosen = model.chosen_peer?;
    let peer = model.connection.status.as_ref()?.peers.iter().find(|peer| peer.peer == chosen)?;
    let (received, sent) = traffic_with(model, peer);
    let (title, who) = match &peer.owner {
        Some(owner) => {
            (texts::node_of(model.language(), &model.name_in_sentence(owner)), Some(avatar(owner)))
        }
        None => (model.say(texts::UNKNOWN_OWNER).to_owned(), None),
    };
    Some(
        element("div").class("card peer-card").key("chosen").child_if(who).child(
            element("div")
                .child(super::sentence("span", &title).class("strong"))
                .child(paragraph(
                    "muted",
                    format!("{} · {}", texts::path(model.language(), peer.path), texts::delay(peer.delay_ms)),
                ))
                .child(paragraph("muted", texts::traffic(model.language(), received, sent)))
                .child(element("code").class("code").text(peer.peer.to_string())),
        ),
    )
}

fn figures(model: &Model) -> Html {
    let status = model.connection.status.as_ref();
    let figure = |value: String, label: &'static str, hook: &'static str| {
        element("div")
            .class("figure")
            .child(element("dd").test_id(hook).text(value))
            .child(element("dt").text(label))
    };
    let carried = status.and_then(|status| Some(status.network.as_ref()?.traffic_in_all(&status.peers)));
    let known = |value: Option<u64>| value.map_or_else(|| "–".to_owned(), texts::count);
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    element("dl")
        .class("figures")
        .child(figure(
            known(status.map(|status| count(status.peers.len()))),
            model.say(texts::FIGURE_CONNECTED),
            "figure-connected",
        ))
        .child(figure(
            texts::delay(status.and_then(typical_delay)),
            model.say(texts::FIGURE_DELAY),
            "figure-delay",
        ))
        .child(figure(
            texts::kilobytes(carried.map(|(received, _)| received)),
            model.say(texts::FIGURE_RECEIVED),
            "figure-received",
        ))
        .child(figure(
            texts::kilobytes(carried.map(|(_, sent)| sent)),
            model.say(texts::FIGURE_SENT),
            "figure-sent",
        ))
        .child(figure(
            texts::count(count(model.outbox.len())),
            model.say(texts::FIGURE_OUTBOX),
            "figure-outbox",
        ))
        .child(figure(
            known(status.map(|status| status.stored)),
            model.say(texts::FIGURE_STORED),
            "figure-stored",
        ))
}

/// The median of the delays that are known.
fn typical_delay(status: &OverlayStatus) -> Option<u32> {
    let known = status.peers.iter().filter_map(|peer| peer.delay_ms);
    let delays: SortedSet<(u32, usize)> = known.zip(0..).collect();
    delays.iter().nth(delays.len() / 2).map(|(delay, _)| *delay)
}
