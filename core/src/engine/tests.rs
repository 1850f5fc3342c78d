mod catching;
mod claiming;
mod clock;
mod mailing;
mod revoking;
mod timing;

use nostrp2p_protocol::{
    Delegation, EventId, EventTemplate, Kind, SecretKey, Signature, Tag,
    event_policy::Target,
    frame::{Carried, Delivery, RefusalCode},
    rpc::{OwnPage, RpcRequest},
};

use super::*;
use crate::{
    Rate,
    fetch::FetchTarget,
    limits::Limits,
    mailbox::Sender,
    outbox::{DeliveryKey, DeliveryState},
    own_nodes::OwnNodeCursor,
    stored::Inserted,
};

const NOW: u64 = 1_700_000_000;
const REQUEST: PublishId = PublishId(1);
const HEARD: GossipId = GossipId(2);
const OTHER: PeerId = PeerId::from_ed25519([9; 32]);

fn key(byte: u8) -> SecretKey {
    SecretKey::from_bytes([byte; 32]).unwrap()
}

fn event(author: u8, kind: Kind, tags: Vec<Tag>) -> Event {
    EventTemplate { created_at: NOW, kind, tags, content: "hello".into() }.sign(&key(author), &[0; 32])
}

fn post(author: u8) -> Event {
    event(author, Kind::POST, vec![])
}

/// A node that can neither sign nor check what nodes have signed, which these tests do not need.
fn engine(settings: EngineSettings, owner: Option<PublicKey>) -> Core {
    let sign = Box::new(|_: &[u8]| [0; 64]);
    let key = NodeKey { peer: PeerId::from_ed25519([77; 32]), sign, verify: |_, _, _| true };
    Core::new(settings, key, None, owner.map_or_else(Ownership::nobody, Ownership::Owned))
}

fn core() -> Core {
    engine(EngineSettings::default(), Some(key(1).public_key()))
}

/// A node with a neighbour who is nobody's.
fn connected() -> Core {
    let mut core = core();
    run(&mut core, Input::PeerConnected(PeerId::from_ed25519([200; 32]), Network::Unknown));
    core
}

fn packet(event: Event) -> Vec<u8> {
    Packet::Event(event.into()).encode()
}

/// Hands in an input, and signature checks until nothing waits; returns the remaining outputs.
fn run(core: &mut Core, input: Input) -> Vec<Output> {
    let mut rest = Vec::new();
    for output in core.handle(input, NOW) {
        match output {
            Output::Verify(number, event) => {
                rest.extend(run(core, Input::Verified(number, event.verify())));
            }
            Output::Commit(request, event, audience) => {
                rest.extend(run(core, Input::Committed(request, event, audience, Ok(Inserted::New(5)))));
            }
            output => rest.push(output),
        }
    }
    rest
}

#[track_caller]
fn refused(outputs: &[Output], code: RefusalCode) {
    assert!(matches!(outputs, [Output::Refuse(REQUEST, refusal)] if refusal.code == code), "{outputs:?}");
}

#[test]
fn a_heard_post_is_forwarded_and_stored_once() {
    let mut core = core();
    let accepted =
        vec![Output::ReportValidation(HEARD, Verdict::Accept), Output::Store(post(2), Sharing::Shared)];
    assert_eq!(run(&mut core, Input::Heard(HEARD, OTHER, packet(post(2)))), accepted);
    let seen = vec![Output::ReportValidation(HEARD, Verdict::Ignore(Ignored::Seen))];
    assert_eq!(run(&mut core, Input::Heard(HEARD, OTHER, packet(post(2)))), seen);
}

#[test]
fn the_same_post_twice_in_the_signature_check_is_stored_once() {
    let mut core = core();
    let check =
        |core: &mut Core| match core.handle(Input::Heard(HEARD, OTHER, packet(post(2))), NOW).remove(0) {
            Output::Verify(number, _) => number,
            other => panic!("{other:?}"),
        };
    let (first, second) = (check(&mut core), check(&mut core));
    assert_eq!(core.handle(Input::Verified(first, Ok(post(2))), NOW).len(), 2);
    let ignored = vec![Output::ReportValidation(HEARD, Verdict::Ignore(Ignored::Seen))];
    assert_eq!(core.handle(Input::Verified(second, Ok(post(2))), NOW), ignored);
}

