use nostrp2p_protocol::{EventTemplate, Kind, SecretKey, Signature};

use super::*;

const NOW: u64 = 1_700_000_000;
const HORIZON: u64 = 30 * DAY;

fn peer(number: u8) -> PeerId {
    PeerId::from_ed25519([number; 32])
}

fn sync() -> Scheduler {
    Scheduler::new(HORIZON, SeededRng::new(1))
}

fn event(number: usize) -> UnverifiedEvent {
    let draft =
        EventTemplate { created_at: NOW, kind: Kind::POST, tags: vec![], content: number.to_string() };
    let key = SecretKey::from_bytes([1; 32]).unwrap();
    UnverifiedEvent { claimed_id: None, ..draft.sign(&key, &[0; 32]).into() }
}

/// What the node makes of an answer.
fn identified(events: &[UnverifiedEvent]) -> Option<Vec<Identified>> {
    Some(events.iter().cloned().map(Into::into).collect())
}

fn needs(events: &[UnverifiedEvent]) -> Option<Difference> {
    let needed = events.iter().map(|event| event.unsigned.id()).collect();
    Some(Difference { needed, complete: true, ..Difference::default() })
}

/// The session and window of a step that compares.
#[track_caller]
fn compares(steps: &[SyncStep]) -> (SyncSession, PeerId, SyncWindow) {
    match steps {
        [SyncStep::Compare(session, peer, window)] => (*session, *peer, *window),
        other => panic!("no comparison but {other:?}"),
    }
}

/// Runs a session to its end, with nothing found; returns the number of windows and what follows.
fn finish(sync: &mut Scheduler, mut session: SyncSession, now: u64) -> (usize, Vec<SyncStep>) {
    for number in 1.. {
        let steps = sync.on_compared(session, needs(&[]), |_| false, now);
        match steps.as_slice() {
            [SyncStep::Compare(next, ..)] => session = *next,
            _ => return (number, steps),
        }
    }
    unreachable!()
}

#[test]
fn the_windows_follow_one_another_without_a_gap_newest_first() {
    let windows = windows(NOW, HORIZON);
    assert_eq!(windows.len(), 4);
    assert!(windows.windows(2).all(|pair| pair[0].since == pair[1].until));
    assert!(
        windows[0].since <= NOW - HOUR && windows[1].since <= NOW - DAY && windows[2].since <= NOW - 7 * DAY
    );
    let last = windows[3].since;
    assert!((NOW - HORIZON..NOW - HORIZON + DAY).contains(&last), "what others may refuse is not asked for");
    assert!(windows.iter().all(|window| window.since % HOUR == 0));
    let short = super::windows(NOW, 2 * HOUR);
    assert!(short.iter().all(|window| window.since < window.until));
}

#[test]
fn on_joining_three_neighbours_are_asked_at_once_two_at_a_time() {
    let mut sync = sync();
    for number in 1..=5 {
        sync.on_joined(peer(number), NOW);
    }
    let steps = sync.due(NOW);
    assert_eq!(steps.len(), MAX_SESSIONS);
    assert_eq!(sync.due(NOW), [], "no more at a time");
    let (first, ..) = compares(&steps[..1]);
    assert_eq!(finish(&mut sync, first, NOW).0, 4, "all windows");
    assert_eq!(sync.due(NOW).len(), 1, "the third");
    let (second, ..) = compares(&steps[1..]);
    finish(&mut sync, second, NOW);
    assert_eq!(sync.due(NOW), [], "the fourth and fifth have time");
    let later: Vec<SyncStep> = (NOW..NOW + SOON_SECONDS).step_by(5).flat_map(|now| sync.due(now)).collect();
    assert!(!later.is_empty(), "but their turn comes");
}

