//! Another node than the one in use: the person looks at it, adds it, moves to it, or stays.
//!
//! It has a socket of its own, so the own connection goes on meanwhile. The page opens nothing before the person
//! wants to see the node, signs nothing before they agree, and stores nothing before that node has accepted the login
//! and the delegation. See PROTOCOL.md, "Links".

use std::rc::Rc;

use nostrp2p_protocol::{
    Event, PeerId,
    channel::{CLIENT_QUERY, ChannelKey},
    delegation,
    frame::{ClientFrame, NodeFrame, Refusal, RefusalCode, RequestId, Welcome},
    login,
};

use super::{Effect, connection, notify, reconnect::ANSWER_WITHIN_MS, relays, signing, stage};
use crate::{
    address::{ClaimLink, NodeAddress, ways::Way},
    effect::Timer,
    message::{Choice, SocketEvent},
    model::{
        Model, PersonStage,
        connection::{NodeGreeting, Trouble},
        offer::{Offer, OfferStep, Wish},
        signing::Purpose,
    },
    storage::{Setting, StorageChange},
    texts,
};

/// The id of the button by which nothing changes; it has the focus.
pub const STAY_ID: &str = "offer-stay";
/// The requests of this conversation, which is short.
const LOGIN: RequestId = 1;
const DELEGATION: RequestId = 2;

/// Shows the person what a link wants.
pub fn open(model: &mut Model, link: ClaimLink, out: &mut Vec<Effect>) {
    close(model, out);
    model.offer = Some(Offer { link, ..Offer::default() });
    out.push(Effect::KeepFocus);
    out.push(Effect::Focus(STAY_ID));
}

/// The same for the node that answered where the own one should.
pub fn open_stranger(model: &mut Model, out: &mut Vec<Effect>) {
    let connection = &model.connection;
    if let (Some(Trouble::OtherNode(_)), Some(Way::Straight(node))) =
        (&connection.trouble, &connection.troubled)
    {
        let link = ClaimLink { node: Some(node.clone()), ..ClaimLink::default() };
        open(model, link, out);
    }
}

/// Takes in what the person decides.
pub fn update(model: &mut Model, choice: Choice, out: &mut Vec<Effect>) {
    match choice {
        Choice::Stay => {
            close(model, out);
            out.push(Effect::ReturnFocus);
        }
        Choice::Look => look(model, out),
        Choice::Join(wish) => join(model, wish, out),
    }
}

/// The socket to the node did something.
pub fn on_socket(model: &mut Model, event: SocketEvent, out: &mut Vec<Effect>) {
    let trouble = match event {
        SocketEvent::Opened => return out.push(Effect::Greet(attempt(model))),
        SocketEvent::Frame(frame) => {
            if let Some(frame) = Rc::into_inner(frame) {
                on_frame(model, frame, out);
            }
            return;
        }
        SocketEvent::Foreign => Trouble::Foreign,
        SocketEvent::Impostor => Trouble::Impostor,
        SocketEvent::TurnedAway(reason) => Trouble::TurnedAway(reason),
        SocketEvent::Closed => Trouble::NoAnswer,
    };
    lose(model, &trouble, out);
}

/// The node says nothing.
pub fn on_silence(model: &mut Model, out: &mut Vec<Effect>) {
    lose(model, &Trouble::Silent, out);
}

/// Something for the node was signed, or not.
pub fn on_signed(model: &mut Model, purpose: Purpose, result: Result<Event, String>, out: &mut Vec<Effect>) {
    let language = model.language();
    let Some(offer) = model.offer.as_ref().filter(|offer| matches!(offer.step, OfferStep::Joining(..)))
    else {
        return;
    };
    let proof = match result {
        Ok(event) => event.into(),
        Err(why) => return give_up(model, texts::not_signed(language, &why), out),
    };
    let token =
        offer.link.token.filter(|_| offer.greeting().is_some_and(|greeting| greeting.owner.is_none()));
    let frame = match (purpose, token) {
        (Purpose::Join(attempt), _) if Some(attempt) != offer.attempt => return,
        (Purpose::Join(_), Some(token)) => ClientFrame::Claim { request: LOGIN, token: token.0, proof },
        (Purpose::Join(_), None) => ClientFrame::Login { request: LOGIN, proof },
        _ => ClientFrame::Publish { request: DELEGATION, event: proof },
    };
    out.push(Effect::SendVisited(frame));
    wait(out);
}

