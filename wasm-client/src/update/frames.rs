//! Takes in the node's frames, from the welcome on.

use std::rc::Rc;

use nostrp2p_protocol::{
    EventId, Kind, PublicKey, UnsignedEvent, delegation,
    frame::{
        Carried, ClientFrame, Delivery, FETCH_BEHIND, NodeFrame, REACH, RELAYS, Refusal, RefusalCode,
        RequestId, StoreId, Welcome,
    },
};

use super::{
    Moment,
    answers::on_answer,
    arrivals,
    asking::{NEWEST_EVENTS, ask_likes, ask_missing, ask_own_profile, fetch_older},
    compose,
    connection::watch,
    exporting, happy_eyeballs,
    login::{prove, refuse},
    notices, notify, onboarding, own_names,
    own_nodes::{self, appoint},
    pages,
    publishing::publish_all,
    reach,
    reconnect::fail,
    relays, settling, timeline,
};
use crate::{
    effect::{Effect, Timer},
    message::SocketEvent,
    model::{
        Cursor, Likes, Model, PersonStage, Phase,
        connection::{NetworkView, NodeGreeting, OverlayStatus, SentRequest, Trouble},
        timeline::{CONTENT, Past},
        window::PAGE_POSTS,
    },
    question,
    storage::{Setting, StorageChange},
    texts,
};
use timeline::Origin;

/// Most events that are caught up one by one; beyond it, starting over with the newest is shorter. A guess.
const CATCH_UP_EVENTS: u64 = 5_000;
/// When what the node was too busy for is sent again, in milliseconds.
const RESEND_MS: u64 = 5_000;
/// Most acknowledgements that are remembered for display.
const MAX_CARRIED: usize = 500;

/// The socket did something.
pub fn on_socket(model: &mut Model, attempt: u32, event: SocketEvent, moment: Moment, out: &mut Vec<Effect>) {
    if !is_open(&model.connection.phase) {
        return;
    }
    if model.connection.race.iter().any(|it| it.number == attempt) {
        if let Some(frame) = happy_eyeballs::on_socket(model, attempt, event, moment, out) {
            take_frame(model, frame, moment, out);
        }
        return;
    }
    if attempt != model.connection.attempt {
        return;
    }
    match event {
        // All that was to be done then is done while the ways are tried.
        SocketEvent::Opened => {}
        SocketEvent::Frame(frame) => take_frame(model, frame, moment, out),
        SocketEvent::Foreign | SocketEvent::Impostor => {
            out.push(Effect::Disconnect);
            fail(model, Trouble::Foreign, moment, out);
        }
        SocketEvent::TurnedAway(reason) => fail(model, Trouble::TurnedAway(reason), moment, out),
        SocketEvent::Closed => fail(model, Trouble::Closed, moment, out),
    }
}

const fn is_open(phase: &Phase) -> bool {
    !matches!(phase, Phase::Idle | Phase::Waiting | Phase::Refused(_))
}

/// A frame came from the socket, which has let go of it.
pub fn take_frame(model: &mut Model, frame: Rc<NodeFrame>, moment: Moment, out: &mut Vec<Effect>) {
    if let Some(frame) = Rc::into_inner(frame) {
        on_frame(model, frame, moment, out);
    }
}

/// Notes what the node understands besides the frames of the first node of this version.
fn take_features(model: &mut Model, codes: &[u8]) {
    model.connection.fetches_behind = codes.contains(&FETCH_BEHIND);
    model.connection.tells_reach = codes.contains(&REACH);
    model.connection.tells_relays = codes.contains(&RELAYS);
}