#[test]
fn what_is_missing_is_fetched_in_bounded_pieces_until_it_is_there() {
    let mut sync = sync();
    sync.on_joined(peer(1), NOW);
    let (session, ..) = compares(&sync.due(NOW));
    let events: Vec<UnverifiedEvent> = (0..MAX_GET_IDS + 10).map(event).collect();
    let known = events[0].unsigned.id();
    let steps = sync.on_compared(session, needs(&events), |id| *id == known, NOW);
    let [SyncStep::Get(_, _, ids)] = steps.as_slice() else { panic!("{steps:?}") };
    assert_eq!(ids.len(), MAX_GET_IDS);
    assert!(!ids.contains(&known), "what is known already is not fetched");
    // The neighbour sends half of it, and something nobody asked for.
    let mut answer: Vec<UnverifiedEvent> =
        events.iter().filter(|event| ids.contains(&event.unsigned.id())).take(100).cloned().collect();
    answer.push(event(9_999));
    let (checks, steps) = sync.on_got(session, identified(&answer), NOW);
    assert_eq!(checks.len(), 100);
    let [SyncStep::Get(_, _, ids)] = steps.as_slice() else { panic!("{steps:?}") };
    assert_eq!(ids.len(), MAX_GET_IDS + 10 - 1 - 100, "what did not fit is asked for again");
    // The neighbour has none of the rest.
    let (checks, steps) = sync.on_got(session, Some(vec![]), NOW);
    assert_eq!((checks, steps), (vec![], vec![]), "the next window waits for the signatures");
    let mut steps = vec![];
    for _ in 0..100 {
        assert_eq!(steps, []);
        steps = sync.on_checked(session, true, NOW);
    }
    let (session, _, window) = compares(&steps);
    assert!(window.until <= NOW, "the next window");
    finish(&mut sync, session, NOW);
    assert_eq!(sync.last(), Some(LastSync { at: NOW, peer: peer(1), events: 100 }));
    assert_eq!(sync.counts().events, 100);
}

#[test]
fn the_next_answer_is_under_way_while_signatures_are_checked_but_not_more() {
    let mut sync = sync();
    sync.on_joined(peer(1), NOW);
    let (session, ..) = compares(&sync.due(NOW));
    let events: Vec<UnverifiedEvent> = (0..4 * MAX_GET_IDS).map(event).collect();
    let steps = sync.on_compared(session, needs(&events), |_| false, NOW);
    let answer = |steps: &[SyncStep]| {
        let [SyncStep::Get(_, _, ids)] = steps else { panic!("{steps:?}") };
        let answer: Vec<UnverifiedEvent> = ids
            .iter()
            .filter_map(|id| events.iter().find(|event| event.unsigned.id() == *id))
            .cloned()
            .collect();
        identified(&answer)
    };
    let (_, steps) = sync.on_got(session, answer(&steps), NOW);
    let (_, steps) = sync.on_got(session, answer(&steps), NOW);
    assert_eq!(steps, [], "as many as may be are being checked");
    let steps: Vec<SyncStep> = (0..MAX_GET_IDS).flat_map(|_| sync.on_checked(session, true, NOW)).collect();
    assert!(matches!(steps[..], [SyncStep::Get(..)]), "{steps:?}");
}

#[test]
fn what_came_before_a_neighbour_broke_off_is_told_to_others() {
    let mut sync = sync();
    sync.on_joined(peer(1), NOW);
    let (session, ..) = compares(&sync.due(NOW));
    sync.on_joined(peer(2), NOW);
    let events: Vec<UnverifiedEvent> = (0..2).map(event).collect();
    sync.on_compared(session, needs(&events), |_| false, NOW);
    let (_, steps) = sync.on_got(session, identified(&events[..1]), NOW);
    assert!(matches!(steps[..], [SyncStep::Get(..)]), "{steps:?}");
    assert_eq!(sync.on_got(session, None, NOW).1, [], "the signature of the first is still being checked");
    let steps = sync.on_checked(session, true, NOW);
    assert_eq!(steps, [SyncStep::Tell(peer(2))]);
    assert_eq!((sync.counts().failed, sync.counts().events), (1, 1));
}

#[test]
fn a_neighbour_with_more_than_a_session_takes_is_gone_on_with_after_those_who_wait() {
    let mut sync = sync();
    sync.on_joined(peer(1), NOW);
    let (session, ..) = compares(&sync.due(NOW));
    let events: Vec<UnverifiedEvent> = (0..3).map(event).collect();
    sync.on_compared(session, needs(&events), |_| false, NOW);
    let late = NOW + MAX_SESSION_SECONDS;
    for other in 2..=3 {
        sync.on_joined(peer(other), late - 1);
        sync.neighbours.get_mut(&peer(other)).unwrap().due = late - 1;
    }
    sync.on_got(session, identified(&events[..1]), late);
    sync.on_checked(session, true, late);
    (sync.ticked, sync.now_and_then) = (late, u64::MAX);
    let turns: Vec<PeerId> = sync
        .due(late)
        .into_iter()
        .filter_map(|step| match step {
            SyncStep::Compare(_, peer, _) => Some(peer),
            _ => None,
        })
        .collect();
    assert_eq!(turns, [peer(2), peer(3)]);
}

