//! Catching up through the whole engine: what is taken, and what never is.

use super::*;
use crate::{
    Rate,
    catching_up::{Session, Step},
    reconcile::Difference,
};

fn heard(event: Event) -> Input {
    Input::Heard(HEARD, OTHER, packet(event))
}

/// Begins to compare with a neighbour; returns the session.
fn begin(core: &mut Core) -> Session {
    let outputs = core.handle(Input::Joined(OTHER), NOW);
    let [Output::CatchUp(Step::Compare(session, OTHER, _))] = outputs[..] else { panic!("{outputs:?}") };
    session
}

/// Lets a neighbour offer and send events; returns what is stored of them.
fn offer(core: &mut Core, session: Session, events: &[UnverifiedEvent]) -> Vec<Event> {
    let needed = events.iter().map(|event| event.rumor.id()).collect();
    let difference = Difference { needed, complete: true, ..Difference::default() };
    let outputs = core.handle(Input::Compared(session, Some(difference)), NOW);
    if !matches!(outputs[..], [Output::CatchUp(Step::Get(..))]) {
        return vec![];
    }
    let outputs = run(core, Input::Got(session, Some(events.iter().cloned().map(Into::into).collect())));
    let stored = outputs.into_iter().filter_map(|output| match output {
        Output::Store(event, sharing) => {
            assert_eq!(sharing, Sharing::Shared);
            Some(event)
        }
        Output::Judge(..) | Output::Broadcast(..) => panic!("it is not gossiped again"),
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
    assert_eq!(heard, [Output::Judge(HEARD, Verdict::Ignore(Ignored::Seen))]);
}

#[test]
fn a_budget_delays_an_event_but_does_not_keep_it_away() {
    let limits = Limits { strangers: Rate { burst: 1, per_hour: 1 }, ..Limits::default() };
    let mut core = Core::new(Settings { limits, ..Settings::default() }, Some(key(1).public_key()));
    let posts: Vec<Event> = (0..2)
        .map(|number| {
            Draft { created_at: NOW, kind: Kind::POST, tags: vec![], content: format!("{number}") }
                .sign(&key(2), &[0; 32])
        })
        .collect();
    run(&mut core, heard(posts[0].clone()));
    let over = run(&mut core, heard(posts[1].clone()));
    assert_eq!(over, [Output::Judge(HEARD, Verdict::Ignore(Ignored::OverBudget))]);
    let session = begin(&mut core);
    assert_eq!(offer(&mut core, session, &[posts[1].clone().into()]), [posts[1].clone()]);
}

#[test]
fn what_the_shared_rule_refuses_is_refused_and_not_fetched_again() {
    let old = Draft { created_at: NOW - 31 * 86_400, kind: Kind::POST, tags: vec![], content: "old".into() };
    let refused = [reply_to(2, 1), event(2, Kind::FOLLOW_LIST, vec![]), old.sign(&key(2), &[0; 32])];
    for event in refused {
        let mut core = core();
        let session = begin(&mut core);
        let offered = [UnverifiedEvent::from(event)];
        assert_eq!(offer(&mut core, session, &offered), []);
        let needed = vec![offered[0].rumor.id()];
        let difference = Some(Difference { needed, complete: true, ..Difference::default() });
        let outputs = core.handle(Input::Compared(session, difference), NOW);
        assert!(
            !outputs.iter().any(|output| matches!(output, Output::CatchUp(Step::Get(..)))),
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
    let mut core = Core::new(Settings { limits, ..Settings::default() }, Some(key(1).public_key()));
    let session = begin(&mut core);
    let nothing = Difference { complete: true, ..Difference::default() };
    for _ in 0..4 {
        core.handle(Input::Compared(session, Some(nothing.clone())), NOW);
    }
    run(&mut core, heard(post(2)));
    let second = event(2, Kind::POST, vec![Tag::new(["t", "second"])]);
    let kept = [Output::Judge(HEARD, Verdict::Withhold), Output::Store(second.clone(), Sharing::Shared)];
    assert_eq!(run(&mut core, heard(second)), kept);
    assert_eq!(core.handle(Input::Tick, NOW), []);
    let told = core.handle(Input::Tick, NOW + 8);
    assert!(told.contains(&Output::CatchUp(Step::Tell(OTHER))), "{told:?}");
}
