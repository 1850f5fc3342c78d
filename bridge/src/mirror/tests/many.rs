//! More people than fit into a question, more events than fit into an answer, and people who are followed only now.

use super::*;

fn person(number: usize) -> PublicKey {
    format!("{:064x}", number + 1).parse().unwrap()
}

fn followed(count: usize) -> BTreeSet<PublicKey> {
    (0..count).map(person).collect()
}

/// The people whom these questions name.
fn named<'a>(questions: impl IntoIterator<Item = &'a Value>) -> BTreeSet<PublicKey> {
    let filters = questions.into_iter().flat_map(|question| question.as_array().unwrap().iter().skip(2));
    let filters = filters.map(|filter| serde_json::from_value::<Filter>(filter.clone()).unwrap());
    filters.filter_map(|filter| filter.authors).flatten().filter(|author| *author != owner()).collect()
}

fn is_live(question: &Value) -> bool {
    question[0] == "REQ" && question[1].as_str().unwrap().starts_with("live")
}

/// Answers what is asked for what was missed with nothing until nothing more is asked; returns the questions, and whether
/// all is caught up.
fn read_all(mirror: &mut MirrorSession, questions: &[Value], now: u64) -> (Vec<Value>, bool) {
    let mut next = asked(questions, "missed").cloned();
    let (mut all, mut caught_up) = (Vec::new(), false);
    while let Some(question) = next {
        all.push(question);
        assert!(all.len() < 500, "it ends");
        let steps = mirror.on_line(r#"["EOSE","missed"]"#, now);
        caught_up |= steps.iter().any(|step| matches!(step, MirrorStep::CaughtUp(_)));
        next = asked(&sent(&steps), "missed").cloned();
    }
    (all, caught_up)
}

#[test]
fn ten_thousand_people_are_asked_for_and_told_of_in_several_subscriptions() {
    let people = followed(10_000);
    let mut mirror = MirrorSession::new(owner(), false, 0, 0);
    mirror.on_connected(Terms { subscriptions: Some(20), ..PLAIN });
    let steps = mirror.on_interest(interest(&owner(), &people), NOW);
    let questions = sent(&steps);
    let live: Vec<&Value> = questions.iter().filter(|question| is_live(question)).collect();
    assert_eq!((live.len(), named(live.iter().copied())), (6, people.clone()));
    let length = |step: &MirrorStep| match step {
        MirrorStep::Send(line) => line.len(),
        _ => 0,
    };
    assert!(steps.iter().all(|step| length(step) < 128 * 1024), "a relay hangs up on a longer one");
    let (missed, caught_up) = read_all(&mut mirror, &questions, NOW);
    assert_eq!((named(&missed), caught_up), (people, true));

    assert!(!mirror.report().listens);
    for question in &live {
        mirror.on_line(&json!(["EOSE", question[1]]).to_string(), NOW);
    }
    assert_eq!((mirror.report().listens, mirror.report().polled), (true, 0));
    let last = live.last().unwrap()[1].as_str().unwrap();
    let told = |mirror: &mut MirrorSession, subscription: &str| {
        let event = EventTemplate { created_at: NOW, kind: Kind(1), tags: vec![], content: "x".into() };
        let event = event.by(person(9_999));
        let line = json!(["EVENT", subscription, {
            "id": event.id(), "pubkey": event.pubkey, "created_at": NOW, "kind": 1, "tags": [],
            "content": "x", "sig": "0".repeat(128)
        }]);
        mirror.on_line(&line.to_string(), NOW).len()
    };
    assert_eq!((told(&mut mirror, last), told(&mut mirror, "live-99")), (1, 0));
    let fewer = sent(&mirror.on_interest(interest(&owner(), &followed(10)), NOW));
    let closed: Vec<&Value> = fewer.iter().filter(|line| line[0] == "CLOSE").map(|line| &line[1]).collect();
    assert_eq!(closed, ["live-2", "live-3", "live-4", "live-5", "live-6"]);
}

#[test]
fn whom_a_relay_allows_no_subscription_for_is_asked_for_every_five_minutes() {
    let people = followed(10_000);
    let mut mirror = MirrorSession::new(owner(), false, 0, 0);
    mirror.on_connected(Terms { subscriptions: Some(5), message_bytes: Some(64 * 1024), ..PLAIN });
    let questions = sent(&mirror.on_interest(interest(&owner(), &people), NOW));
    let live: Vec<&Value> = questions.iter().filter(|question| is_live(question)).collect();
    assert_eq!(live.len(), 1);
    let told = named(live.iter().copied());
    mirror.on_line(r#"["EOSE","live"]"#, NOW);
    let (_, caught_up) = read_all(&mut mirror, &questions, NOW);
    assert!(caught_up && mirror.report().listens);
    assert_eq!(mirror.report().polled, people.len() - told.len());
    assert_eq!(asked(&sent(&mirror.on_tick(NOW + 299)), "missed"), None);
    let again = sent(&mirror.on_tick(NOW + 300));
    let (polled, caught_up) = read_all(&mut mirror, &again, NOW + 300);
    assert_eq!(named(&polled), people.difference(&told).copied().collect());
    assert!(
        caught_up && polled.iter().all(|question| question[2]["since"] == json!(NOW - 900)),
        "what is new"
    );
    assert_eq!(asked(&sent(&mirror.on_tick(NOW + 599)), "missed"), None);
    assert!(asked(&sent(&mirror.on_tick(NOW + 600)), "missed").is_some());
}

#[test]
fn a_relay_that_allows_fewer_subscriptions_than_it_says_has_room_for_other_questions() {
    let mut mirror = MirrorSession::new(owner(), false, 0, 0);
    mirror.on_connected(Terms { compares: Some(false), ..Terms::default() });
    let questions = sent(&mirror.on_interest(interest(&owner(), &followed(10_000)), NOW));
    let live: Vec<&Value> = questions.iter().filter(|question| is_live(question)).collect();
    assert_eq!(live.len(), 12);
    for question in &live[..9] {
        mirror.on_line(&json!(["EOSE", question[1]]).to_string(), NOW);
    }
    assert!(!mirror.report().listens);
    let refused = json!(["CLOSED", "live-10", "error: too many subscriptions"]).to_string();
    let ended = sent(&mirror.on_line(&refused, NOW));
    let names: Vec<&Value> = ended.iter().map(|line| &line[1]).collect();
    assert_eq!(names, ["live-7", "live-8", "live-9", "live-10", "live-11", "live-12"]);
    assert!(ended.iter().all(|line| line[0] == "CLOSE") && mirror.report().listens);
    let told = named(live[..6].iter().copied());
    assert_eq!(mirror.report().polled, 10_000 - told.len());
}

#[test]
fn what_a_subscription_told_that_the_relay_refuses_is_polled_until_it_is_there_again() {
    let mut mirror = connected();
    let questions = sent(&mirror.on_interest(wanted(), NOW));
    assert!(read_all(&mut mirror, &questions, NOW).1);
    for later in [0, 100, 200] {
        mirror.on_line(r#"["CLOSED","live","error: too many subscriptions"]"#, NOW + later);
        mirror.on_tick(NOW + later + 50);
    }
    let polled = sent(&mirror.on_tick(NOW + 300));
    assert!(named(asked(&polled, "missed")).is_empty(), "the owner's own come first");
    let (polled, _) = read_all(&mut mirror, &polled, NOW + 300);
    assert_eq!(named(&polled), [key(2).public_key()].into());
    mirror.on_line(r#"["EOSE","live"]"#, NOW + 301);
    assert!(mirror.report().listens);
    assert_eq!(sent(&mirror.on_tick(NOW + 700)), [] as [Value; 0]);
}

#[test]
fn a_relay_that_hangs_up_on_long_messages_without_a_word_gets_shorter_ones() {
    let mut mirror = MirrorSession::new(owner(), false, 0, 0);
    let mut lengths = Vec::new();
    for _ in 0..4 {
        mirror.on_connected(Terms { compares: Some(false), ..Terms::default() });
        let steps = mirror.on_interest(interest(&owner(), &followed(1_000)), NOW);
        let longest = steps.iter().map(|step| match step {
            MirrorStep::Send(line) => line.len(),
            _ => 0,
        });
        lengths.push(longest.max().unwrap());
        mirror.on_disconnected();
    }
    assert!(lengths[0] > 60_000 && lengths[1] > 60_000, "it may have been the network: {lengths:?}");
    assert!(lengths[2] < 32 * 1024 && lengths[3] < 16 * 1024, "{lengths:?}");
}

#[test]
fn of_somebody_who_is_followed_only_now_all_of_the_last_month_is_read() {
    let mut mirror = connected();
    let questions = sent(&mirror.on_interest(wanted(), NOW));
    assert!(read_all(&mut mirror, &questions, NOW).1);
    let both = interest(&owner(), &[key(2).public_key(), key(3).public_key()].into());
    let questions = sent(&mirror.on_interest(both, NOW + 50));
    let (missed, _) = read_all(&mut mirror, &questions, NOW + 50);
    let since = |author: u8| {
        let author = key(author).public_key();
        let of_author = |question: &&Value| named([*question]).contains(&author);
        missed.iter().find(of_author).unwrap()[2]["since"].as_u64().unwrap()
    };
    assert_eq!((since(2), since(3)), (NOW - 900, NOW + 50 - 30 * 86_400));

    mirror.on_disconnected();
    let mut restarted = MirrorSession::new(owner(), false, 0, NOW + 50);
    let questions = sent(&connect(&mut restarted, NOW + 100));
    assert_eq!(of_people(&mut restarted, &questions, NOW + 100)[2]["since"], json!(NOW + 50 - 900));
}

#[test]
fn profiles_of_people_who_are_followed_are_asked_for_however_old_they_are() {
    let mut mirror = connected();
    let questions = sent(&mirror.on_lacking(&followed(150)));
    let question = asked(&questions, "profiles").unwrap();
    assert_eq!((question[2]["kinds"].clone(), question[2].get("since")), (json!([0, 10_002]), None));
    assert_eq!(named([question]).len(), 100);
    let next = sent(&mirror.on_line(r#"["EOSE","profiles"]"#, NOW));
    assert_eq!(named(asked(&next, "profiles")).len(), 50, "at once");
    assert_eq!(sent(&mirror.on_line(r#"["EOSE","profiles"]"#, NOW)), [json!(["CLOSE", "profiles"])]);
    assert_eq!(sent(&mirror.on_tick(NOW)), [] as [Value; 0]);
    let taken = |mirror: &mut MirrorSession, kind: u16| {
        let event = signed(2, kind, NOW - 86_400 * 1_000, &[], "{}");
        mirror.on_line(&json!(["EVENT", "profiles", event]).to_string(), NOW).len()
    };
    mirror.on_lacking(&[key(2).public_key()].into());
    assert_eq!([0, 10_002, 1, 3].map(|kind| taken(&mut mirror, kind)), [1, 1, 0, 0]);
}

#[test]
fn seconds_of_which_a_relay_has_more_than_it_gives_do_not_hold_up_the_past_and_are_counted() {
    let mut stored: Vec<Event> =
        (0..15).map(|number| signed(2, 1, NOW - 100, &[], &number.to_string())).collect();
    stored.extend((0..5).map(|number| signed(2, 1, NOW - 200 - number, &[], "older")));
    let mut mirror = MirrorSession::new(owner(), false, 0, 0);
    let mut questions = sent(&connect(&mut mirror, NOW));
    let (mut heard, mut count) = (BTreeSet::new(), 0);
    while let Some(question) = asked(&questions, "missed") {
        count += 1;
        assert!(count < 30, "it ends");
        let filter: Filter = serde_json::from_value(question[2].clone()).unwrap();
        for event in stored.iter().filter(|event| filter.matches(&event.id(), event)).take(10) {
            mirror.on_line(&json!(["EVENT", "missed", event]).to_string(), NOW);
            heard.insert(event.id());
        }
        questions = sent(&mirror.on_line(r#"["EOSE","missed"]"#, NOW));
    }
    assert_eq!((heard.len(), mirror.report().passed_over), (15, 1));
    assert!(mirror.report().caught_up);
}

#[test]
fn the_owners_lists_count_as_read_before_everything_else_is() {
    let mut mirror = MirrorSession::new(owner(), false, 0, 0);
    mirror.on_connected(PLAIN);
    mirror.on_interest(interest(&owner(), &followed(10_000)), NOW);
    assert!(!mirror.report().owners_read);
    mirror.on_line(r#"["EOSE","missed"]"#, NOW);
    assert!(mirror.report().owners_read && !mirror.report().caught_up);
}

/// A follow list of ten thousand people, about 700 KB.
fn long_list() -> Event {
    let tags = (0..10_000).map(|number| Tag::new(["p".to_owned(), person(number).to_string()])).collect();
    EventTemplate { created_at: NOW, kind: Kind(3), tags, content: String::new() }.sign(&key(1), &[0; 32])
}

#[test]
fn an_event_that_is_longer_than_a_relay_says_it_takes_is_not_sent_and_holds_up_nothing() {
    let (list, after) = (long_list(), signed(1, 1, NOW, &[], "after"));
    let mut mirror = MirrorSession::new(owner(), true, 0, 0);
    mirror.on_connected(PLAIN);
    let steps = mirror.offer(2, &[(1, list), (2, after.clone())], NOW);
    assert_eq!(sent(&steps), [json!(["EVENT", after])]);
    assert_eq!(mirror.report().refused, 1);
    let reason = mirror.report().refusal.clone().unwrap();
    assert!(reason.contains("KiB, and it takes at most 128 KiB"), "{reason}");
}

#[test]
fn a_long_event_on_which_a_relay_hangs_up_is_passed_over_and_offered_again_later() {
    let (list, after) = (long_list(), signed(1, 1, NOW, &[], "after"));
    let unknown = Terms { compares: Some(false), ..Terms::default() };
    let mut mirror = MirrorSession::new(owner(), true, 0, 0);
    mirror.on_connected(unknown);
    assert_eq!(sent(&mirror.offer(1, &[(1, list.clone())], NOW)).len(), 1);
    mirror.on_disconnected();
    let report = mirror.report();
    assert!(report.refusal.as_ref().unwrap().starts_with("the relay hung up on an event of"), "{report:?}");
    assert_eq!(report.postponed, 1);
    mirror.on_connected(unknown);
    let steps = mirror.offer(2, &[(1, list.clone()), (2, after.clone())], NOW + 1);
    assert_eq!(sent(&steps), [json!(["EVENT", after])]);
    mirror.on_line(&ok(&after, true, ""), NOW + 1);
    mirror.on_tick(NOW + 5);
    assert_eq!(mirror.room(), Some(UploadRoom::Again(vec![list.id()])));
}
