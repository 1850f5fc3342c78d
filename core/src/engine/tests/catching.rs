//! Catching up through the whole engine: what is taken, and what never is.

use nostrp2p_protocol::limits::MAX_SECONDS_AHEAD;

use super::*;
use crate::{
    Rate,
    sync::Difference,
    sync::{SyncSession, SyncStep},
};

fn heard(event: Event) -> Input {
    Input::Heard(HEARD, OTHER, packet(event))
}

/// Begins to compare with a neighbour; returns the session.
fn begin(core: &mut Core) -> SyncSession {
    let outputs = core.handle(Input::PeerConnected(OTHER, Network::Unknown), NOW);
    let [Output::CatchUp(SyncStep::Compare(session, OTHER, _))] = outputs[..] else { panic!("{outputs:?}") };
    session
}

/// Lets a neighbour offer and send events; returns what is stored of them.
fn offer(core: &mut Core, session: SyncSession, events: &[UnverifiedEvent]) -> Vec<Event> {
    let needed = events.iter().map(|event| event.unsigned.id()).collect();
    let difference = Difference { needed, complete: true, ..Difference::default() };
    let outputs = core.handle(Input::Compared(session, Some(difference)), NOW);
    if !matches!(outputs[..], [Output::CatchUp(SyncStep::Get(..))]) {
        return vec![];
    }
    let outputs = run(core, Input::Got(session, Some(events.iter().cloned().map(Into::into).collect())));
    let stored = outputs.into_iter().filter_map(|output| match output {
        Output::Store(event, sharing) => {
            assert_eq!(sharing, Sharing::Shared);
            Some(event)
        }
        Output::ReportValidation(..) | Output::Broadcast(..) => panic!("it is not gossiped again"),
        _ => None,
    });
    stored.collect()
}

#[test]
fn what_is_missing_is_checked_and_stored_and_known_from_then_on() {
    let mut core = core();
    let session = begin(&mut core);
    let missed = [post(2), event(3, Kind::DELETION, vec![Tag::new(["e", &post(3).id().to_string()])])];
    let offered: Vec<UnverifiedEvent> = missed.iter().cloned().map(Into::into).collect();
    assert_eq!(offer(&mut core, session, &offered), missed);
    assert_eq!(offer(&mut core, session, &offered), [], "it is known now");
    let heard = run(&mut core, heard(post(2)));
    assert_eq!(heard, [Output::ReportValidation(HEARD, Verdict::Ignore(Ignored::Seen))]);
}

#[test]
fn what_the_store_has_lost_is_fetched_again() {
    let mut core = core();
    let session = begin(&mut core);
    assert_eq!(run(&mut core, heard(post(2))).len(), 2, "it is stored and passed on");
    assert_eq!(offer(&mut core, session, &[post(2).into()]), [], "it is known");
    run(&mut core, Input::StoreRolledBack);
    assert_eq!(offer(&mut core, session, &[post(2).into()]), [post(2)]);
}

#[test]
fn a_budget_delays_an_event_but_does_not_keep_it_away() {
    let limits = Limits { strangers: Rate { burst: 1, per_hour: 1 }, ..Limits::default() };
    let mut core = engine(EngineSettings { limits, ..EngineSettings::default() }, Some(key(1).public_key()));
    let posts: Vec<Event> = (0..2)
        .map(|number| {
            EventTemplate { created_at: NOW, kind: Kind::POST, tags: vec![], content: format!("{number}") }
                .sign(&key(2), &[0; 32])
        })
        .collect();
    run(&mut core, heard(posts[0].clone()));
    let over = run(&mut core, heard(posts[1].clone()));
    assert_eq!(over, [Output::ReportValidation(HEARD, Verdict::Ignore(Ignored::OverBudget))]);
    let session = begin(&mut core);
    assert_eq!(offer(&mut core, session, &[posts[1].clone().into()]), [posts[1].clone()]);
}

#[test]
fn what_the_shared_rule_refuses_is_refused_and_not_fetched_again() {
    let old = EventTemplate {
        created_at: NOW - 31 * 86_400,
        kind: Kind::POST,
        tags: vec![],
        content: "old".into(),
    };
    let refused = [reply_to(2, 1), event(2, Kind::FOLLOW_LIST, vec![]), old.sign(&key(2), &[0; 32])];
    for event in refused {
        let mut core = core();
        let session = begin(&mut core);
        let offered = [UnverifiedEvent::from(event)];
        assert_eq!(offer(&mut core, session, &offered), []);
        let needed = vec![offered[0].unsigned.id()];
        let difference = Some(Difference { needed, complete: true, ..Difference::default() });
        let outputs = core.handle(Input::Compared(session, difference), NOW);
        assert!(
            !outputs.iter().any(|output| matches!(output, Output::CatchUp(SyncStep::Get(..)))),
            "{outputs:?}"
        );
    }
}

#[test]
fn a_forgery_is_not_stored_and_the_honest_copy_still_is() {
    let mut core = core();
    let session = begin(&mut core);
    let mut forged = UnverifiedEvent::from(post(2));
    forged.sig = Signature::from_bytes([0; 64]);
    assert_eq!(offer(&mut core, session, &[forged]), []);
    assert_eq!(offer(&mut core, session, &[post(2).into()]), [post(2)]);
}

