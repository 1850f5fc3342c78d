//! Links and other nodes: nothing happens without the person's word, and what happens after it.

use nostrp2p_protocol::{channel::ChannelKey, delegation, login};

use super::*;
use crate::model::signing::KeyTask;
use crate::model::{
    connection::Trouble,
    offer::{OfferStep, Wish},
};

const OTHER: PeerId = PeerId::from_ed25519([8; 32]);
const ELSEWHERE: &str = "ws://elsewhere.example:20001";

/// A page of person 1 in use, opened at this address, with what it did before it was logged in.
fn in_use_at(fragment: &str) -> Rig {
    let settings = StoredSettings {
        cursor: Some(Cursor { store: STORE, after: 5 }),
        pin: Some((OWN, public(1))),
        ..StoredSettings::default()
    };
    Rig::open(fragment, Some(1), Snapshot { settings, ..Snapshot::default() })
}

fn visited(rig: &Rig) -> Vec<String> {
    let urls = rig.effects.iter().filter_map(|effect| match effect {
        Effect::Visit { url, .. } => Some(url.clone()),
        _ => None,
    });
    urls.collect()
}

fn connected(rig: &Rig) -> Vec<String> {
    let urls = rig.effects.iter().filter_map(|effect| match effect {
        Effect::Connect { url, .. } => Some(url.clone()),
        _ => None,
    });
    urls.collect()
}

/// The other node says something.
fn say(rig: &mut Rig, frame: NodeFrame) {
    let attempt =
        rig.model.offer.as_ref().and_then(|offer| offer.attempt).expect("a socket to the other node");
    let frame = NodeFrame::decode(&frame.encode()).unwrap();
    rig.give(Message::Socket { attempt, event: SocketEvent::Frame(std::rc::Rc::new(frame)) });
}

fn look(rig: &mut Rig) {
    rig.give(Message::Offer(Choice::Look));
    let attempt =
        rig.model.offer.as_ref().and_then(|offer| offer.attempt).expect("a socket to the other node");
    rig.give(Message::Socket { attempt, event: SocketEvent::Opened });
    rig.did(|effect| *effect == Effect::Greet(attempt));
}

/// What was sent to the other node since one looked last.
fn told(rig: &mut Rig) -> Vec<ClientFrame> {
    let mut frames = Vec::new();
    for effect in std::mem::take(&mut rig.effects) {
        match effect {
            Effect::SendVisited(frame) => frames.push(frame),
            other => rig.effects.push(other),
        }
    }
    frames
}

/// Says yes to a node of person 1, which takes everything.
fn join(rig: &mut Rig, wish: Wish) {
    rig.give(Message::Offer(Choice::Join(wish)));
    rig.prove(1);
    say(rig, NodeFrame::LoggedIn { request: 1, owner: public(1), store: 99, newest: 3 });
    rig.prove(1);
    let frames = told(rig);
    let [.., ClientFrame::Publish { event, .. }] = &frames[..] else { panic!("{frames:?}") };
    assert!(delegation::is_delegation(&event.unsigned));
    let id = event.clone().verify().unwrap().id();
    say(rig, NodeFrame::Published { request: 2, id, sequence: 1, carried: Carried::Kept });
}

#[test]
fn a_link_does_nothing_in_a_page_in_use_but_show_a_sheet() {
    let key = "07".repeat(32);
    for link in [
        format!("#node={ELSEWHERE}"),
        format!("{CLAIM}&node={ELSEWHERE}"),
        format!("#peer={OTHER}&key={key}&way=wss://evil.example"),
        format!("{CLAIM}&peer={OTHER}&key={key}&way=wss://evil.example"),
    ] {
        for opened_with_it in [true, false] {
            let mut rig = in_use_at(if opened_with_it { &link } else { "" });
            if !opened_with_it {
                rig.give(Message::Browser(BrowserNews::Fragment(link.clone())));
            }
            assert!(rig.model.offer.is_some(), "{link}");
            rig.did(|effect| matches!(effect, Effect::Replace(fragment) if &**fragment == "#/"));
            assert_eq!(connected(&rig), ["ws://127.0.0.1:20001/client"], "{link}");
            assert_eq!(visited(&rig), Vec::<String>::new(), "{link}");
            assert_eq!(rig.saved(), [], "{link}");
            assert!(
                !rig.effects.iter().any(|effect| matches!(effect, Effect::UseKey(KeyTask::Sign(..)))),
                "{link}"
            );
            // Meanwhile the own node is used as ever.
            rig.greet(Some(1));
            rig.prove(1);
            rig.log_in(1, 5);
            assert!(rig.model.connection.is_logged_in() && rig.model.offer.is_some());
        }
    }
}