/// A frame came over the socket that is in use.
fn on_frame(model: &mut Model, frame: NodeFrame, moment: Moment, out: &mut Vec<Effect>) {
    match frame {
        NodeFrame::Welcome(welcome) => {
            let Welcome { challenge, peer, owner, .. } = *welcome;
            if model.connection.phase != Phase::Greeting {
                return;
            }
            out.push(Effect::Cancel(Timer::Answer));
            model.connection.phase = Phase::Greeted(NodeGreeting { challenge, peer, owner });
            model.connection.long_lists = None;
            take_features(model, &[]);
            model.people.forget_reach();
            if model.is_decided() {
                prove(model, out);
            }
        }
        NodeFrame::LoggedIn { request, owner, store, newest } => {
            let claim = match model.connection.requests.remove(&request) {
                Some(SentRequest::Prove { claim }) => claim,
                _ => return,
            };
            on_logged_in(model, owner, claim, store, newest, out);
        }
        NodeFrame::Published { request, id, carried, .. } => {
            model.connection.requests.remove(&request);
            on_published(model, id, carried, out);
        }
        NodeFrame::Batch { through, events, .. } => on_batch(model, through, events, out),
        NodeFrame::Answer { request, complete, events } => {
            if let Some(asked) = model.connection.requests.remove(&request) {
                on_answer(model, asked, complete, events, out);
            }
        }
        NodeFrame::Deliveries { id, people } => on_deliveries(model, id, people),
        NodeFrame::Delegated { expires } => on_delegated(model, expires, out),
        NodeFrame::Ways(told) => happy_eyeballs::on_ways(model, &told, out),
        NodeFrame::Status { peers, stored, caught_up } => {
            let network = model.connection.status.take().and_then(|status| status.network);
            model.connection.status = Some(OverlayStatus { peers, stored, caught_up, network });
        }
        NodeFrame::Network { reached, traffic } => {
            if let Some(status) = &mut model.connection.status {
                status.network = Some(NetworkView { reached, traffic });
            }
        }
        NodeFrame::LongLists { tags, bytes } => model.connection.long_lists = Some((tags, bytes)),
        NodeFrame::Features(codes) => take_features(model, &codes),
        NodeFrame::Reach { request, relay_only } => {
            if model.connection.requests.remove(&request) == Some(SentRequest::Reach) {
                reach::on_answer(model, relay_only);
                compose::like_waiting(model, out);
            }
        }
        NodeFrame::Relays { request, relays } => {
            if let Some(SentRequest::Relays(id)) = model.connection.requests.remove(&request) {
                model.relays = Some((id, relays));
            }
        }
        NodeFrame::Warnings(codes) => model.connection.warnings = codes,
        NodeFrame::Mirrors(mirrors) => relays::on_mirrors(model, mirrors, out),
        NodeFrame::Exported { request, through, newest, events } => {
            if model.connection.requests.remove(&request) == Some(SentRequest::Export) {
                exporting::on_part(model, through, newest, events, out);
            }
        }
        NodeFrame::Markers(markers) => {
            notices::on_markers(model, &markers, out);
            own_nodes::on_markers(model, &markers);
        }
        NodeFrame::Names { request, own, names } => {
            if let Some(SentRequest::Names { changed }) = model.connection.requests.remove(&request) {
                own_names::on_names(model, changed, own, names, out);
            }
        }
        NodeFrame::Permissions { request, permissions, drafts } => {
            model.connection.requests.remove(&request);
            (model.connection.permissions, model.connection.drafts) = (permissions, drafts);
        }
        NodeFrame::Refused { request, refusal } => on_refused(model, request, refusal, moment, out),
    }
}

fn on_logged_in(
    model: &mut Model,
    owner: PublicKey,
    claimed: bool,
    store: StoreId,
    newest: u64,
    out: &mut Vec<Effect>,
) {
    let Phase::Proving(greeting) = &model.connection.phase else { return };
    let greeting = NodeGreeting { owner: Some(owner), ..greeting.clone() };
    model.connection.phase = Phase::LoggedIn(greeting);
    model.connection.failures = 0;
    model.connection.trouble = None;
    model.connection.troubled = None;
    model.connection.doubtful = None;
    model.connection.warnings.clear();
    model.connection.permissions.clear();
    model.people.begin();
    model.missing.begin();
    out.push(Effect::Cancel(Timer::Answer));

    let known = model.connection.cursor.filter(|cursor| {
        cursor.store == store && cursor.after <= newest && newest - cursor.after <= CATCH_UP_EVENTS
    });
    if known.is_none() {
        start_over(model, store, newest, out);
    }
    watch(model, out);
    if model.timeline.past == Past::InNode && model.timeline.len() < PAGE_POSTS {
        // Less than a page is cached, so there is no end to scroll to that would ask for more.
        fetch_older(model, out);
    }
    ask_own_profile(model, out);
    ask_likes(model, out);
    notices::begin(model, out);
    pages::lose(model);
    pages::enter(model, out);
    ask_missing(model, out);
    publish_all(model, out);
    pin(model, out);
    onboarding::on_logged_in(model, claimed, out);
}

/// From now on this node is this page's own. A page that was in use before pages knew ids says so.
fn pin(model: &mut Model, out: &mut Vec<Effect>) {
    let (Some(me), Phase::LoggedIn(greeting)) = (model.me, &model.connection.phase) else { return };
    let peer = greeting.peer;
    model.connection.pin = Some(peer);
    model.connection.chosen = false;
    model.connection.unsaid = false;
    if model.connection.pinned_for == Some((peer, me)) {
        return;
    }
    if model.connection.pinned_for.is_some_and(|(former, _)| former != peer) {
        relays::forget(model, out);
    }
    model.connection.pinned_for = Some((peer, me));
    out.push(Effect::Save(vec![StorageChange::Set(Setting::Pin(peer, me))]));
    if matches!(model.stage, PersonStage::Using) {
        notify(model, texts::pinned(model.language(), &peer), out);
    }
}

/// The store is new to us: what was cached belongs to another one, or is too old to be caught up.
fn start_over(model: &mut Model, store: StoreId, newest: u64, out: &mut Vec<Effect>) {
    model.timeline.clear();
    model.timeline.loading = newest > 0;
    if newest == 0 {
        model.timeline.past = Past::End;
    }
    model.people.clear();
    model.likes = Likes::default();
    model.deleted.clear();
    model.lists.loaded = false;
    model.notices.clear();
    let waiting: Vec<_> = model.outbox.waiting.values().map(|outgoing| outgoing.event.clone()).collect();
    for event in waiting {
        timeline::insert_own(model, &event);
        model.likes.take(&event, model.me);
        model.deleted.take(&event);
        if event.kind == Kind::PROFILE {
            model.people.take(&event);
        }
    }
    model.connection.cursor = Some(Cursor { store, after: newest });
    out.push(Effect::Save(vec![StorageChange::ForgetEvents]));
    let request = model.connection.ask(SentRequest::Newest);
    let filter = question::of_kinds(&[&[Kind::PROFILE][..], &CONTENT].concat(), Some(NEWEST_EVENTS));
    out.push(Effect::Send(ClientFrame::Fetch { request, filters: vec![filter] }));
}