#[test]
fn forgeries_and_rubbish_are_rejected_and_hide_nothing() {
    let mut core = core();
    let mut forged = UnverifiedEvent::from(post(2));
    forged.sig = Signature::from_bytes([1; 64]);
    let rejected = vec![Output::ReportValidation(HEARD, Verdict::Reject)];
    assert_eq!(run(&mut core, Input::Heard(HEARD, OTHER, Packet::Event(forged).encode())), rejected);
    assert_eq!(run(&mut core, Input::Heard(HEARD, OTHER, vec![0xff; 50])), rejected);
    assert_eq!(
        run(&mut core, Input::Heard(HEARD, OTHER, packet(post(2)))).len(),
        2,
        "the honest copy is still taken"
    );
}

#[test]
fn a_packet_of_a_later_version_costs_nobody_anything() {
    let unknown = vec![Output::ReportValidation(HEARD, Verdict::Unknown)];
    assert_eq!(run(&mut core(), Input::Heard(HEARD, OTHER, vec![0x91, 100])), unknown);
}

#[test]
fn the_owners_post_is_stored_and_then_broadcast() {
    let outputs = run(&mut connected(), Input::Publish(REQUEST, post(1).into(), Replies::Private));
    assert!(
        matches!(&outputs[..], [Output::Broadcast(REQUEST, id, Inserted::New(5), _)] if *id == post(1).id()),
        "{outputs:?}"
    );
}

#[test]
fn a_post_that_nobody_can_take_waits_in_the_store_for_the_first_neighbour() {
    let mut core = core();
    run(&mut core, Input::Started);
    let outputs = run(&mut core, Input::Publish(REQUEST, post(1).into(), Replies::Private));
    let kept = Output::Published(REQUEST, post(1).id(), Inserted::New(5), Carried::Broadcast(0));
    assert_eq!(outputs, [kept]);
    let connect = |n: u8| Input::PeerConnected(PeerId::from_ed25519([n; 32]), Network::Unknown);
    assert!(run(&mut core, connect(200)).contains(&Output::SendUnsent));
    assert!(!run(&mut core, connect(201)).contains(&Output::SendUnsent), "the first alone");
}

#[test]
fn an_own_post_enters_the_engine_twice() {
    let mut core = connected();
    let outputs = core.handle(Input::Publish(REQUEST, post(1).into(), Replies::Private), NOW);
    let [Output::Commit(REQUEST, event, audience)] = &outputs[..] else { panic!("{outputs:?}") };
    let committed = Input::Committed(REQUEST, event.clone(), audience.clone(), Ok(Inserted::New(5)));
    assert!(matches!(core.handle(committed, NOW)[..], [Output::Broadcast(..)]));
}

#[test]
fn what_a_repost_speaks_of_is_read_first_and_without_it_nothing_is_published() {
    let mut core = connected();
    let repost = event(1, Kind::REPOST, vec![Tag::new(["e", "x"])]);
    let outputs = core.handle(Input::Publish(REQUEST, repost.clone().into(), Replies::Private), NOW);
    assert_eq!(outputs, [Output::ReadTargets(REQUEST, repost.clone().into())]);
    refused(&run(&mut core, Input::Targets(REQUEST, repost.clone().into(), None)), RefusalCode::Internal);
    let known = Some(vec![Target::stored(post(2).into_rumor())]);
    let outputs = run(&mut core, Input::Targets(REQUEST, repost.into(), known));
    assert!(matches!(outputs[..], [Output::Broadcast(..)]), "{outputs:?}");
}

