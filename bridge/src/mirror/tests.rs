//! Transcripts: lines of a relay in, steps of the node out.

mod comparing;
mod demanding;
mod mail;
mod many;

use std::collections::BTreeSet;

use nostrp2p_protocol::{EventTemplate, Kind, PublicKey, SecretKey, Tag};
use serde_json::{Value, json};

use super::*;

const NOW: u64 = 1_700_000_000;

fn key(byte: u8) -> SecretKey {
    SecretKey::from_bytes([byte; 32]).unwrap()
}

fn signed(signer: u8, kind: u16, created_at: u64, tags: &[&[&str]], content: &str) -> Event {
    let tags = tags.iter().map(|tag| Tag::new(tag.iter().copied())).collect();
    EventTemplate { created_at, kind: Kind(kind), tags, content: content.into() }.sign(&key(signer), &[0; 32])
}

fn owner() -> PublicKey {
    key(1).public_key()
}

fn wanted() -> Vec<Filter> {
    interest(&owner(), &[key(2).public_key()].into())
}

/// A relay that compares nothing and demands nothing.
const PLAIN: Terms = Terms {
    compares: Some(false),
    work: 0,
    message_bytes: Some(128 * 1024),
    subscriptions: None,
    filters: None,
    limit: None,
};

fn connect(mirror: &mut MirrorSession, now: u64) -> Vec<MirrorStep> {
    let mut steps = mirror.on_connected(PLAIN);
    steps.extend(mirror.on_interest(wanted(), now));
    steps
}

fn connected() -> MirrorSession {
    let mut mirror = MirrorSession::new(owner(), true, 0, 0);
    connect(&mut mirror, NOW);
    mirror
}

fn ok(event: &Event, accepted: bool, reason: &str) -> String {
    json!(["OK", event.id(), accepted, reason]).to_string()
}

fn sent(steps: &[MirrorStep]) -> Vec<Value> {
    let lines = steps.iter().filter_map(|step| match step {
        MirrorStep::Send(line) => Some(serde_json::from_str(line).unwrap()),
        _ => None,
    });
    lines.collect()
}

#[test]
fn what_was_acknowledged_is_settled_in_order() {
    let mut mirror = connected();
    let (one, two) = (signed(1, 1, NOW, &[], "one"), signed(1, 1, NOW, &[], "two"));
    assert_eq!(mirror.room(), Some(UploadRoom::After(0)));
    let steps = mirror.offer(9, &[(3, one.clone()), (7, two.clone())], NOW);
    assert_eq!(sent(&steps), [json!(["EVENT", one]), json!(["EVENT", two])]);
    assert_eq!(
        steps.last(),
        Some(&MirrorStep::Settled(2)),
        "what lies before the first was nothing for the relay"
    );
    assert_eq!(mirror.room(), None, "one window at a time");
    assert_eq!(
        mirror.on_line(&ok(&two, true, ""), NOW),
        [MirrorStep::Acknowledged(two.id())],
        "the first still waits"
    );
    let steps = mirror.on_line(&ok(&one, false, "duplicate: have it"), NOW);
    assert_eq!(steps, [MirrorStep::Acknowledged(one.id()), MirrorStep::Settled(9)]);
    assert_eq!((mirror.room(), mirror.report().accepted), (Some(UploadRoom::After(9)), 2));
    assert_eq!(mirror.on_line(&ok(&one, true, ""), NOW), [], "a second word changes nothing");
}

#[test]
fn what_was_not_acknowledged_goes_out_again_after_a_pause_that_grows() {
    let mut mirror = connected();
    mirror.offer(5, &[(5, signed(1, 1, NOW, &[], ""))], NOW);
    assert_eq!(mirror.on_tick(NOW + 60), []);
    assert!(matches!(mirror.on_tick(NOW + 61)[..], [MirrorStep::HangUp(_)]));
    let pauses: Vec<u64> = (0..12).map(|_| mirror.on_disconnected()).collect();
    assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 320, 640, 1_280, 1_800, 1_800, 1_800]);
    connect(&mut mirror, NOW);
    assert_eq!(mirror.room(), Some(UploadRoom::After(4)));
    mirror.on_line(r#"["EOSE","live"]"#, NOW);
    assert_eq!(mirror.on_disconnected(), 5, "a relay that answers is there again");
}

