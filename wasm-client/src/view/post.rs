//! One post. Its text comes from strangers: it is drawn as text, isolated in its own direction, and folded when long.

mod article;
mod drawn;

use nostrp2p_protocol::{EventId, Kind, PublicKey, UnsignedEvent, frame::Delivery};

use super::{Html, avatar, button, icons, media, menu, paragraph, poll, quote, sentence};
use crate::{
    letters,
    locale::Language,
    message::{Message, Reading, Writing},
    model::{Menu, Model, Offers, Quote, TimelineKey, Window, reply, timeline::Post},
    pictures,
    profile::short_npub,
    richtext::{self, Span},
    route::Route,
    texts,
    vdom::{On, VNode, element, svg},
    when,
};
pub use drawn::Drawn;
use icons::{Icon, icon};

/// The kind of an article (NIP-23).
const ARTICLE: Kind = Kind(30_023);
/// Latin letters that fit into a line of the column on a desktop, and on a phone.
const LETTERS_PER_LINE: (usize, usize) = (72, 42);

/// Most characters of what a post answers that are drawn above it.
const MAX_ANSWERED: usize = 120;

/// The space of what was scrolled past. Its height is an attribute, because the page allows no style in the markup.
pub fn passed(window: &Window) -> Option<Html> {
    let height = window.above();
    (height > 0).then(|| {
        svg("svg")
            .class("passed")
            .key("passed")
            .with("aria-hidden", "true")
            .with("width", "1")
            .with("height", height.to_string())
    })
}

/// Draws an entry that stands beside those that are remembered.
pub fn once(model: &Model, place: &TimelineKey, post: &Post) -> Html {
    view(model, place, post)
}

/// Draws an entry of the timeline. `place` is the event in the timeline: of the repost, if it is one.
fn view(model: &Model, place: &TimelineKey, post: &Post) -> Html {
    match post {
        Post::Written(unsigned) => written(model, place.id, place.id, unsigned, None),
        Post::Reposted { by, target, .. } => {
            let line =
                context(Icon::Repost, &texts::reposted_by(model.language(), &model.name_in_sentence(by)));
            match model.timeline.written(target) {
                Some(unsigned) => written(model, place.id, *target, unsigned, Some(line)),
                None => awaited(model, place.id, Some(line)),
            }
        }
    }
}

/// A post of which `id` is the id, in the place of the timeline that is named `key`.
fn written(
    model: &Model,
    key: EventId,
    id: EventId,
    unsigned: &UnsignedEvent,
    context: Option<Html>,
) -> Html {
    let author = &unsigned.pubkey;
    let warned = warned(model, id, unsigned);
    let (text, pictures) = if warned.is_some() { (warned, Vec::new()) } else { text(model, id, unsigned) };
    let folded = is_warned_of(model, id, unsigned);
    let poll = if folded { None } else { poll::view(model, id, unsigned, is_folded(model, id, unsigned)) };
    let body = element("div")
        .class("post-body")
        .child_if(context)
        .child_if(about(model, unsigned))
        .child(head(model, id, unsigned))
        .child_if(text)
        .child_if(poll)
        .child_if(fold(model, id, unsigned))
        .child_if(media::view(model, &model.name_in_sentence(author), pictures))
        .child_if(Quote::of(unsigned).filter(|_| !folded).map(|quote| quote::view(model, &quote)))
        .child(actions(model, id, unsigned))
        .child_if(menu::view(model, id, unsigned))
        .child_if(refused(model, id).or_else(|| given_up(model, id, author)));
    let opened = is_opened(model, &id);
    let post = element("article")
        .class(if opened { "post post-opened" } else { "post" })
        .test_id("post")
        .with("data-id", id.to_string())
        .with_if(reply::is_private(unsigned), "data-private")
        .with("tabindex", "0")
        .key(key.to_string())
        .child(avatar::link(model, author))
        .child(body);
    if opened { post } else { post.on(On::Tap(Reading::Open(id).into())) }
}

/// Whether this is the post whose conversation is shown.
fn is_opened(model: &Model, id: &EventId) -> bool {
    matches!(model.route, Route::Thread(opened, _) if opened == *id)
}

/// A place for a post that is still being fetched.
pub fn awaited(model: &Model, key: EventId, context: Option<Html>) -> Html {
    place(key, context, model.say(texts::TARGET_AWAITED)).test_id("post-awaited")
}

