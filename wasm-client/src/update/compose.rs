//! Writing: the draft, the signature, the outbox.

use nostrp2p_protocol::{
    Event, EventId, EventTemplate, Kind, PublicKey, Tag,
    event_policy::everyone_tag,
    frame::{ClientFrame, Refusal, RefusalCode},
    limits::MAX_PEOPLE,
};

use super::{
    Effect, deletion, menu, notify, reach,
    settling::{drop_from_outbox, give_up},
    signing, timeline, voting,
};
use crate::{
    effect::Timer,
    letters,
    message::Writing,
    model::{
        About, Compose, Context, DraftAudience, Menu, Model, Offers, Outgoing, Quote, Reply, StoredDraft,
        likes, lists::LISTS, mention, reply::is_private, signing::Purpose, thread, timeline::GENERIC_REPOST,
    },
    richtext,
    route::Route,
    storage::{Setting, StorageChange, StoredSettings},
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
        Writing::DropReply => drop_about(model, out),
        Writing::Quote(id) => quote(model, id, out),
        Writing::Repost(id) => repost(model, id, out),
        Writing::Like(id) => like(model, id, out),
        Writing::LikeAs(id, public) => {
            model.likes.public = Some(public);
            out.push(Effect::Save(vec![StorageChange::Set(Setting::PublicLikes(public))]));
            menu::close(model, out);
            like(model, id, out);
        }
        Writing::Close => {
            save_draft(model, out);
            leave_screen(model, out);
        }
        Writing::Typed(text, caret) => on_typed(model, text, caret, Compose::edit, out),
        Writing::Undone(text, caret) => on_typed(model, text, caret, Compose::edit_back, out),
        Writing::Step(back) => step(model, back),
        Writing::Complete(person) => complete(model, person, out),
        Writing::NoName => model.compose.completion = None,
        Writing::Audience(audience) => choose_audience(model, audience, out),
        Writing::Send => send(model, out),
        Writing::TryAgain(id) => try_again(model, id, out),
        Writing::GiveUp(id) => give_up(model, id, out),
        Writing::Delete(id) => deletion::delete(model, id, out),
        Writing::Choose(poll, option) => voting::choose(model, poll, option),
        Writing::Vote => {
            if let Some(draft) = voting::vote(model) {
                signing::sign(model, Purpose::Vote, draft, out);
            }
        }
    }
}

fn on_typed(
    model: &mut Model,
    text: String,
    caret: usize,
    edit: fn(&mut Compose, String, usize),
    out: &mut Vec<Effect>,
) {
    let caret = letters::bytes_of(&text, caret);
    model.compose.completion = mention::completion(&text, caret);
    edit(&mut model.compose, text, caret);
    out.push(Effect::Wait(Timer::EventTemplate, DRAFT_MS));
}

/// How many bytes of the text are left before the event would be too long; negative when it is.
pub fn room(compose: &Compose) -> i64 {
    let unsigned = post(compose, None, 0).by(PublicKey::from_bytes([0; 32]));
    // The time has ten digits for the next 260 years; here it has one.
    let length = unsigned.canonical().len() + 9;
    let signed = |bytes: usize| i64::try_from(bytes).unwrap_or(i64::MAX);
    signed(nostrp2p_protocol::limits::MAX_EVENT_BYTES) - signed(length)
}

/// Leaves the screen of the composer the way it was entered, so that the back button has nothing left to undo.
pub fn leave_screen(model: &mut Model, out: &mut Vec<Effect>) {
    if model.route != Route::Write {
        return;
    }
    let opened_here = std::mem::take(&mut model.compose.opened_here);
    out.push(if opened_here { Effect::GoBack } else { Effect::Replace(Route::Home.fragment()) });
}