fn close(model: &mut Model, out: &mut Vec<Effect>) {
    if model.offer.take().is_some() {
        out.push(Effect::Leave);
        out.push(Effect::Cancel(Timer::Visit));
    }
}

fn attempt(model: &Model) -> u32 {
    model.offer.as_ref().and_then(|offer| offer.attempt).unwrap_or_default()
}

/// Bounds the wait for the node; the person may take any time.
fn wait(out: &mut Vec<Effect>) {
    out.push(Effect::Wait(Timer::Visit, ANSWER_WITHIN_MS));
}

/// Asks the node which one it is.
fn look(model: &mut Model, out: &mut Vec<Effect>) {
    let page = model.environment.page.clone();
    let Some(offer) = &mut model.offer else { return };
    let home = offer.link.home.iter().flat_map(|home| &home.helpers);
    let straight = offer.link.node.clone().or_else(|| page.filter(|_| offer.link.home.is_none()));
    let mut ways: Vec<Way> = straight.into_iter().map(Way::Straight).collect();
    ways.extend(home.cloned().map(Way::Helper));
    offer.later = ways;
    offer.step = OfferStep::Looking;
    try_next(model, &Trouble::NoAnswer, out);
}

/// Tries the next way; when there is none, the attempt has failed.
fn try_next(model: &mut Model, trouble: &Trouble, out: &mut Vec<Effect>) {
    let Some(offer) = &mut model.offer else { return };
    if offer.later.is_empty() {
        let node = offer.way.as_ref().map(|way| way.address().clone());
        let sentence = node.map(|node| sentence(model, trouble, &node)).unwrap_or_default();
        return give_up(model, sentence, out);
    }
    let way = offer.later.remove(0);
    let channel = offer.link.home.as_ref().filter(|_| way.is_helped()).map(|home| (home.peer, home.key));
    let url = match channel {
        Some((peer, _)) => format!("{}/to/{peer}", way.address().origin()),
        None => way.address().url(),
    };
    offer.way = Some(way);
    visit(model, url, channel, out);
}

fn visit(model: &mut Model, url: String, channel: Option<(PeerId, ChannelKey)>, out: &mut Vec<Effect>) {
    let connection = &mut model.connection;
    connection.last_attempt = connection.last_attempt.wrapping_add(1);
    let attempt = connection.last_attempt;
    if let Some(offer) = &mut model.offer {
        (offer.attempt, offer.key) = (Some(attempt), channel.map(|(_, key)| key));
        out.push(Effect::Visit { attempt, url, channel });
        wait(out);
    }
}

fn lose(model: &mut Model, trouble: &Trouble, out: &mut Vec<Effect>) {
    let Some(offer) = &model.offer else { return };
    match offer.step {
        OfferStep::Looking => try_next(model, trouble, out),
        OfferStep::Found(_) | OfferStep::Joining(..) => {
            let node = offer.way.as_ref().map(|way| way.address().clone());
            let sentence = node.map(|node| sentence(model, &Trouble::Closed, &node)).unwrap_or_default();
            give_up(model, sentence, out);
        }
        OfferStep::Asked | OfferStep::Failed(_) => {}
    }
}

fn give_up(model: &mut Model, sentence: String, out: &mut Vec<Effect>) {
    if let Some(offer) = &mut model.offer {
        (offer.step, offer.attempt) = (OfferStep::Failed(sentence), None);
        out.push(Effect::Leave);
        out.push(Effect::Cancel(Timer::Visit));
    }
}

fn sentence(model: &Model, trouble: &Trouble, node: &NodeAddress) -> String {
    let (page_is_secure, own) = (model.environment.page_is_secure, model.connection.pin);
    texts::trouble(model.language(), trouble, node, page_is_secure, own)
}

