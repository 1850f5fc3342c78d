//! What must hold for every screen.

mod contrast;
mod kinds;
mod names;

use std::collections::BTreeMap;

use nostrp2p_protocol::{
    EventTemplate, Kind, PeerId, PublicKey, SecretKey, Tag, UnsignedEvent,
    frame::{CaughtUp, Delivery, Path, PeerStatus, Reached, Refusal, RefusalCode},
};

use super::*;
use crate::{
    address::ClaimToken,
    locale::Language,
    model::{
        Environment, KeyStep, Menu, Offers, Onboarding, Outgoing, Phase, Quote, Tab, WelcomeStep,
        connection::{NetworkView, NodeGreeting, OverlayStatus, Trouble},
    },
    secret::Secret,
    update::timeline::{self, Origin},
    vdom::VNode,
};

const NASTY: &str = "<img src=x onerror=alert(1)>\u{202e}\u{0}https://x.example/\"onclick=\"y nostr:npub1x";

fn post(author: u8, created_at: u64, content: &str, tags: Vec<Tag>) -> nostrp2p_protocol::Event {
    let key = SecretKey::from_bytes([author; 32]).unwrap();
    EventTemplate { created_at, kind: Kind::POST, tags, content: content.into() }.sign(&key, &[0; 32])
}

fn person(seed: u8) -> PublicKey {
    SecretKey::from_bytes([seed; 32]).unwrap().public_key()
}

fn profile(seed: u8, content: &str) -> UnsignedEvent {
    EventTemplate { created_at: 1, kind: Kind::PROFILE, tags: vec![], content: content.into() }
        .by(person(seed))
}

fn greeting(owner: Option<PublicKey>) -> NodeGreeting {
    NodeGreeting { challenge: [0; 32], peer: PeerId::from_ed25519([1; 32]), owner }
}

#[test]
fn what_its_author_warns_of_is_folded_with_all_that_is_in_it_until_somebody_wants_to_see_it() {
    let mut model =
        Model { stage: PersonStage::Using, me: Some(person(1)), tab: Tab::Everyone, ..Model::default() };
    let quoted = "ab".repeat(32);
    let tags = vec![Tag::new(["content-warning", "spiders"]), Tag::new(["q", &quoted])];
    let warned = post(2, 7, "eight legs https://x.example/s.jpg", tags);
    let nothing_said = post(2, 8, "nine legs", vec![Tag::new(["content-warning"])]);
    for event in [&warned, &nothing_said] {
        timeline::insert(&mut model, event, Origin::Live);
    }
    let shown = |model: &Model| format!("{:?}", view(model));
    let page = shown(&model);
    assert!(
        page.contains("The author warns of this: ")
            && page.contains("spiders")
            && page.contains("The author warns of this.")
    );
    assert!(!page.contains("legs") && !page.contains("x.example") && !page.contains("\"quote\""), "{page}");
    model.timeline.unfolded.insert(warned.id());
    let page = shown(&model);
    assert!(page.contains("eight legs") && !page.contains("nine legs") && page.contains("Show less"));
}

#[test]
fn bookmarks_that_the_node_lacks_are_not_called_posts_of_people_who_are_followed() {
    let mut model =
        Model { stage: PersonStage::Using, me: Some(person(1)), tab: Tab::Bookmarks, ..Model::default() };
    model.timeline.loading = false;
    let page = format!("{:?}", view(&model));
    assert!(page.contains("that you bookmarked") && !page.contains("people you follow"), "{page}");
}