/// A place for a post that is not shown, and why.
pub fn absent(model: &Model, key: EventId, why: texts::Words) -> Html {
    place(key, None, model.say(why))
}

fn place(key: EventId, context: Option<Html>, words: &'static str) -> Html {
    let body = element("div").class("post-body").child_if(context).child(paragraph("muted", words));
    element("article")
        .class("post")
        .with("tabindex", "0")
        .key(key.to_string())
        .child(element("span").class("skeleton-avatar"))
        .child(body)
}

fn context(image: Icon, words: &str) -> Html {
    element("p").class("post-context").child(icon(image)).child(sentence("span", words))
}

/// The line above a post: what it answers, and that it is private.
fn about(model: &Model, unsigned: &UnsignedEvent) -> Option<Html> {
    let reply = unsigned.has_tag("e").then(|| {
        let words = match answered(model, unsigned) {
            Some(person) => texts::in_reply_to(model.language(), model.name_of_other(&person).as_deref()),
            None => model.say(texts::IN_REPLY).to_owned(),
        };
        context(Icon::Reply, &words)
    });
    let said = reply::target(unsigned).filter(|_| is_apart(model));
    let said = said.and_then(|id| model.timeline.written(&id).filter(|_| !model.is_muted_id(&id)));
    let said = said.map(|target| {
        element("a")
            .class("post-answered")
            .test_id("answered")
            .with("href", Route::Thread(target.id(), Some(target.pubkey)).fragment())
            .with("dir", "auto")
            .text(letters::one_line(&quote::words(model, target), MAX_ANSWERED))
    });
    let private = reply::is_private(unsigned).then(|| {
        let people = reply::audience(unsigned);
        let first = model.me.filter(|me| people.contains(me)).or_else(|| people.first().copied())?;
        let words =
            texts::only_for(model.language(), model.name_of_other(&first).as_deref(), people.len() - 1);
        Some(context(Icon::Lock, &words).test_id("private"))
    });
    let private = private.flatten();
    (reply.is_some() || private.is_some())
        .then(|| element("div").class("post-about").child_if(reply).child_if(said).child_if(private))
}

/// Whether posts stand here without what they answer above them.
fn is_apart(model: &Model) -> bool {
    !matches!(model.route, Route::Thread(..))
}

/// Whom a post answers: the author of its target, as far as that is here, or whom it names.
fn answered(model: &Model, unsigned: &UnsignedEvent) -> Option<PublicKey> {
    let target = reply::target(unsigned).and_then(|id| model.timeline.written(&id));
    target.map(|target| target.pubkey).or_else(|| reply::answered(unsigned))
}

fn actions(model: &Model, id: EventId, unsigned: &UnsignedEvent) -> Html {
    let own = model.me.as_ref() == Some(&unsigned.pubkey);
    let [likes, answers, reposts] = if own { totals(model, &id) } else { [0; 3] };
    let [more_likes, more_answers, more_reposts] = in_part(model, unsigned);
    // Each beside its button; a post of one's own has none for likes.
    let beside = |count: usize, more, hook: &'static str, words: fn(Language, usize, bool) -> String| {
        let words = words(model.language(), count, more);
        let number = element("span").class("post-count").test_id(hook).with("role", "img");
        (count > 0).then(|| {
            number.with("aria-label", words.clone()).with("title", words).text(texts::or_more(count, more))
        })
    };
    let row = element("div")
        .class("post-actions")
        .child(action(Icon::Reply, model.say(texts::REPLY), "reply", Writing::Reply(id)))
        .child_if(beside(answers, more_answers, "answers", texts::answers))
        .child_if((!reply::is_private(unsigned)).then(|| repost(model, id)))
        .child_if(beside(reposts, more_reposts, "reposts", texts::reposts));
    if own {
        let likes = (likes > 0).then(|| {
            let words = element("span").text(texts::likes(model.language(), likes, more_likes));
            element("span").class("post-likes").test_id("likes").child(icon(Icon::Heart)).child(words)
        });
        return row.child_if(likes).child(more(model, id));
    }
    let liked = model.likes.is_mine(&id);
    let label = if liked { model.say(texts::LIKED) } else { model.say(texts::LIKE) };
    let like = action(Icon::Heart, label, "like", Writing::Like(id));
    row.child(like.with("aria-pressed", if liked { "true" } else { "false" })).child(more(model, id))
}