#[test]
fn a_neighbour_with_events_without_end_is_left_alone_when_it_has_sent_enough() {
    let mut sync = sync();
    sync.kib_of_one = Rate { burst: 2_048, per_hour: 2_048 };
    sync.on_joined(peer(1), NOW);
    let long = |number: usize| {
        let content = format!("{number} {}", "x".repeat(60_000));
        let draft = EventTemplate { created_at: NOW, kind: Kind::POST, tags: vec![], content };
        let unsigned = draft.by(SecretKey::from_bytes([1; 32]).unwrap().public_key());
        UnverifiedEvent { claimed_id: None, unsigned, sig: Signature::from_bytes([0; 64]) }
    };
    let (mut sent, mut number) = (0, 0);
    // For half an hour it has 8 more events each time it is asked, and says so.
    for now in NOW..NOW + 1_800 {
        sync.on_news(&peer(1));
        let mut steps = sync.due(now);
        while let Some(step) = steps.pop() {
            match step {
                SyncStep::Compare(session, ..) => {
                    let events: Vec<UnverifiedEvent> = (number..number + 8).map(long).collect();
                    steps = sync.on_compared(session, needs(&events), |_| false, now);
                }
                SyncStep::Get(session, ..) => {
                    let events: Vec<UnverifiedEvent> = (number..number + 8).map(long).collect();
                    number += 8;
                    let (checks, next) = sync.on_got(session, identified(&events), now);
                    sent += checks.iter().map(|event| event.event.unsigned.size()).sum::<usize>();
                    steps.extend(next);
                    for _ in checks {
                        steps.extend(sync.on_checked(session, true, now));
                    }
                }
                SyncStep::Tell(_) => {}
            }
        }
    }
    assert!((2_048 * 1_024..3_600 * 1_024).contains(&sent), "{sent} bytes");
}

#[test]
fn news_is_told_to_others_and_to_a_neighbour_that_lacks_something() {
    let mut sync = sync();
    for number in 1..=3 {
        sync.on_joined(peer(number), NOW);
    }
    let steps = sync.due(NOW);
    let (session, with, _) = compares(&steps[..1]);
    sync.on_compared(session, needs(&[event(1)]), |_| false, NOW);
    sync.on_got(session, identified(&[event(1)]), NOW);
    sync.on_checked(session, true, NOW);
    let spare = Some(Difference { spare: 1, complete: true, ..Difference::default() });
    sync.on_compared(session, spare, |_| false, NOW);
    sync.on_compared(session, needs(&[]), |_| false, NOW);
    let mut steps = sync.on_compared(session, needs(&[]), |_| false, NOW);
    steps.sort_by_key(|step| matches!(step, SyncStep::Tell(told) if *told == with));
    assert_eq!(steps.len(), 3, "{steps:?}");
    assert_eq!(steps.last(), Some(&SyncStep::Tell(with)), "it lacks something");
    assert!(steps.iter().all(|step| matches!(step, SyncStep::Tell(_))));
}

#[test]
fn a_neighbour_with_news_is_asked_but_not_all_the_time() {
    let mut sync = sync();
    sync.on_joined(peer(1), NOW);
    let (session, ..) = compares(&sync.due(NOW));
    finish(&mut sync, session, NOW);
    sync.on_news(&peer(1));
    assert_eq!(sync.due(NOW + NOT_BEFORE_SECONDS - 1), []);
    compares(&sync.due(NOW + NOT_BEFORE_SECONDS));
    sync.on_news(&peer(9));
    assert_eq!(sync.due(NOW + NOT_BEFORE_SECONDS), [], "strangers are not listened to");
}

#[test]
fn now_and_then_a_random_neighbour_is_asked_and_soon_after_something_was_missed() {
    let mut sync = sync();
    sync.on_joined(peer(1), NOW);
    let (session, ..) = compares(&sync.due(NOW));
    finish(&mut sync, session, NOW);
    let next = |sync: &mut Scheduler, from: u64| {
        (from..from + 2 * NOW_AND_THEN_SECONDS).find_map(|now| match sync.due(now).as_slice() {
            [SyncStep::Compare(session, ..)] => Some((*session, now)),
            _ => None,
        })
    };
    let (session, at) = next(&mut sync, NOW).unwrap();
    assert!((NOW_AND_THEN_SECONDS / 2..=NOW_AND_THEN_SECONDS * 3 / 2).contains(&(at - NOW)), "{}", at - NOW);
    finish(&mut sync, session, at);
    sync.on_missed(at);
    let (_, again) = next(&mut sync, at).unwrap();
    assert!(again - at <= NOT_BEFORE_SECONDS.max(MISSED_SECONDS));
}