/// A page in use with something of everything.
fn in_use() -> Model {
    let mut model = Model {
        stage: PersonStage::Using,
        me: Some(person(1)),
        now_ms: 1_772_892_300_000,
        update_ready: true,
        storage_trouble: Some("no".into()),
        notice: Some("Copied.".into()),
        ..Model::default()
    };
    let about = format!(
        r#"{{"name":"<b>Bo</b>","about":"{}","nip05":"bo@x.example","picture":"https://x.example/bo.png"}}"#,
        "nostr:npub1x https://x.example"
    );
    model.people.take(&profile(2, &about));
    model.pictures.put("https://x.example/bo.png".into(), crate::model::Picture::Here("blob:x".into()));
    let failed = post(1, 1_772_892_000, "refused", vec![]);
    for event in [
        post(2, 1_772_892_100, NASTY, vec![Tag::new(["e", "x"])]),
        post(3, 1_772_800_000, &"long\n".repeat(40), vec![]),
        post(1, 1_772_892_200, "sent", vec![]),
        failed.clone(),
    ] {
        timeline::insert(&mut model, &event, Origin::Live);
    }
    for (time, tag) in [(1, "e"), (2, "q"), (3, "x")] {
        let tags = vec![
            Tag::new(["p".to_owned(), person(1).to_string()]),
            Tag::new([tag.to_owned(), "ab".repeat(32)]),
        ];
        for kind in [Kind::POST, Kind::REPOST, Kind::REACTION] {
            let by = person(4 + u8::try_from(time).unwrap());
            let draft =
                EventTemplate { created_at: 9 + time, kind, tags: tags.clone(), content: NASTY.into() };
            model.notices.take(&draft.by(by), model.me);
        }
    }
    for (time, people) in [(1, 3), (2, 4)] {
        let tags = (2..people).map(|seed| Tag::new(["p".to_owned(), person(seed).to_string()])).collect();
        let list = EventTemplate { created_at: time, kind: Kind::FOLLOW_LIST, tags, content: String::new() };
        model.lists.take(&list.by(person(1)), model.me);
    }
    model.lists.asked = true;
    model.outbox.waiting.insert(
        failed.id(),
        Outgoing { event: failed, saved: true, refused: Some("Because.".into()), hidden: vec![] },
    );
    model.connection.phase = Phase::LoggedIn(greeting(model.me));
    let sent = model.timeline.posts().next().map(|(place, _)| place.id).unwrap();
    let people = vec![(person(2), Delivery::Delivered), (person(3), Delivery::GivenUp)];
    model.outbox.deliveries.insert(sent, people);
    let peer = |seed: u8, path, owner: Option<u8>| PeerStatus {
        peer: PeerId::from_ed25519([seed; 32]),
        owner: owner.map(person),
        path,
        delay_ms: Some(u32::from(seed) * 20),
    };
    let peers =
        vec![peer(1, Path::Direct, Some(2)), peer(2, Path::Punched, None), peer(9, Path::Relayed, Some(3))];
    let traffic = [(1, 70_000, 4_000_000), (9, 1_000, 1_000)]
        .map(|(seed, received, sent)| (PeerId::from_ed25519([seed; 32]), received, sent));
    model.chosen_peer = peers.first().map(|peer| peer.peer);
    model.connection.status = Some(OverlayStatus {
        peers,
        stored: 12_345,
        network: Some(NetworkView { reached: Reached::Relayed, traffic: traffic.to_vec() }),
        caught_up: Some(CaughtUp { at: 3, peer: PeerId::from_ed25519([1; 32]), events: 7 }),
    });
    model
}

/// Every screen, with a name.
fn screens() -> Vec<(String, Model)> {
    let mut screens = vec![("opening".to_owned(), Model::default())];
    let thread = in_use().timeline.posts().next().map(|(place, _)| Route::Thread(place.id, None));
    let lost = Route::Thread(nostrp2p_protocol::EventId::from_bytes([9; 32]), None);
    let people = [1, 2, 7].map(|seed| Route::Person(person(seed)));
    for route in Route::PLAIN.into_iter().chain(people).chain(thread).chain([lost]) {
        for wide in [false, true] {
            let environment = Environment { wide, ..Environment::default() };
            screens.push((format!("{route:?} wide={wide}"), Model { route, environment, ..in_use() }));
        }
    }
    let mut empty = Model { stage: PersonStage::Using, me: Some(person(1)), ..Model::default() };
    screens.push(("empty".into(), empty.clone()));
    empty.timeline.loading = true;
    screens.push(("loading".into(), empty.clone()));
    empty.connection.phase = Phase::Refused(Refusal::new(RefusalCode::NotOwner, ""));
    screens.push(("refused".into(), empty));
    screens
        .push(("settings, asked".into(), Model { route: Route::Settings, forget_asked: true, ..in_use() }));
    screens.extend([false, true].into_iter().map(talking));
    for search in
        ["b", "long", "nothing of that", &person(2).to_npub(), &format!("nostr:{}", person(9).to_npub())]
    {
        screens.push((
            format!("find {search}"),
            Model { route: Route::Find, search: search.into(), ..in_use() },
        ));
    }
    let nobody =
        Model { stage: PersonStage::Using, me: Some(person(1)), tab: Tab::Following, ..Model::default() };
    screens.push(("nobody followed".into(), nobody.clone()));
    screens.push(("no news".into(), Model { route: Route::Notifications, ..nobody.clone() }));
    screens.push(("nothing to find".into(), Model { route: Route::Find, ..nobody }));
    screens.extend([Offers::More, Offers::Repost, Offers::Deletion].into_iter().map(offering));
    let revealed = Some(Secret::new("nsec1".to_owned()));
    screens.push(("me, revealed".into(), Model { route: Route::Me, revealed, ..in_use() }));
    screens.extend(sheets());
    screens.extend(hostile());
    screens.extend(welcome_screens());
    screens
}

