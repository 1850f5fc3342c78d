//! Several ways to the node: which is tried when, which is taken, and what follows when it dies.

use nostrp2p_protocol::{channel::ChannelKey, frame::Ways};

use super::*;
use crate::{
    address::ways::Home,
    model::connection::{Pill, Trouble},
};

const PEER: PeerId = PeerId::from_ed25519([3; 32]);
const KEY: ChannelKey = ChannelKey::from_bytes([7; 32]);

/// A page of person 1 that was in use before and knows the way home: by two helpers.
fn settings(node: Option<&str>) -> StoredSettings {
    let address = |text: &str| NodeAddress::parse(text, true).unwrap();
    let helpers = vec![address("wss://one.example"), address("wss://two.example:8443")];
    let home = Some(Home { peer: PEER, key: KEY, addresses: vec![], helpers });
    let cursor = Some(Cursor { store: STORE, after: 40 });
    StoredSettings { home, cursor, node: node.map(address), ..StoredSettings::default() }
}

fn open(settings: StoredSettings) -> Rig {
    Rig::open("", Some(1), Snapshot { settings, ..Snapshot::default() })
}

/// The sockets that were opened since one looked last: attempt and address.
fn opened(rig: &mut Rig) -> Vec<(u32, String)> {
    let mut opened = Vec::new();
    for effect in std::mem::take(&mut rig.effects) {
        match effect {
            Effect::Connect { attempt, url, channel } => {
                assert_eq!(channel.is_some(), url.contains("/to/"), "{url}");
                assert!(channel.is_none_or(|channel| channel == (PEER, KEY)));
                opened.push((attempt, url));
            }
            other => rig.effects.push(other),
        }
    }
    opened
}

fn say(rig: &mut Rig, attempt: u32, event: SocketEvent) {
    rig.give(Message::Socket { attempt, event });
}

fn welcome(peer: PeerId, owner: u8) -> SocketEvent {
    SocketEvent::Frame(std::rc::Rc::new(super::welcome(peer, Some(owner))))
}

fn log_in_by(rig: &mut Rig, attempt: u32) {
    say(rig, attempt, SocketEvent::Opened);
    say(rig, attempt, welcome(PEER, 1));
    rig.prove(1);
    rig.log_in(1, 40);
}

#[test]
fn the_straight_way_has_a_head_start_and_wins_at_home() {
    let mut rig = open(settings(None));
    let tried = opened(&mut rig);
    assert_eq!(tried.len(), 1);
    assert_eq!(tried[0].1, "ws://127.0.0.1:20001/client");
    rig.did(|effect| *effect == Effect::Wait(Timer::HeadStart, 300));
    log_in_by(&mut rig, tried[0].0);
    rig.did(|effect| *effect == Effect::Settle(tried[0].0));
    rig.give(Message::Timer(Timer::HeadStart));
    assert_eq!(opened(&mut rig), [], "no helper is bothered");
    assert_eq!(rig.model.connection.pill(), Pill::Connected);
}

#[test]
fn away_from_home_the_first_helper_that_answers_is_taken_and_the_login_is_for_the_key() {
    let mut rig = open(settings(None));
    let straight = opened(&mut rig)[0].0;
    rig.give(Message::Timer(Timer::HeadStart));
    let helpers = opened(&mut rig);
    let url = |helper: &str| format!("wss://{helper}/to/{PEER}");
    assert_eq!(
        helpers.iter().map(|(_, url)| url.clone()).collect::<Vec<_>>(),
        [url("one.example"), url("two.example:8443")]
    );
    say(&mut rig, helpers[1].0, SocketEvent::Opened);
    say(&mut rig, helpers[1].0, welcome(PEER, 1));
    rig.did(|effect| *effect == Effect::Settle(helpers[1].0));
    rig.prove(1);
    let proof = rig.sent().into_iter().find_map(|frame| match frame {
        ClientFrame::Login { proof, .. } => Some(proof.verify().unwrap()),
        _ => None,
    });
    let key = KEY.to_string();
    let checked = nostrp2p_protocol::login::check(&proof.unwrap(), &[9; 32], &key, NOW_MS / 1_000);
    assert_eq!(checked, Ok(()));
    rig.log_in(1, 40);
    assert_eq!(rig.model.connection.pill(), Pill::Helped);
    say(&mut rig, straight, welcome(PEER, 1));
    assert!(rig.model.connection.is_logged_in(), "the others are not heard any more");
}

#[test]
fn a_straight_way_that_fails_ends_the_head_start() {
    let mut rig = open(settings(None));
    let straight = opened(&mut rig)[0].0;
    say(&mut rig, straight, SocketEvent::Closed);
    assert_eq!(opened(&mut rig).len(), 2);
    assert_eq!(rig.model.connection.pill(), Pill::Connecting);
}

#[test]
fn when_a_way_dies_the_others_are_tried_at_once_and_the_place_is_kept() {
    let mut rig = open(settings(None));
    let straight = opened(&mut rig)[0].0;
    say(&mut rig, straight, SocketEvent::Closed);
    let helpers = opened(&mut rig);
    log_in_by(&mut rig, helpers[0].0);
    rig.sent();
    rig.write("on the train");
    rig.prove(1);
    let saving = rig.effects.iter().find_map(|effect| match effect {
        Effect::SaveOutgoing(id, _) => Some(*id),
        _ => None,
    });
    rig.give(Message::OutgoingSaved(saving.expect("it is stored first"), Ok(())));
    rig.effects.clear();
    say(&mut rig, helpers[0].0, SocketEvent::Closed);
    rig.did(|effect| *effect == Effect::Wait(Timer::Reconnect, 0));
    rig.give(Message::Timer(Timer::Reconnect));
    let straight = opened(&mut rig)[0].0;
    say(&mut rig, straight, SocketEvent::Closed);
    let helpers = opened(&mut rig);
    say(&mut rig, helpers[0].0, SocketEvent::Closed);
    log_in_by(&mut rig, helpers[1].0);
    let frames = rig.sent();
    assert!(frames.iter().any(|frame| matches!(frame, ClientFrame::Watch { after: 40, .. })), "{frames:?}");
    assert!(frames.iter().any(|frame| matches!(frame, ClientFrame::Publish { .. })), "{frames:?}");
}