/// Puts an event into the outbox of the model, which may be in that of the storage already.
pub fn put_in_outbox(model: &mut Model, event: Event, saved: bool) {
    model.outbox.waiting.insert(event.id(), Outgoing { event, saved, refused: None, hidden: Vec::new() });
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

/// Stores the draft now, if it was changed here.
pub fn save_draft(model: &mut Model, out: &mut Vec<Effect>) {
    out.push(Effect::Cancel(Timer::EventTemplate));
    if std::mem::take(&mut model.compose.changed) {
        out.push(Effect::Save(vec![draft(model)]));
    }
}

/// The draft as it is stored, with its audience: without that it could go to the wrong people.
fn draft(model: &Model) -> StorageChange {
    StorageChange::Set(Setting::EventTemplate(model.compose.context(), model.compose.stored(model.now())))
}

/// Takes in the drafts that are stored.
pub fn restore(model: &mut Model, settings: &mut StoredSettings, out: &mut Vec<Effect>) {
    let mut changes = Vec::new();
    // There are a few at most.
    let mut drafts = std::mem::take(&mut settings.drafts);
    while let Some(oldest) =
        (0..drafts.len()).min_by_key(|index| drafts.get(*index).map(|(_, stored)| stored.touched))
    {
        let (context, stored) = drafts.remove(oldest);
        if context == settings.composing && stored.is_about(context) {
            (model.compose.reply, model.compose.quote) = (stored.reply, stored.quote);
            model.compose.put(stored.draft);
        } else if let Some(gone) = model.compose.drafts.put(context, stored.draft) {
            changes.push(StorageChange::Set(Setting::EventTemplate(gone, None)));
        }
    }
    // What the composer was about is not known any more: then it is a new post.
    let draft = model.compose.drafts.take(model.compose.context());
    if model.compose.text.is_empty() {
        model.compose.put(draft);
    }
    if !changes.is_empty() {
        out.push(Effect::Save(changes));
    }
}

/// Another tab changed a draft, or sent it: it is the same here, unless something is being written here too.
pub fn on_draft_elsewhere(model: &mut Model, context: Context, stored: Option<Box<StoredDraft>>) {
    let draft = stored.map(|stored| stored.draft).unwrap_or_default();
    let compose = &mut model.compose;
    if context != compose.context() {
        compose.drafts.put(context, draft);
    } else if !compose.changed && !compose.signing {
        compose.put(draft);
    }
}

/// Turns to something else; what was written is stored before.
fn turn(model: &mut Model, reply: Option<Reply>, quote: Option<Quote>, out: &mut Vec<Effect>) {
    save_draft(model, out);
    let former = (model.compose.context(), model.compose.is_empty());
    let gone = model.compose.turn(reply, quote);
    let emptied = (former.1 && former.0 != model.compose.context()).then_some(former.0);
    let gone = gone
        .into_iter()
        .chain(emptied)
        .map(|context| StorageChange::Set(Setting::EventTemplate(context, None)));
    let mut changes: Vec<StorageChange> = gone.collect();
    changes.extend([draft(model), StorageChange::Set(Setting::Composing(model.compose.context()))]);
    out.push(Effect::Save(changes));
}

/// A text becomes one about nothing else, behind what was begun of a new post. What was for some people alone does not
/// become one for everyone by that: its author says for whom it is.
fn drop_about(model: &mut Model, out: &mut Vec<Effect>) {
    if model.compose.signing {
        return;
    }
    let me = model.me;
    let private = answering(model).filter(|_| model.compose.is_for_some());
    let private = private.map(|reply| reply.people).unwrap_or_default();
    let dropped = model.compose.take();
    model.compose.changed = true;
    turn(model, None, None, out);
    let compose = &mut model.compose;
    if !dropped.is_empty() {
        if !compose.is_empty() {
            compose.text.push_str("\n\n");
        } else {
            compose.text.clear();
        }
        compose.mentions.extend(dropped.mentions.moved(compose.text.len()));
        compose.text.push_str(&dropped.text);
        if !private.is_empty() {
            let mut people = match std::mem::take(&mut compose.audience) {
                DraftAudience::AsUsual | DraftAudience::Everyone => Vec::new(),
                DraftAudience::Only(people) => people,
            };
            people.extend(private.into_iter().filter(|person| Some(*person) != me));
            compose.audience = DraftAudience::Only(people);
        }
    }
    compose.changed = true;
    save_draft(model, out);
    out.push(Effect::Focus(FIELD_ID));
}

/// The person says who is to see it.
fn choose_audience(model: &mut Model, audience: DraftAudience, out: &mut Vec<Effect>) {
    model.compose.audience = audience;
    model.compose.error = None;
    model.compose.changed = true;
    out.push(Effect::Wait(Timer::EventTemplate, DRAFT_MS));
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
        _ if matches!(outgoing.event.kind, Kind::REACTION | Kind::DELETION | Kind::PROFILE | Kind::VOTE)
            || LISTS.contains(&outgoing.event.kind) =>
        {
            give_up(model, id, out);
            notify(model, texts::not_sent(language, &texts::refusal(language, refusal)), out);
        }
        _ => outgoing.refused = Some(texts::refusal(language, refusal)),
    }
}

