//! Finding the node (after RFC 8305): tries all ways, the straight ones with a small head start, and takes the first one
//! at whose end the node answers. See [`crate::address::ways`].

use std::rc::Rc;

use nostrp2p_protocol::{
    PeerId,
    channel::{CLIENT_QUERY, ChannelKey},
    frame::{NodeFrame, RefusalCode, Ways},
};

use super::{
    Moment, exporting,
    reconnect::{ANSWER_WITHIN_MS, fail},
};
use crate::{
    address::ways::{Attempt, Home, Way},
    effect::{Effect, Timer},
    message::SocketEvent,
    model::{Model, Phase, connection::Trouble},
    storage::{Setting, StorageChange},
};

/// How long the straight ways are tried alone, in milliseconds: at home the node answers within this time, and no
/// helper is bothered.
pub const HEAD_START_MS: u64 = 300;

/// Tries all ways, in place of any connection that there is.
pub fn begin(model: &mut Model, out: &mut Vec<Effect>) {
    exporting::fail(model, out);
    let connection = &mut model.connection;
    connection.requests.clear();
    connection.race.clear();
    connection.later.clear();
    connection.way = None;
    let all = connection.ways();
    if all.is_empty() {
        connection.phase = Phase::Idle;
        return;
    }
    out.push(Effect::Cancel(Timer::Reconnect));
    let page_is_secure = model.environment.page_is_secure;
    let allowed = |way: &Way| !page_is_secure || way.address().is_secure() || way.address().is_loopback();
    let mut allowed: Vec<Way> = all.into_iter().filter(allowed).collect();
    if allowed.is_empty() {
        connection.phase = Phase::Waiting;
        connection.trouble = Some(Trouble::MixedContent);
        // It is about the node's address, and not about one that was tried before.
        connection.troubled = None;
        connection.failures = connection.failures.saturating_add(1);
        return;
    }
    let late = |way: &Way| way.is_helped() || connection.doubtful.as_ref() == Some(way);
    if allowed.iter().any(|way| !late(way)) {
        let (later, first) = allowed.into_iter().partition(late);
        connection.later = later;
        allowed = first;
    }
    connection.phase = Phase::Opening;
    out.push(Effect::Disconnect);
    out.push(Effect::Wait(Timer::Answer, ANSWER_WITHIN_MS));
    if !connection.later.is_empty() {
        out.push(Effect::Wait(Timer::HeadStart, HEAD_START_MS));
    }
    allowed.into_iter().for_each(|way| start(model, way, out));
}

/// The head start is over: tries the rest.
pub fn try_the_rest(model: &mut Model, out: &mut Vec<Effect>) {
    out.push(Effect::Cancel(Timer::HeadStart));
    for way in std::mem::take(&mut model.connection.later) {
        start(model, way, out);
    }
}

fn start(model: &mut Model, way: Way, out: &mut Vec<Effect>) {
    let connection = &mut model.connection;
    connection.last_attempt = connection.last_attempt.wrapping_add(1);
    connection.attempt = connection.last_attempt;
    let (url, channel) = match (&way, &connection.home) {
        (Way::Helper(helper), Some(home)) => {
            (format!("{}/to/{}", helper.origin(), home.peer), Some((home.peer, home.key)))
        }
        _ => (way.address().url(), None),
    };
    let number = connection.attempt;
    let key = channel.map(|(_, key)| key);
    connection.race.push(Attempt { number, way, key });
    out.push(Effect::Connect { attempt: number, url, channel });
}

/// The node does not know the address of this way as its own, so somebody else may stand there: all else is said inside
/// of a channel to the node that has proved itself, which nobody in between can open.
fn speak_inside(model: &mut Model, number: u32, peer: PeerId, key: ChannelKey, out: &mut Vec<Effect>) {
    let connection = &mut model.connection;
    let Some(index) = connection.race.iter().position(|attempt| attempt.number == number) else { return };
    let Attempt { way, .. } = connection.race.remove(index);
    connection.last_attempt = connection.last_attempt.wrapping_add(1);
    connection.attempt = connection.last_attempt;
    let (attempt, url) = (connection.attempt, format!("{}?{CLIENT_QUERY}", way.address().url()));
    connection.race.push(Attempt { number: attempt, way, key: Some(key) });
    out.push(Effect::Drop(number));
    out.push(Effect::Connect { attempt, url, channel: Some((peer, key)) });
}

