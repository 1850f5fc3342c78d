//! Writing: the draft, the signature, the outbox.

use nostrp2p_protocol::{
    Draft, Event, EventId, Kind, PublicKey, Tag,
    frame::{Refusal, RefusalCode},
};

use super::{Effect, connection, deletion, lists, notify, signing, timeline};
use crate::{
    effect::{Purpose, Timer},
    message::Writing,
    model::{About, Model, Outgoing, Quote, Reply, likes, lists::MUTE_LIST, reply::is_private},
    route::Route,
    storage::{Change, Place, Setting},
    texts,
};

/// The id of the field, to move the focus there.
pub const FIELD_ID: &str = "compose";
/// How many seconds ahead of the clock an own post may be dated to keep its order.
const MAX_AHEAD: u64 = 60;
/// How long after the last key the draft is stored, in milliseconds.
const DRAFT_MS: u64 = 400;

/// Takes in what the person does while writing.
pub fn update(model: &mut Model, writing: Writing, out: &mut Vec<Effect>) {
    match writing {
        Writing::Open if model.environment.wide && model.route == Route::Home => {
            out.push(Effect::ScrollToTop);
            out.push(Effect::Focus(FIELD_ID));
        }
        Writing::Open => {
            model.compose.opened_here = true;
            out.push(Effect::Go(Route::Write.fragment()));
        }
        Writing::Reply(id) => reply(model, id, out),
        Writing::DropReply => {
            model.compose.reply = None;
            model.compose.quote = None;
            save_draft(model, out);
            out.push(Effect::Focus(FIELD_ID));
        }
        Writing::Quote(id) => quote(model, id, out),
        Writing::Repost(id) => repost(model, id, out),
        Writing::Like(id) => like(model, id, out),
        Writing::Close => {
            save_draft(model, out);
            leave_screen(model, out);
        }
        Writing::Typed(text) => {
            model.compose.error = None;
            model.compose.text = text;
            out.push(Effect::Wait(Timer::Draft, DRAFT_MS));
        }
        Writing::Send => send(model, out),
        Writing::TryAgain(id) => try_again(model, id, out),
        Writing::GiveUp(id) => give_up(model, id, out),
        Writing::Delete(id) => deletion::delete(model, id, out),
    }
}

/// How many bytes of the text are left before the event would be too long; negative when it is.
pub fn room(text: &str, to: About<'_>) -> i64 {
    let rumor = post(text, to, None, 0).by(PublicKey::from_bytes([0; 32]));
    // The time has ten digits for the next 260 years; here it has one.
    let length = rumor.canonical().len() + 9;
    let signed = |bytes: usize| i64::try_from(bytes).unwrap_or(i64::MAX);
    signed(nostrp2p_protocol::limits::MAX_EVENT_BYTES) - signed(length)
}

/// Something was signed, or could not be.
pub fn on_signed(
    model: &mut Model,
    purpose: Purpose,
    result: Result<Box<Event>, String>,
    out: &mut Vec<Effect>,
) {
    match purpose {
        Purpose::Post => model.compose.signing = false,
        Purpose::Prove { .. } => model.signing.proving = false,
        _ => {}
    }
    let event = match result {
        Ok(event) => *event,
        Err(error) => {
            match purpose {
                Purpose::Like(id) => model.likes.remove_mine(&id),
                Purpose::List => model.lists.signing = false,
                Purpose::Delegation => model.signing.no_delegation = true,
                Purpose::Prove { .. } => return connection::on_not_proved(model, &error, out),
                _ => {}
            }
            return notify(model, texts::not_signed(model.language(), &error), out);
        }
    };
    match purpose {
        Purpose::Prove { attempt, token } => connection::hand_over_proof(model, attempt, token, event, out),
        Purpose::Post => {
            model.compose.text.clear();
            model.compose.reply = None;
            model.compose.quote = None;
            let also = draft(model);
            out.push(Effect::Cancel(Timer::Draft));
            out.push(Effect::ScrollToTop);
            leave_screen(model, out);
            hand_in(model, event, also, out);
        }
        Purpose::Profile => {
            model.people.take(&event);
            hand_in(model, event.clone(), vec![Change::Profile(event.into_rumor())], out);
        }
        Purpose::Like(liked) => {
            model.likes.add_mine(liked, Some(event.id()));
            hand_in(model, event, Vec::new(), out);
        }
        Purpose::Deletion => {
            let changes = deletion::take(model, event.clone().into_rumor());
            notify(model, model.say(texts::DELETED), out);
            hand_in(model, event, changes, out);
        }
        Purpose::List => {
            model.lists.signing = false;
            model.lists.take(&event, model.me);
            hand_in(model, event.clone(), vec![Change::List(event.into_rumor())], out);
            lists::make(model, out);
        }
        Purpose::Delegation | Purpose::Repost => hand_in(model, event, Vec::new(), out),
        Purpose::Again(former) => {
            drop_from_outbox(model, former);
            hand_in(model, event, vec![Change::Settled(former)], out);
        }
    }
}