#[test]
fn a_no_is_told_and_does_not_hold_up_the_rest() {
    let mut mirror = connected();
    let event = signed(1, 1, NOW, &[], "");
    mirror.offer(1, &[(1, event.clone())], NOW);
    let steps = mirror.on_line(&ok(&event, false, "blocked: not here"), NOW);
    assert_eq!(steps, [MirrorStep::Refused(event.id()), MirrorStep::Settled(1)]);
    let report = mirror.report();
    assert_eq!((report.refused, report.refusal.as_deref()), (1, Some("blocked: not here")));
}

#[test]
fn an_event_that_a_relay_fails_to_take_does_not_hold_up_those_behind_it() {
    let mut mirror = connected();
    let events: Vec<(u64, Event)> =
        (1..=45).map(|number| (number, signed(1, 1, NOW, &[], &number.to_string()))).collect();
    let bad = events[3].1.clone();
    for window in events.chunks(MirrorSession::window()) {
        assert!(matches!(mirror.room(), Some(UploadRoom::After(_))));
        mirror.offer(window.last().unwrap().0, window, NOW);
        for (_, event) in window {
            let steps = if *event == bad {
                mirror.on_line(&ok(event, false, "error: could not save"), NOW)
            } else {
                mirror.on_line(&ok(event, true, ""), NOW)
            };
            assert!(!steps.iter().any(|step| matches!(step, MirrorStep::HangUp(_))), "{steps:?}");
        }
    }
    let report = mirror.report();
    assert_eq!((report.accepted, report.postponed), (44, 1));
    assert_eq!(report.refusal.as_deref(), Some("error: could not save"));
    mirror.on_tick(NOW + 4);
    assert_eq!(mirror.room(), Some(UploadRoom::After(45)));
    mirror.on_tick(NOW + 5);
    assert_eq!(mirror.room(), Some(UploadRoom::Again(vec![bad.id()])));
    assert_eq!(sent(&mirror.offer_again(&[(4, bad.clone())], NOW + 5)), [json!(["EVENT", bad])]);
    mirror.on_line(&ok(&bad, false, "error: could not save"), NOW + 5);
    mirror.on_tick(NOW + 14);
    assert_eq!(mirror.room(), Some(UploadRoom::After(45)), "twice as long");
    mirror.on_tick(NOW + 15);
    assert_eq!(mirror.room(), Some(UploadRoom::Again(vec![bad.id()])));
    mirror.offer_again(&[(4, bad.clone())], NOW + 15);
    let steps = mirror.on_line(&ok(&bad, true, ""), NOW + 15);
    assert_eq!(steps, [MirrorStep::Acknowledged(bad.id()), MirrorStep::Settled(45)]);
    assert_eq!((mirror.report().accepted, mirror.report().postponed), (45, 0));
}

#[test]
fn what_was_taken_is_not_offered_again_because_of_one_before_it_that_was_not() {
    let mut mirror = connected();
    let (bad, good) = (signed(1, 1, NOW, &[], "bad"), signed(1, 1, NOW, &[], "good"));
    mirror.offer(2, &[(1, bad.clone()), (2, good.clone())], NOW);
    mirror.on_line(&ok(&bad, false, "error: could not save"), NOW);
    mirror.on_line(&ok(&good, true, ""), NOW);
    mirror.on_disconnected();
    connect(&mut mirror, NOW + 1);
    assert_eq!(mirror.room(), Some(UploadRoom::After(0)), "a restart would offer both");
    assert_eq!(mirror.offer(2, &[(1, bad.clone()), (2, good)], NOW + 1), []);
    mirror.on_tick(NOW + 5);
    assert_eq!(mirror.room(), Some(UploadRoom::Again(vec![bad.id()])));
    assert_eq!(mirror.offer_again(&[], NOW + 5), [MirrorStep::Settled(2)], "it was deleted meanwhile");
}