/// Takes in a socket's event while several are tried. Returns the first frame of the socket that is used from now on.
pub fn on_socket(
    model: &mut Model,
    number: u32,
    event: SocketEvent,
    moment: Moment,
    out: &mut Vec<Effect>,
) -> Option<Rc<NodeFrame>> {
    let trouble = match event {
        SocketEvent::Opened => {
            model.connection.phase = Phase::Greeting;
            out.push(Effect::Greet(number));
            return None;
        }
        SocketEvent::Frame(frame) => match &*frame {
            NodeFrame::Welcome(welcome) if is_ours(model, welcome.peer) => {
                if !welcome.own_name {
                    speak_inside(model, number, welcome.peer, welcome.key, out);
                    return None;
                }
                win(model, number, out);
                return Some(frame);
            }
            NodeFrame::Welcome(welcome) => Trouble::OtherNode(welcome.peer),
            NodeFrame::Refused { refusal, .. } if refusal.code == RefusalCode::Version => {
                win(model, number, out);
                return Some(frame);
            }
            _ => Trouble::Closed,
        },
        SocketEvent::Foreign => Trouble::Foreign,
        SocketEvent::Impostor => Trouble::Impostor,
        SocketEvent::TurnedAway(reason) => Trouble::TurnedAway(reason),
        SocketEvent::Closed if model.connection.phase == Phase::Opening => Trouble::NoAnswer,
        SocketEvent::Closed => Trouble::Closed,
    };
    lose(model, number, trouble, moment, out);
    None
}

/// Another node at an address where the own one was is passed over: at home the node has that address, and elsewhere
/// another one may. When no way leads to the own node, that is an alarm.
fn is_ours(model: &Model, peer: PeerId) -> bool {
    model.connection.pin.is_none_or(|pin| pin == peer)
}

fn win(model: &mut Model, number: u32, out: &mut Vec<Effect>) {
    let connection = &mut model.connection;
    connection.attempt = number;
    let won = connection.race.iter().find(|attempt| attempt.number == number);
    (connection.way, connection.key) = (won.map(|it| it.way.clone()), won.and_then(|it| it.key));
    connection.race.clear();
    connection.later.clear();
    connection.phase = Phase::Greeting;
    out.push(Effect::Cancel(Timer::HeadStart));
    out.push(Effect::Settle(number));
}

/// The node says how it is reached from elsewhere.
pub fn on_ways(model: &mut Model, told: &Ways, out: &mut Vec<Effect>) {
    let Phase::LoggedIn(greeting) = &model.connection.phase else { return };
    let home = Home::told(model.connection.home.as_ref(), greeting.peer, told);
    if model.connection.home.as_ref() != Some(&home) {
        model.connection.home = Some(home.clone());
        out.push(Effect::Save(vec![StorageChange::Set(Setting::Home(Some(home)))]));
    }
}

fn lose(model: &mut Model, number: u32, trouble: Trouble, moment: Moment, out: &mut Vec<Effect>) {
    let race = &mut model.connection.race;
    let Some(index) = race.iter().position(|attempt| attempt.number == number) else { return };
    let lost = race.remove(index);
    out.push(Effect::Drop(number));
    // What is graver is told, whatever else has failed, until that way shows something else.
    let told = model.connection.trouble.as_ref().map_or(0, Trouble::weight);
    if trouble.weight() >= told || model.connection.troubled.as_ref() == Some(&lost.way) {
        model.connection.trouble = Some(trouble.clone());
        model.connection.troubled = Some(lost.way);
    }
    try_the_rest(model, out);
    if model.connection.race.is_empty() {
        let trouble = model.connection.trouble.clone().unwrap_or(trouble);
        out.push(Effect::Disconnect);
        fail(model, trouble, moment, out);
    }
}
