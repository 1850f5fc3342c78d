//! Writing: the draft, the signature, the outbox.

use nostrp2p_protocol::{
    Draft, Event, EventId, Kind, PublicKey, Tag,
    frame::{ClientFrame, Refusal, RefusalCode},
};

use super::{Effect, connection, deletion, lists, notify, offer, relays, signing, timeline};
use crate::{
    effect::{Purpose, Timer},
    message::Writing,
    model::{
        About, Compose, Model, Outgoing, Quote, Reply, likes, lists::MUTE_LIST, mention, reply::is_private,
    },
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
            let text = std::mem::take(&mut model.compose.text);
            model.compose.turn(None, None);
            let compose = &mut model.compose;
            if !compose.text.is_empty() && !text.trim().is_empty() {
                compose.text.push_str("\n\n");
            }
            compose.text.push_str(&text);
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
        Writing::Typed(text, caret) => {
            model.compose.error = None;
            model.compose.completion = mention::completion(&text, mention::bytes_of(&text, caret));
            model.compose.text = text;
            out.push(Effect::Wait(Timer::Draft, DRAFT_MS));
        }
        Writing::Step(back) => step(model, back),
        Writing::Complete(person) => complete(model, person, out),
        Writing::NoName => model.compose.completion = None,
        Writing::Audience(only_mentioned) => model.compose.only_mentioned = only_mentioned,
        Writing::Send => send(model, out),
        Writing::TryAgain(id) => try_again(model, id, out),
        Writing::GiveUp(id) => give_up(model, id, out),
        Writing::Delete(id) => deletion::delete(model, id, out),
    }
}