#[test]
fn an_event_that_is_never_taken_counts_as_refused_in_the_end() {
    let mut mirror = connected();
    let bad = signed(1, 1, NOW, &[], "bad");
    mirror.offer(1, &[(1, bad.clone())], NOW);
    let (mut attempts, mut now) = (1, NOW);
    let mut steps = mirror.on_line(&ok(&bad, false, "error: could not save"), now);
    while steps.is_empty() {
        now += 3_600;
        mirror.on_tick(now);
        assert_eq!(mirror.room(), Some(UploadRoom::Again(vec![bad.id()])), "attempt {attempts}");
        mirror.offer_again(&[(1, bad.clone())], now);
        attempts += 1;
        steps = mirror.on_line(&ok(&bad, false, "error: could not save"), now);
    }
    assert_eq!((attempts, steps), (30, vec![MirrorStep::Refused(bad.id()), MirrorStep::Settled(1)]));
    assert_eq!((mirror.report().refused, mirror.report().postponed), (1, 0));
}

#[test]
fn a_relay_that_is_asked_too_much_gets_nothing_for_a_while_on_the_same_connection() {
    let mut mirror = connected();
    let event = signed(1, 1, NOW, &[], "");
    mirror.offer(1, &[(1, event.clone())], NOW);
    assert_eq!(mirror.on_line(&ok(&event, false, "rate-limited: slow down"), NOW), []);
    assert_eq!(mirror.room(), None);
    mirror.on_tick(NOW + 5);
    assert_eq!(mirror.room(), Some(UploadRoom::After(0)));
    mirror.offer(1, &[(1, event.clone())], NOW + 5);
    mirror.on_line(&ok(&event, false, "rate-limited: slow down"), NOW + 5);
    mirror.on_tick(NOW + 14);
    assert_eq!(mirror.room(), None, "twice as long");
    mirror.on_tick(NOW + 15);
    assert_eq!(mirror.room(), Some(UploadRoom::After(0)));
}