#[test]
fn what_is_not_passed_on_is_stored_and_neighbours_are_told_of_it() {
    let limits = Limits { passed_on: Rate { burst: 1, per_hour: 1 }, ..Limits::default() };
    let mut core = engine(EngineSettings { limits, ..EngineSettings::default() }, Some(key(1).public_key()));
    let session = begin(&mut core);
    let nothing = Difference { complete: true, ..Difference::default() };
    for _ in 0..4 {
        core.handle(Input::Compared(session, Some(nothing.clone())), NOW);
    }
    run(&mut core, heard(post(2)));
    let second = event(2, Kind::POST, vec![Tag::new(["t", "second"])]);
    let kept = [
        Output::ReportValidation(HEARD, Verdict::AcceptWithoutForwarding),
        Output::Store(second.clone(), Sharing::Shared),
    ];
    assert_eq!(run(&mut core, heard(second)), kept);
    assert_eq!(core.handle(Input::Tick, NOW), []);
    let told = core.handle(Input::Tick, NOW + 8);
    assert!(told.contains(&Output::CatchUp(SyncStep::Tell(OTHER))), "{told:?}");
}

/// A post that is due so many seconds from [`NOW`].
fn early_post(content: &str, seconds: u64) -> Event {
    let created_at = NOW + MAX_SECONDS_AHEAD + seconds;
    let draft = EventTemplate { created_at, kind: Kind::POST, tags: vec![], content: content.into() };
    draft.sign(&key(2), &[0; 32])
}

/// Lets a neighbour offer this again and again until the session is over.
fn finish(core: &mut Core, session: SyncSession, needed: &[EventId], now: u64) {
    let difference = Difference { needed: needed.to_vec(), complete: true, ..Difference::default() };
    for _ in 0..4 {
        let outputs = core.handle(Input::Compared(session, Some(difference.clone())), now);
        assert!(
            !outputs.iter().any(|output| matches!(output, Output::CatchUp(SyncStep::Get(..)))),
            "{outputs:?}"
        );
    }
}

#[test]
fn what_came_too_early_is_asked_of_who_brought_it_when_it_is_due() {
    let mut core = core();
    let session = begin(&mut core);
    let early = early_post("from an hour ahead", 2_700);
    let ignored = [Output::ReportValidation(HEARD, Verdict::Ignore(Ignored::TooNew))];
    assert_eq!(run(&mut core, heard(early.clone())), ignored);
    assert_eq!(core.early_events(), 1);
    finish(&mut core, session, &[early.id()], NOW);

    let now = NOW + 2_700;
    let mut steps = core.handle(Input::Tick, now);
    steps.extend(core.handle(Input::Tick, now + 10));
    assert_eq!(core.early_events(), 0);
    let compared = steps.iter().find_map(|step| match step {
        Output::CatchUp(SyncStep::Compare(session, OTHER, _)) => Some(*session),
        _ => None,
    });
    let session = compared.unwrap_or_else(|| panic!("{steps:?}"));
    let difference = Difference { needed: vec![early.id()], complete: true, ..Difference::default() };
    core.handle(Input::Compared(session, Some(difference)), now + 10);
    let sent = Input::Got(session, Some(vec![UnverifiedEvent::from(early.clone()).into()]));
    let [Output::Verify(number, _)] = core.handle(sent, now + 10)[..] else { panic!("it is not checked") };
    let stored = core.handle(Input::Verified(number, Ok(early.clone())), now + 10);
    assert!(stored.contains(&Output::Store(early, Sharing::Shared)), "{stored:?}");
}

#[test]
fn what_a_neighbour_offers_too_early_is_fetched_again_when_it_is_due_and_not_before() {
    let mut core = core();
    let session = begin(&mut core);
    let early = early_post("from a year ahead", 365 * 86_400);
    assert_eq!(offer(&mut core, session, &[early.clone().into()]), []);
    finish(&mut core, session, &[early.id()], NOW);
    // The clock is set right.
    let now = early.created_at;
    let steps = core.handle(Input::Tick, now);
    let [Output::CatchUp(SyncStep::Compare(session, ..))] = steps[..] else { panic!("{steps:?}") };
    let difference = Difference { needed: vec![early.id()], complete: true, ..Difference::default() };
    let steps = core.handle(Input::Compared(session, Some(difference)), now);
    assert_eq!(steps, [Output::CatchUp(SyncStep::Get(session, OTHER, vec![early.id()]))]);
}

#[test]
fn a_flood_of_early_events_brings_about_no_more_comparisons_than_news_would() {
    let mut core = core();
    let session = begin(&mut core);
    finish(&mut core, session, &[], NOW);
    let (mut compared, seconds) = (0, 600);
    for second in 0..seconds {
        for number in 0..3 {
            let early = early_post(&format!("{second} {number}"), second + 1);
            let outputs = core.handle(heard(early), NOW + second);
            assert_eq!(outputs, [Output::ReportValidation(HEARD, Verdict::Ignore(Ignored::TooNew))]);
        }
        for output in core.handle(Input::Tick, NOW + second) {
            if let Output::CatchUp(SyncStep::Compare(session, ..)) = output {
                finish(&mut core, session, &[], NOW + second);
                compared += 1;
            }
        }
    }
    assert!((1..=seconds / 10).contains(&compared), "{compared} in {seconds} s");
    assert_eq!(core.early_events(), 3, "nothing stays that was due");
}