/// Something is opened under an own post that quotes one that is here, and one that is not.
fn offering(offers: Offers) -> (String, Model) {
    let mut model = Model { environment: Environment { wide: true, ..Environment::default() }, ..in_use() };
    let here = model.timeline.posts().next().map(|(place, _)| place.id).unwrap();
    for (time, id) in [(300, here), (301, nostrp2p_protocol::EventId::from_bytes([9; 32]))] {
        let tags = vec![Tag::new(["q".to_owned(), id.to_string()])];
        timeline::insert(&mut model, &post(1, 1_772_892_000 + time, "look", tags), Origin::Live);
    }
    let own = model.timeline.posts().next().map(|(place, _)| place.id).unwrap();
    model.menu = Some(Menu { post: own, offers });
    model.compose.quote = Some(Quote { id: here, author: None });
    (format!("offering {offers:?}"), model)
}

/// A reply is being written, to a private post that is liked, among own posts that are liked.
fn talking(wide: bool) -> (String, Model) {
    let route = if wide { Route::Home } else { Route::Write };
    let mut model = Model { route, environment: Environment { wide, ..Environment::default() }, ..in_use() };
    let tag = |name: &str, value: String| Tag::new([name.to_owned(), value]);
    let people = [1, 2, 4].map(|seed| tag("p", person(seed).to_string()));
    let private = post(2, 1_772_892_250, "for some", people.into());
    let own = post(1, 1_772_892_251, "liked", vec![]);
    for event in [&private, &own] {
        timeline::insert(&mut model, event, Origin::Live);
    }
    model.likes.add_mine(private.id(), None);
    let tags = vec![tag("e", own.id().to_string())];
    let like = EventTemplate { created_at: 9, kind: Kind::REACTION, tags, content: "+".into() };
    model.likes.take(&like.by(person(2)), model.me);
    model.compose.reply = model.me.map(|me| crate::model::Reply::to(&private, &me));
    (format!("talking wide={wide}"), model)
}

