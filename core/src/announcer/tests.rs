//! What is heard, kept, told and passed on.

use nostrp2p_protocol::{Network, SecretKey, Tag, delegation};

use super::*;
use crate::{EngineSettings, Input, twin::TWIN_SECONDS};

const NOW: u64 = 1_700_000_000;
/// In which what a neighbour or a node may tell comes back, in seconds.
const TEN_MINUTES: u64 = 600;
const NEIGHBOUR: PeerId = PeerId::from_ed25519([100; 32]);

/// A signature that anybody can make, but only over these bytes and for this node.
fn toy(peer: &PeerId, message: &[u8]) -> [u8; 64] {
    let mut signature = [1; 64];
    for (position, byte) in peer.as_ed25519().iter().chain(message).enumerate() {
        let place: &mut u8 = &mut signature[position % 64];
        *place = place.wrapping_mul(31).wrapping_add(*byte);
    }
    signature
}

fn announcer_of(peer: PeerId, helper: Option<String>) -> Announcer {
    let sign = Box::new(move |message: &[u8]| toy(&peer, message));
    let verify = |peer: &PeerId, message: &[u8], signature: &[u8; 64]| *signature == toy(peer, message);
    Announcer::new(NodeKey { peer, sign, verify }, helper, 7, [1; 8])
}

fn peer(node: u8) -> PeerId {
    PeerId::from_ed25519([node; 32])
}

fn announcer(node: u8) -> Announcer {
    announcer_of(peer(node), None)
}

fn core() -> Core {
    Core::new(EngineSettings::default(), None)
}

/// A core that is connected to these nodes, each from another network.
fn connected(nodes: &[u8]) -> Core {
    let mut core = core();
    for node in nodes {
        core.handle(Input::PeerConnected(peer(*node), Network::V4([*node, 0])), NOW);
    }
    core
}

fn hear(announcer: &mut Announcer, bytes: Vec<u8>) -> Result<News, Unheard> {
    announcer.hear(NEIGHBOUR, bytes, &core(), NOW)
}

fn delegation_for(node: u8) -> Delegation {
    let key = SecretKey::from_bytes([9; 32]).unwrap();
    Delegation::from_event(delegation::draft(&peer(node), NOW).sign(&key, &[0; 32])).unwrap()
}

/// What a node says that did not exist before; `issued_at` is as late as it may be.
fn invented(number: u32) -> Vec<u8> {
    let mut key = [1; 32];
    key[..4].copy_from_slice(&number.to_be_bytes());
    announcer_of(PeerId::from_ed25519(key), None).own(vec![], None, NOW + 900)
}

#[test]
fn after_the_clock_was_set_back_a_node_is_heard_by_all() {
    const YEAR: u64 = 365 * 86_400;
    let (mut wrong, mut other, mut newcomer) = (announcer(1), announcer(2), announcer(3));
    wrong.own(vec![], None, NOW + YEAR);
    let ahead = wrong.own(vec![], None, NOW + YEAR);
    assert!(other.hear(NEIGHBOUR, ahead, &core(), NOW + YEAR).is_ok());
    let right = wrong.own(vec![], None, NOW);
    assert!(hear(&mut newcomer, right.clone()).is_ok());
    assert!(hear(&mut other, right).is_ok(), "also by whoever shared the wrong time");
    assert_eq!(wrong.twin(NOW), None);
}

#[test]
fn another_node_with_the_same_key_is_noticed_and_an_earlier_run_is_not() {
    let (mut first, mut copy) = (announcer(1), announcer(1));
    let earlier = first.own(vec![], None, NOW - 100);
    copy.own(vec![], None, NOW - 90);
    assert_eq!(hear(&mut copy, earlier.clone()).err(), Some(Unheard::Stale));
    let mut restarted = announcer(1);
    restarted.twin.sign(NOW - 99);
    assert_eq!(hear(&mut restarted, earlier).err(), Some(Unheard::Overtaken));
    assert_eq!((copy.twin(NOW), restarted.twin(NOW)), (None, None));
    let later = copy.own(vec![], None, NOW - 40);
    assert_eq!(hear(&mut first, later).err(), Some(Unheard::Overtaken));
    assert_eq!(first.twin(NOW + 1), Some(NOW));
    assert_eq!(first.twin(NOW + TWIN_SECONDS), None, "it is gone");
    let mine = first.own(vec![], None, NOW - 30);
    assert_eq!(hear(&mut copy, mine).err(), Some(Unheard::Overtaken));
    assert!(copy.twin(NOW).is_some(), "both notice");
}