/// How many likes, answers and reposts a post has got.
fn totals(model: &Model, id: &EventId) -> [usize; 3] {
    [model.likes.count(id), model.timeline.answers_to(id).count(), model.timeline.reposts_of(id)]
}

/// Whether an own post may have more likes, answers and reposts than are here. Of answers and reposts all are here that
/// came since the unbroken run of the timeline begins, and since when the node gave all that name their author.
fn in_part(model: &Model, unsigned: &UnsignedEvent) -> [bool; 3] {
    let created_at = unsigned.created_at;
    let is_stray = model.timeline.misses_since(created_at);
    let [answers, reposts] = model.notices.counted_since.unwrap_or([u64::MAX; 2]);
    [
        created_at < model.likes.counted_since,
        is_stray && created_at < answers,
        is_stray && created_at < reposts,
    ]
}

fn repost(model: &Model, id: EventId) -> Html {
    let reposted = model.me.is_some_and(|me| model.timeline.repost_by(&id, &me).is_some());
    let menu = Menu { post: id, offers: Offers::Repost };
    let open = offered(model, &id) == Some(Offers::Repost);
    action(
        Icon::Repost,
        if reposted { model.say(texts::REPOST_YOURS) } else { model.say(texts::REPOST) },
        "repost",
        Reading::Menu(menu),
    )
    .with("aria-pressed", if reposted { "true" } else { "false" })
    .with("aria-expanded", if open { "true" } else { "false" })
}

fn more(model: &Model, id: EventId) -> Html {
    let menu = Menu { post: id, offers: Offers::More };
    let open = offered(model, &id).is_some_and(|offers| matches!(offers, Offers::More | Offers::Deletion));
    action(Icon::More, model.say(texts::MORE), "more", Reading::Menu(menu))
        .with("aria-expanded", if open { "true" } else { "false" })
}

/// The menu under this post.
fn offered(model: &Model, id: &EventId) -> Option<Offers> {
    model.menu.filter(|menu| menu.post == *id).map(|menu| menu.offers)
}

fn action(image: Icon, label: &'static str, hook: &'static str, message: impl Into<Message>) -> Html {
    element("button")
        .class("post-action")
        .with("type", "button")
        .with("aria-label", label)
        .with("title", label)
        .test_id(hook)
        .on(On::Click(message.into()))
        .child(icon(image))
}

fn head(model: &Model, id: EventId, unsigned: &UnsignedEvent) -> Html {
    let author = &unsigned.pubkey;
    let named = model.people.profile(author).is_some_and(|profile| profile.name.is_some());
    let handle = named.then(|| element("span").class("post-key").text(short_npub(author)));
    element("header")
        .class("post-head")
        .child(name(model, author))
        .child_if(handle)
        .child(time(model, id, unsigned))
        .child_if(state(model, id, author))
}

fn name(model: &Model, author: &PublicKey) -> Html {
    let name = element("bdi").test_id("post-name").with("dir", "auto").text(model.name_of(author));
    element("a").class("post-name").with("href", Route::Person(*author).fragment()).child(name)
}

/// When it was written, as a link to the post: it opens in another tab as links do, and says exactly when on hover.
fn time(model: &Model, id: EventId, unsigned: &UnsignedEvent) -> Html {
    let created_at = unsigned.created_at;
    let offset = model.environment.zone;
    let exact = when::exact(created_at, offset, model.language());
    let shown = if is_opened(model, &id) {
        exact.clone()
    } else {
        when::ago(created_at, model.now(), offset, model.language())
    };
    element("a")
        .class("post-time")
        .with("href", Route::Thread(id, Some(unsigned.pubkey)).fragment())
        .with("data-tap", "")
        .with("title", exact)
        .child(element("time").test_id("post-time").with("datetime", when::machine(created_at)).text(shown))
}

/// How far one's own post has come: a glyph, with words on hover and for screen readers.
fn state(model: &Model, id: EventId, author: &PublicKey) -> Option<Html> {
    let (state, image, words) = state_of(model, id, author)?;
    Some(
        element("span")
            .class("post-state")
            .test_id("post-state")
            .with("data-state", state)
            .with("title", words.clone())
            .child(icon(image))
            .child(element("span").class("hidden").text(words)),
    )
}