/// What is opened over a page, and the forms for passphrases.
fn sheets() -> Vec<(String, Model)> {
    use crate::model::signing::{For, NotOpened, PassphraseForm, Signer, Unfit, Unlock};
    let mut screens = Vec::new();
    screens.push(("help".to_owned(), Model { help: true, ..in_use() }));
    for (error, busy) in [(None, true), (Some(NotOpened::Passphrase), false)] {
        let mut model = in_use();
        model.signing.unlock = Some(Unlock { error, busy, ..Unlock::default() });
        screens.push((format!("unlock {error:?}"), model));
    }
    for signer in [Signer::Device, Signer::Passphrase, Signer::Extension] {
        for route in [Route::Settings, Route::Me] {
            for purpose in [For::Backup, For::Lock] {
                let mut model = Model { route, ..in_use() };
                model.signing.signer = signer;
                let error = Some(Unfit::NotDone(NotOpened::Browser));
                model.signing.form = Some(PassphraseForm { error, ..PassphraseForm::new(purpose) });
                screens.push((format!("{route:?} {signer:?} {purpose:?}"), model));
            }
        }
    }
    let mut naming = in_use();
    naming.people.take(&profile(4, r#"{"name":"Bob"}"#));
    naming.compose.text = "@Bob and @b".into();
    naming.compose.mentions.add(0, "Bob".into(), person(4));
    naming.compose.completion = crate::model::mention::completion("@Bob and @b", 11);
    for wide in [false, true] {
        let environment = Environment { wide, ..Environment::default() };
        screens.push((
            format!("naming wide={wide}"),
            Model { route: Route::Write, environment, ..naming.clone() },
        ));
    }
    screens
}

/// Posts by somebody who wants to break the page.
fn hostile() -> Vec<(String, Model)> {
    let pictures =
        "https://x.example/a.png https://x.example/b.jpg https://x.example/c.gif https://x.example/d.webp";
    let contents = [
        ("64 KiB", "x".repeat(60_000)),
        ("64 KiB of lines", "\n".repeat(30_000)),
        ("64 KiB of links", "https://x.example/ ".repeat(3_000)),
        ("64 KiB of mentions", format!("nostr:{} ", person(2).to_npub()).repeat(800)),
        ("bidi", "\u{202e}\u{2066}\u{2067}\u{202d}abc".repeat(500)),
        ("combining", "a\u{0301}\u{0489}".repeat(9_000)),
        ("control", (0..32).map(char::from).collect::<String>().repeat(100)),
        ("pictures", format!("{pictures} https://x.example/e.avif javascript:alert(1).png")),
        ("broken picture", "https://x.example/%00\"onerror=\".png".to_owned()),
    ];
    let mut screens = Vec::new();
    for (name, content) in contents {
        for created_at in [0, 1_772_892_000, nostrp2p_protocol::limits::MAX_CREATED_AT] {
            let mut model = in_use();
            let tags = if name == "bidi" {
                (0..2_000).map(|n| Tag::new(["p".to_owned(), format!("{n:064}")])).collect()
            } else {
                vec![]
            };
            let event = post(2, created_at, &content, tags);
            timeline::insert(&mut model, &event, Origin::Live);
            model.timeline.since = 0;
            model.timeline.past = crate::model::timeline::Past::End;
            model.pictures.put("https://x.example/b.jpg".into(), crate::model::Picture::Loading);
            model
                .pictures
                .put("https://x.example/c.gif".into(), crate::model::Picture::Here("blob:c".into()));
            model.pictures.put("https://x.example/d.webp".into(), crate::model::Picture::Failed);
            screens.push((format!("hostile {name} at {created_at}"), model));
        }
    }
    screens
}

#[test]
fn a_hostile_post_is_folded_and_draws_no_more_than_a_screen() {
    for (name, model) in hostile() {
        let mut elements = 0;
        each(&view(&model).into(), &mut |element| {
            elements += 1;
            if attribute(element, "data-testid") == Some("post-text") {
                let shown = text_of(element);
                assert!(shown.chars().count() <= 8_000, "{name}: {} characters", shown.chars().count());
                assert!(!shown.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')), "{name}");
            }
        });
        assert!(elements < 2_500, "{name}: {elements} elements");
    }
}

#[test]
fn no_picture_is_on_the_page_that_nobody_asked_for() {
    let (_, model) = hostile().into_iter().find(|(name, _)| name.contains("hostile pictures")).unwrap();
    let mut shown = Vec::new();
    let mut offered = 0;
    let mut count = |element: &Html| {
        if element.tag == "img" {
            shown.push(attribute(element, "src").unwrap_or_default().to_owned());
        }
        offered += usize::from(attribute(element, "data-testid") == Some("media-show"));
    };
    each(&view(&model).into(), &mut count);
    assert_eq!((shown, offered), (vec!["blob:c".to_owned()], 1));
    let never = Model { media: crate::model::Media::Never, ..model };
    let mut media = 0;
    each(&view(&never).into(), &mut |element| {
        media += usize::from(attribute(element, "class").is_some_and(|class| class.contains("media")));
    });
    assert_eq!(media, 0, "they stay links");
}

fn welcome_screens() -> Vec<(String, Model)> {
    let nsec = Secret::new("nsec1".to_owned());
    let steps = [
        WelcomeStep::Node,
        WelcomeStep::Key(KeyStep::Choose),
        WelcomeStep::Key(KeyStep::Made { nsec: nsec.clone(), saved: false }),
        WelcomeStep::Key(KeyStep::Made { nsec: nsec.clone(), saved: true }),
        WelcomeStep::Key(KeyStep::Import {
            nsec: nsec.clone(),
            passphrase: Secret::default(),
            opening: false,
            told_hex: true,
        }),
        WelcomeStep::Key(KeyStep::Import {
            nsec: Secret::new("ncryptsec1x".to_owned()),
            passphrase: nsec,
            opening: true,
            told_hex: false,
        }),
        WelcomeStep::Key(KeyStep::Proving),
        WelcomeStep::Name,
    ];
    let phases = [
        (Phase::Opening, None),
        (Phase::Waiting, Some(Trouble::NoAnswer)),
        (Phase::Greeted(greeting(None)), None),
        (Phase::Greeted(greeting(Some(person(2)))), None),
    ];
    let mut screens = Vec::new();
    for (index, step) in steps.into_iter().enumerate() {
        for (phase, trouble) in phases.clone() {
            for token in [None, Some(ClaimToken([0; 16]))] {
                let error = Some("What, why, what to do.".into());
                let welcome = Onboarding {
                    step: step.clone(),
                    token,
                    error,
                    was_in_use: true,
                    ..Onboarding::default()
                };
                let mut model =
                    Model { stage: PersonStage::Welcome(welcome), me: Some(person(1)), ..Model::default() };
                model.connection.node = crate::address::NodeAddress::parse("127.0.0.1", false).ok();
                let name = format!("step {index}, {phase:?}, token {}", token.is_some());
                model.connection.failures = u32::from(trouble.is_some());
                model.connection.phase = phase.clone();
                model.connection.trouble.clone_from(&trouble);
                screens.push((name, model));
            }
        }
    }
    screens
}

fn element_of(node: &VNode<Message>) -> Option<&Html> {
    match node {
        VNode::Element(element) => Some(element),
        VNode::Shared(element) => Some(element),
        VNode::Text(_) => None,
    }
}

fn each(node: &VNode<Message>, visit: &mut impl FnMut(&Html)) {
    if let Some(element) = element_of(node) {
        visit(element);
        element.children.iter().for_each(|child| each(child, visit));
    }
}

fn each_of_every_screen(mut visit: impl FnMut(&str, &Html)) {
    for (name, model) in screens() {
        each(&view(&model).into(), &mut |element| visit(&name, element));
    }
}

fn attribute<'a>(element: &'a Html, name: &str) -> Option<&'a str> {
    element.attributes.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_ref())
}