fn send(model: &mut Model, out: &mut Vec<Effect>) {
    if model.compose.is_empty() || model.compose.signing || model.me.is_none() {
        return;
    }
    if room(&model.compose) < 0 {
        model.compose.error = Some(model.say(texts::TOO_LONG).to_owned());
        return;
    }
    let to_nobody = matches!(model.compose.audience, DraftAudience::Only(_))
        && matches!(model.compose.about(), About::Nothing)
        && model.compose.chosen(model.me).is_empty();
    if to_nobody {
        model.compose.error = Some(model.say(texts::FOR_NOBODY).to_owned());
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

/// Makes the post. A private post goes to mentioned people only if its author says so. A public post names mentioned
/// people by `p` tags, and says by another tag that it is for everyone all the same.
fn post(compose: &Compose, me: Option<PublicKey>, created_at: u64) -> EventTemplate {
    let text = compose.mentions.resolve(&compose.text).trim().to_owned();
    let tag = |person: &PublicKey| Tag::new(["p".to_owned(), person.to_string()]);
    let (mut tags, content) = match compose.about() {
        About::Nothing => match compose.audience {
            DraftAudience::AsUsual | DraftAudience::Everyone => {
                let mut tags: Vec<Tag> = compose.named(me).iter().take(MAX_PEOPLE).map(tag).collect();
                if !tags.is_empty() {
                    tags.push(everyone_tag());
                }
                (tags, text)
            }
            DraftAudience::Only(_) => (compose.chosen(me).iter().map(tag).collect(), text),
        },
        About::Reply(reply) if compose.audience == DraftAudience::Everyone => {
            (with_chosen(reply, &compose.named(me)).tags_for_everyone(), text)
        }
        About::Reply(reply) => (with_chosen(reply, &compose.chosen(me)).tags(), text),
        About::Quote(quote) => {
            let mut tags = quote.tags(me);
            let named = compose.named(me);
            tags.extend(named.iter().filter(|person| quote.author != Some(**person)).map(tag));
            (tags, quote.text(&text))
        }
    };
    tags.extend(richtext::hashtags(&content).into_iter().map(|tag| Tag::new(["t".to_owned(), tag])));
    let kind = if let About::Reply(reply) = compose.about() { reply.kind() } else { Kind::POST };
    EventTemplate { created_at, kind, tags, content }
}

/// An answer, which names these people too unless one goes on with what everyone can see.
fn with_chosen(reply: &Reply, chosen: &[PublicKey]) -> Reply {
    let mut reply = reply.clone();
    if let Some(last) = reply.people.pop() {
        let more = chosen.iter().filter(|person| **person != last);
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

/// The answer as it will be sent.
pub fn answering(model: &Model) -> Option<Reply> {
    model.compose.reply.as_ref().map(|reply| with_chosen(reply, &model.compose.chosen(model.me)))
}

fn step(model: &mut Model, back: bool) {
    let Some(completion) = &model.compose.completion else { return };
    let count = mention::offered(model, completion).len().max(1);
    if let Some(completion) = &mut model.compose.completion {
        let next = match (completion.chosen, back) {
            (Some(chosen), true) => chosen + count - 1,
            (Some(chosen), false) => chosen + 1,
            (None, true) => count - 1,
            (None, false) => 0,
        };
        completion.chosen = Some(next % count);
    }
}

/// Puts the name of this person, or of the one that is chosen, in place of what was begun.
fn complete(model: &mut Model, person: Option<PublicKey>, out: &mut Vec<Effect>) {
    let Some(completion) = model.compose.completion.take() else { return };
    let offered = mention::offered(model, &completion);
    let chosen = || offered.get(completion.chosen?).copied();
    let Some(person) = person.or_else(chosen) else { return };
    let name = model.name_of(&person);
    let former = &model.compose.text;
    let (text, caret) = completion.complete(former, &name);
    out.push(Effect::Type {
        id: FIELD_ID,
        from: letters::units_of(former, completion.start),
        to: letters::units_of(former, completion.end),
        text: completion.typed(former, &name),
    });
    out.push(Effect::PutCaret(FIELD_ID, letters::units_of(&text, caret)));
    model.compose.edit(text, caret);
    model.compose.mentions.add(completion.start, name, person);
    out.push(Effect::Wait(Timer::EventTemplate, DRAFT_MS));
}

/// Opens the composer for words about a post that everyone can see.
fn quote(model: &mut Model, id: EventId, out: &mut Vec<Effect>) {
    model.menu = None;
    let Some(unsigned) = model.timeline.written(&id).filter(|unsigned| !is_private(unsigned)) else { return };
    if model.compose.signing {
        return;
    }
    let quote = Quote { id, author: Some(unsigned.pubkey) };
    turn(model, None, Some(quote), out);
    update(model, Writing::Open, out);
}

/// Passes on a post that everyone can see, once (NIP-18). Its text stays out: readers take it from its author.
fn repost(model: &mut Model, id: EventId, out: &mut Vec<Effect>) {
    menu::close(model, out);
    let (Some(me), Some(unsigned)) = (model.me, model.timeline.written(&id)) else { return };
    if is_private(unsigned) || model.timeline.repost_by(&id, &me).is_some() {
        return;
    }
    let tag = |name: &str, value: String| Tag::new([name.to_owned(), value]);
    let mut tags = vec![tag("e", id.to_string()), tag("p", unsigned.pubkey.to_string())];
    let kind = if unsigned.kind == Kind::POST { Kind::REPOST } else { GENERIC_REPOST };
    if kind == GENERIC_REPOST {
        tags.push(tag("k", unsigned.kind.0.to_string()));
    }
    let created_at = moment_of_own(model);
    let draft = EventTemplate { created_at, kind, tags, content: String::new() };
    signing::sign(model, Purpose::Repost, draft, out);
}

/// Opens the composer for an answer. What is written already comes back when the answer is over.
fn reply(model: &mut Model, id: EventId, out: &mut Vec<Effect>) {
    let (Some(me), Some(unsigned)) = (model.me, model.timeline.written(&id)) else { return };
    // While it is being signed, what is written goes where it was meant to go.
    if model.compose.signing {
        return;
    }
    let reply = Reply::to(unsigned, &me);
    turn(model, Some(reply), None, out);
    let begins = model.compose.is_empty() && model.compose.audience == DraftAudience::AsUsual;
    if begins && thread::was_public(model, id) && thread::may_be_public(model, id) {
        model.compose.audience = DraftAudience::Everyone;
    }
    reach::preset(model);
    reach::ask(model, out);
    update(model, Writing::Open, out);
}

/// Likes a post of another, or takes that back.
fn like(model: &mut Model, id: EventId, out: &mut Vec<Effect>) {
    let (Some(me), Some(unsigned)) = (model.me, model.timeline.written(&id)) else { return };
    if let Some(by) = model.likes.mine_by(&id) {
        return deletion::unlike(model, by, out);
    }
    if unsigned.pubkey == me || model.likes.is_mine(&id) {
        return;
    }
    let author = unsigned.pubkey;
    let mut draft = likes::draft(id, &author, model.now());
    if !is_private(unsigned) {
        if reach::ask_of(model, &[author], out) {
            model.likes.waiting = Some(id);
            return;
        }
        if model.people.reads_relays_only(&author) {
            match model.likes.public {
                Some(true) => draft.tags.push(everyone_tag()),
                Some(false) => {}
                None => {
                    model.menu = Some(Menu { post: id, offers: Offers::Like });
                    return;
                }
            }
        }
    }
    model.likes.add_mine(id, None);
    signing::sign(model, Purpose::Like(id), draft, out);
}

/// Goes on with a like that has waited until the node says how the author of the post reads.
pub fn like_waiting(model: &mut Model, out: &mut Vec<Effect>) {
    if let Some(id) = model.likes.waiting.take() {
        like(model, id, out);
    }
}

/// First stored, then shown as waiting, then sent: what is written is never lost.
pub fn hand_in(model: &mut Model, event: Event, also: Vec<StorageChange>, out: &mut Vec<Effect>) {
    let id = event.id();
    timeline::insert_own(model, &event);
    put_in_outbox(model, event.clone(), false);
    let mut changes = vec![StorageChange::Outgoing(event)];
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
    let draft = EventTemplate { created_at: model.now(), kind, tags, content };
    signing::sign(model, Purpose::Again(id), draft, out);
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