fn state_of(model: &Model, id: EventId, author: &PublicKey) -> Option<(&'static str, Icon, String)> {
    if model.me.as_ref() != Some(author) {
        return None;
    }
    Some(match model.outbox.waiting.get(&id) {
        Some(outgoing) => match &outgoing.refused {
            Some(reason) => ("failed", Icon::Warning, texts::not_sent(model.language(), reason)),
            None if outgoing.saved => ("waiting", Icon::Clock, model.say(texts::STATE_WAITING).to_owned()),
            None => ("saving", Icon::Clock, model.say(texts::STATE_SAVING).to_owned()),
        },
        None => match model.outbox.deliveries.get(&id).map(Vec::as_slice) {
            None | Some([]) => {
                ("sent", Icon::Tick, texts::sent(model.language(), model.outbox.carried.get(&id).copied()))
            }
            Some(people) => delivered(model, people),
        },
    })
}

/// How far a private post has come: two ticks when everybody it is for has it.
fn delivered(model: &Model, people: &[(PublicKey, Delivery)]) -> (&'static str, Icon, String) {
    let count = |state| people.iter().filter(|(_, other)| *other == state).count();
    let (delivered, given_up) = (count(Delivery::Delivered), count(Delivery::GivenUp));
    let words = texts::delivered(model.language(), delivered, given_up, people.len());
    if delivered == people.len() {
        ("delivered", Icon::Ticks, words)
    } else if delivered + given_up == people.len() {
        ("given-up", Icon::Warning, words)
    } else {
        ("sent", Icon::Tick, words)
    }
}

/// The text, and the pictures that are shown below it.
fn text(model: &Model, id: EventId, unsigned: &UnsignedEvent) -> (Option<Html>, Vec<String>) {
    let whole =
        &*if unsigned.kind == Kind::POLL { (&*unsigned.content).into() } else { quote::content(unsigned) };
    let folded = is_folded(model, id, unsigned);
    if unsigned.kind == ARTICLE && !folded {
        let title = unsigned.tag_values("title").next().filter(|title| letters::has_visible(title));
        let article = element("div").class("post-text article").test_id("post-text").with("dir", "auto");
        let title = title.map(|title| element("h2").text(richtext::visible(title)));
        return (Some(article.child_if(title).children(article::view(model, &unsigned.content))), Vec::new());
    }
    let shown = if folded { richtext::beginning(whole) } else { whole };
    let mut spans = richtext::spans(shown);
    let count = spans.len();
    if let Some(quote) = Quote::of(unsigned) {
        // The card stands for it.
        spans.retain(|span| !matches!(span, Span::Post(id, _) if *id == quote.id));
    }
    let pictures = media::take(model, &mut spans);
    let emoji = pictures::emoji(model, unsigned);
    if spans.len() < count {
        if let Some(Span::Text(last)) = spans.last_mut() {
            last.truncate(last.trim_end().len());
        }
        spans.retain(|span| !matches!(span, Span::Text(text) if text.is_empty()));
    }
    let seen = |span: &Span| !matches!(span, Span::Text(text) if !letters::has_visible(text));
    let text = spans.iter().any(seen).then(|| {
        element("div")
            .class(if folded { "post-text folded" } else { "post-text" })
            .test_id("post-text")
            .with("dir", "auto")
            .children(spans.into_iter().flat_map(|span| match span {
                Span::Text(text) => media::with_emoji(model, &emoji, &text),
                span => vec![draw(model, span)],
            }))
    });
    (text, pictures)
}

/// One stretch of a text.
pub fn draw(model: &Model, span: Span) -> VNode<Message> {
    match span {
        Span::Text(text) => VNode::Text(text.into()),
        Span::Link(address) => {
            let shown = address.split_once("://").map_or(address.as_str(), |(_, rest)| rest);
            let shown = shown.trim_end_matches('/').to_owned();
            let hidden = letters::hidden_host(&address)
                .map(|host| element("bdi").class("link-host").text(format!(" → {host}")));
            element("a")
                .with("href", address)
                .with("target", "_blank")
                .with("rel", "noopener noreferrer nofollow ugc")
                .text(shown)
                .child_if(hidden)
                .into()
        }
        Span::Hashtag(tag) => {
            let tag = format!("#{tag}");
            element("a")
                .class("mention")
                .with("href", Route::Find.fragment())
                .on(On::Click(Reading::Hashtag(tag.clone()).into()))
                .text(tag)
                .into()
        }
        Span::Mention(person) => element("a")
            .class("mention")
            .with("href", Route::Person(person).fragment())
            .with("title", person.to_npub())
            .child(element("bdi").text(format!("@{}", model.name_of(&person))))
            .into(),
        Span::Post(id, author) => element("a")
            .class("mention")
            .with("href", Route::Thread(id, author).fragment())
            .text(model.say(texts::A_POST))
            .into(),
    }
}