/// Leaves the screen of the composer the way it was entered, so that the back button has nothing left to undo.
fn leave_screen(model: &mut Model, out: &mut Vec<Effect>) {
    if model.route != Route::Write {
        return;
    }
    let opened_here = std::mem::take(&mut model.compose.opened_here);
    out.push(if opened_here { Effect::GoBack } else { Effect::Replace(Route::Home.fragment()) });
}

/// Puts an event into the outbox of the model.
pub fn put_in_outbox(model: &mut Model, event: Event) {
    model.outbox.waiting.insert(event.id(), Outgoing { event, refused: None });
}

/// Lets go of what another key signed: this node would not take it. It stays in the storage for that key.
pub fn drop_foreign(model: &mut Model, me: PublicKey) {
    let waiting = model.outbox.waiting.iter();
    let foreign: Vec<EventId> =
        waiting.filter(|(_, outgoing)| outgoing.event.pubkey != me).map(|(id, _)| *id).collect();
    for id in foreign {
        drop_from_outbox(model, id);
    }
}

/// Stores the draft now.
pub fn save_draft(model: &mut Model, out: &mut Vec<Effect>) {
    out.push(Effect::Cancel(Timer::Draft));
    out.push(Effect::Save(draft(model)));
}

/// What is written, to be stored with what it answers: the one without the other could go to the wrong people.
fn draft(model: &Model) -> Vec<Change> {
    let compose = &model.compose;
    let text = Setting::Draft(compose.text.clone());
    [text, Setting::Reply(compose.reply.clone()), Setting::Quote(compose.quote)].map(Change::Set).into()
}

/// The node would not take an event.
pub fn on_refused(model: &mut Model, id: EventId, refusal: &Refusal, retry_ms: u64, out: &mut Vec<Effect>) {
    let language = model.language();
    let Some(outgoing) = model.outbox.waiting.get_mut(&id) else { return };
    match refusal.code {
        RefusalCode::Busy | RefusalCode::Internal | RefusalCode::LoginNeeded => {
            out.push(Effect::Wait(Timer::Resend, retry_ms));
        }
        // The node asks for a delegation again with the next login; there is nothing for the person to do.
        _ if outgoing.event.kind == Kind::APPLICATION_DATA => give_up(model, id, out),
        // A heart that empties again says the rest.
        _ if matches!(
            outgoing.event.kind,
            Kind::REACTION | Kind::DELETION | Kind::FOLLOW_LIST | MUTE_LIST
        ) =>
        {
            give_up(model, id, out);
            notify(model, texts::not_sent(language, &texts::refusal(language, refusal)), out);
        }
        _ => outgoing.refused = Some(texts::refusal(language, refusal)),
    }
}

fn send(model: &mut Model, out: &mut Vec<Effect>) {
    let text = model.compose.text.trim();
    if text.is_empty() || model.compose.signing || model.me.is_none() {
        return;
    }
    let about = model.compose.about();
    if room(text, about) < 0 {
        model.compose.error = Some(model.say(texts::TOO_LONG).to_owned());
        return;
    }
    let draft = post(text, about, model.me, moment_of_own(model));
    model.compose.signing = true;
    signing::sign(model, Purpose::Post, draft, out);
}

/// The time for the next own post: now, or a second after the last one, so that a person's posts stay in order.
fn moment_of_own(model: &Model) -> u64 {
    let now = model.now();
    let mut recent = model.timeline.posts().take_while(|(place, _)| place.created_at() >= now);
    let last = recent.find(|(_, post)| Some(post.author()) == model.me.as_ref());
    // A post from a wrong clock long ahead must not pull the next ones along.
    last.map_or(now, |(place, _)| place.created_at() + 1).min(now + MAX_AHEAD)
}

fn post(text: &str, about: About<'_>, me: Option<PublicKey>, created_at: u64) -> Draft {
    let (tags, content) = match about {
        About::Nothing => (Vec::new(), text.to_owned()),
        About::Reply(reply) => (reply.tags(), text.to_owned()),
        About::Quote(quote) => (quote.tags(me), quote.text(text)),
    };
    Draft { created_at, kind: Kind::POST, tags, content }
}