#[test]
fn declining_changes_nothing_in_memory_or_storage() {
    for looked in [false, true] {
        let mut rig = Rig::in_use(5);
        let before = format!("{:?}", rig.model.connection);
        rig.give(Message::Browser(BrowserNews::Fragment(format!("{CLAIM}&node={ELSEWHERE}"))));
        if looked {
            look(&mut rig);
            say(&mut rig, welcome(OTHER, None));
            // The attempts are counted, so that no socket is taken for another one.
            rig.model.connection.last_attempt = rig.model.connection.attempt;
        }
        rig.give(Message::Offer(Choice::Stay));
        assert!(rig.model.offer.is_none());
        assert_eq!(format!("{:?}", rig.model.connection), before);
        assert_eq!(rig.saved(), []);
        assert_eq!((rig.sent(), told(&mut rig)), (vec![], vec![]));
        assert!(
            !rig.effects
                .iter()
                .any(|effect| matches!(effect, Effect::Connect { .. } | Effect::UseKey(KeyTask::Sign(..))))
        );
        rig.did(|effect| *effect == Effect::Leave);
    }
}

#[test]
fn a_node_is_looked_at_with_a_nonce_alone_and_only_when_the_person_wants_to() {
    let mut rig = Rig::in_use(5);
    rig.give(Message::Browser(BrowserNews::Fragment(format!("#node={ELSEWHERE}"))));
    look(&mut rig);
    assert_eq!(visited(&rig), ["ws://elsewhere.example:20001/client"]);
    say(&mut rig, welcome(OTHER, Some(2)));
    let offer = rig.model.offer.clone().unwrap();
    assert!(matches!(&offer.step, OfferStep::Found(greeting) if greeting.peer == OTHER));
    rig.give(Message::Offer(Choice::Join(Wish::Move)));
    assert!(matches!(rig.model.offer.unwrap().step, OfferStep::Failed(_)), "it is another person's");
    assert!(
        !rig.effects
            .iter()
            .any(|effect| matches!(effect, Effect::SendVisited(_) | Effect::UseKey(KeyTask::Sign(..))))
    );
}

#[test]
fn a_second_node_is_added_and_this_page_stays_with_its_own() {
    let mut rig = Rig::in_use(5);
    rig.give(Message::Browser(BrowserNews::Fragment(format!("{CLAIM}&node={ELSEWHERE}"))));
    look(&mut rig);
    say(&mut rig, welcome(OTHER, None));
    rig.give(Message::Offer(Choice::Join(Wish::Add)));
    rig.prove(1);
    let frames = told(&mut rig);
    let [ClientFrame::Claim { proof, .. }] = &frames[..] else { panic!("{frames:?}") };
    let proof = proof.clone().verify().unwrap();
    assert_eq!(login::check(&proof, &[9; 32], "elsewhere.example:20001", NOW_MS / 1_000), Ok(()));
    assert_eq!(login::check_peer(&proof, &OTHER), Ok(()));
    say(&mut rig, NodeFrame::LoggedIn { request: 1, owner: public(1), store: 99, newest: 3 });
    rig.prove(1);
    let frames = told(&mut rig);
    let [ClientFrame::Publish { event, .. }] = &frames[..] else { panic!("{frames:?}") };
    let id = event.clone().verify().unwrap().id();
    say(&mut rig, NodeFrame::Published { request: 2, id, sequence: 1, carried: Carried::Kept });
    assert!(rig.model.offer.is_none() && rig.model.notice.is_some());
    assert!(rig.model.connection.is_logged_in());
    assert_eq!(rig.model.connection.pin, Some(OWN));
    assert_eq!((rig.saved(), connected(&rig)), (vec![], vec![]));
}

#[test]
fn moving_goes_over_once_the_other_node_has_taken_login_and_delegation() {
    let mut rig = Rig::in_use(5);
    rig.model.agreed = vec!["wss://relay.example".into()];
    rig.give(Message::Browser(BrowserNews::Fragment(format!("#node={ELSEWHERE}"))));
    look(&mut rig);
    say(&mut rig, welcome(OTHER, Some(1)));
    join(&mut rig, Wish::Move);
    let node = NodeAddress::parse(ELSEWHERE, false).ok();
    assert_eq!((rig.model.connection.pin, &rig.model.connection.node), (Some(OTHER), &node));
    assert!(rig.saved().contains(&StorageChange::Set(Setting::Pin(OTHER, public(1)))));
    assert!(rig.saved().contains(&StorageChange::Set(Setting::Node(node))));
    assert!(rig.model.agreed.is_empty(), "what was agreed to at the former node");
    assert_eq!(connected(&rig), ["ws://elsewhere.example:20001/client"]);
}

#[test]
fn a_link_that_names_a_node_leads_to_that_node_or_to_none() {
    let key = "07".repeat(32);
    let mut rig = Rig::in_use(5);
    rig.give(Message::Browser(BrowserNews::Fragment(format!("#node={ELSEWHERE}&peer={OTHER}&key={key}"))));
    look(&mut rig);
    say(&mut rig, welcome(PeerId::from_ed25519([5; 32]), Some(1)));
    assert!(matches!(rig.model.offer.unwrap().step, OfferStep::Failed(_)));
}

