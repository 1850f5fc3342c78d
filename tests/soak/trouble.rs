//! What happens to the town besides being stopped and killed: the days of a year, one after the other.

use nostrp2p_tests::{Node, copy_files, free_port, until};
use tempfile::TempDir;

use crate::town::{AT_HOME, COPIED, CUT_OFF, RESTORED, State, Town, WRONG_CLOCK};

/// Seconds that a node stands still, as one whose link is away.
const CUT_OFF_SECONDS: u64 = 40;
/// Seconds before a node runs twice in which nothing private is written to its owner, so that nothing is on its way.
const HUSH_SECONDS: u64 = 30;

/// What happens, with the second at which it begins.
pub struct Troubles {
    plan: Vec<(u64, Trouble)>,
    copied_from: u64,
    copied_until: u64,
    backup: TempDir,
    twin: Option<Node>,
    /// What has happened, for the person who typed it.
    pub done: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
enum Trouble {
    ClockAhead,
    ClockRight,
    Backup,
    Restore,
    Freeze,
    OtherAddress,
    RunTwice,
    RunOnce,
}

impl Troubles {
    /// Spreads them over the time, with enough at the end to be over by then.
    pub fn over(seconds: u64) -> Self {
        let at = |percent: u64| seconds * percent / 100;
        let freeze = at(45);
        let plan = vec![
            (at(10), Trouble::ClockAhead),
            (at(20), Trouble::Backup),
            (at(25), Trouble::ClockRight),
            (at(40), Trouble::Restore),
            (freeze, Trouble::Freeze),
            (freeze + CUT_OFF_SECONDS, Trouble::OtherAddress),
            (at(60), Trouble::RunTwice),
            (at(80), Trouble::RunOnce),
        ];
        Self {
            plan,
            copied_from: at(60).saturating_sub(HUSH_SECONDS),
            copied_until: at(80),
            backup: tempfile::tempdir().expect("a temporary directory"),
            twin: None,
            done: Vec::new(),
        }
    }

    /// Whether something private may be written to whoever lives there: not to somebody with two nodes of one key, for
    /// one of them gets it and the other does not.
    pub fn may_be_told(&self, place: usize, second: u64) -> bool {
        place != COPIED || !(self.copied_from..=self.copied_until).contains(&second)
    }

    /// Does what is due.
    pub async fn act(&mut self, second: u64, town: &mut Town) {
        let due: Vec<Trouble> =
            self.plan.iter().filter(|(at, _)| *at == second).map(|(_, trouble)| *trouble).collect();
        for trouble in due {
            self.bring(trouble, town).await;
            self.done.push(format!("{second} s: {trouble:?}"));
        }
    }

    async fn bring(&mut self, trouble: Trouble, town: &mut Town) {
        let Town { residents, clock, .. } = town;
        match trouble {
            Trouble::ClockAhead => {
                let Some(clock) = clock else { return };
                let resident = &mut residents[WRONG_CLOCK];
                resident.stop().await;
                clock.set("+32d");
                // Nobody can sign in: that is for clients whose clock is the node's.
                if let State::Away(stopped) = resident.take() {
                    resident.state = State::Alone(Box::new(stopped.start().await));
                }
            }
            Trouble::ClockRight => {
                let Some(clock) = clock else { return };
                residents[WRONG_CLOCK].stop().await;
                clock.set("+0");
                residents[WRONG_CLOCK].come_back().await;
            }
            Trouble::Backup | Trouble::Restore => {
                let resident = &mut residents[RESTORED];
                resident.stop().await;
                if let State::Away(stopped) = &resident.state {
                    match trouble {
                        Trouble::Backup => copy_files(stopped.data_dir(), self.backup.path()),
                        _ => copy_files(self.backup.path(), stopped.data_dir()),
                    }
                }
                resident.come_back().await;
            }
            Trouble::Freeze => {
                let resident = &mut residents[CUT_OFF];
                if let State::Here(node, client) = resident.take() {
                    drop(client);
                    node.signal("STOP").await;
                    resident.state = State::Alone(node);
                }
            }
            Trouble::OtherAddress => {
                let resident = &mut residents[CUT_OFF];
                if let Some(node) = resident.node() {
                    node.signal("CONT").await;
                }
                resident.stop().await;
                if let State::Away(stopped) = resident.take() {
                    let node = stopped.start_on(free_port()).await;
                    resident.sign_in(node).await;
                }
            }
            Trouble::RunTwice => {
                let resident = &mut residents[COPIED];
                resident.stop().await;
                let State::Away(stopped) = &resident.state else { return };
                let twin = stopped.copy();
                resident.come_back().await;
                self.twin = Some(twin.start().await);
            }
            Trouble::RunOnce => self.end_twin(&residents[COPIED]).await,
        }
    }

    /// Waits until one of both says that there is another, and ends the copy.
    async fn end_twin(&mut self, resident: &crate::town::Resident) {
        let Some(twin) = self.twin.take() else { return };
        until("one of two nodes with one key to hear of the other", async || {
            let mut said = Vec::new();
            for node in resident.node().into_iter().chain([&twin]) {
                said.push(String::from_utf8_lossy(&node.inside("/node.json").await.2).into_owned());
            }
            let notices = |said: &String| said.contains("another node runs with this node's key");
            if said.iter().any(notices) { Ok(()) } else { Err(said) }
        })
        .await;
        drop(twin.stop().await);
    }
}

/// The two nodes of one person, who both get what is private.
pub const fn same_person(place: usize) -> Option<usize> {
    match place {
        AT_HOME => Some(RESTORED),
        RESTORED => Some(AT_HOME),
        _ => None,
    }
}
