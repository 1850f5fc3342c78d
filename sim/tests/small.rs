//! Small networks with everything against them: what docs/measurements.md says of large ones holds for these.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![expect(clippy::print_stdout, reason = "seed and figures are for whoever looks at a test that failed")]

use std::time::Duration;

use nostrp2p_sim::{Report, Scenario, run};

async fn simulate(settings: Scenario) -> Report {
    println!("{settings:?}");
    let report = run(&settings, &|line| println!("{line}")).await.unwrap();
    println!("{report}");
    report
}

fn settings() -> Scenario {
    Scenario { nodes: 32, events: 60, seconds: 15, ..Scenario::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_faults_everybody_gets_everything_by_gossip() {
    let report = simulate(Scenario { nodes: 16, events: 30, ..settings() }).await;
    assert_eq!(report.delivered, report.expected);
    assert!(report.gossiped >= report.caught_up, "gossip is the usual way");
    let [came, of, astray] = report.private;
    assert_eq!((came, astray), (of, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_churn_loss_and_attackers_everybody_gets_everything_in_the_end() {
    let report =
        simulate(Scenario { churn: 20, loss: 5, spammers: 10, forgers: 1, claimer: true, ..settings() })
            .await;
    assert_eq!(report.delivered, report.expected);
    assert!(report.caught_up > 0, "some nodes were away");
    assert_eq!(report.private[2], 0, "nobody gets what is for somebody else");
    // A first burst of 8; each first neighbour may let other ones through.
    assert!(report.abuse <= 20, "{} events of a spammer were forwarded", report.abuse);
    assert_eq!(report.forged, 0, "no forgery is forwarded");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_invents_a_person_for_each_post_is_passed_on_no_more_than_one_person_is() {
    let report = simulate(Scenario { sybils: 3, ..settings() }).await;
    assert_eq!(report.delivered, report.expected);
    assert!(report.abuse <= 20, "{} events of invented people were forwarded", report.abuse);
    assert!(report.gossiped >= report.caught_up, "honest people are not crowded out of gossip");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_invents_nodes_delays_no_reply_and_hides_nobody_from_a_newcomer() {
    // As many inventions to a table as in a large network: 50,000 to 50,000.
    let settings =
        Scenario { nodes: 24, events: 20, seconds: 20, inventions: 2_000, directory: 300, ..settings() };
    let report = simulate(settings).await;
    let [came, of, astray] = report.private;
    assert_eq!((came, astray), (of, 0));
    assert!(report.private_delay <= Duration::from_secs(10), "{:?}", report.private_delay);
    let (known, half) = report.newcomer.unwrap();
    assert!(
        half.is_some_and(|took| took <= Duration::from_secs(60)),
        "{known} known, half of them: {half:?}"
    );
    assert!(known * 2 >= 23, "{known} of 23 are known at last");
}

#[tokio::test(flavor = "multi_thread")]
async fn halves_that_find_each_other_come_to_hold_the_same() {
    let report = simulate(Scenario { nodes: 16, events: 30, partition: true, ..settings() }).await;
    assert_eq!(report.delivered, report.expected);
}