#[test]
fn a_run_that_is_shown_the_statement_of_another_notices_it() {
    let (mut first, mut copy) = (announcer(1), announcer(1));
    copy.twin = Twin::new([2; 8]);
    let earlier = first.say_run(None, NOW - 100);
    assert_eq!(first.say_run(Some(&earlier), NOW - 90).run, earlier.run);
    assert_eq!(first.twin(NOW), None, "its own word");
    copy.say_run(Some(&earlier), NOW - 50);
    assert_eq!(copy.twin(NOW), None, "an earlier run may have said so");
    let going_on = first.say_run(None, NOW - 40);
    for forged in [
        RunStatement { sig: [0; 64], ..going_on },
        RunStatement { issued_at: NOW - 30, ..going_on },
        announcer(2).say_run(None, NOW),
    ] {
        copy.say_run(Some(&forged), NOW);
        assert_eq!(copy.twin(NOW), None, "{forged:?}");
    }
    let mut ahead = announcer(1);
    copy.say_run(Some(&ahead.say_run(None, NOW + 86_400)), NOW);
    assert_eq!(copy.twin(NOW), None, "nobody can have said so yet");
    let answer = copy.say_run(Some(&going_on), NOW);
    assert_eq!(copy.twin(NOW), Some(NOW));
    first.say_run(Some(&answer), NOW);
    assert_eq!(first.twin(NOW), Some(NOW), "both notice");
}

#[test]
fn an_announcement_is_heard_once_and_told_on() {
    let mut first = announcer(1);
    assert_eq!(first.known(&core()), Vec::<Vec<u8>>::new(), "nothing was said yet");
    let bytes = first.own(vec!["/ip4/1.2.3.4/tcp/1".into()], Some(&delegation_for(1)), NOW);
    assert_eq!(first.known(&core()), std::slice::from_ref(&bytes), "a node tells of itself too");
    assert_eq!(first.known_of(&[delegation_for(1).owner()]), first.known(&core()));
    let mut other = announcer(2);
    let news = hear(&mut other, bytes.clone()).ok().unwrap();
    assert_eq!(news.peer, peer(1));
    assert_eq!(news.delegation, Some(delegation_for(1)));
    assert_eq!(other.addresses_of(&peer(1)), ["/ip4/1.2.3.4/tcp/1"]);
    assert_eq!(hear(&mut other, bytes.clone()).err(), Some(Unheard::Stale));
    assert_eq!(other.known_of(&[delegation_for(1).owner()]), other.known(&core()));
    assert_eq!(other.known_of(&[PublicKey::from_bytes([1; 32])]), Vec::<Vec<u8>>::new());
    assert_eq!(other.known(&core()), [bytes]);
}

#[test]
fn what_the_directory_has_lost_is_recalled_for_the_people_who_are_sought() {
    let mut other = announcer(2);
    let bytes = announcer(1).own(vec!["/ip4/1.2.3.4/tcp/1".to_owned()], Some(&delegation_for(1)), NOW);
    assert!(hear(&mut other, bytes).is_ok());
    let recalled = other.recall(&[delegation_for(1).owner(), PublicKey::from_bytes([1; 32])]);
    let [news] = &recalled[..] else { unreachable!("{recalled:?}") };
    assert_eq!((news.peer, news.delegation.as_ref()), (peer(1), Some(&delegation_for(1))));
    assert!(other.recall(&[PublicKey::from_bytes([1; 32])]).is_empty());
}

