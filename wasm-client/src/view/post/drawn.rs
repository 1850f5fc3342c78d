//! Cache of drawn posts: a post is drawn again only when something changes that it was drawn from.

use std::rc::Rc;

use nostrp2p_protocol::{EventId, Kind, PublicKey, UnsignedEvent};

use super::{answered, in_part, is_apart, is_opened, offered, state_of, totals, view};
use crate::{
    locale::Language,
    message::Message,
    model::{Media, Model, Offers, Quote, TimelineKey, reply, timeline::Post},
    richtext,
    sorted_map::SortedMap,
    vdom::VNode,
    view::{Html, poll},
    when,
};

/// The posts that were drawn last, each with what it was drawn from.
#[derive(Debug, Default)]
pub struct Drawn(SortedMap<EventId, (Stamp, Rc<Html>)>);

/// All that the picture of a post depends on, besides the post itself, which never changes.
#[derive(Debug, Clone, PartialEq)]
struct Stamp {
    language: Language,
    time: String,
    people: [u32; 3],
    state: Option<(&'static str, String)>,
    unfolded: bool,
    wide: bool,
    has_target: bool,
    private: bool,
    answered: Option<PublicKey>,
    said: bool,
    liked: bool,
    totals: Option<([usize; 3], [bool; 3])>,
    menu: Option<Offers>,
    reposted: bool,
    quoted: Option<bool>,
    opened: bool,
    pictures: Option<u32>,
    media: Media,
    deliveries: usize,
    relays: usize,
    poll: Option<poll::Stamp>,
}

impl Drawn {
    /// Draws these posts, those that did not change as they were.
    pub fn draw<'a>(
        &mut self,
        model: &Model,
        mut posts: impl Iterator<Item = (&'a TimelineKey, &'a Post)>,
    ) -> Vec<VNode<Message>> {
        self.draw_next(model, &mut || posts.next())
    }

    fn draw_next<'a>(
        &mut self,
        model: &Model,
        next: &mut dyn FnMut() -> Option<(&'a TimelineKey, &'a Post)>,
    ) -> Vec<VNode<Message>> {
        let mut former = std::mem::take(&mut self.0);
        let draw = |(place, post): (&TimelineKey, &Post)| {
            let stamp = Stamp::of(model, place, post);
            let html = match former.remove(&place.id) {
                Some((drawn_from, html)) if drawn_from == stamp => html,
                _ => Rc::new(view(model, place, post)),
            };
            self.0.insert(place.id, (stamp, Rc::clone(&html)));
            VNode::Shared(html)
        };
        std::iter::from_fn(next).map(draw).collect()
    }
}

impl Drawn {
    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Stamp {
    fn of(model: &Model, place: &TimelineKey, post: &Post) -> Self {
        let (id, target) = match post {
            Post::Written(unsigned) => (place.id, Some(unsigned)),
            Post::Reposted { target, .. } => (*target, model.timeline.written(target)),
        };
        let quote = target.and_then(Quote::of);
        let own = target.is_some_and(|target| model.me == Some(target.pubkey));
        let created_at = target.map_or(0, |target| target.created_at);
        Self {
            language: model.language(),
            time: when::ago(created_at, model.now(), model.environment.zone, model.language()),
            people: people_version(model, &id, post, target),
            state: target
                .and_then(|target| state_of(model, id, &target.pubkey))
                .map(|(word, _, text)| (word, text)),
            unfolded: model.timeline.unfolded.contains(&id),
            wide: model.environment.wide,
            has_target: target.is_some(),
            private: target.is_some_and(reply::is_private),
            answered: target.and_then(|target| answered(model, target)),
            said: target.and_then(reply::target).is_some_and(|id| {
                is_apart(model) && model.timeline.written(&id).is_some() && !model.is_muted_id(&id)
            }),
            liked: model.likes.is_mine(&id),
            totals: target.filter(|_| own).map(|target| (totals(model, &id), in_part(model, target))),
            menu: offered(model, &id),
            reposted: model.me.is_some_and(|me| model.timeline.repost_by(&id, &me).is_some()),
            quoted: quote.map(|quote| model.timeline.place(&quote.id).is_some()),
            opened: is_opened(model, &id),
            // Only those that speak of an address somewhere hang on pictures.
            pictures: target
                .filter(|target| target.content.contains("://") || target.has_tag("emoji"))
                .map(|_| model.pictures.version),
            media: model.media,
            deliveries: model.outbox.deliveries.get(&id).map_or(0, Vec::len),
            relays: model.relays.as_ref().filter(|(of, _)| *of == id).map_or(0, |(_, relays)| relays.len()),
            poll: target.and_then(|target| poll::stamp(model, id, target)),
        }
    }
}

/// Counts the changes of the names that an entry shows: of its author, of who passes it on and of whom it answers; of all
/// people if more names may stand in it.
fn people_version(model: &Model, id: &EventId, post: &Post, target: Option<&UnsignedEvent>) -> [u32; 3] {
    let version = |person: &PublicKey| model.people.version_of(person);
    let Some(target) = target else { return [version(post.author()), 0, 0] };
    let names_more = |target: &UnsignedEvent| {
        target.kind != Kind::POST
            || Quote::of(target).is_some()
            || reply::is_private(target)
            || richtext::has_codes(&target.content)
    };
    let answered_here = || is_apart(model).then(|| model.timeline.written(&reply::target(target)?)).flatten();
    if names_more(target) || offered(model, id).is_some() || answered_here().is_some_and(names_more) {
        return [model.people.version; 3];
    }
    let answered = answered(model, target).as_ref().map_or(0, version);
    [version(&target.pubkey), version(post.author()), answered]
}