/// Opens the composer for words about a post that everyone can see.
fn quote(model: &mut Model, id: EventId, out: &mut Vec<Effect>) {
    model.menu = None;
    let Some(rumor) = model.timeline.written(&id).filter(|rumor| !is_private(rumor)) else { return };
    if model.compose.signing {
        return;
    }
    model.compose.quote = Some(Quote { id, author: Some(rumor.pubkey) });
    model.compose.reply = None;
    save_draft(model, out);
    update(model, Writing::Open, out);
}

/// Passes on a post that everyone can see, once (NIP-18). Its text stays out: readers take it from its author.
fn repost(model: &mut Model, id: EventId, out: &mut Vec<Effect>) {
    model.menu = None;
    let (Some(me), Some(rumor)) = (model.me, model.timeline.written(&id)) else { return };
    if is_private(rumor) || model.timeline.repost_by(&id, &me).is_some() {
        return;
    }
    let tag = |name: &str, value: String| Tag::new([name.to_owned(), value]);
    let tags = vec![tag("e", id.to_string()), tag("p", rumor.pubkey.to_string())];
    let created_at = moment_of_own(model);
    let draft = Draft { created_at, kind: Kind::REPOST, tags, content: String::new() };
    signing::sign(model, Purpose::Repost, draft, out);
    notify(model, model.say(texts::REPOSTED), out);
}

/// Opens the composer for an answer. What is written already stays.
fn reply(model: &mut Model, id: EventId, out: &mut Vec<Effect>) {
    let (Some(me), Some(rumor)) = (model.me, model.timeline.written(&id)) else { return };
    // While it is being signed, what is written goes where it was meant to go.
    if model.compose.signing {
        return;
    }
    model.compose.reply = Some(Reply::to(rumor, &me));
    model.compose.quote = None;
    save_draft(model, out);
    update(model, Writing::Open, out);
}

/// Likes a post of another, or takes that back.
fn like(model: &mut Model, id: EventId, out: &mut Vec<Effect>) {
    let (Some(me), Some(rumor)) = (model.me, model.timeline.written(&id)) else { return };
    if let Some(by) = model.likes.mine_by(&id) {
        return deletion::unlike(model, by, out);
    }
    if rumor.pubkey == me || model.likes.is_mine(&id) {
        return;
    }
    let draft = likes::draft(id, &rumor.pubkey, model.now());
    model.likes.add_mine(id, None);
    signing::sign(model, Purpose::Like(id), draft, out);
}

/// First stored, then shown, then sent: what is written is never lost.
fn hand_in(model: &mut Model, event: Event, also: Vec<Change>, out: &mut Vec<Effect>) {
    let id = event.id();
    timeline::insert_own(model, &event);
    put_in_outbox(model, event.clone());
    let mut changes = vec![Change::Outgoing(event)];
    changes.extend(also);
    out.push(Effect::SaveOutgoing(id, changes));
}

/// A refused event is signed anew with the time of now: its old time may be what was wrong.
fn try_again(model: &mut Model, id: EventId, out: &mut Vec<Effect>) {
    let Some(outgoing) = model.outbox.waiting.get(&id) else { return };
    let (kind, tags, content) =
        (outgoing.event.kind, outgoing.event.tags.clone(), outgoing.event.content.clone());
    let draft = Draft { created_at: model.now(), kind, tags, content };
    signing::sign(model, Purpose::Again(id), draft, out);
}

fn give_up(model: &mut Model, id: EventId, out: &mut Vec<Effect>) {
    drop_from_outbox(model, id);
    out.push(Effect::Save(vec![Change::Settled(id)]));
}

/// Lets go of an event of the outbox, and of what it did here.
pub fn drop_from_outbox(model: &mut Model, id: EventId) {
    if let Some(outgoing) = model.outbox.waiting.remove(&id) {
        model.timeline.remove(&Place::new(outgoing.event.created_at, id));
        if let Some(liked) = likes::target(&outgoing.event) {
            model.likes.remove_mine(&liked);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_counts_what_an_event_may_hold() {
        let fits = |text: &str| {
            post(text, About::Nothing, None, 1_772_892_300)
                .by(PublicKey::from_bytes([1; 32]))
                .check_shape()
                .is_ok()
        };
        let full = usize::try_from(room("", About::Nothing)).unwrap();
        assert!(room(&"x".repeat(full), About::Nothing) == 0 && fits(&"x".repeat(full)));
        assert!(room(&"x".repeat(full + 1), About::Nothing) < 0 && !fits(&"x".repeat(full + 1)));
        // A line break takes two bytes in the canonical form.
        assert!(room(&"\n".repeat(full / 2 + 1), About::Nothing) < 0);
    }
}