#[test]
fn what_a_neighbour_tells_again_is_learned_if_the_directory_has_lost_it() {
    let (mut other, mut core) = (announcer(2), core());
    let bytes = announcer(1).own(vec![], Some(&delegation_for(1)), NOW);
    assert!(hear(&mut other, bytes.clone()).is_ok());
    let mut told = |bytes: &Vec<u8>, core: &Core| other.hear_told(NEIGHBOUR, bytes.clone(), core, NOW);
    let again = told(&bytes, &core).ok().unwrap();
    assert_eq!((again.peer, &again.delegation), (peer(1), &Some(delegation_for(1))));
    let changed = announcer(1).own(vec!["/ip4/1.2.3.4/tcp/1".into()], Some(&delegation_for(1)), NOW);
    assert_eq!(told(&changed, &core).err(), Some(Unheard::Stale), "its signature was not checked");
    let crowd = (0..700).filter(|_| told(&bytes, &core).is_ok());
    assert!(crowd.count() < 600, "it counts like news");
    core.handle(Input::Delegated(delegation_for(1), NEIGHBOUR), NOW);
    assert_eq!(told(&bytes, &core).err(), Some(Unheard::Stale), "the directory has it");
}

#[test]
fn one_neighbour_cannot_tell_inventions_without_end() {
    let mut other = announcer(200);
    let heard = (0..700).filter(|number| other.hear(peer(1), invented(*number), &core(), NOW).is_ok());
    assert_eq!(heard.count(), 600);
    assert_eq!(other.hear(peer(1), invented(700), &core(), NOW).err(), Some(Unheard::Crowded));
    assert!(other.hear(peer(2), invented(700), &core(), NOW).is_ok(), "others are heard");
    let later = NOW + TEN_MINUTES;
    assert!(other.hear(peer(1), invented(701), &core(), later).is_ok(), "and so is it, later");
}

#[test]
fn what_a_crowded_neighbour_tells_of_who_is_connected_or_needed_is_heard() {
    let mut other = announcer(200);
    let owner = delegation_for(4).owner();
    let mut core = Core::new(EngineSettings::default(), Some(owner));
    core.handle(Input::PeerConnected(peer(3), Network::Unknown), NOW);
    (0..700).for_each(|number| drop(other.hear(peer(1), invented(number), &core, NOW)));
    let [met, own, stranger] = [(3, None), (4, Some(delegation_for(4))), (5, None)]
        .map(|(node, word)| announcer(node).own(vec![], word.as_ref(), NOW));
    assert!(other.hear(peer(1), met, &core, NOW).is_ok());
    assert!(other.hear(peer(1), own, &core, NOW).is_ok());
    assert_eq!(other.hear(peer(1), stranger, &core, NOW).err(), Some(Unheard::Crowded));
}

#[test]
fn a_node_that_invents_displaces_its_inventions_and_no_neighbour() {
    let (mut other, core) = (announcer(200), connected(&[1, 2, 3]));
    for node in 1..=3 {
        other.hear(peer(node), announcer(node).own(vec![], None, NOW), &core, NOW).ok().unwrap();
    }
    for honest in 20..60 {
        other.hear(peer(1), announcer(honest).own(vec![], None, NOW), &core, NOW).ok().unwrap();
    }
    for window in 0..20 {
        let now = NOW + window * TEN_MINUTES;
        let numbers = u32::try_from(window).unwrap() * 1_000;
        (numbers..numbers + 600).for_each(|number| {
            let mut key = [1; 32];
            key[..4].copy_from_slice(&number.to_be_bytes());
            let bytes = announcer_of(PeerId::from_ed25519(key), None).own(vec![], None, now + 900);
            drop(other.hear(peer(2), bytes, &core, now));
        });
    }
    assert_eq!((other.heard_of(), other.sources.len()), (MAX_KEPT, MAX_KEPT));
    assert!((1..=3).chain(20..60).all(|node| other.heard.contains_key(&peer(node))));
    // Two sources with inventions and honest nodes take turns behind those that are connected.
    let told = other.known(&core);
    let of = |bytes: &Vec<u8>| SignedAnnouncement::decode(bytes).unwrap().announcement.peer;
    assert_eq!(told.len(), MAX_ANNOUNCEMENTS);
    assert!((1..=3).all(|node| told.iter().take(3).any(|bytes| of(bytes) == peer(node))));
    let honest = told.iter().filter(|bytes| (20..60).any(|node| of(bytes) == peer(node))).count();
    assert_eq!(honest, 40, "all that the other neighbour has told");
}