#[test]
fn after_a_gap_some_are_asked_at_once() {
    let mut sync = sync();
    sync.on_joined(peer(1), NOW);
    let (session, ..) = compares(&sync.due(NOW));
    finish(&mut sync, session, NOW);
    assert_eq!(sync.due(NOW + 5), []);
    compares(&sync.due(NOW + 5 + GAP_SECONDS + 1));
}

#[test]
fn one_that_does_not_answer_is_left_alone_for_longer_and_longer() {
    let mut sync = sync();
    sync.on_joined(peer(1), NOW);
    let mut now = NOW;
    let mut pauses = vec![];
    for _ in 0..9 {
        let (session, ..) = compares(&sync.due(now));
        assert_eq!(sync.on_compared(session, None, |_| false, now), []);
        // Nobody else asks in between.
        sync.now_and_then = u64::MAX;
        let began = now;
        while sync.neighbours.values().any(|neighbour| neighbour.due > now) {
            now += 1;
            sync.ticked = now;
        }
        pauses.push(now - began);
    }
    let (least, most) = (AWAY_SECONDS, MAX_AWAY_SECONDS + SOON_SECONDS);
    assert!(pauses.iter().all(|pause| (least..=most).contains(pause)), "{pauses:?}");
    assert!(pauses[8] >= MAX_AWAY_SECONDS && pauses[0] < 2 * SOON_SECONDS, "{pauses:?}");
    assert_eq!((sync.counts().failed, sync.last()), (9, None));
}

#[test]
fn a_session_is_bounded_in_time_and_bytes_and_goes_on_later() {
    let mut sync = sync();
    sync.on_joined(peer(1), NOW);
    let (session, ..) = compares(&sync.due(NOW));
    let events: Vec<UnverifiedEvent> = (0..3).map(event).collect();
    sync.on_compared(session, needs(&events), |_| false, NOW);
    let late = NOW + MAX_SESSION_SECONDS;
    sync.on_got(session, identified(&events[..1]), late);
    assert_eq!(sync.on_checked(session, true, late), [], "the time is over");
    sync.ticked = late;
    compares(&sync.due(late));
}

#[test]
fn an_answer_that_never_comes_blocks_nothing() {
    let mut sync = sync();
    sync.on_joined(peer(1), NOW);
    sync.due(NOW);
    let later = NOW + 2 * MAX_SESSION_SECONDS + 1;
    let steps: Vec<SyncStep> =
        (NOW..later + AWAY_SECONDS + SOON_SECONDS).step_by(5).flat_map(|now| sync.due(now)).collect();
    assert!(matches!(steps.as_slice(), [SyncStep::Compare(..)]), "{steps:?}");
}

#[test]
fn neighbours_are_bounded_and_forgotten() {
    let mut sync = sync();
    for number in 0..400u16 {
        let mut key = [0; 32];
        key[..2].copy_from_slice(&number.to_be_bytes());
        sync.on_joined(PeerId::from_ed25519(key), NOW);
    }
    assert_eq!(sync.neighbours.len(), MAX_NEIGHBOURS);
    let (session, with, _) = compares(&sync.due(NOW)[..1]);
    sync.on_left(&with);
    assert_eq!(sync.neighbours.len(), MAX_NEIGHBOURS - 1);
    assert!(finish(&mut sync, session, NOW).0 > 0, "its session ends by itself");
}

#[test]
fn a_clock_that_is_set_back_does_not_put_off_what_is_due() {
    let mut sync = sync();
    sync.on_joined(peer(1), NOW + 3_600);
    let (session, ..) = compares(&sync.due(NOW + 3_600));
    finish(&mut sync, session, NOW + 3_600);
    assert_eq!(sync.due(NOW), []);
    sync.on_news(&peer(1));
    let (session, ..) = compares(&sync.due(NOW + NOT_BEFORE_SECONDS));
    finish(&mut sync, session, NOW + NOT_BEFORE_SECONDS);
    let by_itself = (NOW..NOW + 2 * NOW_AND_THEN_SECONDS).step_by(5).flat_map(|now| sync.due(now));
    assert_ne!(by_itself.count(), 0, "now and then goes on");
}

#[test]
fn what_becomes_due_during_a_session_is_looked_for_after_it() {
    let mut sync = sync();
    sync.on_joined(peer(1), NOW);
    let (session, ..) = compares(&sync.due(NOW));
    sync.on_due(&peer(1));
    finish(&mut sync, session, NOW);
    assert_eq!(sync.due(NOW + NOT_BEFORE_SECONDS - 1), []);
    compares(&sync.due(NOW + NOT_BEFORE_SECONDS));
}