/// How many bytes of the text are left before the event would be too long; negative when it is.
pub fn room(compose: &Compose) -> i64 {
    let rumor = post(compose, None, 0).by(PublicKey::from_bytes([0; 32]));
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
        Purpose::Join(_) | Purpose::Appoint => {
            return offer::on_signed(model, purpose, result.map(|event| *event), out);
        }
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
                Purpose::Delegation => {
                    model.signing.no_delegation = true;
                    model.connection.unsaid = true;
                }
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
            model.compose.turn(None, None);
            model.compose.only_mentioned = false;
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
        Purpose::Relay => relays::on_signed(event, out),
        // These have returned above.
        Purpose::Join(_) | Purpose::Appoint => {}
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

/// Puts an event into the outbox of the model, which may be in that of the storage already.
pub fn put_in_outbox(model: &mut Model, event: Event, saved: bool) {
    model.outbox.waiting.insert(event.id(), Outgoing { event, saved, refused: None });
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
    let about = [Setting::Reply(compose.reply.clone()), Setting::Quote(compose.quote)];
    let others = [Setting::Drafts(compose.drafts.clone()), Setting::Mentions(compose.mentions.clone())];
    [text].into_iter().chain(about).chain(others).map(Change::Set).collect()
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
    if model.compose.text.trim().is_empty() || model.compose.signing || model.me.is_none() {
        return;
    }
    if room(&model.compose) < 0 {
        model.compose.error = Some(model.say(texts::TOO_LONG).to_owned());
        return;
    }
    let draft = post(&model.compose, model.me, moment_of_own(model));
    model.compose.completion = None;
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

/// What is written, as a post. Who is named in an answer for some people gets it too; in a quote everybody sees it
/// anyway, and who is named learns of it; a post for everyone carries no `p` tag, or it would be for nobody else.
fn post(compose: &Compose, me: Option<PublicKey>, created_at: u64) -> Draft {
    let (text, mut named) = compose.mentions.resolve(compose.text.trim());
    named.retain(|person| Some(*person) != me);
    let tag = |person: &PublicKey| Tag::new(["p".to_owned(), person.to_string()]);
    let (tags, content) = match compose.about() {
        About::Nothing if compose.only_mentioned => (named.iter().map(tag).collect(), text),
        About::Nothing => (Vec::new(), text),
        About::Reply(reply) => (with_named(reply, &named).tags(), text),
        About::Quote(quote) => {
            let mut tags = quote.tags(me);
            tags.extend(named.iter().filter(|person| quote.author != Some(**person)).map(tag));
            (tags, quote.text(&text))
        }
    };
    Draft { created_at, kind: Kind::POST, tags, content }
}

/// An answer, which goes to those that it names too unless everyone can see it.
fn with_named(reply: &Reply, named: &[PublicKey]) -> Reply {
    let mut reply = reply.clone();
    if let Some(last) = reply.people.pop() {
        let more = named.iter().filter(|person| **person != last);
        for person in more {
            if !reply.people.contains(person) {
                reply.people.push(*person);
            }
        }
        // Last, because the last one is who is answered.
        reply.people.push(last);
    }
    reply
}

/// Who will see what is written, as far as it names people: nobody in particular, if it names none.
pub fn named(model: &Model) -> Vec<PublicKey> {
    let (_, mut named) = model.compose.mentions.resolve(&model.compose.text);
    named.retain(|person| Some(*person) != model.me);
    named
}

/// The answer as it will be sent.
pub fn answering(model: &Model) -> Option<Reply> {
    model.compose.reply.as_ref().map(|reply| with_named(reply, &named(model)))
}

fn step(model: &mut Model, back: bool) {
    let Some(completion) = &model.compose.completion else { return };
    let count = mention::offered(model, completion).len().max(1);
    if let Some(completion) = &mut model.compose.completion {
        let next = if back { completion.chosen + count - 1 } else { completion.chosen + 1 };
        completion.chosen = next % count;
    }
}

/// Puts the name of this person, or of the one that is chosen, in place of what was begun.
fn complete(model: &mut Model, person: Option<PublicKey>, out: &mut Vec<Effect>) {
    let Some(completion) = model.compose.completion.take() else { return };
    let offered = mention::offered(model, &completion);
    let Some(person) = person.or_else(|| offered.get(completion.chosen).copied()) else { return };
    let name = model.name_of(&person);
    let (text, caret) = completion.complete(&model.compose.text, &name);
    out.push(Effect::PutCaret(FIELD_ID, mention::units_of(&text, caret)));
    model.compose.text = text;
    model.compose.mentions.add(name, person);
    out.push(Effect::Wait(Timer::Draft, DRAFT_MS));
}

/// Opens the composer for words about a post that everyone can see.
fn quote(model: &mut Model, id: EventId, out: &mut Vec<Effect>) {
    model.menu = None;
    let Some(rumor) = model.timeline.written(&id).filter(|rumor| !is_private(rumor)) else { return };
    if model.compose.signing {
        return;
    }
    let quote = Quote { id, author: Some(rumor.pubkey) };
    model.compose.turn(None, Some(quote));
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

/// Opens the composer for an answer. What is written already comes back when the answer is over.
fn reply(model: &mut Model, id: EventId, out: &mut Vec<Effect>) {
    let (Some(me), Some(rumor)) = (model.me, model.timeline.written(&id)) else { return };
    // While it is being signed, what is written goes where it was meant to go.
    if model.compose.signing {
        return;
    }
    let reply = Reply::to(rumor, &me);
    model.compose.turn(Some(reply), None);
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

/// First stored, then shown as waiting, then sent: what is written is never lost.
fn hand_in(model: &mut Model, event: Event, also: Vec<Change>, out: &mut Vec<Effect>) {
    let id = event.id();
    timeline::insert_own(model, &event);
    put_in_outbox(model, event.clone(), false);
    let mut changes = vec![Change::Outgoing(event)];
    changes.extend(also);
    out.push(Effect::SaveOutgoing(id, changes));
}

/// A refused event is signed anew with the time of now: its old time may be what was wrong.
fn try_again(model: &mut Model, id: EventId, out: &mut Vec<Effect>) {
    let Some(outgoing) = model.outbox.waiting.get(&id) else {
        // The node has it, and gave up with some of the people it is for.
        if model.connection.is_logged_in() {
            out.push(Effect::Send(ClientFrame::Retry { id }));
        }
        return;
    };
    let (kind, mut tags, content) =
        (outgoing.event.kind, outgoing.event.tags.clone(), outgoing.event.content.clone());
    // What work (NIP-13) was in it was for that time.
    tags.retain(|tag| tag.name() != "nonce");
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
        let compose = |text: String| Compose { text, ..Compose::default() };
        let left = |text: String| room(&compose(text));
        let fits = |text: String| {
            post(&compose(text), None, 1_772_892_300).by(PublicKey::from_bytes([1; 32])).check_shape().is_ok()
        };
        let full = usize::try_from(left(String::new())).unwrap();
        assert!(left("x".repeat(full)) == 0 && fits("x".repeat(full)));
        assert!(left("x".repeat(full + 1)) < 0 && !fits("x".repeat(full + 1)));
        // A line break takes two bytes in the canonical form.
        assert!(left(format!("x{}x", "\n".repeat(full / 2))) < 0);
    }
}
