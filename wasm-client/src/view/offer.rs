//! The sheet that offers another node.

use super::{Html, button, element, error, paragraph};
use crate::{
    message::{Choice, Message},
    model::{
        Model,
        offer::{Offer, OfferStep, Wish},
    },
    texts,
    update::offer::STAY_ID,
};

/// The sheet, while a node is offered.
pub fn sheet(model: &Model) -> Option<Html> {
    let offer = model.offer.as_ref()?;
    let card = element("div")
        .class("card sheet-card")
        .with("role", "dialog")
        .with("aria-modal", "true")
        .with("aria-labelledby", "offer-title")
        .test_id("offer")
        .child(
            element("h2").class("sheet-title").with("id", "offer-title").text(model.say(texts::OFFER_TITLE)),
        )
        .child(paragraph("", model.say(texts::OFFER_LEAD)))
        .child(
            paragraph(
                "muted",
                texts::offered(model.language(), &address(model, offer), id(offer).as_deref()),
            )
            .test_id("offer-node"),
        )
        .child_if(state(model, offer))
        .child(
            element("div")
                .class("row")
                .child(
                    button("primary", model.say(texts::OFFER_STAY), Message::Offer(Choice::Stay))
                        .with("id", STAY_ID)
                        .test_id(STAY_ID),
                )
                .children(choices(model, offer)),
        );
    Some(element("div").class("sheet").key("offer").child(card))
}

/// Where the node is, as far as anybody knows.
fn address(model: &Model, offer: &Offer) -> String {
    let helper = offer.link.home.as_ref().and_then(|home| home.helpers.first());
    let node = offer.way.as_ref().map(|way| way.address()).or(offer.link.node.as_ref()).or(helper);
    let node = node.or(model.environment.page.as_ref());
    node.map(|node| node.authority().to_owned()).unwrap_or_default()
}

/// The short id that the node has proved, or that the link names.
fn id(offer: &Offer) -> Option<String> {
    let shown = offer.greeting().map(|greeting| greeting.peer);
    shown.or_else(|| offer.link.peer()).map(|peer| peer.short())
}

fn state(model: &Model, offer: &Offer) -> Option<Html> {
    let language = model.language();
    let sentence = match &offer.step {
        OfferStep::Asked => return None,
        OfferStep::Looking | OfferStep::Joining(..) => model.say(texts::NODE_LOOKING).to_owned(),
        OfferStep::Failed(sentence) => return Some(error(sentence.clone())),
        OfferStep::Found(greeting) => match greeting.owner {
            _ if model.connection.pin == Some(greeting.peer) => model.say(texts::OFFER_SAME).to_owned(),
            Some(owner) if model.me == Some(owner) => model.say(texts::OFFER_YOURS).to_owned(),
            Some(owner) => texts::offer_of_another(language, &model.name_in_sentence(&owner)),
            None => model.say(texts::OFFER_FREE).to_owned(),
        },
    };
    Some(element("div").with("role", "status").child(super::sentence("p", &sentence)))
}

fn choices(model: &Model, offer: &Offer) -> Vec<Html> {
    let choice = |label, choice, id| button("plain", model.say(label), Message::Offer(choice)).test_id(id);
    match &offer.step {
        OfferStep::Asked | OfferStep::Failed(_) => {
            vec![choice(texts::OFFER_LOOK, Choice::Look, "offer-look")]
        }
        OfferStep::Found(greeting) => {
            let mine = greeting.owner == model.me || greeting.owner.is_none() && offer.link.token.is_some();
            let same = model.connection.pin == Some(greeting.peer);
            let add = (mine && !same).then(|| choice(texts::OFFER_ADD, Choice::Join(Wish::Add), "offer-add"));
            let go = mine.then(|| choice(texts::OFFER_MOVE, Choice::Join(Wish::Move), "offer-move"));
            add.into_iter().chain(go).collect()
        }
        OfferStep::Looking | OfferStep::Joining(..) => Vec::new(),
    }
}