fn on_batch(model: &mut Model, through: u64, events: Vec<UnsignedEvent>, out: &mut Vec<Effect>) {
    let Some(cursor) = model.connection.cursor else { return };
    let cursor = Cursor { after: cursor.after.max(through), ..cursor };
    model.connection.cursor = Some(cursor);
    let mut changes = arrivals::take(model, events, Origin::Live);
    // Until the newest are here, a reload must start over; so the cursor is stored only after that.
    if !model.connection.requests.values().any(|request| *request == SentRequest::Newest) {
        changes.push(StorageChange::Set(Setting::Cursor(cursor)));
    }
    out.push(Effect::Save(changes));
    notices::read(model, out);
    ask_missing(model, out);
}

/// How far a private event has come: with all its people after a login, with one of them when that changes.
fn on_deliveries(model: &mut Model, id: EventId, people: Vec<(PublicKey, Delivery)>) {
    let deliveries = &mut model.outbox.deliveries;
    let mut known = deliveries.remove(&id).unwrap_or_default();
    for (person, state) in people {
        match known.iter_mut().find(|(other, _)| *other == person) {
            Some((_, there)) => *there = state,
            None => known.push((person, state)),
        }
    }
    if deliveries.len() >= MAX_CARRIED {
        deliveries.pop_first();
    }
    deliveries.insert(id, known);
}

/// The node says how long it may act for its owner. Without that word nobody sends it what is private.
///
/// A word that still holds is renewed, and a node that the person has just chosen gets one. Otherwise the person is
/// asked: it may have been taken back on purpose.
fn on_delegated(model: &mut Model, expires: Option<u64>, out: &mut Vec<Effect>) {
    let now = model.now();
    let holds = expires.is_some_and(|expires| expires > now);
    let enough = expires.is_some_and(|expires| expires > now + delegation::RENEW_SECONDS);
    let waits = model.outbox.waiting.values().any(|outgoing| outgoing.event.kind == Kind::APPLICATION_DATA);
    if enough || waits {
        model.connection.unsaid = false;
    } else if (holds || model.connection.chosen) && !model.signing.no_delegation {
        appoint(model, out);
    } else {
        model.connection.unsaid = !holds;
    }
}

fn on_published(model: &mut Model, id: EventId, carried: Carried, out: &mut Vec<Effect>) {
    if model.outbox.carried.len() >= MAX_CARRIED {
        model.outbox.carried.pop_first();
    }
    model.outbox.carried.insert(id, carried);
    if let Some(outgoing) = model.outbox.waiting.remove(&id) {
        settling::take(model, outgoing, out);
    }
}

fn on_refused(
    model: &mut Model,
    request: RequestId,
    refusal: Refusal,
    moment: Moment,
    out: &mut Vec<Effect>,
) {
    if request == 0 {
        // The node closes the connection next; unless trying again helps, we do not come back by ourselves.
        return match refusal.code {
            RefusalCode::Version => refuse(model, refusal, out),
            _ => fail(model, Trouble::Closed, moment, out),
        };
    }
    match model.connection.requests.remove(&request) {
        Some(SentRequest::Prove { .. }) => match refusal.code {
            RefusalCode::Busy | RefusalCode::Internal | RefusalCode::WrongChallenge => {
                out.push(Effect::Disconnect);
                fail(model, Trouble::Closed, moment, out);
                let sentence = texts::refusal(model.language(), &refusal);
                if refusal.code == RefusalCode::WrongChallenge
                    && let Some(welcome) = model.welcome_mut()
                {
                    welcome.error = Some(sentence);
                }
            }
            _ => refuse(model, refusal, out),
        },
        Some(SentRequest::Publish(id)) => compose::on_refused(model, id, &refusal, RESEND_MS, out),
        Some(SentRequest::Newest) => model.timeline.loading = false,
        Some(SentRequest::Older) => model.timeline.past = Past::InNode,
        Some(SentRequest::Page | SentRequest::PageOlder | SentRequest::Search) => model.open.loading = false,
        Some(SentRequest::Reach) => compose::like_waiting(model, out),
        Some(SentRequest::Export) => exporting::fail(model, out),
        Some(SentRequest::Names { .. } | SentRequest::Permit) => notify(model, refusal.reason, out),
        Some(
            SentRequest::OwnProfile
            | SentRequest::Relays(_)
            | SentRequest::Profiles
            | SentRequest::Targets
            | SentRequest::Followed
            | SentRequest::Notices
            | SentRequest::OwnNodes
            | SentRequest::Likes,
        )
        | None => {}
    }
}