#[test]
fn another_id_at_the_known_address_is_an_alarm_and_never_a_change() {
    let mut rig = in_use_at("");
    rig.socket(SocketEvent::Opened);
    rig.frame(welcome(OTHER, Some(1)));
    assert_eq!(rig.model.connection.trouble, Some(Trouble::OtherNode(OTHER)));
    assert!(
        !rig.effects
            .iter()
            .any(|effect| matches!(effect, Effect::UseKey(KeyTask::Sign(..)) | Effect::Send(_)))
    );
    assert_eq!((rig.saved(), rig.model.connection.pin), (vec![], Some(OWN)));
    let said = crate::view::network::trouble(&rig.model).unwrap();
    for word in ["new data directory", "another node", "pass for", &OTHER.short(), &OWN.short()] {
        assert!(said.contains(word), "{word}: {said}");
    }
    // The person may go over to it: a new data directory.
    rig.give(Message::Link(crate::message::Link::Stranger));
    look(&mut rig);
    say(&mut rig, welcome(OTHER, Some(1)));
    join(&mut rig, Wish::Move);
    assert_eq!(rig.model.connection.pin, Some(OTHER));
}

#[test]
fn a_page_from_before_pins_once_what_its_stored_address_leads_to_and_says_so() {
    let mut rig = Rig::open(&format!("#node={ELSEWHERE}"), Some(1), Snapshot::default());
    assert_eq!(connected(&rig), ["ws://127.0.0.1:20001/client"]);
    rig.greet(Some(1));
    rig.prove(1);
    rig.log_in(1, 5);
    assert!(rig.saved().contains(&StorageChange::Set(Setting::Pin(OWN, public(1)))));
    assert!(rig.model.notice.as_ref().is_some_and(|notice| notice.contains(&OWN.short())));
    // From then on nothing else will do, and nothing more is said.
    rig.effects.clear();
    rig.model.notice = None;
    rig.socket(SocketEvent::Closed);
    rig.give(Message::Timer(Timer::Reconnect));
    rig.greet(Some(1));
    rig.prove(1);
    rig.log_in(1, 5);
    assert_eq!(rig.model.notice, None);
    assert!(!rig.saved().iter().any(|change| matches!(change, StorageChange::Set(Setting::Pin(..)))));
}

#[test]
fn by_a_foreign_name_everything_is_said_inside_of_a_channel() {
    let mut rig = in_use_at("");
    rig.socket(SocketEvent::Opened);
    let NodeFrame::Welcome(foreign) = welcome(OWN, None) else { panic!("a welcome") };
    rig.frame(NodeFrame::Welcome(Box::new(Welcome { own_name: false, ..*foreign })));
    let key = ChannelKey::from_bytes([7; 32]);
    rig.did(|effect| {
        matches!(effect, Effect::Connect { url, channel: Some(channel), .. }
            if url == "ws://127.0.0.1:20001/client?channel" && *channel == (OWN, key))
    });
    rig.greet(Some(1));
    rig.prove(1);
    let frames = rig.sent();
    let [ClientFrame::Login { proof, .. }] = &frames[..] else { panic!("{frames:?}") };
    let proof = proof.clone().verify().unwrap();
    assert_eq!(proof.tag_values("relay").next(), Some(format!("wss://{key}/client").as_str()));
}

#[test]
fn a_delegation_is_renewed_while_it_holds_and_else_waits_for_the_person() {
    let now = NOW_MS / 1_000;
    let signed = |rig: &Rig| {
        rig.effects
            .iter()
            .filter(|effect| matches!(effect, Effect::UseKey(KeyTask::Sign(Purpose::Delegation, _))))
            .count()
    };
    for (expires, signs, asks) in [
        (Some(now + delegation::RENEW_SECONDS + 1), 0, false),
        (Some(now + 60), 1, false),
        (Some(now - 1), 0, true),
        (None, 0, true),
    ] {
        let mut rig = Rig::in_use(5);
        rig.frame(NodeFrame::Delegated { expires });
        assert_eq!((signed(&rig), rig.model.connection.unsaid), (signs, asks), "{expires:?}");
        if asks {
            rig.give(Message::Link(crate::message::Link::Appoint));
            assert_eq!((signed(&rig), rig.model.connection.unsaid), (1, false));
        }
    }
}

#[test]
fn a_new_page_shows_the_node_of_a_link_and_takes_no_other_for_it() {
    let key = "07".repeat(32);
    let mut rig = Rig::open(&format!("{CLAIM}&peer={OTHER}&key={key}"), None, Snapshot::default());
    rig.did(|effect| matches!(effect, Effect::Replace(fragment) if &**fragment == "#/"));
    rig.greet(None);
    assert!(rig.model.connection.greeting().is_none(), "this is not the node of the link");
    assert_eq!(rig.model.connection.trouble, Some(Trouble::OtherNode(OWN)));
}