fn on_frame(model: &mut Model, frame: NodeFrame, out: &mut Vec<Effect>) {
    let Some(offer) = &model.offer else { return };
    match (&offer.step, frame) {
        (OfferStep::Looking, NodeFrame::Welcome(welcome)) => on_welcome(model, *welcome, out),
        (OfferStep::Joining(greeting, _), NodeFrame::LoggedIn { request: LOGIN, .. }) => {
            let draft = delegation::draft(&greeting.peer, model.now());
            signing::sign(model, Purpose::Appoint, draft, out);
            out.push(Effect::Cancel(Timer::Visit));
        }
        (OfferStep::Joining(greeting, wish), NodeFrame::Published { request: DELEGATION, .. }) => {
            let (greeting, wish) = (greeting.clone(), *wish);
            done(model, &greeting, wish, out);
        }
        (_, NodeFrame::Refused { refusal, .. }) => {
            give_up(model, texts::refusal(model.language(), &refusal), out);
        }
        _ => {}
    }
}

fn on_welcome(model: &mut Model, welcome: Welcome, out: &mut Vec<Effect>) {
    let Some(offer) = &mut model.offer else { return };
    let Welcome { challenge, peer, owner, key, own_name, .. } = welcome;
    if offer.link.peer().is_some_and(|named| named != peer) {
        return try_next(model, &Trouble::OtherNode(peer), out);
    }
    if !own_name {
        let url = offer.way.as_ref().map(|way| format!("{}?{CLIENT_QUERY}", way.address().url()));
        return visit(model, url.unwrap_or_default(), Some((peer, key)), out);
    }
    offer.step = OfferStep::Found(NodeGreeting { challenge, peer, owner });
    out.push(Effect::Cancel(Timer::Visit));
}

/// The person has said yes.
fn join(model: &mut Model, wish: Wish, out: &mut Vec<Effect>) {
    let (me, now) = (model.me, model.now());
    let Some(offer) = &mut model.offer else { return };
    let (OfferStep::Found(greeting), Some(me), Some(authority), Some(attempt)) =
        (&offer.step, me, offer.authority(), offer.attempt)
    else {
        return;
    };
    let refused = match (greeting.owner, offer.link.token) {
        (Some(owner), _) if owner == me => None,
        (None, Some(_)) => None,
        (Some(_), _) => Some(RefusalCode::NotOwner),
        (None, None) => Some(RefusalCode::NoOwner),
    };
    if let Some(code) = refused {
        let sentence = texts::refusal(model.language(), &Refusal::new(code, ""));
        return give_up(model, sentence, out);
    }
    let greeting = greeting.clone();
    let draft = login::client_draft(&greeting.challenge, &greeting.peer, &authority, now);
    offer.step = OfferStep::Joining(greeting, wish);
    signing::sign(model, Purpose::Join(attempt), draft, out);
}

/// The node has taken login and delegation.
fn done(model: &mut Model, greeting: &NodeGreeting, wish: Wish, out: &mut Vec<Effect>) {
    let (Some(offer), Some(me)) = (model.offer.clone(), model.me) else { return };
    close(model, out);
    out.push(Effect::ReturnFocus);
    if wish == Wish::Add {
        let said = texts::offer_added(model.language(), &greeting.peer);
        return notify(model, said, out);
    }
    let straight = match &offer.way {
        Some(Way::Straight(node)) => Some(node.clone()),
        _ => None,
    };
    if model.connection.pin != Some(greeting.peer) {
        relays::forget(model, out);
    }
    let connection = &mut model.connection;
    connection.home =
        offer.link.home.or_else(|| connection.home.take().filter(|home| home.peer == greeting.peer));
    connection.pin = Some(greeting.peer);
    connection.pinned_for = Some((greeting.peer, me));
    connection.node = straight.clone();
    let stored = straight.filter(|node| Some(node) != model.environment.page.as_ref());
    out.push(Effect::Save(vec![
        StorageChange::Set(Setting::Pin(greeting.peer, me)),
        StorageChange::Set(Setting::Node(stored)),
        StorageChange::Set(Setting::Home(model.connection.home.clone())),
    ]));
    if matches!(model.stage, PersonStage::Welcome(_)) {
        stage::finish(model, out);
    }
    connection::connect_anew(model, out);
}