#[test]
fn the_larger_the_network_the_rarer_each_announces_itself() {
    let minutes = |known| announce_every(known).as_secs() / 60;
    assert_eq!([0, 999, 1_999, 2_000, 10_000].map(minutes), [30, 30, 30, 60, 300]);
    assert_eq!(minutes(1_000_000), 24 * 60);
}

#[test]
fn a_helper_is_heard_of_with_its_address() {
    let address = "wss://helper.example".to_owned();
    let mut helper = announcer_of(peer(1), Some(address.clone()));
    let news = hear(&mut announcer(2), helper.own(vec![], None, NOW)).ok().unwrap();
    assert_eq!(news.helper, Some(address));
}

#[test]
fn a_node_that_restarts_within_a_second_is_heard_again() {
    let (mut before, mut other) = (announcer(1), announcer(2));
    for _ in 0..3 {
        assert!(hear(&mut other, before.own(vec![], None, NOW)).is_ok());
    }
    let mut restarted = announcer(1);
    assert_eq!(hear(&mut other, restarted.own(vec![], None, NOW)).err(), Some(Unheard::Stale));
    let told = other.known(&core()).remove(0);
    assert_eq!(hear(&mut restarted, told.clone()).err(), Some(Unheard::Overtaken));
    assert_eq!(hear(&mut restarted, told).err(), Some(Unheard::Stale));
    assert!(hear(&mut other, restarted.own(vec![], None, NOW)).is_ok());
}

#[test]
fn a_node_that_announces_itself_all_the_time_is_kept_and_not_passed_on() {
    let (mut chatty, mut other) = (announcer(1), announcer(2));
    let heard: Vec<News> =
        (0..20).map(|_| hear(&mut other, chatty.own(vec![], None, NOW)).ok().unwrap()).collect();
    assert_eq!(heard.iter().filter(|news| news.pass_on).count(), 8);
    assert_eq!(other.known(&core()), [chatty.said.clone()], "the newest is told to who asks");
    let later = NOW + TEN_MINUTES;
    let news = other.hear(NEIGHBOUR, chatty.own(vec![], None, later), &core(), later);
    assert!(news.ok().unwrap().pass_on);
}

#[test]
fn forgeries_and_stolen_delegations_are_noticed() {
    let mut other = announcer(2);
    let mut changed = announcer(1).own(vec![], None, NOW);
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(hear(&mut other, changed).err(), Some(Unheard::Forged));
    let stolen = announcer(3).own(vec![], Some(&delegation_for(1)), NOW);
    assert_eq!(hear(&mut other, stolen).err(), Some(Unheard::Forged));
    assert_eq!(hear(&mut other, vec![0; 9]).err(), Some(Unheard::Forged));
    assert_eq!(other.known(&core()), Vec::<Vec<u8>>::new());
}

#[test]
fn a_delegation_that_reaches_too_far_ahead_is_not_passed_on_and_nobody_is_blamed() {
    let key = SecretKey::from_bytes([9; 32]).unwrap();
    let mut draft = delegation::draft(&peer(1), NOW);
    draft.tags[1] = Tag::new(["expiration", "253370764800"]);
    let word = Delegation::from_event(draft.sign(&key, &[0; 32])).unwrap();
    let mut other = announcer(2);
    assert_eq!(hear(&mut other, announcer(1).own(vec![], Some(&word), NOW)).err(), Some(Unheard::Stale));
    assert_eq!(other.heard_of(), 0);
}

#[test]
fn announcements_of_another_time_are_passed_over() {
    let mut other = announcer(2);
    for issued_at in [NOW - HORIZON_SECONDS - 1, NOW + 901] {
        let bytes = announcer(1).own(vec![], None, issued_at);
        assert_eq!(hear(&mut other, bytes).err(), Some(Unheard::Stale));
    }
}
