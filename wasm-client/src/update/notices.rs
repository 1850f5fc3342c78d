//! Notifications, and the time up to which the person has read them, the same on all devices.

use nostrp2p_protocol::{Kind, UnsignedEvent, event_policy::COMMENTS, frame::ClientFrame};

use super::Effect;
use crate::{
    model::{
        Model,
        connection::SentRequest,
        notices::{MARKER, What},
    },
    question,
    route::Route,
    storage::{Setting, StorageChange},
};

/// Kinds of answers: posts, and comments of both kinds.
const WORDS: &[Kind] = &[Kind::POST, COMMENTS[0], COMMENTS[1]];
/// How many of which kinds are asked for at a login: together what one answer holds.
const NEWEST: [(&[Kind], u32); 4] =
    [(WORDS, 200), (&[Kind::REACTION], 200), (&[Kind::REPOST], 50), (&[Kind::FOLLOW_LIST], 50)];

/// The node is there: asks for what happened, and says what was read here meanwhile.
pub fn begin(model: &mut Model, out: &mut Vec<Effect>) {
    let Some(me) = model.me else { return };
    let request = model.connection.ask(SentRequest::Notices);
    // One for each kind, or many likes would be all that comes.
    let filter = |(kinds, newest)| question::tagged('p', me.to_string(), kinds, Some(newest));
    let filters = NEWEST.into_iter().map(filter).collect();
    out.push(Effect::Send(ClientFrame::Fetch { request, filters }));
    if model.notices.read_until > 0 {
        mark(model, out);
    }
}

/// Takes in notifications. When the node gave as many as it was asked for, there may be more than are counted.
pub fn on_answer(model: &mut Model, events: &[UnsignedEvent], complete: bool) {
    let of = |kinds: &'static [Kind]| events.iter().filter(|unsigned| kinds.contains(&unsigned.kind));
    let full = |(kinds, newest): (&'static [Kind], u32)| {
        !complete || u32::try_from(of(kinds).count()).is_ok_and(|count| count >= newest)
    };
    let since = |kind: Kind| {
        let Some(row) = NEWEST.into_iter().find(|row| row.0.contains(&kind)) else { return 0 };
        let earliest = of(row.0).map(|unsigned| unsigned.created_at).min().unwrap_or(u64::MAX);
        // Of the earliest second there may be more.
        let is_full = full(row);
        if is_full { earliest.saturating_add(1) } else { 0 }
    };
    model.notices.counted_since = Some([since(Kind::POST), since(Kind::REPOST)]);
    for (kind, what) in [(Kind::REACTION, What::Like), (Kind::REPOST, What::Repost)] {
        if NEWEST.into_iter().any(|row| row.0.contains(&kind) && full(row)) {
            model.notices.count_in_part(what);
        }
    }
}

/// The screen is opened: new entries stand out while it is open, and count as read.
pub fn enter(model: &mut Model, out: &mut Vec<Effect>) {
    model.notices.shown_until = model.notices.read_until;
    read(model, out);
}

/// Visible notifications count as read.
pub fn read(model: &mut Model, out: &mut Vec<Effect>) {
    let newest = model.notices.newest();
    let looked_at = model.route == Route::Notifications && model.environment.visible;
    if looked_at && newest > model.notices.read_until {
        model.notices.read_until = newest;
        out.push(Effect::Save(vec![StorageChange::Set(Setting::ReadUntil(newest))]));
        mark(model, out);
    }
}

/// The node says up to when the owner has read, here or elsewhere.
pub fn on_markers(model: &mut Model, markers: &[(String, u64)], out: &mut Vec<Effect>) {
    let until = markers.iter().find(|(name, _)| name == MARKER).map(|(_, until)| *until);
    if let Some(until) = until.filter(|until| *until > model.notices.read_until) {
        model.notices.read_until = until;
        out.push(Effect::Save(vec![StorageChange::Set(Setting::ReadUntil(until))]));
    }
}

fn mark(model: &Model, out: &mut Vec<Effect>) {
    if model.connection.is_logged_in() {
        let until = model.notices.read_until;
        out.push(Effect::Send(ClientFrame::Mark { name: MARKER.to_owned(), until }));
    }
}
