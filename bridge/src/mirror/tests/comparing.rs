//! Relays that compare sets of events (NIP-77), and what looks like it.

use negentropy::{Id, Negentropy, NegentropyStorageVector};

use super::*;

const COMPARES: Terms = Terms {
    compares: Some(true),
    work: 0,
    message_bytes: Some(128 * 1024),
    subscriptions: None,
    filters: None,
    limit: None,
};

/// The relay's side of all comparisons.
struct Relay {
    events: Vec<Event>,
    open: Vec<(String, Negentropy<'static, NegentropyStorageVector>)>,
}

impl Relay {
    fn with(events: &[Event]) -> Self {
        Self { events: events.to_vec(), open: Vec::new() }
    }

    /// What the relay says to a line.
    fn hear(&mut self, said: &Value) -> Vec<String> {
        let name = said[1].as_str().unwrap_or_default().to_owned();
        match said[0].as_str().unwrap() {
            "NEG-OPEN" => {
                let filter: Filter = serde_json::from_value(said[2].clone()).unwrap();
                let mut storage = NegentropyStorageVector::new();
                for event in self.events.iter().filter(|event| filter.matches(&event.id(), event)) {
                    storage.insert(event.created_at, Id::from_byte_array(*event.id().as_bytes())).unwrap();
                }
                storage.seal().unwrap();
                self.open.push((name.clone(), Negentropy::owned(storage, 4_096).unwrap()));
                vec![self.compare(&name, &said[3])]
            }
            "NEG-MSG" => vec![self.compare(&name, &said[2])],
            "NEG-CLOSE" => {
                self.open.retain(|(open, _)| *open != name);
                vec![]
            }
            "REQ" => {
                let filter: Filter = serde_json::from_value(said[2].clone()).unwrap();
                let found = self.events.iter().filter(|event| filter.matches(&event.id(), event));
                let found = found.map(|event| json!(["EVENT", name, event]).to_string());
                found.chain([json!(["EOSE", name]).to_string()]).collect()
            }
            _ => vec![],
        }
    }