fn text_of(element: &Html) -> String {
    let texts = element.children.iter().map(|child| match child {
        VNode::Text(text) => text.to_string(),
        VNode::Element(element) => text_of(element),
        VNode::Shared(element) => text_of(element),
    });
    texts.collect()
}

#[test]
fn every_button_and_link_has_a_name_and_every_field_a_label() {
    each_of_every_screen(|screen, element| {
        let named = !text_of(element).trim().is_empty() || attribute(element, "aria-label").is_some();
        match element.tag {
            "button" => {
                assert!(named, "{screen}: {element:?}");
                assert!(attribute(element, "type").is_some(), "{screen}: {element:?}");
            }
            "a" => assert!(named && attribute(element, "href").is_some(), "{screen}: {element:?}"),
            "input" | "textarea" => {
                assert!(attribute(element, "id").is_some(), "{screen}: {element:?}");
            }
            _ => {}
        }
    });
}

#[test]
fn nothing_runs_and_nothing_is_styled_through_attributes() {
    each_of_every_screen(|screen, element| {
        for (name, value) in &element.attributes {
            assert!(!name.starts_with("on") && *name != "style", "{screen}: {name}");
            if *name == "href" {
                let safe =
                    value.starts_with('#') || value.starts_with("https://") || value.starts_with("http://");
                assert!(safe, "{screen}: {value}");
            }
        }
        assert!(!matches!(element.tag, "script" | "iframe" | "object" | "style"), "{screen}");
        if element.tag == "img" {
            let source = attribute(element, "src").unwrap_or_default();
            assert!(source.starts_with("blob:"), "{screen}: {source} was not loaded by somebody's wish");
            assert!(attribute(element, "alt").is_some(), "{screen}");
        }
    });
}