#[test]
fn a_helper_that_cannot_help_is_quoted() {
    let mut rig = open(settings(None));
    let straight = opened(&mut rig)[0].0;
    say(&mut rig, straight, SocketEvent::Closed);
    let helpers = opened(&mut rig);
    let reason = "that node is not registered here".to_owned();
    say(&mut rig, helpers[1].0, SocketEvent::TurnedAway(reason.clone()));
    say(&mut rig, helpers[0].0, SocketEvent::Closed);
    let text = crate::view::network::trouble(&rig.model).unwrap();
    assert!(text.contains("two.example") && text.contains(&reason), "it says more than silence: {text}");
    // Until that helper itself is silent.
    rig.give(Message::Timer(Timer::Reconnect));
    let straight = opened(&mut rig)[0].0;
    say(&mut rig, straight, SocketEvent::Closed);
    let helpers = opened(&mut rig);
    say(&mut rig, helpers[1].0, SocketEvent::Closed);
    let text = crate::view::network::trouble(&rig.model).unwrap();
    assert!(!text.contains(&reason), "{text}");
}

#[test]
fn a_helper_that_ends_a_session_is_named_with_its_reason() {
    let mut rig = open(settings(None));
    let straight = opened(&mut rig)[0].0;
    say(&mut rig, straight, SocketEvent::Closed);
    let helper = opened(&mut rig)[0].0;
    log_in_by(&mut rig, helper);
    say(&mut rig, helper, SocketEvent::TurnedAway("used up".into()));
    let text = crate::view::network::trouble(&rig.model).unwrap();
    assert!(text.contains("one.example") && text.contains("used up"), "{text}");
}

#[test]
fn when_all_ways_fail_it_waits_and_says_why() {
    let mut rig = open(settings(None));
    let straight = opened(&mut rig)[0].0;
    say(&mut rig, straight, SocketEvent::Closed);
    let helpers = opened(&mut rig);
    say(&mut rig, helpers[0].0, SocketEvent::Impostor);
    assert_eq!(rig.model.connection.phase, Phase::Opening);
    say(&mut rig, helpers[1].0, SocketEvent::Closed);
    assert_eq!(rig.model.connection.phase, Phase::Waiting);
    assert_eq!(rig.model.connection.trouble, Some(Trouble::Impostor), "the gravest is told");
    let text = crate::view::network::trouble(&rig.model).unwrap();
    assert!(text.contains("one.example is not your node"), "{text}");
}

#[test]
fn a_strangers_node_at_the_address_of_home_is_passed_over() {
    let mut rig = open(settings(None));
    let straight = opened(&mut rig)[0].0;
    say(&mut rig, straight, SocketEvent::Opened);
    say(&mut rig, straight, welcome(PeerId::from_ed25519([8; 32]), 2));
    let helpers = opened(&mut rig);
    assert_eq!(helpers.len(), 2);
    log_in_by(&mut rig, helpers[0].0);
    assert!(rig.model.connection.is_logged_in());
}

#[test]
fn a_way_whose_end_does_not_let_one_in_loses_its_head_start() {
    let mut rig = open(settings(None));
    let straight = opened(&mut rig)[0].0;
    say(&mut rig, straight, SocketEvent::Opened);
    say(&mut rig, straight, welcome(PEER, 1));
    say(&mut rig, straight, SocketEvent::Closed);
    rig.give(Message::Timer(Timer::Reconnect));
    assert_eq!(opened(&mut rig).len(), 3, "all are tried alike");
}

#[test]
fn the_node_tells_its_ways_and_they_are_kept() {
    let mut rig = Rig::in_use(40);
    let told = Ways { key: KEY, addresses: vec![], helpers: vec!["wss://new.example".into()] };
    rig.frame(NodeFrame::Ways(told.clone()));
    let home = rig.model.connection.home.clone().unwrap();
    assert_eq!((home.peer, home.helpers[0].authority()), (PEER, "new.example"));
    assert!(rig.saved().contains(&StorageChange::Set(Setting::Home(Some(home)))));
    rig.effects.clear();
    rig.frame(NodeFrame::Ways(told));
    assert_eq!(rig.saved(), [], "nothing has changed");
}

#[test]
fn a_hosted_page_finds_the_node_by_a_claim_link_with_ways() {
    let link = format!("{CLAIM}&peer={PEER}&key={KEY}&way=wss://one.example");
    let mut rig = Rig::start(Start {
        environment: Environment {
            page: NodeAddress::of_page("https:", "page.example"),
            page_is_secure: true,
            ..environment()
        },
        fragment: link,
        snapshot: Ok(Snapshot::default()),
        me: None,
        typed: String::new(),
    });
    let page = opened(&mut rig);
    assert_eq!(page[0].1, "wss://page.example/client", "the page may be the node's own");
    say(&mut rig, page[0].0, SocketEvent::Closed);
    let helper = opened(&mut rig)[0].0;
    say(&mut rig, helper, SocketEvent::Opened);
    rig.did(|effect| *effect == Effect::Greet(helper));
    assert!(rig.model.welcome().is_some_and(|welcome| welcome.token.is_some()));
}