    fn compare(&mut self, name: &str, message: &Value) -> String {
        let (_, side) = self.open.iter_mut().find(|(open, _)| open == name).expect("it is open");
        let answer = side.reconcile(&hex::decode(message.as_str().unwrap()).unwrap()).unwrap();
        json!(["NEG-MSG", name, hex::encode(answer)]).to_string()
    }
}

/// Lets both talk until nothing more is said; the store holds `held`. Returns what was heard and what was sent.
fn talk(
    mirror: &mut MirrorSession,
    relay: &mut Relay,
    held: &[Event],
    steps: Vec<MirrorStep>,
) -> (Vec<EventId>, Vec<Value>) {
    let (mut heard, mut said) = (Vec::new(), Vec::new());
    let mut steps = std::collections::VecDeque::from(steps);
    while let Some(step) = steps.pop_front() {
        match step {
            MirrorStep::Collect(what) => {
                let matches = |event: &&Event| match &what {
                    Collect::Own => event.pubkey == owner(),
                    Collect::Wanted(filter) => filter.matches(&event.id(), event),
                };
                let held: Vec<_> =
                    held.iter().filter(matches).map(|event| (event.created_at, event.id())).collect();
                steps.extend(mirror.on_collected(&what, &held, NOW));
            }
            MirrorStep::Send(line) => {
                let line: Value = serde_json::from_str(&line).unwrap();
                for answer in relay.hear(&line) {
                    steps.extend(mirror.on_line(&answer, NOW));
                }
                said.push(line);
            }
            MirrorStep::Heard(event) => heard.push(event.unsigned.id()),
            _ => {}
        }
    }
    (heard, said)
}

fn posts(signer: u8, numbers: std::ops::Range<u64>) -> Vec<Event> {
    numbers.map(|number| signed(signer, 1, NOW - 5_000 + number, &[], &number.to_string())).collect()
}

fn ids(events: &[Event]) -> BTreeSet<EventId> {
    events.iter().map(Event::id).collect()
}

#[test]
fn only_what_is_missing_comes_in_and_what_came_once_is_not_fetched_again() {
    let all = posts(2, 0..1_500);
    let mut relay = Relay::with(&all);
    let mut mirror = MirrorSession::new(owner(), false, 0, NOW - 10);
    let steps = [mirror.on_connected(COMPARES), mirror.on_interest(wanted(), NOW)].concat();
    let held = [&all[..700], &all[1_000..]].concat();
    let (heard, said) = talk(&mut mirror, &mut relay, &held, steps);
    assert_eq!(heard.len(), 300);
    assert_eq!(heard.into_iter().collect::<BTreeSet<_>>(), ids(&all[700..1_000]), "also what came late");
    let by_ids = said.iter().filter(|line| line[0] == "REQ" && line[2].get("ids").is_some()).count();
    assert_eq!(by_ids, 2, "200 at a time");
    assert!(mirror.report().caught_up && relay.open.is_empty());

    // The store did not keep them, for they were deleted, say; so they are not asked for again.
    mirror.on_disconnected();
    let steps = [mirror.on_connected(COMPARES), mirror.on_interest(wanted(), NOW)].concat();
    let (heard, _) = talk(&mut mirror, &mut relay, &held, steps);
    assert!(heard.is_empty() && mirror.report().caught_up);
}

#[test]
fn what_the_relay_has_is_not_sent_and_what_it_lost_is_sent_again() {
    let own = posts(1, 0..60);
    // It has the first forty, of which five were lost; the node has given it thirty by itself.
    let mut relay = Relay::with(&own[5..40]);
    let mut mirror = MirrorSession::new(owner(), true, 30, 0);
    let steps = mirror.on_connected(COMPARES);
    assert_eq!(mirror.room(), None, "first it is compared");
    talk(&mut mirror, &mut relay, &own, steps);
    let Some(UploadRoom::Again(lost)) = mirror.room() else { panic!("{mirror:?}") };
    let numbered: Vec<(u64, Event)> = (1..).zip(own.iter().cloned()).collect();
    let (mut sent_again, mut room) = (Vec::new(), Some(lost));
    while let Some(ids) = room {
        let events: Vec<_> =
            numbered.iter().filter(|(_, event)| ids.contains(&event.id())).cloned().collect();
        for line in sent(&mirror.offer_again(&events, NOW)) {
            let event: Event = numbered.iter().find(|(_, event)| json!(event) == line[1]).unwrap().1.clone();
            assert!(
                !mirror
                    .on_line(&ok(&event, true, ""), NOW)
                    .iter()
                    .any(|step| matches!(step, MirrorStep::Settled(_)))
            );
            sent_again.push(event);
        }
        room = match mirror.room() {
            Some(UploadRoom::Again(ids)) => Some(ids),
            _ => None,
        };
    }
    assert_eq!(ids(&sent_again), ids(&own[..5]));
    assert_eq!(mirror.room(), Some(UploadRoom::After(30)));
    let rest: Vec<_> = numbered[30..50].to_vec();
    let steps = mirror.offer(50, &rest, NOW);
    assert_eq!(sent(&steps), own[40..50].iter().map(|event| json!(["EVENT", event])).collect::<Vec<_>>());
    let there = steps.iter().filter(|step| matches!(step, MirrorStep::Acknowledged(_))).count();
    assert_eq!(there, 10, "the relay had them from elsewhere");
    assert!(steps.contains(&MirrorStep::Settled(40)), "{steps:?}");
}

#[test]
fn what_a_relay_refused_is_not_pressed_on_it_with_every_connection() {
    let own = posts(1, 0..1);
    let mut mirror = MirrorSession::new(owner(), true, 0, 0);
    let mut relay = Relay::with(&[]);
    let steps = mirror.on_connected(COMPARES);
    talk(&mut mirror, &mut relay, &own, steps);
    while let Some(UploadRoom::Again(_)) = mirror.room() {}
    mirror.offer(1, &[(1, own[0].clone())], NOW);
    mirror.on_line(&ok(&own[0], false, "blocked: no"), NOW);
    mirror.on_disconnected();
    let steps = mirror.on_connected(COMPARES);
    talk(&mut mirror, &mut relay, &own, steps);
    assert_eq!(mirror.room(), Some(UploadRoom::After(1)));
}

#[test]
fn that_a_relay_does_not_compare_is_no_trouble_to_be_told_of() {
    let mut mirror = MirrorSession::new(owner(), true, 0, 0);
    mirror.on_connected(Terms::default());
    let steps = mirror.on_interest(wanted(), NOW);
    let Some(MirrorStep::Collect(missed)) = steps.last() else { panic!("{steps:?}") };
    mirror.on_collected(&Collect::Own, &[], NOW);
    mirror.on_collected(missed, &[], NOW);
    // One answer to each message of the two comparisons, also to those that end them.
    for said in ["ERROR: unknown cmd", "ERROR: unknown cmd", "ERROR: unknown cmd NEG-CLOSE"] {
        mirror.on_line(&json!(["NOTICE", said]).to_string(), NOW);
        assert_eq!(mirror.report().refusal, None);
    }
    mirror.on_line(r#"["NOTICE","this relay restarts tonight"]"#, NOW);
    assert_eq!(mirror.report().refusal.as_deref(), Some("this relay restarts tonight"));
}

#[test]
fn a_relay_that_does_not_compare_gives_pages_and_gets_all() {
    let answers: [Option<&str>; 4] = [
        Some(r#"["NOTICE","ERROR: bad msg: unknown cmd"]"#),
        Some(r#"["NEG-ERR","compare","blocked: too many records"]"#),
        Some(r#"["NEG-MSG","compare","00"]"#),
        None,
    ];
    for answer in answers {
        let mut mirror = MirrorSession::new(owner(), true, 0, 0);
        // It does not say whether it does.
        let own = mirror.on_connected(Terms::default());
        assert_eq!(own, [MirrorStep::Collect(Collect::Own)]);
        let steps = mirror.on_interest(wanted(), NOW);
        let Some(MirrorStep::Collect(missed)) = steps.last() else { panic!("{steps:?}") };
        assert_eq!(sent(&mirror.on_collected(&Collect::Own, &[], NOW))[0][0], "NEG-OPEN");
        assert_eq!(sent(&mirror.on_collected(missed, &[], NOW))[0][0], "NEG-OPEN");
        assert_eq!(mirror.on_tick(NOW + 10), []);
        let steps = match answer {
            Some(answer) => mirror.on_line(answer, NOW),
            None => mirror.on_tick(NOW + 11),
        };
        let asked = sent(&steps);
        let page = asked.iter().find(|line| line[0] == "REQ").unwrap();
        assert_eq!((&page[1], &page[2]["limit"]), (&json!("missed"), &json!(500)), "{answer:?}");
        mirror.on_line(r#"["NEG-ERR","own","error: no"]"#, NOW);
        assert_eq!(mirror.room(), Some(UploadRoom::After(0)), "{answer:?}");
    }
}

#[test]
fn a_notice_about_something_else_does_not_end_comparing_for_good() {
    let own = posts(1, 0..3);
    let mut mirror = MirrorSession::new(owner(), true, 0, 0);
    let mut relay = Relay::with(&[]);
    let compares =
        |mirror: &mut MirrorSession| mirror.on_connected(COMPARES) == [MirrorStep::Collect(Collect::Own)];
    let is_told = |mirror: &mut MirrorSession| {
        mirror.on_collected(&Collect::Own, &[], NOW);
        mirror.on_line(r#"["NOTICE","this relay restarts tonight"]"#, NOW);
        mirror.on_disconnected();
    };
    assert!(compares(&mut mirror));
    is_told(&mut mirror);
    // One that works makes good for it.
    let steps = mirror.on_connected(COMPARES);
    talk(&mut mirror, &mut relay, &own, steps);
    mirror.on_disconnected();
    for told in 0..3 {
        assert_eq!(compares(&mut mirror), told < 2, "after {told} in a row");
        is_told(&mut mirror);
    }
}

#[test]
fn nonsense_in_a_comparison_that_nobody_began_changes_nothing() {
    let mut mirror = connected();
    for nonsense in [
        r#"["NEG-MSG","own","61"]"#,
        r#"["NEG-MSG","compare","61"]"#,
        r#"["NEG-MSG","own"]"#,
        r#"["NEG-MSG","own","xyz"]"#,
        r#"["NEG-ERR","compare"]"#,
        r#"["NEG-MSG"]"#,
    ] {
        assert_eq!(mirror.on_line(nonsense, NOW), [], "{nonsense}");
    }
    assert_eq!(mirror.on_collected(&Collect::Own, &[], NOW), []);
    assert_eq!(mirror.room(), Some(UploadRoom::After(0)));
}
