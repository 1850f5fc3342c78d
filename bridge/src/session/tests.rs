use nostrp2p_protocol::{Draft, Kind, SecretKey, login};
use serde_json::json;

use super::*;

const CHALLENGE: [u8; 32] = [7; 32];
const NOW: u64 = 1_700_000_000;

fn key(byte: u8) -> SecretKey {
    SecretKey::from_bytes([byte; 32]).unwrap()
}

fn post() -> Event {
    Draft { created_at: NOW, kind: Kind::POST, tags: vec![], content: "hello".into() }.sign(&key(1), &[0; 32])
}

/// A session of a node that belongs to key 1.
fn session() -> Session {
    Session::open(CHALLENGE, "localhost:1".into()).0
}

fn say(session: &mut Session, line: &str) -> Vec<Step> {
    session.on_line(line, Some(key(1).public_key()), NOW)
}

fn login_as(session: &mut Session, signer: u8) -> Vec<Step> {
    let proof = login::draft(&CHALLENGE, "localhost:1", NOW).sign(&key(signer), &[0; 32]);
    say(session, &json!(["AUTH", proof]).to_string())
}

fn owner_session() -> Session {
    let mut session = session();
    login_as(&mut session, 1);
    session
}

#[track_caller]
fn check(steps: &[Step], expected: &str) {
    match steps {
        [Step::Send(line)] => assert!(line.contains(expected), "{line} has no {expected}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_relay_begins_with_its_challenge() {
    let (_, greeting) = Session::open(CHALLENGE, String::new());
    assert_eq!(greeting, Step::Send(format!("[\"AUTH\",\"{}\"]", "07".repeat(32))));
}

#[test]
fn before_login_nothing_is_read_or_written() {
    let mut session = session();
    check(&say(&mut session, r#"["REQ","a",{}]"#), r#"["CLOSED","a","auth-required:"#);
    check(&say(&mut session, &json!(["EVENT", post()]).to_string()), "false,\"auth-required:");
}

#[test]
fn only_the_owner_logs_in() {
    let mut session = session();
    check(&login_as(&mut session, 2), "false,\"restricted: this node belongs to npub1");
    check(&say(&mut session, r#"["REQ","a",{}]"#), "auth-required");
    check(&login_as(&mut session, 1), ",true,\"\"]");
    assert!(matches!(&say(&mut session, r#"["REQ","a",{}]"#)[..], [Step::Find(..)]));
}

#[test]
fn the_owner_publishes_reads_and_hears() {
    let mut session = owner_session();
    let steps = say(&mut session, &json!(["EVENT", post()]).to_string());
    assert_eq!(steps, [Step::Publish(Box::new(post().into()))]);
    check(&[session.on_published(&post().id(), Ok(()))], ",true,\"\"]");
    let refusal = Refusal::new(RefusalCode::Forged, "no");
    check(&[session.on_published(&post().id(), Err(refusal))], "false,\"invalid: no\"");

    let filters: Vec<Filter> = vec![serde_json::from_str(r#"{"kinds":[1]}"#).unwrap()];
    assert_eq!(say(&mut session, r#"["REQ","a",{"kinds":[1]}]"#), [Step::Find("a".into(), filters)]);
    let steps = session.on_found("a", &[post()]);
    assert_eq!(steps.len(), 2);
    check(&steps[1..], r#"["EOSE","a"]"#);
    check(&session.on_stored(&post()), r#"["EVENT","a",{"id":"#);
    say(&mut session, r#"["CLOSE","a"]"#);
    assert_eq!(session.on_stored(&post()), []);
}

#[test]
fn an_unreadable_line_is_answered_in_its_own_form() {
    let mut session = owner_session();
    for line in [
        "",
        "{}",
        "[]",
        "[1]",
        "null",
        "[\"EVENT\"",
        "[\"NOPE\",1]",
        "[\"REQ\",5,{}]",
        "[\"CLOSE\"]",
        "\u{0}",
    ] {
        check(&say(&mut session, line), "[\"NOTICE\",\"invalid: ");
    }
    check(&say(&mut session, r#"["REQ","a"]"#), r#"["CLOSED","a","invalid: "#);
    check(&say(&mut session, r#"["REQ","a",{"kinds":"x"}]"#), r#"["CLOSED","a","invalid: "#);
    check(&say(&mut session, r#"["REQ","",{}]"#), r#"["CLOSED","","invalid: "#);
    let line = json!(["REQ", "x".repeat(65), {}]).to_string();
    check(&say(&mut session, &line), "1 to 64");
    let broken = json!(["EVENT", { "id": post().id(), "kind": "x" }]).to_string();
    check(&say(&mut session, &broken), "false,\"invalid: the event cannot be read");
    let deep = "[".repeat(100_000);
    check(&say(&mut session, &deep), "NOTICE");
}

#[test]
fn subscriptions_and_filters_are_bounded() {
    let mut session = owner_session();
    for number in 0..MAX_SUBSCRIPTIONS {
        say(&mut session, &format!(r#"["REQ","{number}",{{}}]"#));
    }
    check(&say(&mut session, r#"["REQ","more",{}]"#), "rate-limited");
    assert!(
        matches!(&say(&mut session, r#"["REQ","0",{}]"#)[..], [Step::Find(..)]),
        "a known id is replaced"
    );
    let many = format!(r#"["REQ","0"{}]"#, ",{}".repeat(MAX_FILTERS + 1));
    check(&say(&mut session, &many), "invalid: at most");
}