/// Answers the questions for what is missed with nothing until the one that names other authors than the owner.
fn of_people(mirror: &mut MirrorSession, questions: &[Value], now: u64) -> Value {
    let mut question = asked(questions, "missed").expect("it asks for what was missed").clone();
    for _ in 0..2 {
        question = asked(&sent(&mirror.on_line(r#"["EOSE","missed"]"#, now)), "missed").unwrap().clone();
    }
    assert_eq!(question[2]["authors"], json!([key(2).public_key()]));
    question
}

fn asked<'a>(steps: &'a [Value], subscription: &str) -> Option<&'a Value> {
    steps.iter().find(|line| line[0] == "REQ" && line[1] == subscription)
}

#[test]
fn a_live_question_that_ends_is_asked_again_and_status_shows_it() {
    let mut mirror = connected();
    assert!(!mirror.report().listens);
    mirror.on_line(r#"["EOSE","live"]"#, NOW);
    assert!(mirror.report().listens);
    mirror.on_line(r#"["CLOSED","live","error: idle"]"#, NOW + 1_000);
    assert!(!mirror.report().listens);
    assert_eq!(mirror.report().refusal.as_deref(), Some("error: idle"));
    assert_eq!(asked(&sent(&mirror.on_tick(NOW + 1_004)), "live"), None);
    let steps = sent(&mirror.on_tick(NOW + 1_005));
    let question = asked(&steps, "live").expect("it is asked again");
    assert_eq!(question[2]["since"], json!(NOW + 100), "and nothing is missed in between");
    mirror.on_line(r#"["EOSE","live"]"#, NOW + 1_006);
    assert!(mirror.report().listens);
}

#[test]
fn a_question_that_is_refused_or_not_answered_is_asked_again_after_a_pause_that_grows() {
    let mut mirror = connected();
    mirror.on_line(r#"["CLOSED","live","rate-limited: slow down"]"#, NOW);
    assert!(asked(&sent(&mirror.on_tick(NOW + 5)), "live").is_some());
    mirror.on_line(r#"["CLOSED","live","rate-limited: slow down"]"#, NOW + 6);
    assert!(asked(&sent(&mirror.on_tick(NOW + 15)), "live").is_none());
    assert!(asked(&sent(&mirror.on_tick(NOW + 16)), "live").is_some());
    mirror.on_tick(NOW + 17);
    let late = sent(&mirror.on_tick(NOW + 78));
    assert!(
        late.contains(&json!(["CLOSE", "live"])) && late.contains(&json!(["CLOSE", "missed"])),
        "{late:?}"
    );
    let again = sent(&mirror.on_tick(NOW + 78 + 20));
    assert!(asked(&again, "live").is_some() && asked(&again, "missed").is_some(), "{again:?}");
}

#[test]
fn the_owners_profile_lists_and_posts_are_asked_for() {
    let filters = interest(&owner(), &BTreeSet::new());
    for kind in [0, 3, 10_000, 10_002, 10_003, 10_013, 10_020, 10_050, 10_063, 30_000, 30_015, 39_089] {
        let own = signed(1, kind, NOW, &[], "");
        assert!(filters[0].matches(&own.id(), &own), "{kind}: before anything else");
    }
    for kind in [1, 5, 6, 7, 1_111, 30_023] {
        let own = signed(1, kind, NOW, &[], "");
        assert!(filters[1].matches(&own.id(), &own), "{kind}: what the owner wrote elsewhere");
    }
    let other = signed(1, 9_999, NOW, &[], "");
    assert!(!filters.iter().any(|filter| filter.matches(&other.id(), &other)));
}

#[test]
fn only_what_was_asked_for_is_taken() {
    let mut mirror = connected();
    let me = owner().to_string();
    let mut take = |event: &Event, subscription: &str| {
        let line = json!(["EVENT", subscription, event]).to_string();
        matches!(mirror.on_line(&line, NOW)[..], [MirrorStep::Heard(_)])
    };
    assert!(take(&signed(2, 1, NOW, &[], "by somebody who is followed"), "live"));
    assert!(take(&signed(3, 7, NOW, &[&["p", &me]], "+"), "live"));
    assert!(!take(&signed(3, 1, NOW, &[], "by somebody else"), "live"));
    assert!(!take(&signed(2, 4, NOW, &[], "a kind that was not asked for"), "live"));
    assert!(!take(&signed(2, 1, NOW, &[], "x"), "other"));
    for nonsense in
        ["", "[]", "{}", "[\"EVENT\"]", "[\"OK\",1]", "[\"EOSE\"]", "[\"CLOSED\",\"live\"]", "[5]", "\u{0}"]
    {
        assert_eq!(mirror.on_line(nonsense, NOW), [], "{nonsense}");
    }
}

#[test]
fn what_was_missed_comes_page_by_page_also_from_relays_with_short_pages() {
    let stored: Vec<Event> =
        (0..50).map(|number| signed(2, 1, NOW - 1_000 - number / 7, &[], &number.to_string())).collect();
    let mut mirror = MirrorSession::new(owner(), false, 0, 0);
    let mut questions = sent(&connect(&mut mirror, NOW));
    assert_eq!((&questions[0][1], &questions[0][2]["since"]), (&json!("live"), &json!(NOW)));
    let mut heard = BTreeSet::new();
    let mut caught_up = false;
    for _ in 0..100 {
        let Some(question) =
            questions.pop().filter(|question| question[1] == "missed" && question[0] == "REQ")
        else {
            break;
        };
        // The relay gives ten at a time, the newest first.
        let filter: Filter = serde_json::from_value(question[2].clone()).unwrap();
        let page = stored.iter().filter(|event| filter.matches(&event.id(), event)).take(10);
        for event in page {
            let steps = mirror.on_line(&json!(["EVENT", "missed", event]).to_string(), NOW);
            let new = steps.iter().filter(|step| matches!(step, MirrorStep::Heard(_))).count();
            assert!(new == 0 || heard.insert(event.id()), "twice");
        }
        let steps = mirror.on_line(r#"["EOSE","missed"]"#, NOW);
        caught_up |= steps.contains(&MirrorStep::CaughtUp(NOW));
        questions = sent(&steps);
    }
    assert_eq!((heard.len(), caught_up, mirror.report().caught_up), (50, true, true));
    mirror.on_disconnected();
    let questions = sent(&connect(&mut mirror, NOW + 100));
    let question = of_people(&mut mirror, &questions, NOW + 100);
    assert_eq!(question[2]["since"], json!(NOW - 900), "the next time only what is new");
}

#[test]
fn the_owners_profile_lists_and_posts_are_asked_for_however_old_they_are() {
    let mut mirror = MirrorSession::new(owner(), false, 0, NOW - 5_000);
    let mut questions = sent(&connect(&mut mirror, NOW));
    let mut seen = Vec::new();
    while let Some(question) =
        questions.pop().filter(|question| question[1] == "missed" && question[0] == "REQ")
    {
        let filter: Filter = serde_json::from_value(question[2].clone()).unwrap();
        seen.push((filter.kinds.is_some_and(|kinds| kinds.contains(&Kind::MUTE_LIST)), filter.since));
        questions = sent(&mirror.on_line(r#"["EOSE","missed"]"#, NOW));
    }
    let recent = Some(NOW - 5_000 - 900);
    // Of a run that wrote nothing down of it, the owner's posts are read once, and last.
    assert_eq!(seen, [(true, Some(0)), (false, recent), (false, recent), (false, Some(0))]);
}

#[test]
fn private_and_protected_events_stay_at_home() {
    let offered = |event: &Event| is_offered(event, &owner(), |id| id == "given");
    let someone = key(2).public_key().to_string();
    for open in
        [signed(1, 1, NOW, &[], ""), signed(1, 30_023, NOW, &[&["d", "x"]], ""), signed(1, 3, NOW, &[], "")]
    {
        assert!(offered(&open), "{open:?}");
    }
    for private in [
        signed(1, 1, NOW, &[&["p", &someone]], ""),
        signed(1, 7, NOW, &[&["p", &someone]], ""),
        signed(1, 1059, NOW, &[&["p", &someone]], ""),
        signed(1, 4, NOW, &[], ""),
        signed(1, 1, NOW, &[&["-"]], ""),
        signed(1, 30_078, NOW, &[], ""),
        signed(2, 1, NOW, &[], ""),
        signed(1, 5, NOW, &[&["e", "private"]], ""),
    ] {
        assert!(!offered(&private), "{private:?}");
    }
    assert!(offered(&signed(1, 5, NOW, &[&["e", "given"]], "")));
    let address = |kind: u16| format!("{kind}:{}:x", owner());
    assert!(offered(&signed(1, 5, NOW, &[&["a", &address(30_023)]], "")));
    assert!(!offered(&signed(1, 5, NOW, &[&["a", &address(30_078)]], "")));
}

#[test]
fn who_a_stranger_is_that_replies_is_asked_once_and_nothing_else_is_taken_as_the_answer() {
    let mut mirror = connected();
    assert_eq!(mirror.on_tick(NOW), [], "nobody has written");
    let hear = |mirror: &mut MirrorSession, subscription: &str, event: &Event| {
        let steps = mirror.on_line(&json!(["EVENT", subscription, event]).to_string(), NOW);
        matches!(steps[..], [MirrorStep::Heard(_)])
    };
    let reply = |author| signed(author, 1, NOW, &[&["p", &owner().to_string()]], "a reply");
    let profile = |author| signed(author, 0, NOW, &[], "{}");
    assert!(!hear(&mut mirror, "profiles", &profile(3)), "it was not asked for");
    assert!(hear(&mut mirror, "live", &reply(2)), "by somebody whose profile comes anyway");
    assert!(hear(&mut mirror, "live", &reply(3)));
    let asked = |person: u8| {
        let filter = json!({ "authors": [key(person).public_key()], "kinds": [0, 10_002] });
        json!(["REQ", "profiles", filter])
    };
    assert_eq!(sent(&mirror.on_tick(NOW)), [asked(3)]);
    assert!(hear(&mut mirror, "profiles", &profile(3)));
    assert!(!hear(&mut mirror, "profiles", &profile(4)), "somebody else's");
    assert!(!hear(&mut mirror, "profiles", &signed(3, 1, NOW, &[], "a post")), "no profile");

    assert!(hear(&mut mirror, "live", &reply(4)));
    assert_eq!(mirror.on_tick(NOW), [], "one question at a time");
    assert_eq!(sent(&mirror.on_line(r#"["EOSE","profiles"]"#, NOW)), [json!(["CLOSE", "profiles"])]);
    assert_eq!(sent(&mirror.on_tick(NOW)), [asked(4)], "the others are not asked for again");
    mirror.on_line(r#"["CLOSED","profiles","error: no"]"#, NOW);
    assert!(hear(&mut mirror, "live", &reply(5)));
    assert_eq!(sent(&mirror.on_tick(NOW)), [asked(5)]);
}

#[test]
fn a_relay_that_brings_too_much_is_not_listened_to_for_a_while_and_asked_from_the_same_place_again() {
    let mut mirror = connected();
    let event = signed(2, 1, NOW - 50, &[], "x");
    let line = |subscription: &str| json!(["EVENT", subscription, event]).to_string();
    assert!(matches!(mirror.on_line(&line("missed"), NOW)[..], [MirrorStep::Heard(_)]));
    let closed = sent(&mirror.pause());
    assert_eq!(closed, [json!(["CLOSE", "live"]), json!(["CLOSE", "missed"])]);
    assert_eq!(mirror.pause(), [], "once is enough");
    let late = json!(["EVENT", "live", signed(2, 1, NOW, &[], "late")]).to_string();
    assert_eq!(mirror.on_line(&late, NOW), [], "what is on its way is passed over");
    assert_eq!(mirror.on_line(r#"["EOSE","missed"]"#, NOW), [], "its place does not move");
    assert!(mirror.room().is_some(), "what goes out goes on");
    let questions = sent(&mirror.on_interest(wanted(), NOW + 600));
    let question = of_people(&mut mirror, &questions, NOW + 600);
    assert_eq!(question[2]["since"], json!(NOW + 600 - 30 * 86_400), "as if nothing had come");
    assert!(matches!(mirror.on_line(&line("missed"), NOW + 600)[..], [MirrorStep::Heard(_)]));
}

#[test]
fn the_place_of_a_mirror_never_goes_beyond_what_was_not_taken() {
    let mut mirror = MirrorSession::new(owner(), false, 0, NOW - 5_000);
    connect(&mut mirror, NOW);
    for (at, content) in [(NOW - 100, "taken"), (NOW - 200, "no room"), (NOW - 300, "taken")] {
        let event = signed(2, 1, at, &[], content);
        mirror.on_line(&json!(["EVENT", "missed", event]).to_string(), NOW);
        if content == "no room" {
            mirror.on_not_taken(at);
        }
    }
    let caught_up = |mirror: &mut MirrorSession| {
        (0..20).flat_map(|_| mirror.on_line(r#"["EOSE","missed"]"#, NOW)).find_map(|step| match step {
            MirrorStep::CaughtUp(until) => Some(until),
            _ => None,
        })
    };
    assert_eq!(caught_up(&mut mirror), Some(NOW - 201));
    mirror.on_disconnected();
    let questions = sent(&connect(&mut mirror, NOW + 10));
    let question = of_people(&mut mirror, &questions, NOW + 10);
    assert_eq!(question[2]["since"], json!(NOW - 201 - 900));
    assert_eq!(caught_up(&mut mirror), Some(NOW + 10), "now it was");
}

#[test]
fn however_much_was_missed_the_place_moves_when_all_of_it_is_here() {
    let mut mirror = MirrorSession::new(owner(), false, 0, NOW - 50_000);
    let questions = sent(&connect(&mut mirror, NOW));
    of_people(&mut mirror, &questions, NOW);
    let mut heard = 0;
    for page in 0..13_u64 {
        for number in 0..500 {
            let event = signed(2, 1, NOW - 1 - page * 500 - number, &[], "x");
            let steps = mirror.on_line(&json!(["EVENT", "missed", event]).to_string(), NOW);
            heard += steps.len();
        }
        let steps = mirror.on_line(r#"["EOSE","missed"]"#, NOW);
        assert!(!steps.iter().any(|step| matches!(step, MirrorStep::CaughtUp(_))), "page {page}");
        assert_eq!(sent(&steps)[0][2]["until"], json!(NOW - page * 500 - 500), "the next page");
    }
    assert_eq!(heard, 6_500);
}

#[test]
fn strangers_who_wrote_before_somebody_else_was_followed_are_asked_for_all_the_same() {
    let mut mirror = connected();
    let profiles = |steps: &[MirrorStep]| -> Vec<Value> {
        let questions = sent(steps).into_iter().filter(|line| line[0] == "REQ" && line[1] == "profiles");
        questions.map(|line| line[2]["authors"].clone()).collect()
    };
    for stranger in [3, 4] {
        let reply = signed(stranger, 1, NOW, &[&["p", &owner().to_string()]], "a reply");
        mirror.on_line(&json!(["EVENT", "live", reply]).to_string(), NOW);
        // The first is being asked for, the second not yet.
        let asked = if stranger == 3 { profiles(&mirror.on_tick(NOW)) } else { vec![] };
        assert_eq!(asked.len(), usize::from(stranger == 3));
    }
    let both = json!([key(3).public_key(), key(4).public_key()].into_iter().collect::<BTreeSet<_>>());
    mirror.on_interest(interest(&owner(), &[key(2).public_key(), key(5).public_key()].into()), NOW);
    assert_eq!(profiles(&mirror.on_tick(NOW)), std::slice::from_ref(&both));
    mirror.on_disconnected();
    connect(&mut mirror, NOW);
    assert_eq!(profiles(&mirror.on_tick(NOW)), [both]);
    mirror.on_line(r#"["EOSE","profiles"]"#, NOW);
    connect(&mut mirror, NOW);
    assert_eq!(profiles(&mirror.on_tick(NOW)), [] as [Value; 0], "they were answered for");
}

#[test]
fn whose_past_is_not_read_yet_is_known_after_a_restart() {
    let people = |seeds: &[u8]| seeds.iter().map(|seed| key(*seed).public_key()).collect::<BTreeSet<_>>();
    let wanted = |seeds: &[u8]| interest(&owner(), &people(seeds));
    let note = |steps: &[MirrorStep]| {
        let mut found = steps.iter().filter_map(|step| match step {
            MirrorStep::PastRead(people) => Some(people.clone()),
            _ => None,
        });
        found.next_back()
    };
    // The questions for the past that follow each other until all is read, and what is to be written down then.
    let read = |mirror: &mut MirrorSession, first: &[MirrorStep]| {
        let (mut asked, mut noted, mut steps) = (Vec::new(), None, first.to_vec());
        for _ in 0..50 {
            asked.extend(sent(&steps).into_iter().filter(|line| line[0] == "REQ" && line[1] == "missed"));
            noted = note(&steps).or(noted);
            if mirror.report().caught_up {
                break;
            }
            steps = mirror.on_line(r#"["EOSE","missed"]"#, NOW);
        }
        (asked, noted)
    };
    let since = |asked: &[Value], seed: u8| -> Vec<u64> {
        let name = json!(key(seed).public_key());
        let posts = asked.iter().map(|line| &line[2]).filter(|filter| {
            filter["authors"].as_array().is_some_and(|authors| authors.contains(&name))
                && filter["kinds"].as_array().is_some_and(|kinds| kinds.contains(&json!(1)))
        });
        posts.filter_map(|filter| filter["since"].as_u64()).collect()
    };
    let month = NOW - 30 * 86_400;

    // The first start: all of it is read, the owner's own without an earliest time.
    let mut mirror = MirrorSession::new(owner(), true, 0, 0);
    let mut steps = mirror.on_connected(PLAIN);
    steps.extend(mirror.on_interest(wanted(&[2]), NOW));
    let (asked, noted) = read(&mut mirror, &steps);
    assert_eq!((since(&asked, 1), since(&asked, 2)), (vec![0], vec![month]));
    assert_eq!(noted, Some(people(&[1, 2])));
    // Somebody is followed, and the node is stopped before that past is read, whether the relay was reached or not.
    assert_eq!(note(&mirror.on_interest(wanted(&[2, 3]), NOW)), None);

    let recent = NOW - 15 * 60;
    let mut again = MirrorSession::new(owner(), true, 0, NOW).with_past_read(noted);
    let mut steps = again.on_connected(PLAIN);
    steps.extend(again.on_interest(wanted(&[2, 3]), NOW));
    let (asked, noted) = read(&mut again, &steps);
    assert_eq!(
        (since(&asked, 1), since(&asked, 2), since(&asked, 3)),
        (vec![recent], vec![recent], vec![month])
    );
    assert_eq!(noted, Some(people(&[1, 2, 3])));

    // Of somebody who is not followed any more nothing is read, so the next time all is.
    let steps = again.on_interest(wanted(&[2]), NOW);
    assert_eq!(read(&mut again, &steps).1, Some(people(&[1, 2])));

    // A node of an earlier version has written nothing down: what the owner wrote was not read.
    let mut older = MirrorSession::new(owner(), true, 0, NOW);
    let mut steps = older.on_connected(PLAIN);
    steps.extend(older.on_interest(wanted(&[2]), NOW));
    let (asked, noted) = read(&mut older, &steps);
    assert_eq!((since(&asked, 1), since(&asked, 2)), (vec![0], vec![recent]));
    assert_eq!(noted, Some(people(&[1, 2])));
}

#[test]
fn what_was_not_taken_of_somebody_followed_only_now_is_read_again() {
    let mut mirror = MirrorSession::new(owner(), false, 0, NOW).with_past_read(Some([owner()].into()));
    mirror.on_connected(PLAIN);
    let mut steps = mirror.on_interest(wanted(), NOW);
    mirror.on_not_taken(NOW - 20 * 86_400);
    let mut noted = false;
    while !mirror.report().caught_up {
        noted |= steps.iter().any(|step| matches!(step, MirrorStep::PastRead(_)));
        steps = mirror.on_line(r#"["EOSE","missed"]"#, NOW);
    }
    noted |= steps.iter().any(|step| matches!(step, MirrorStep::PastRead(_)));
    assert!(!noted, "not all of it is here");
}

#[test]
fn a_relay_where_somebody_reads_is_given_what_is_addressed_to_it_and_nothing_else() {
    let mut mirror = MirrorSession::new(owner(), false, 0, 0);
    connect(&mut mirror, NOW);
    assert_eq!(mirror.room(), None, "not all goes there");
    let [taken, refused, failed] = [1, 2, 3].map(|number| signed(1, 1, NOW, &[], &number.to_string()));
    let all = [&taken, &refused, &failed].map(|event| event.id());
    mirror.address(&all);
    mirror.address(&all[..1]);
    let Some(UploadRoom::Again(mut ids)) = mirror.room() else { panic!("nothing is offered") };
    ids.sort_unstable();
    let mut expected = all;
    expected.sort_unstable();
    assert_eq!(ids, expected, "each once");
    let events = [(7, taken.clone()), (8, refused.clone()), (9, failed.clone())];
    assert_eq!(sent(&mirror.offer_again(&events, NOW)).len(), 3);
    assert_eq!(mirror.on_line(&ok(&taken, true, ""), NOW), [MirrorStep::Acknowledged(taken.id())]);
    assert_eq!(mirror.on_line(&ok(&refused, false, "blocked: no"), NOW), [MirrorStep::Refused(refused.id())]);
    assert_eq!(mirror.on_line(&ok(&failed, false, "error: busy"), NOW), []);
    assert_eq!(mirror.room(), None);
    // On a new connection what was refused is not pressed on it, and what failed waits for its time.
    mirror.on_disconnected();
    connect(&mut mirror, NOW);
    mirror.address(&[refused.id(), failed.id()]);
    assert_eq!(mirror.room(), None);
    mirror.on_tick(NOW + 3_600);
    assert_eq!(mirror.room(), Some(UploadRoom::Again(vec![failed.id()])));
}
