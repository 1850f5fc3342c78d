//! What clients say, well or badly, and what the relay answers.

use negentropy::{Id, Negentropy, NegentropyStorageVector};
use nostrp2p_protocol::EventId;

use super::*;

/// Lines in, lines out: `>` is said, `<` must be contained in what is answered, in this order; `?` asks the store.
#[track_caller]
fn transcript(session: &mut Session, text: &str) {
    let mut answers: Vec<SessionStep> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(said) = line.strip_prefix("> ") {
            assert_eq!(answers, [], "nothing more was expected before {said}");
            answers = say(session, said);
        } else if let Some(expected) = line.strip_prefix("< ") {
            assert!(!answers.is_empty(), "no answer, but expected {expected}");
            match answers.remove(0) {
                SessionStep::Send(answer) => assert!(answer.contains(expected), "{answer} has no {expected}"),
                other => panic!("{other:?} instead of {expected}"),
            }
        } else {
            assert_eq!(line, "?");
            assert!(matches!(
                answers.remove(0),
                SessionStep::Find(..) | SessionStep::Count(..) | SessionStep::Collect(..)
            ));
        }
    }
    assert_eq!(answers, []);
}

#[test]
fn malformed_lines_are_answered_in_their_own_form() {
    transcript(
        &mut owner_session(),
        r##"
        > {}
        < ["NOTICE","invalid: a message is a JSON array
        > []
        < ["NOTICE","invalid: a message begins with its type
        > [1]
        < ["NOTICE","invalid: a message begins with its type
        > null
        < ["NOTICE","invalid:
        > "REQ"
        < ["NOTICE","invalid:
        > ["REQ"
        < ["NOTICE","invalid:
        > ["REQ","a",{}] ["REQ","b",{}]
        < ["NOTICE","invalid:
        > ["req","a",{}]
        < ["NOTICE","invalid: this relay knows
        > ["NOPE",1]
        < ["NOTICE","invalid: this relay knows
        > ["REQ"]
        < ["NOTICE","invalid: the second element
        > ["REQ",5,{}]
        < ["NOTICE","invalid: the second element
        > ["REQ",null,{}]
        < ["NOTICE","invalid: the second element
        > ["CLOSE"]
        < ["NOTICE","invalid: the second element
        > ["REQ","a"]
        < ["CLOSED","a","invalid: at least one filter
        > ["REQ","",{}]
        < ["CLOSED","","invalid: a subscription id has 1 to 64
        > ["REQ","a",[]]
        < ["CLOSED","a","invalid: a filter cannot be read
        > ["REQ","a",{},null]
        < ["CLOSED","a","invalid: a filter cannot be read
        > ["REQ","a",{"kinds":1}]
        < ["CLOSED","a","invalid: a filter cannot be read
        > ["REQ","a",{"kinds":[65536]}]
        < ["CLOSED","a","invalid: a filter cannot be read
        > ["REQ","a",{"kinds":[-1]}]
        < ["CLOSED","a","invalid: a filter cannot be read
        > ["REQ","a",{"since":1.5}]
        < ["CLOSED","a","invalid: a filter cannot be read
        > ["REQ","a",{"until":"now"}]
        < ["CLOSED","a","invalid: a filter cannot be read
        > ["REQ","a",{"limit":-1}]
        < ["CLOSED","a","invalid: a filter cannot be read
        > ["REQ","a",{"ids":["abc"]}]
        < ["NOTICE","invalid: \"abc\"... in a filter is no id or key
        ?
        > ["REQ","a",{"authors":["XY"]}]
        ?
        > ["REQ","a",{"authors":[1]}]
        < ["CLOSED","a","invalid: a filter cannot be read
        > ["REQ","a",{"#e":"x"}]
        < ["CLOSED","a","invalid: a filter cannot be read
        > ["REQ","a",{"#e":[1]}]
        < ["CLOSED","a","invalid: a filter cannot be read
        > ["REQ","a",{"search":5}]
        < ["CLOSED","a","invalid: a filter cannot be read
        > ["REQ","a",{"#long":["x"],"unknown":{"a":[1]}}]
        ?
        "##,
    );
}

#[test]
fn malformed_events_and_reconciliations_are_answered_in_their_own_form() {
    transcript(
        &mut owner_session(),
        r##"
        > ["COUNT","a"]
        < ["CLOSED","a","invalid: at least one filter
        > ["EVENT"]
        < ["NOTICE","invalid: the event cannot be read
        > ["EVENT",{}]
        < ["NOTICE","invalid: the event cannot be read
        > ["EVENT",[]]
        < ["NOTICE","invalid: the event cannot be read
        > ["EVENT",{"id":"5c83da77af1dec6d7289834998ad7aafbd9e2191396d75ec3cc27f5a77226f36","kind":"x"}]
        < ["OK","5c83da77af1dec6d7289834998ad7aafbd9e2191396d75ec3cc27f5a77226f36",false,"invalid: the event cannot
        > ["AUTH","challenge"]
        < ["NOTICE","invalid: the event cannot be read
        > ["NEG-OPEN"]
        < ["NOTICE","invalid: the second element
        > ["NEG-OPEN","n"]
        < ["NEG-ERR","n","invalid: the filter cannot be read
        > ["NEG-OPEN","n",{}]
        < ["NEG-ERR","n","invalid: the message is not hex
        > ["NEG-OPEN","n",[{"kinds":[1]},1],"61"]
        < ["NEG-ERR","n","invalid: the filter cannot be read
        > ["NEG-OPEN","n",[{"kinds":[1]},{}],"61"]
        ?
        > ["NEG-OPEN","n",{},"6"]
        < ["NEG-ERR","n","invalid: the message is not hex
        > ["NEG-MSG","n","61"]
        < ["NEG-ERR","n","closed:
        > ["NEG-CLOSE","n"]
        "##,
    );
}

#[test]
fn what_no_transcript_can_show_is_answered_too() {
    let mut session = owner_session();
    for line in ["", "\u{0}", "\u{feff}[]", &"[".repeat(100_000), &"{\"a\":".repeat(50_000)] {
        check(&say(&mut session, line), "[\"NOTICE\",\"invalid: ");
    }
    let long = json!(["REQ", "x".repeat(65), {}]).to_string();
    check(&say(&mut session, &long), "1 to 64");
    let huge = "y".repeat(100_000);
    let [SessionStep::Send(answer)] = &say(&mut session, &json!(["REQ", huge, {}]).to_string())[..] else {
        panic!()
    };
    assert!(answer.len() < 300, "a long id is not sent back whole");
    let deep = format!(r#"["REQ","a",{{"x":{}}}]"#, "[".repeat(100_000));
    check(&say(&mut session, &deep), "invalid: ");
    assert_eq!(
        session.on_binary(),
        SessionStep::Send(message::notice("invalid: a relay takes text messages"))
    );
    let wide = json!(["REQ", "漢".repeat(64), {}]).to_string();
    assert!(matches!(say(&mut session, &wide)[..], [SessionStep::Find(..)]), "64 characters, not 64 bytes");
}

/// A client's side of a reconciliation.
fn initiator(items: &[(u64, EventId)]) -> Negentropy<'static, NegentropyStorageVector> {
    let mut storage = NegentropyStorageVector::new();
    for (created_at, id) in items {
        storage.insert(*created_at, Id::from_byte_array(*id.as_bytes())).unwrap();
    }
    storage.seal().unwrap();
    Negentropy::owned(storage, 0).unwrap()
}

#[test]
fn two_sides_find_out_what_each_lacks() {
    let item = |number: u32| {
        let mut id = [0; 32];
        id[..4].copy_from_slice(&number.to_be_bytes());
        (u64::from(number), EventId::from_bytes(id))
    };
    let (mine, theirs): (Vec<_>, Vec<_>) = ((0..9_000).map(item).collect(), (100..9_050).map(item).collect());
    let mut client = initiator(&mine);
    let mut session = owner_session();
    let opening = hex::encode(client.initiate().unwrap());
    let steps = say(&mut session, &json!(["NEG-OPEN", "n", {}, opening]).to_string());
    let [SessionStep::Collect(_, _, _, message)] = &steps[..] else { panic!("{steps:?}") };
    let mut step = session.on_collected("n", message, Some(theirs));
    let (mut have, mut need) = (Vec::new(), Vec::new());
    for round in 0.. {
        assert!(round < 20, "it has to end");
        let SessionStep::Send(line) = step else { panic!("{step:?}") };
        let (kind, _, answer): (String, String, String) = serde_json::from_str(&line).unwrap();
        assert_eq!(kind, "NEG-MSG");
        assert!(line.len() < 128 * 1024);
        let answer = hex::decode(answer).unwrap();
        let Some(next) = client.reconcile_with_ids(&answer, &mut have, &mut need).unwrap() else { break };
        step = say(&mut session, &json!(["NEG-MSG", "n", hex::encode(next)]).to_string()).remove(0);
    }
    assert_eq!((have.len(), need.len()), (100, 50));
    assert_eq!(say(&mut session, r#"["NEG-CLOSE","n"]"#), []);
    check(&say(&mut session, r#"["NEG-MSG","n","61"]"#), "closed: ");
}

#[test]
fn reconciliations_are_bounded_and_nonsense_ends_them() {
    let mut session = owner_session();
    let open = |session: &mut Session, name: &str, message: &str, items: usize| {
        let steps = say(session, &json!(["NEG-OPEN", name, {}, message]).to_string());
        match &steps[..] {
            [SessionStep::Collect(_, _, _, message)] => {
                let id = EventId::from_bytes([5; 32]);
                let items = (0..items).map(|number| (u64::try_from(number).unwrap(), id)).collect();
                vec![session.on_collected(name, message, Some(items))]
            }
            _ => steps,
        }
    };
    let opening = hex::encode(initiator(&[]).initiate().unwrap());
    for number in 0..4 {
        check(&open(&mut session, &number.to_string(), &opening, 0), "NEG-MSG");
    }
    check(&open(&mut session, "more", &opening, 0), "blocked: at most 4");
    check(&open(&mut session, "0", &opening, MAX_COLLECTED + 1), "blocked: too many events");
    for nonsense in ["", "61ff", "61ffffffffffffffffffffff", "00", "6100000200", "61000002ffffffffffff7f"] {
        let steps = open(&mut session, "0", nonsense, 3);
        let [SessionStep::Send(line)] = &steps[..] else { panic!("{steps:?}") };
        assert!(line.starts_with("[\"NEG-"), "{nonsense}: {line}");
    }
    let steps = say(&mut session, &json!(["NEG-OPEN", "1", {}, opening]).to_string());
    assert!(matches!(steps[..], [SessionStep::Collect(..)]), "opening an open one begins anew");
    check(&[session.on_collected("1", &[], None)], "error: ");
}

#[test]
fn ten_thousand_questions_leave_no_more_than_two_hundred_subscriptions() {
    let mut session = owner_session();
    let mut refused = 0;
    for number in 0..10_000 {
        let steps = say(&mut session, &format!(r#"["REQ","{number}",{{"kinds":[1]}}]"#));
        refused += usize::from(matches!(steps[..], [SessionStep::Send(_)]));
    }
    assert_eq!(refused, 10_000 - MAX_SUBSCRIPTIONS);
}
