//! The nodes that act for the person: which, until when, when they were last seen, and a button to end that.

use nostrp2p_protocol::PeerId;

use super::{Html, button, paragraph};
use crate::{
    message::{Message, Own},
    model::{Model, Phase},
    texts,
    vdom::element,
    when,
};

/// The card; none before the node has told.
pub fn card(model: &Model) -> Option<Html> {
    let acting = model.own_nodes.acting(model.now());
    (!acting.is_empty()).then(|| {
        element("div")
            .class("card")
            .key("own-nodes")
            .child(element("h2").text(model.say(texts::OWN_NODES)))
            .children(acting.into_iter().map(|(peer, until)| node(model, peer, until)))
    })
}

fn node(model: &Model, peer: PeerId, until: u64) -> Html {
    let (language, offset) = (model.language(), model.environment.zone);
    let here = matches!(&model.connection.phase, Phase::LoggedIn(greeting) if greeting.peer == peer);
    let peers = model.connection.status.as_ref().map_or(&[][..], |status| &status.peers);
    let seen = match model.own_nodes.seen.get(&peer) {
        _ if here => model.say(texts::OWN_NODE_HERE).to_owned(),
        _ if peers.iter().any(|other| other.peer == peer) => model.say(texts::OWN_NODE_CONNECTED).to_owned(),
        Some(at) => texts::own_node_seen(language, &when::ago(*at, model.now(), offset, language)),
        None => model.say(texts::OWN_NODE_UNSEEN).to_owned(),
    };
    let holds = texts::own_node_until(language, &when::exact(until, offset, language));
    let row = element("div")
        .key(peer.to_string())
        .test_id("own-node")
        .child(element("bdi").class("strong").with("title", peer.to_string()).text(peer.short()))
        .child(paragraph("muted", seen + " " + &holds));
    if here {
        return row;
    }
    let say = |own: Own| Message::Own(own);
    if model.own_nodes.ending != Some(peer) {
        let ask = say(Own::EndNode(Some(peer), false));
        return row.child(button("quiet", model.say(texts::OWN_NODE_END), ask).test_id("end-node"));
    }
    row.child(paragraph("", model.say(texts::OWN_NODE_SURE))).child(
        element("div")
            .class("row")
            .child(
                button("danger", model.say(texts::OWN_NODE_END), say(Own::EndNode(Some(peer), true)))
                    .test_id("end-node-sure"),
            )
            .child(button("quiet", model.say(texts::CANCEL), say(Own::EndNode(None, false)))),
    )
}