#[test]
fn a_reply_is_not_broadcast() {
    let reply = event(1, Kind::POST, vec![Tag::new(["p", &key(2).public_key().to_string()])]);
    let outputs = run(&mut connected(), Input::Publish(REQUEST, reply.clone().into(), Replies::Private));
    let retry = DeliveryState { state: Delivery::Waiting, retries: 1, since: NOW };
    let published = Output::Published(REQUEST, reply.id(), Inserted::New(5), Carried::Waiting(1));
    let neighbour = vec![PeerId::from_ed25519([200; 32])];
    assert_eq!(
        outputs,
        [
            published,
            Output::Record(address(2), retry),
            Output::LookUpNodes(neighbour, vec![key(2).public_key()])
        ],
        "nobody is known to act for the person, so neighbours are asked"
    );
}

#[test]
fn a_follow_list_is_kept() {
    let list = event(1, Kind::FOLLOW_LIST, vec![]);
    let outputs = run(&mut core(), Input::Publish(REQUEST, list.clone().into(), Replies::Private));
    assert_eq!(outputs, [Output::Published(REQUEST, list.id(), Inserted::New(5), Carried::Kept)]);
}

#[test]
fn what_the_owner_may_not_publish_is_refused_with_its_reason() {
    let refuse =
        |core: &mut Core, event: UnverifiedEvent| run(core, Input::Publish(REQUEST, event, Replies::Private));
    refused(&refuse(&mut core(), post(2).into()), RefusalCode::ForeignAuthor);
    refused(
        &refuse(&mut engine(EngineSettings::default(), None), post(1).into()),
        RefusalCode::ForeignAuthor,
    );
    refused(&refuse(&mut core(), event(1, Kind::LOGIN, vec![]).into()), RefusalCode::Unwanted);
    refused(&refuse(&mut core(), event(1, Kind::REACTION, vec![]).into()), RefusalCode::Malformed);
    let mut forged = UnverifiedEvent::from(post(1));
    forged.claimed_id = Some(post(2).id());
    refused(&refuse(&mut core(), forged), RefusalCode::Forged);
    let late =
        EventTemplate { created_at: NOW + 901, kind: Kind::POST, tags: vec![], content: String::new() };
    refused(&refuse(&mut core(), late.sign(&key(1), &[0; 32]).into()), RefusalCode::WrongTime);
    let long = EventTemplate { created_at: NOW, kind: Kind::POST, tags: vec![], content: "x".repeat(70_000) };
    refused(&refuse(&mut core(), long.sign(&key(1), &[0; 32]).into()), RefusalCode::TooLarge);
    let mut read_only =
        engine(EngineSettings { read_only: true, ..EngineSettings::default() }, Some(key(1).public_key()));
    refused(&refuse(&mut read_only, post(1).into()), RefusalCode::ReadOnly);
}