#[test]
fn keys_and_ids_are_unique_among_siblings_and_on_the_page() {
    for (screen, model) in screens() {
        let mut ids = BTreeMap::new();
        each(&view(&model).into(), &mut |element| {
            if let Some(id) = attribute(element, "id") {
                assert!(ids.insert(id.to_owned(), ()).is_none(), "{screen}: {id} twice");
            }
            let mut keys = BTreeMap::new();
            for child in &element.children {
                if let Some(child) = element_of(child)
                    && let Some(key) = &child.key
                {
                    assert!(keys.insert((child.tag, key.clone()), ()).is_none(), "{screen}: {key} twice");
                }
            }
            let mut attributes = BTreeMap::new();
            for (name, _) in &element.attributes {
                assert!(attributes.insert(*name, ()).is_none(), "{screen}: {name} twice in {element:?}");
            }
        });
    }
}

#[test]
fn a_screen_has_one_heading_of_the_first_rank_and_one_main() {
    for (screen, model) in screens().into_iter().skip(1) {
        let (mut headings, mut mains) = (0, 0);
        each(&view(&model).into(), &mut |element| match element.tag {
            "h1" => headings += 1,
            "main" => mains += 1,
            _ => {}
        });
        assert_eq!((headings, mains), (1, 1), "{screen}");
    }
}

#[test]
fn only_what_changed_is_drawn_again_and_nothing_else_is_kept() {
    let shared = |html: &Html| {
        let mut posts = Vec::new();
        each(&html.clone().into(), &mut |element| {
            posts.extend(element.children.iter().filter_map(|child| match child {
                VNode::Shared(post) => Some(std::rc::Rc::clone(post)),
                _ => None,
            }));
        });
        posts
    };
    let mut model = in_use();
    let mut view = View::default();
    let before = shared(&view.draw(&model));
    assert_eq!(before.len(), 4);
    let same = |after: &[std::rc::Rc<Html>]| {
        let same = |(one, other)| std::rc::Rc::ptr_eq(one, other);
        before.iter().zip(after).map(same).collect::<Vec<bool>>()
    };
    model.compose.text = "typing".into();
    assert_eq!(same(&shared(&view.draw(&model))), [true; 4]);
    let (place, _) = model.timeline.posts().nth(1).unwrap();
    let id = place.id;
    model.timeline.unfolded.toggle(id);
    assert_eq!(same(&shared(&view.draw(&model))), [true, false, true, true]);
    model.people.take(&profile(3, r#"{"name":"Cy"}"#));
    assert_eq!(same(&shared(&view.draw(&model))), [true, false, true, false], "the name stands in one more");
    let fresh = format!("{:?}", super::view(&model));
    assert_eq!(format!("{:?}", view.draw(&model)), fresh, "what is remembered is what would be drawn");
    model.timeline.clear();
    view.draw(&model);
    assert!(view.posts.is_empty());
}

#[test]
fn a_page_in_japanese_says_nothing_in_english() {
    let english: Vec<&str> = texts::all()
        .filter(|(name, _)| !texts::SAME.contains(name))
        .map(|(_, words)| words.say(Language::English))
        .collect();
    let mut said = 0;
    for (screen, model) in screens() {
        let model = Model { chosen_language: Some(Language::Japanese), notice: None, ..model };
        each(&view(&model).into(), &mut |element| {
            let labels = ["aria-label", "title", "placeholder"].map(|name| attribute(element, name));
            let words = element.children.iter().map(|child| match child {
                VNode::Text(text) => Some(text.as_ref()),
                _ => None,
            });
            for text in labels.into_iter().chain(words).flatten() {
                assert!(!english.contains(&text), "{screen}: {text}");
                said += 1;
            }
        });
    }
    assert!(said > 1_000);
}

#[test]
fn a_strangers_markup_is_text() {
    let mut found = false;
    each_of_every_screen(|_, element| {
        if attribute(element, "data-testid") == Some("post-text") && text_of(element).contains("onerror") {
            found = true;
            assert_eq!(attribute(element, "dir"), Some("auto"));
            assert!(!text_of(element).contains('\u{0}'));
        }
    });
    assert!(found);
}
