//! Clocks that jump, and nodes that were away: what must not depend on how much time seems to have passed.

use super::*;

const DAY: u64 = 86_400;
const YEAR: u64 = 365 * DAY;

fn attempts(outputs: &[Output]) -> usize {
    outputs.iter().filter(|output| matches!(output, Output::Attempt(..))).count()
}

#[test]
fn a_friend_who_comes_after_days_gets_what_waits_and_what_was_given_up() {
    for state in [Delivery::Waiting, Delivery::GivenUp] {
        let mut core = connected();
        let later = NOW + 6 * DAY;
        core.handle(
            Input::Remembered(Remembered::Waiting(
                address(2),
                DeliveryState { state, retries: 1, since: NOW },
            )),
            later,
        );
        core.handle(Input::Tick, later);
        let outputs = core.handle(Input::Delegated(delegation(2, 9), OTHER), later + 20);
        assert_eq!(attempts(&outputs), 1, "{state:?}: {outputs:?}");
        let waits = |output: &Output| {
            matches!(output, Output::Record(_, DeliveryState { state: Delivery::Waiting, retries: 0, .. }))
        };
        assert_eq!(
            outputs.iter().any(waits),
            state == Delivery::GivenUp,
            "the page sees that it waits again"
        );
    }
}

#[test]
fn eight_seconds_of_a_clock_a_year_ahead_without_a_network_use_nothing_up() {
    let mut core = core();
    core.handle(Input::Remembered(Remembered::Waiting(address(2), DeliveryState::new(NOW))), NOW);
    for second in 0..8 {
        let outputs = core.handle(Input::Tick, NOW + YEAR + second);
        let used = |output: &Output| matches!(output, Output::Record(_, row) if *row != DeliveryState { state: Delivery::Waiting, retries: 0, since: NOW });
        assert!(!outputs.iter().any(used), "{outputs:?}");
    }
    core.handle(Input::Tick, NOW + 9);
    let outputs = core.handle(Input::Delegated(delegation(2, 9), OTHER), NOW + 10);
    assert_eq!(attempts(&outputs), 1, "{outputs:?}");
}

#[test]
fn after_the_clock_was_set_back_neighbours_are_asked_for_newcomers_nodes_at_once() {
    let mut core = connected();
    core.handle(Input::Tick, NOW + YEAR);
    core.handle(
        Input::Remembered(Remembered::Waiting(
            address(3),
            DeliveryState { state: Delivery::Waiting, retries: 0, since: NOW + YEAR },
        )),
        NOW + YEAR,
    );
    core.handle(Input::Tick, NOW + YEAR);
    core.handle(Input::Tick, NOW);
    let outputs: Vec<Output> =
        (1..=15 * 60).flat_map(|second| core.handle(Input::Tick, NOW + second)).collect();
    assert!(outputs.iter().any(|output| matches!(output, Output::LookUpNodes(..))), "{outputs:?}");
}

#[test]
fn after_the_clock_was_set_back_whoever_was_over_budget_is_heard_again() {
    let mut core = connected();
    core.handle(Input::Tick, NOW + YEAR);
    let taken = (0..10_000).take_while(|_| core.admits(&OTHER, Service::Deliver, NOW + YEAR)).count();
    assert!((1..10_000).contains(&taken), "{taken}");
    core.handle(Input::Tick, NOW);
    assert!(core.admits(&OTHER, Service::Deliver, NOW));
}

#[test]
fn what_is_for_the_owner_is_taken_however_old_it_looks() {
    let handed = InboundRequestId(3);
    let mut core = core();
    let outputs = core
        .handle(Input::Requested(handed, OTHER, Service::Deliver, packet(reply_to(1, 2))), NOW + 32 * DAY);
    assert!(matches!(outputs[..], [Output::Verify(..)]), "{outputs:?}");
}

#[test]
fn a_success_to_a_person_makes_everything_due_that_waits_for_that_person() {
    let mut core = connected();
    run(&mut core, Input::Delegated(delegation(2, 9), OTHER));
    let first = core.handle(
        Input::Remembered(Remembered::Waiting(
            DeliveryKey { sequence: 1, ..address(2) },
            DeliveryState::new(NOW),
        )),
        NOW,
    );
    assert_eq!(first, []);
    assert_eq!(attempts(&core.handle(Input::Tick, NOW)), 1);
    core.handle(Input::Attempted(DeliveryKey { sequence: 1, ..address(2) }, None), NOW + 20);
    core.handle(
        Input::Remembered(Remembered::Waiting(
            DeliveryKey { sequence: 2, ..address(2) },
            DeliveryState::new(NOW + 40),
        )),
        NOW + 40,
    );
    assert_eq!(attempts(&core.handle(Input::Tick, NOW + 40)), 1, "the second alone");
    let second = Input::Attempted(DeliveryKey { sequence: 2, ..address(2) }, Some(Receipt::Taken));
    let outputs = core.handle(second, NOW + 41);
    assert_eq!(attempts(&outputs), 1, "the first follows at once: {outputs:?}");
}

#[test]
fn a_delivery_from_a_friends_node_is_a_sign_of_life() {
    let mut core = connected();
    run(&mut core, Input::Delegated(delegation(2, 9), OTHER));
    core.handle(Input::Remembered(Remembered::Waiting(address(2), DeliveryState::new(NOW))), NOW);
    assert_eq!(attempts(&core.handle(Input::Tick, NOW)), 1);
    core.handle(Input::Attempted(address(2), None), NOW + 20);
    let outputs = run(
        &mut core,
        Input::Requested(InboundRequestId(3), OTHER, Service::Deliver, packet(reply_to(1, 2))),
    );
    assert_eq!(attempts(&outputs), 1, "{outputs:?}");
}