#[test]
fn a_tag_that_names_nobody_is_refused_and_named() {
    let reason = |kind: Kind, tags: Vec<Tag>| match &run(
        &mut core(),
        Input::Publish(REQUEST, event(1, kind, tags).into(), Replies::Private),
    )[..]
    {
        [Output::Refuse(REQUEST, refusal)] => {
            assert_eq!(refusal.code, RefusalCode::Malformed);
            refusal.reason.clone()
        }
        _ => String::new(),
    };
    let bob = || Tag::new(["p", &key(2).public_key().to_string()]);
    for kind in [Kind::POST, Kind::GIFT_WRAP] {
        assert!(reason(kind, vec![bob(), Tag::new(["p"])]).contains(r#"the tag ["p"] names nobody"#));
        assert!(reason(kind, vec![Tag::new(["p", ""])]).contains(r#"["p", ""]"#));
        assert!(
            reason(kind, vec![Tag::new(["p", "ABCDEFGHIJKLMNOP"])]).contains(r#"["p", "ABCDEFGHIJKL..."]"#)
        );
        assert!(!reason(kind, vec![Tag::new(["p", "nsec1abcdefgh"])]).contains("abc"), "it may be a secret");
        assert_eq!(reason(kind, vec![bob()]), "");
    }
    assert_eq!(reason(Kind::REACTION, vec![Tag::new(["p", "x"]), bob()]), "", "the last one counts");
    assert!(reason(Kind::REACTION, vec![bob(), Tag::new(["p", "x"])]).contains(r#"["p", "x"]"#));
    assert_eq!(
        reason(Kind::FOLLOW_LIST, vec![Tag::new(["p", "x"])]),
        "",
        "lists of other programs are as they are"
    );
}

#[test]
fn what_came_privately_is_not_made_public_and_what_is_public_is_passed_on() {
    let quote = || event(1, Kind::POST, vec![Tag::new(["q", "x"])]);
    let publish = |event: Event, target: Target| {
        run(&mut connected(), Input::Targets(REQUEST, event.into(), Some(vec![target])))
    };
    let private = || Target::stored(reply_to(1, 2).into_rumor());
    for kind in [Kind::REPOST, Kind(16)] {
        refused(&publish(event(1, kind, vec![]), private()), RefusalCode::Unwanted);
    }
    refused(&publish(quote(), private()), RefusalCode::Unwanted);
    let on_a_relay = Target { on_a_relay: true, ..private() };
    assert!(matches!(publish(quote(), on_a_relay)[..], [Output::Broadcast(..)]));
    assert!(matches!(publish(quote(), Target::stored(post(2).into_rumor()))[..], [Output::Broadcast(..)]));
    let answer = event(
        1,
        Kind::POST,
        vec![Tag::new(["p", &key(2).public_key().to_string()]), Tag::new(["q", "x"]), Tag::new(["e", "y"])],
    );
    assert!(matches!(publish(answer, private())[0], Output::Published(..)), "a private answer may quote");
}

#[test]
fn going_on_in_an_own_thread_is_public() {
    let own = event(
        1,
        Kind::POST,
        vec![Tag::new(["e", "x", "", "root"]), Tag::new(["p", &key(1).public_key().to_string()])],
    );
    let outputs = run(&mut connected(), Input::Publish(REQUEST, own.into(), Replies::Private));
    assert!(matches!(outputs[..], [Output::Broadcast(..)]), "{outputs:?}");
}

#[test]
fn what_waits_for_its_signature_check_is_bounded() {
    let mut core = core();
    let limits = Limits { strangers: Rate { burst: u32::MAX, per_hour: 1 }, ..Limits::default() };
    core.admission = Admission::new(limits, core.owner());
    for number in 0..MAX_PENDING {
        let draft =
            EventTemplate { created_at: NOW, kind: Kind::POST, tags: vec![], content: number.to_string() };
        let unsigned = draft.by(key(2).public_key());
        let event = UnverifiedEvent { claimed_id: None, unsigned, sig: Signature::from_bytes([0; 64]) };
        let outputs = core.handle(Input::Heard(HEARD, OTHER, Packet::Event(event).encode()), NOW);
        assert!(matches!(outputs[..], [Output::Verify(..)]));
    }
    let busy = vec![Output::ReportValidation(HEARD, Verdict::Ignore(Ignored::Busy))];
    assert_eq!(core.handle(Input::Heard(HEARD, OTHER, packet(post(3))), NOW), busy);
}

fn address(person: u8) -> DeliveryKey {
    DeliveryKey { sequence: 5, person: key(person).public_key() }
}

fn delegation(owner: u8, node: u8) -> Delegation {
    let draft = nostrp2p_protocol::delegation::draft(&PeerId::from_ed25519([node; 32]), NOW);
    Delegation::from_event(draft.sign(&key(owner), &[0; 32])).unwrap()
}

fn reply_to(person: u8, author: u8) -> Event {
    event(author, Kind::POST, vec![Tag::new(["p", &key(person).public_key().to_string()])])
}

#[test]
fn a_reply_goes_to_the_nodes_of_its_person_and_is_recorded() {
    let mut core = core();
    run(&mut core, Input::Delegated(delegation(2, 7), OTHER));
    let outputs = run(&mut core, Input::Publish(REQUEST, reply_to(2, 1).into(), Replies::Private));
    let nodes = vec![PeerId::from_ed25519([7; 32])];
    assert_eq!(outputs[1..], [Output::Attempt(address(2), nodes)]);
    let outputs = run(&mut core, Input::Attempted(address(2), Some(Receipt::Taken)));
    assert!(
        matches!(outputs[..], [Output::Record(_, DeliveryState { state: Delivery::Delivered, .. })]),
        "{outputs:?}"
    );
    assert_eq!(run(&mut core, Input::Tick), []);
}

#[test]
fn a_waiting_reply_goes_out_when_the_persons_node_appears() {
    let mut core = connected();
    run(&mut core, Input::Publish(REQUEST, reply_to(2, 1).into(), Replies::Private));
    assert_eq!(run(&mut core, Input::Delegated(delegation(3, 7), OTHER)), [], "somebody else's node");
    let outputs = run(&mut core, Input::Delegated(delegation(2, 9), OTHER));
    assert_eq!(outputs, [Output::Attempt(address(2), vec![OTHER])]);
    run(&mut core, Input::Attempted(address(2), None));
    assert_eq!(run(&mut core, Input::Tick), [], "it was away");
    let again = [Output::Attempt(address(2), vec![OTHER])];
    assert_eq!(run(&mut core, Input::Delegated(delegation(2, 9), OTHER)), again, "it announces itself again");
    run(&mut core, Input::Attempted(address(2), None));
    let attempts = |outputs: Vec<Output>| -> Vec<Output> {
        outputs.into_iter().filter(|output| matches!(output, Output::Attempt(..))).collect()
    };
    assert_eq!(
        attempts(run(&mut core, Input::PeerConnected(PeerId::from_ed25519([7; 32]), Network::Unknown))),
        [],
        "a stranger"
    );
    assert_eq!(
        attempts(run(&mut core, Input::PeerConnected(OTHER, Network::Unknown))),
        again,
        "it is connected"
    );
}

#[test]
fn only_what_is_for_the_owner_is_taken_from_other_nodes() {
    let handed = InboundRequestId(3);
    let hand =
        |event: Event| run(&mut core(), Input::Requested(handed, OTHER, Service::Deliver, packet(event)));
    assert_eq!(
        hand(reply_to(1, 2)),
        [Output::StoreDelivery(handed, reply_to(1, 2), Sender::Person(key(2).public_key()))]
    );
    let refused = [Output::Answer(handed, Receipt::Refused)];
    assert_eq!(hand(reply_to(3, 2)), refused, "for somebody else");
    assert_eq!(hand(post(2)), refused, "for everyone");
    let mut forged = UnverifiedEvent::from(reply_to(1, 2));
    forged.sig = Signature::from_bytes([1; 64]);
    let payload = Packet::Event(forged).encode();
    assert_eq!(run(&mut core(), Input::Requested(handed, OTHER, Service::Deliver, payload)), refused);
    assert_eq!(run(&mut core(), Input::Requested(handed, OTHER, Service::Deliver, vec![1, 2, 3])), refused);
    assert_eq!(
        run(&mut core(), Input::DeliveryStored(handed, Ok(Inserted::New(5)))),
        [Output::Answer(handed, Receipt::Taken)]
    );
}

fn deletion(author: u8, target: EventId) -> Event {
    event(author, Kind::DELETION, vec![Tag::new(["e", &target.to_string()])])
}

#[test]
fn a_deletion_goes_the_way_its_target_went() {
    let publish = |target: Event| {
        let deletion = deletion(1, target.id());
        run(
            &mut connected(),
            Input::Targets(REQUEST, deletion.into(), Some(vec![Target::stored(target.into_rumor())])),
        )
    };
    assert!(matches!(publish(post(1))[..], [Output::Broadcast(..)]));
    let private = publish(reply_to(2, 1));
    assert!(matches!(private[0], Output::Published(_, _, _, Carried::Waiting(1))), "{private:?}");
    let unknown = run(&mut core(), Input::Targets(REQUEST, deletion(1, post(1).id()).into(), Some(vec![])));
    assert!(matches!(unknown[..], [Output::Published(_, _, _, Carried::Kept)]), "nobody knows where it went");
}

#[test]
fn a_private_deletion_is_taken_from_its_authors_node_alone() {
    let (mut core, handed) = (core(), InboundRequestId(3));
    let deletion = deletion(2, post(2).id());
    let hand = |core: &mut Core| {
        run(core, Input::Requested(handed, OTHER, Service::Deliver, packet(deletion.clone())))
    };
    assert_eq!(hand(&mut core), [Output::Answer(handed, Receipt::Refused)]);
    run(&mut core, Input::Delegated(delegation(2, 9), OTHER));
    let sender = Sender::Person(key(2).public_key());
    assert_eq!(hand(&mut core), [Output::StoreDelivery(handed, deletion.clone(), sender)]);
}

#[test]
fn what_is_wanted_is_asked_of_the_authors_node_and_only_that_is_taken() {
    let mut core = core();
    run(&mut core, Input::Delegated(delegation(2, 9), OTHER));
    let profile_of = |person| FetchTarget::Latest(Kind::PROFILE, key(person).public_key());
    let outputs = run(&mut core, Input::Fetch(vec![profile_of(2), profile_of(1)]));
    let [Output::Query(asking)] = &outputs[..] else { panic!("{outputs:?}") };
    assert_eq!(asking.nodes, [OTHER]);
    assert!(core.is_fetching(&[profile_of(2)]));
    let profile = event(2, Kind::PROFILE, vec![]);
    let mut forged = UnverifiedEvent::from(event(2, Kind::PROFILE, vec![Tag::new(["x"])]));
    forged.sig = Signature::from_bytes([1; 64]);
    let answer = vec![post(2).into(), profile.clone().into(), forged, event(3, Kind::PROFILE, vec![]).into()];
    assert_eq!(
        run(&mut core, Input::QueryAnswered(asking.ask, Some(answer))),
        [Output::Store(profile, Sharing::ByItself)]
    );
    assert!(!core.is_fetching(&[profile_of(2)]), "answered, checked and handed to the store");
    assert_eq!(run(&mut core, Input::Fetch(vec![profile_of(2)])), [], "it is fresh");
}

#[test]
fn private_events_are_not_taken_from_an_answer() {
    let mut core = core();
    run(&mut core, Input::Delegated(delegation(2, 9), OTHER));
    let outputs = run(&mut core, Input::Fetch(vec![FetchTarget::Posts(key(2).public_key())]));
    let [Output::Query(asking)] = &outputs[..] else { panic!("{outputs:?}") };
    let answer = Input::QueryAnswered(asking.ask, Some(vec![reply_to(3, 2).into()]));
    assert_eq!(run(&mut core, answer), []);
}

#[test]
fn the_owners_other_node_is_asked_and_what_it_says_is_stored() {
    let mut core = core();
    assert!(!core.is_own_node(&OTHER, NOW));
    let outputs = run(&mut core, Input::Delegated(delegation(1, 9), OTHER));
    assert_eq!(outputs, [Output::QueryOwnNode(OTHER, OwnNodeCursor::default())]);
    assert!(core.is_own_node(&OTHER, NOW));
    let (own, foreign) = (reply_to(2, 1), post(3));
    let events = vec![own.clone().into(), foreign.into(), reply_to(1, 2).into()];
    let page = OwnPage { store: 4, through: 8, newest: 8, events };
    let cursor = OwnNodeCursor { store: Some(4), after: 8 };
    assert_eq!(
        run(&mut core, Input::OwnNodeAnswered(OTHER, Some(page))),
        [
            Output::Store(own, Sharing::OwnNode),
            Output::Store(reply_to(1, 2), Sharing::OwnNode),
            Output::RecordOwnNode(OTHER, cursor)
        ],
    );
}

#[test]
fn a_node_that_asks_without_end_is_refused_and_others_are_not() {
    let mut core = core();
    let asked = (0..1_000).filter(|_| core.admits(&OTHER, Service::Fetch, NOW)).count();
    assert_eq!(asked, 500);
    let one_more =
        Input::Requested(InboundRequestId(7), OTHER, Service::Fetch, RpcRequest::Announcements.encode());
    assert_eq!(run(&mut core, one_more), [Output::RefuseOverBudget(InboundRequestId(7))]);
    assert!(core.admits(&OTHER, Service::Sync, NOW), "each service has its own rate");
    assert!(core.admits(&PeerId::from_ed25519([8; 32]), Service::Fetch, NOW));
    assert!(core.admits(&OTHER, Service::Fetch, NOW + 1), "one a second comes back");
    let refused = |name| core.refusals().all().find(|(other, _)| *other == name).map(|(_, number)| number);
    assert_eq!((refused("requests_over_rate"), refused("forged")), (Some(501), Some(0)));
}

#[test]
fn a_node_that_has_had_many_bytes_is_refused_until_time_has_passed() {
    let mut core = engine(EngineSettings::default(), None);
    for _ in 0..64 {
        assert!(core.admits(&OTHER, Service::Fetch, NOW));
        core.answered(OTHER, 1024 * 1024, NOW);
    }
    assert!(!core.admits(&OTHER, Service::Fetch, NOW));
    assert!(!core.admits(&OTHER, Service::Sync, NOW), "it is the same line that they fill");
    assert!(core.admits(&PeerId::from_ed25519([8; 32]), Service::Fetch, NOW));
    assert!(core.admits(&OTHER, Service::Fetch, NOW + 15), "a megabyte comes back in 14 s");
}

#[test]
fn every_refusal_is_counted_under_its_name() {
    let mut core = core();
    let mut forged = UnverifiedEvent::from(post(2));
    forged.sig = Signature::from_bytes([0; 64]);
    run(&mut core, Input::Heard(HEARD, OTHER, Packet::Event(forged).encode()));
    run(&mut core, Input::Heard(HEARD, OTHER, vec![0xff]));
    run(&mut core, Input::Heard(HEARD, OTHER, vec![0x92, 99, 0]));
    run(&mut core, Input::Heard(HEARD, OTHER, packet(reply_to(2, 3))));
    run(&mut core, Input::Requested(InboundRequestId(1), OTHER, Service::Deliver, packet(reply_to(2, 3))));
    let counted: Vec<&str> =
        core.refusals().all().filter(|(_, number)| *number == 1).map(|(name, _)| name).collect();
    assert_eq!(counted, ["not_for_everyone", "malformed", "forged", "unknown_type", "not_for_the_owner"]);
}

#[test]
fn a_gift_wrap_is_charged_to_whoever_hands_it_over_and_a_full_mailbox_says_later() {
    let (mut core, handed) = (core(), InboundRequestId(4));
    let to_owner = vec![Tag::new(["p", &key(1).public_key().to_string()])];
    let wrap = event(7, Kind::GIFT_WRAP, to_owner);
    let hand =
        |core: &mut Core| run(core, Input::Requested(handed, OTHER, Service::Deliver, packet(wrap.clone())));
    assert_eq!(hand(&mut core), [Output::StoreDelivery(handed, wrap.clone(), Sender::Node(OTHER))]);
    run(&mut core, Input::Delegated(delegation(2, 9), OTHER));
    let friend = Sender::Person(key(2).public_key());
    assert_eq!(hand(&mut core), [Output::StoreDelivery(handed, wrap.clone(), friend)]);
    assert_eq!(
        run(&mut core, Input::DeliveryStored(handed, Ok(Inserted::MailboxFull))),
        [Output::Answer(handed, Receipt::Later)]
    );
}
