use nostrp2p_protocol::{EventTemplate, Kind, SecretKey, Tag, frame::Carried, limits::MAX_FILTERS, login};
use serde_json::json;

use super::*;

mod inbox;
mod transcripts;

const CHALLENGE: [u8; 32] = [7; 32];
const NOW: u64 = 1_700_000_000;
const GUESTS: Policy = Policy { public_read: true, open: false, inbox: None };
const OPEN: Policy = Policy { public_read: false, open: true, inbox: None };

fn key(byte: u8) -> SecretKey {
    SecretKey::from_bytes([byte; 32]).unwrap()
}

fn signed(signer: u8, kind: u16, tags: &[&[&str]], content: &str) -> Event {
    let tags = tags.iter().map(|tag| Tag::new(tag.iter().copied())).collect();
    EventTemplate { created_at: NOW, kind: Kind(kind), tags, content: content.into() }
        .sign(&key(signer), &[0; 32])
}

fn post() -> Event {
    signed(1, 1, &[], "hello")
}

/// A session of a node that belongs to key 1.
fn session(policy: Policy) -> Session {
    Session::open(CHALLENGE, "localhost:1".into(), policy).0
}

fn say(session: &mut Session, line: &str) -> Vec<SessionStep> {
    session.on_line(line, Some(key(1).public_key()), NOW)
}

fn publish(session: &mut Session, event: &Event) -> Vec<SessionStep> {
    say(session, &json!(["EVENT", event]).to_string())
}

fn login_as(session: &mut Session, signer: u8) -> Vec<SessionStep> {
    let proof = login::draft(&CHALLENGE, "localhost:1", NOW).sign(&key(signer), &[0; 32]);
    say(session, &json!(["AUTH", proof]).to_string())
}

fn owner_session() -> Session {
    let mut session = session(Policy::default());
    login_as(&mut session, 1);
    session
}