fn is_long(model: &Model, unsigned: &UnsignedEvent) -> bool {
    let (desktop, phone) = LETTERS_PER_LINE;
    richtext::is_long(&quote::content(unsigned), if model.environment.wide { desktop } else { phone })
}

/// Whether a post is long and was not unfolded. An article is opened in full.
fn is_folded(model: &Model, id: EventId, unsigned: &UnsignedEvent) -> bool {
    is_long(model, unsigned)
        && !model.timeline.unfolded.contains(&id)
        && !is_opened_article(model, id, unsigned)
}

fn is_opened_article(model: &Model, id: EventId, unsigned: &UnsignedEvent) -> bool {
    unsigned.kind == ARTICLE && is_opened(model, &id)
}

/// Whether a post is folded because its author warns of it (NIP-36).
fn is_warned_of(model: &Model, id: EventId, unsigned: &UnsignedEvent) -> bool {
    quote::warning(unsigned).is_some() && !model.timeline.unfolded.contains(&id)
}

/// What its author warns of, in place of a post with all that is in it, and the button that shows it.
fn warned(model: &Model, id: EventId, unsigned: &UnsignedEvent) -> Option<Html> {
    is_warned_of(model, id, unsigned).then(|| {
        let words = quote::words(model, unsigned);
        let show = button("plain", model.say(texts::SHOW), Message::Reading(Reading::Fold(id)));
        element("div")
            .class("post-text post-warned")
            .test_id("warned")
            .child(sentence("p", &words).class("muted"))
            .child(show.with("aria-expanded", "false").test_id("warned-show"))
    })
}

fn fold(model: &Model, id: EventId, unsigned: &UnsignedEvent) -> Option<Html> {
    let unfolded = model.timeline.unfolded.contains(&id);
    let warns = quote::warning(unsigned).is_some();
    let long = is_long(model, unsigned) && !is_opened_article(model, id, unsigned);
    (if warns { unfolded } else { long }).then(|| {
        let label = if unfolded { model.say(texts::SHOW_LESS) } else { model.say(texts::SHOW_MORE) };
        button("link", label, Message::Reading(Reading::Fold(id)))
            .with("aria-expanded", if unfolded { "true" } else { "false" })
    })
}

/// With some people the node has given up: what it is, and the way to begin anew.
fn given_up(model: &Model, id: EventId, author: &PublicKey) -> Option<Html> {
    let (_, _, words) = state_of(model, id, author).filter(|(state, _, _)| *state == "given-up")?;
    let again = button("plain", model.say(texts::TRY_AGAIN), Message::Writing(Writing::TryAgain(id)))
        .test_id("deliver-again");
    let again = if model.connection.is_logged_in() { again } else { again.with("disabled", "") };
    Some(element("div").class("post-refused").child(paragraph("muted", words)).child(again))
}

fn refused(model: &Model, id: EventId) -> Option<Html> {
    let reason = model.outbox.waiting.get(&id)?.refused.as_ref()?;
    Some(
        element("div")
            .class("post-refused")
            .child(super::error(texts::not_sent(model.language(), reason)))
            .child(
                element("div")
                    .class("row")
                    .child(button(
                        "plain",
                        model.say(texts::TRY_AGAIN),
                        Message::Writing(Writing::TryAgain(id)),
                    ))
                    .child(button("quiet", model.say(texts::GIVE_UP), Message::Writing(Writing::GiveUp(id)))),
            ),
    )
}

/// A place for a post that is on its way.
pub fn skeleton() -> Html {
    let line = |class| element("span").class(class);
    element("div").class("post skeleton").with("aria-hidden", "true").child(line("skeleton-avatar")).child(
        element("div")
            .class("post-body")
            .child(line("skeleton-line skeleton-short"))
            .child(line("skeleton-line"))
            .child(line("skeleton-line skeleton-middle")),
    )
}
