//! When the engine says that it has to be woken, and that it does nothing of itself before.

use super::*;
use crate::{
    rng::SeededRng,
    sync::{Difference, SyncStep},
};

/// What an output makes others answer, in time or never.
fn answer(output: Output) -> Option<Input> {
    match output {
        Output::Attempt(delivery, _) => Some(Input::Attempted(delivery, None)),
        Output::Query(query) => Some(Input::QueryAnswered(query.ask, None)),
        Output::QueryOwnNode(peer, _) => Some(Input::OwnNodeAnswered(peer, None)),
        Output::CatchUp(SyncStep::Compare(session, ..)) => {
            Some(Input::Compared(session, Some(Difference { complete: true, ..Difference::default() })))
        }
        Output::CatchUp(SyncStep::Get(session, ..)) => Some(Input::Got(session, None)),
        Output::LookUpNodes(..) => Some(Input::LookedUp(vec![])),
        Output::FindAddresses => Some(Input::OwnAddresses(vec![])),
        Output::AskHelper(helper) => Some(Input::Lent(helper, None)),
        Output::RenewClaim => Some(Input::FreshClaim(None)),
        _ => None,
    }
}

fn peer(number: u64) -> PeerId {
    PeerId::from_ed25519([u8::try_from(number % 20).unwrap() + 100; 32])
}

fn something(rng: &mut SeededRng, now: u64) -> Input {
    let person = key(u8::try_from(rng.below(20)).unwrap() + 2).public_key();
    match rng.below(8) {
        0 => Input::PeerConnected(peer(rng.below(20)), Network::Unknown),
        1 => Input::PeerDisconnected(peer(rng.below(20))),
        2 => {
            let delivery = DeliveryKey { sequence: rng.below(50), person };
            Input::Remembered(Remembered::Waiting(delivery, DeliveryState::new(now)))
        }
        3 => Input::Fetch(vec![FetchTarget::Posts(person)]),
        4 => Input::Fetch(vec![FetchTarget::Event(post(2).id(), None)]),
        5 => Input::AddressesChanged,
        6 => {
            let ahead = EventTemplate {
                created_at: now + 900 + rng.below(600),
                kind: Kind::POST,
                tags: vec![],
                content: rng.below(1_000).to_string(),
            };
            Input::Heard(HEARD, peer(rng.below(20)), packet(ahead.sign(&key(3), &[0; 32])))
        }
        _ => Input::Delegated(delegation(1, u8::try_from(rng.below(3)).unwrap() + 50), OTHER),
    }
}

/// Lives through an hour and a half of chances; a tick that the engine did not ask for must bring nothing about.
fn check(seed: u64) {
    let mut rng = SeededRng::new(seed);
    let settings =
        EngineSettings { seed, seeks_tunnels: true, claim_seconds: 600, ..EngineSettings::default() };
    let mut core = engine(settings, seed.is_multiple_of(2).then(|| key(1).public_key()));
    core.handle(Input::Started, NOW);
    let mut answers: Vec<(u64, Input)> = Vec::new();
    for now in NOW..NOW + 5_400 {
        let mut inputs: Vec<Input> = Vec::new();
        while let Some(place) = answers.iter().position(|(at, _)| *at <= now) {
            inputs.push(answers.swap_remove(place).1);
        }
        if rng.below(30) == 0 {
            inputs.push(something(&mut rng, now));
        }
        let mut outputs: Vec<Output> = inputs.into_iter().flat_map(|input| core.handle(input, now)).collect();
        let due = core.next_due(now);
        let ticked = core.handle(Input::Tick, now);
        if due.is_none_or(|due| due > now) {
            assert_eq!(ticked, [], "seed {seed}, second {}: due is {due:?}", now - NOW);
        }
        assert!(core.next_due(now).is_none_or(|due| due > now), "seed {seed}: a tick does all that is due");
        outputs.extend(ticked);
        answers.extend(
            outputs.into_iter().filter_map(|output| Some((now + 1 + rng.below(20), answer(output)?))),
        );
    }
}

#[test]
fn nothing_is_due_before_the_engine_says_so() {
    (0..20).for_each(check);
}

#[test]
fn a_node_alone_that_waits_for_nothing_need_not_be_woken_for_minutes() {
    let mut core = core();
    core.handle(Input::Started, NOW);
    core.handle(Input::Tick, NOW);
    assert_eq!(core.next_due(NOW), Some(NOW + 1_800), "it announces itself");
}

#[test]
fn what_was_missed_is_looked_for_after_eight_seconds() {
    let mut core = connected();
    core.handle(Input::Tick, NOW);
    let limits = Limits { strangers: Rate { burst: 0, per_hour: 0 }, ..Limits::default() };
    core.admission = Admission::new(limits, core.owner());
    let outputs = core.handle(Input::Heard(HEARD, OTHER, packet(post(2))), NOW + 20);
    assert_eq!(outputs, [Output::ReportValidation(HEARD, Verdict::Ignore(Ignored::OverBudget))]);
    assert_eq!(core.next_due(NOW + 20), Some(NOW + 28));
}