#[track_caller]
fn check(steps: &[SessionStep], expected: &str) {
    match steps {
        [SessionStep::Send(line)] => assert!(line.contains(expected), "{line} has no {expected}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_relay_begins_with_its_challenge() {
    let (_, greeting) = Session::open(CHALLENGE, String::new(), Policy::default());
    assert_eq!(greeting, SessionStep::Send(format!("[\"AUTH\",\"{}\"]", "07".repeat(32))));
}

#[test]
fn before_login_nothing_is_read_or_written() {
    let mut session = session(Policy::default());
    check(&say(&mut session, r#"["REQ","a",{}]"#), r#"["CLOSED","a","auth-required:"#);
    check(&say(&mut session, r#"["COUNT","a",{}]"#), r#"["CLOSED","a","auth-required:"#);
    check(&say(&mut session, r#"["NEG-OPEN","a",{},"61"]"#), r#"["NEG-ERR","a","auth-required:"#);
    check(&publish(&mut session, &post()), "false,\"auth-required:");
    assert!(!session.listens());
}

#[test]
fn only_the_owner_logs_in_and_trying_has_an_end() {
    let mut session = session(Policy::default());
    check(&login_as(&mut session, 2), "false,\"restricted: this node belongs to npub1");
    // To sign in again does not help, says NIP-42.
    check(&say(&mut session, r#"["REQ","a",{}]"#), r#"["CLOSED","a","restricted:"#);
    check(&say(&mut session, r#"["COUNT","a",{}]"#), r#"["CLOSED","a","restricted:"#);
    check(&say(&mut session, r#"["NEG-OPEN","a",{},"61"]"#), r#"["NEG-ERR","a","restricted:"#);
    check(&publish(&mut session, &post()), "false,\"restricted:");
    check(&login_as(&mut session, 1), ",true,\"\"]");
    assert!(matches!(&say(&mut session, r#"["REQ","a",{}]"#)[..], [SessionStep::Find(..)]));
    for _ in 2..MAX_FAILED_LOGINS {
        check(&login_as(&mut session, 2), "restricted");
    }
    assert!(matches!(&login_as(&mut session, 2)[..], [SessionStep::Send(_), SessionStep::HangUp(_)]));
}

#[test]
fn a_delegation_that_is_missing_or_ends_soon_is_told_after_the_login() {
    const DAY: u64 = 86_400;
    let peer = PeerId::from_ed25519([9; 32]);
    let told = |delegated| owner_session().on_signed_in(&peer, delegated, NOW);
    let check_told =
        |delegated, expected: &str| check(&told(delegated).into_iter().collect::<Vec<_>>(), expected);
    check_told(None, "NOTICE\",\"private mail: nobody has your word");
    check_told(Some(NOW - 1), "nobody has your word");
    check_told(Some(NOW + 29 * DAY), "ends in 30 days");
    check_told(Some(NOW + 1), &format!("nostrp2p:node:{peer}"));
    assert_eq!(told(Some(NOW + 30 * DAY)), None);
}

#[test]
fn the_answer_says_who_gets_an_event() {
    let session = owner_session();
    let answer = |kind: u16, age: u64, carried| {
        let draft =
            EventTemplate { created_at: NOW - age, kind: Kind(kind), tags: vec![], content: String::new() };
        let event = UnverifiedEvent::from(draft.sign(&key(1), &[0; 32]));
        let step = session.on_published(&Submitted::from(&event), Ok(PublishOutcome::New(carried)), NOW);
        let SessionStep::Send(line) = step else { unreachable!("{step:?}") };
        serde_json::from_str::<serde_json::Value>(&line).unwrap()[3].as_str().unwrap().to_owned()
    };
    assert_eq!(answer(1, 0, Carried::Broadcast(3)), "");
    assert_eq!(answer(1, 0, Carried::Broadcast(0)), "waits on your node until another node is connected");
    assert_eq!(answer(1, 31 * 86_400, Carried::Broadcast(3)), "kept on your node: older than 30 days");
    assert_eq!(answer(1, 0, Carried::Waiting(2)), "goes privately to the 2 people it names");
    assert_eq!(answer(7, 0, Carried::Waiting(1)), "goes privately to the person it names");
    assert_eq!(answer(1, 0, Carried::Waiting(0)), "kept on your node: it names nobody else");
    assert!(answer(1018, 0, Carried::Waiting(1)).starts_with("goes to the author of the poll"));
    assert!(answer(1018, 0, Carried::Kept).contains("the poll was not found"));
    assert_eq!(answer(3, 0, Carried::Kept), "kept on your node, which gives it to whoever asks");
    assert_eq!(answer(5, 0, Carried::Kept), "kept on your node: nothing that it deletes is here");
    assert_eq!(answer(30_311, 0, Carried::Kept), "kept on your node: kind 30311 is not carried");
}

#[test]
fn messages_that_show_who_writes_to_whom_are_refused() {
    let draft = EventTemplate { created_at: NOW, kind: Kind(4), tags: vec![], content: "?iv=".to_owned() };
    check(&publish(&mut owner_session(), &draft.sign(&key(1), &[0; 32])), "false,\"blocked: use NIP-17");
}

#[test]
fn the_owner_publishes_reads_and_hears() {
    let mut session = owner_session();
    assert_eq!(publish(&mut session, &post()), [SessionStep::Publish(Box::new(post().into()))]);
    let answer = |result| [session.on_published(&Submitted::from(&post().into()), result, NOW)];
    check(&answer(Ok(PublishOutcome::New(Carried::Broadcast(2)))), ",true,\"\"]");
    check(&answer(Ok(PublishOutcome::Known)), ",true,\"duplicate: ");
    check(&answer(Ok(PublishOutcome::Superseded)), ",false,\"duplicate: a newer version is stored\"");
    let refusal = Refusal::new(RefusalCode::Forged, "no");
    check(&answer(Err(refusal)), "false,\"invalid: no\"");

    let queries: Vec<Query> = vec![serde_json::from_str(r#"{"kinds":[1]}"#).unwrap()];
    let reader = Reader::Owner(key(1).public_key());
    assert_eq!(
        say(&mut session, r#"["REQ","a",{"kinds":[1]}]"#),
        [SessionStep::Find("a".into(), queries, reader)]
    );
    check(&session.on_found("a", &[post()]), r#"["EVENT","a",{"id":"#);
    check(&[session.on_end("a", 7)], r#"["EOSE","a"]"#);
    assert_eq!(session.on_stored(7, &post()), [], "it was in the answer");
    check(&session.on_stored(8, &post()), r#"["EVENT","a",{"id":"#);
    say(&mut session, r#"["CLOSE","a"]"#);
    assert_eq!(session.on_stored(9, &post()), []);
}

#[test]
fn what_others_were_asked_for_comes_before_the_end_of_the_answer() {
    let mut session = owner_session();
    say(&mut session, r#"["REQ","a",{"kinds":[1]}]"#);
    session.on_read("a", 7);
    check(&session.on_stored(8, &post()), r#"["EVENT","a",{"id":"#);
    check(&session.on_fetched("a").into_iter().collect::<Vec<_>>(), r#"["EOSE","a"]"#);
    say(&mut session, r#"["CLOSE","a"]"#);
    assert_eq!(session.on_fetched("a"), None);
}

#[test]
fn a_refused_req_ends_the_earlier_one_of_that_id() {
    let mut session = owner_session();
    say(&mut session, r#"["REQ","a",{}]"#);
    session.on_end("a", 0);
    check(&say(&mut session, r#"["REQ","a",{"kinds":"x"}]"#), r#"["CLOSED","a","invalid: "#);
    assert_eq!(session.on_stored(1, &post()), []);
}

#[test]
fn an_event_with_raw_control_characters_is_answered_with_ok_and_with_a_notice() {
    let mut session = owner_session();
    let event = signed(1, 1, &[&["t", "tab\t"]], "line\nbreak");
    let raw = json!(["EVENT", event]).to_string().replace("\\n", "\n").replace("\\t", "\t");
    let steps = say(&mut session, &raw);
    let [SessionStep::Send(ok), SessionStep::Send(notice)] = &steps[..] else { panic!("{steps:?}") };
    assert!(ok.contains(&event.id().to_string()) && ok.contains("false,\"invalid: control"), "{ok}");
    assert!(notice.starts_with("[\"NOTICE\",\"invalid: control"), "{notice}");
    check(&say(&mut session, "[\"REQ\",\"a\nb\",{}]"), "NOTICE");
    check(&say(&mut session, "\n"), "NOTICE");
}

#[test]
fn what_is_no_key_is_told_once_and_the_rest_of_the_filter_counts() {
    let mut session = owner_session();
    let me = key(1).public_key();
    let line = json!(["REQ", "a", { "authors": ["npub1xyz", me, "nsec1abc"] }]).to_string();
    let steps = say(&mut session, &line);
    let [SessionStep::Send(notice), SessionStep::Find(_, queries, _)] = &steps[..] else {
        panic!("{steps:?}")
    };
    assert!(notice.starts_with("[\"NOTICE\",\"invalid: ") && notice.contains("npub1xyz"), "{notice}");
    assert_eq!(queries[0].filter.authors, Some([me].into()));
    assert!(matches!(&say(&mut session, &line)[..], [SessionStep::Find(..)]), "it was told");
    let secret = json!(["COUNT", "a", { "ids": ["nsec1abcdef"] }]).to_string();
    let steps = say(&mut owner_session(), &secret);
    let [SessionStep::Send(notice), SessionStep::Count(..)] = &steps[..] else { panic!("{steps:?}") };
    assert!(!notice.contains("abcdef"), "{notice}");
}

#[test]
fn counts_say_whether_they_are_exact() {
    let mut session = owner_session();
    assert!(matches!(&say(&mut session, r#"["COUNT","c",{}]"#)[..], [SessionStep::Count(..)]));
    let counted = |count, complete| [session.on_counted("c", Counted { count, complete })];
    check(&counted(3, true), r#"["COUNT","c",{"count":3}]"#);
    check(&counted(3, false), r#"["COUNT","c",{"count":3,"approximate":true}]"#);
}

#[test]
fn ephemeral_events_go_to_those_who_listen_and_nowhere_else() {
    let mut session = owner_session();
    say(&mut session, r#"["REQ","a",{"kinds":[20001]}]"#);
    let event = signed(1, 20_001, &[], "typing");
    let steps = publish(&mut session, &event);
    let [SessionStep::Spread(spread), SessionStep::Send(ok)] = &steps[..] else { panic!("{steps:?}") };
    assert_eq!((&**spread, ok.contains("true")), (&event, true));
    check(&session.on_spread(spread), r#"["EVENT","a","#);
    check(&publish(&mut session, &signed(2, 20_001, &[], "")), "restricted: ");
    check(&publish(&mut session, &signed(1, 22_242, &[], "")), "invalid: a login");
    let mut forged = json!(["EVENT", event]);
    forged[1]["content"] = "other".into();
    check(&say(&mut session, &forged.to_string()), "invalid: ");
}

#[test]
fn protected_events_are_taken_from_their_author_and_not_reposted() {
    let protected = signed(1, 1, &[&["-"]], "for this relay");
    assert!(matches!(&publish(&mut owner_session(), &protected)[..], [SessionStep::Publish(_)]));
    check(&publish(&mut session(OPEN), &protected), "auth-required: a protected event");
    check(
        &publish(&mut owner_session(), &signed(2, 1059, &[&["-"]], "")),
        "auth-required: a protected event",
    );
    let repost = signed(1, 6, &[], &serde_json::to_string(&protected).unwrap());
    check(&publish(&mut owner_session(), &repost), "blocked: a protected event");
    let repost = signed(1, 6, &[], &serde_json::to_string(&post()).unwrap());
    assert!(matches!(&publish(&mut owner_session(), &repost)[..], [SessionStep::Publish(_)]));
}

#[test]
fn work_that_is_promised_must_be_done() {
    check(&publish(&mut owner_session(), &signed(1, 1, &[&["nonce", "1", "40"]], "")), "false,\"pow: ");
    for tag in [&["nonce", "1", "0"][..], &["nonce", "1"], &["nonce"], &["nonce", "1", "x"]] {
        assert!(matches!(
            &publish(&mut owner_session(), &signed(1, 1, &[tag], ""))[..],
            [SessionStep::Publish(_)]
        ));
    }
}

#[test]
fn only_a_request_that_names_this_relay_makes_things_vanish() {
    let check_relay = |relay: &str, named: bool| {
        let request = signed(1, 62, &[&["relay", relay]], "");
        let steps = publish(&mut owner_session(), &request);
        assert_eq!(matches!(steps[..], [SessionStep::Publish(_)]), named, "{relay}: {steps:?}");
    };
    check_relay("ALL_RELAYS", true);
    check_relay("ws://localhost:1/", true);
    check_relay("wss://LOCALHOST:1", true);
    check_relay("wss://localhost:2", false);
    check_relay("wss://elsewhere.example", false);
}

#[test]
fn guests_read_what_is_public_and_never_write() {
    let mut session = session(GUESTS);
    assert!(matches!(&say(&mut session, r#"["REQ","a",{}]"#)[..], [SessionStep::Find(_, _, Reader::Guest)]));
    session.on_end("a", 0);
    assert_eq!(session.on_stored(1, &post()).len(), 1);
    let someone = key(2).public_key().to_string();
    for private in [signed(1, 1, &[&["p", &someone]], ""), signed(1, 1059, &[&["p", &someone]], "")] {
        assert_eq!(session.on_stored(2, &private), [], "{private:?}");
    }
    check(&say(&mut session, r#"["REQ","b",{"kinds":[4,1059]}]"#), "auth-required: ");
    check(&say(&mut session, r#"["NEG-OPEN","n",{},"61"]"#), "auth-required: ");
    check(&publish(&mut session, &post()), "false,\"auth-required:");
}

#[test]
fn an_open_relay_takes_everybody_for_the_owner() {
    let mut session = session(OPEN);
    assert!(matches!(
        &say(&mut session, r#"["REQ","a",{}]"#)[..],
        [SessionStep::Find(_, _, Reader::Owner(_))]
    ));
    assert!(matches!(&publish(&mut session, &post())[..], [SessionStep::Publish(_)]));
    let unclaimed = session.on_line(r#"["REQ","a",{}]"#, None, NOW);
    check(&unclaimed, "auth-required");
}

#[test]
fn gift_wraps_are_shown_only_to_those_for_whom_they_are() {
    let owner = Reader::Owner(key(1).public_key());
    let wrap = |person: u8| signed(9, 1059, &[&["p", &key(person).public_key().to_string()]], "");
    assert!(owner.sees(&wrap(1)));
    assert!(!owner.sees(&wrap(2)), "it only passed through on its way");
    assert!(!Reader::Guest.sees(&wrap(1)));
    assert!(owner.sees(&signed(1, 4, &[], "")));
}

#[test]
fn subscriptions_filters_and_values_are_bounded() {
    let mut session = owner_session();
    for number in 0..MAX_SUBSCRIPTIONS {
        say(&mut session, &format!(r#"["REQ","{number}",{{}}]"#));
    }
    check(&say(&mut session, r#"["REQ","more",{}]"#), "rate-limited");
    let replaced = say(&mut session, r#"["REQ","0",{}]"#);
    assert!(matches!(&replaced[..], [SessionStep::Find(..)]), "a known id is replaced: {replaced:?}");
    let many = format!(r#"["REQ","0"{}]"#, ",{}".repeat(MAX_FILTERS + 1));
    check(&say(&mut session, &many), "invalid: at most");

    let mut session = owner_session();
    let kinds: Vec<u16> = (0..2_000).collect();
    for number in 0..MAX_VALUES / 2_000 {
        let line = json!(["REQ", number.to_string(), { "kinds": kinds }]).to_string();
        assert!(matches!(&say(&mut session, &line)[..], [SessionStep::Find(..)]));
    }
    check(&say(&mut session, r#"["REQ","more",{"kinds":[1]}]"#), "rate-limited: the subscriptions hold");
}
