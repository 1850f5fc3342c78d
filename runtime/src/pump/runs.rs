//! Two programs with one node key at the same neighbour: only that neighbour sees both, so it shows each the other's
//! statement.

use std::time::Duration;

use nostrp2p_core::Service;
use nostrp2p_protocol::{
    PeerId, RunStatement,
    rpc::{RpcRequest, decode_run},
};

use super::{Pump, PumpEvent};
use crate::traits::{EventStore, Host, PeerNetwork, Platform};

/// How long after the second connection is asked: what a program says within 2 s of the start of another may be the word
/// of an earlier run of that one.
const AFTER: Duration = Duration::from_secs(4);
/// Requests go over the connections in turn, whatever else is asked; so this many reach both several times.
const QUESTIONS: usize = 8;
/// After so many answers of one run there is one only, with two connections.
const OF_ONE_RUN: usize = 4;

/// The statements of the programs with one key, and whether each program was shown another's.
#[derive(Debug, Default)]
struct Runs(Vec<(RunStatement, bool)>);

impl Runs {
    /// The statement to show next: one that the other programs have not seen.
    fn next(&self) -> Option<RunStatement> {
        match self.0.as_slice() {
            [(one, _), (other, other_knows), ..] => Some(if *other_knows { *other } else { *one }),
            [(only, _)] => Some(*only),
            [] => None,
        }
    }

    /// A program has answered, which was shown this.
    fn answered(&mut self, answer: RunStatement, shown: Option<RunStatement>) {
        let knows = shown.is_some_and(|shown| shown.run != answer.run);
        match self.0.iter_mut().find(|(known, _)| known.run == answer.run) {
            Some(known) => *known = (answer, known.1 || knows),
            None => self.0.push((answer, knows)),
        }
    }

    fn is_over(&self, answers: usize) -> bool {
        match self.0.len() {
            0 => answers > 0,
            1 => answers >= OF_ONE_RUN,
            _ => self.0.iter().all(|(_, knows)| *knows),
        }
    }
}

impl<N: PeerNetwork, S: EventStore, P: Platform, H: Host<S::Note>> Pump<N, S, P, H> {
    pub(super) fn show_runs(&self, peer: PeerId) {
        let (network, pause) = (self.network.clone(), self.platform.sleep(AFTER));
        self.begin(async move {
            pause.await;
            show_runs_to_one_another(&network, peer).await;
            PumpEvent::Done
        });
    }
}

/// Asks a peer that is connected twice for its run, over both connections. If there are two runs, shows each the
/// other's statement. Ends without effect when the peer is an older program, which refuses.
async fn show_runs_to_one_another<N: PeerNetwork>(network: &N, peer: PeerId) {
    let mut runs = Runs::default();
    for answers in 0..QUESTIONS {
        if runs.is_over(answers) {
            return;
        }
        let shown = runs.next();
        let answer = network.request(peer, Service::Fetch, RpcRequest::Run(shown).encode()).await;
        let Some(answer) = answer.ok().and_then(|answer| decode_run(&answer).ok()) else {
            return;
        };
        runs.answered(answer, shown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows them to one another, where this run answers each question; returns how many were asked.
    fn ask(answering: impl Fn(usize) -> u8) -> (usize, Vec<bool>) {
        let mut runs = Runs::default();
        for answers in 0..QUESTIONS {
            if runs.is_over(answers) {
                return (answers, runs.0.iter().map(|(_, knows)| *knows).collect());
            }
            let shown = runs.next();
            runs.answered(RunStatement { run: [answering(answers); 8], issued_at: 1, sig: [0; 64] }, shown);
        }
        (QUESTIONS, runs.0.iter().map(|(_, knows)| *knows).collect())
    }

    #[test]
    fn both_runs_are_shown_the_other_in_whatever_order_they_answer() {
        assert_eq!(ask(|question| u8::from(question % 2 == 0)), (3, vec![true, true]));
        let (asked, knows) = ask(|question| u8::from(question / 2 % 2 == 0));
        assert!(asked <= QUESTIONS && knows == [true, true], "{asked} {knows:?}");
        let (asked, knows) = ask(|question| u8::from(question < 3));
        assert!(asked <= QUESTIONS && knows.last() == Some(&true), "{asked} {knows:?}");
    }

    #[test]
    fn one_run_is_left_alone_after_a_few_questions() {
        assert_eq!(ask(|_| 1), (OF_ONE_RUN, vec![false]));
    }
}
