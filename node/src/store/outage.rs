//! What the writer does while the disk takes nothing: it refuses, and tries again by itself.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{StoreProgress, disk::Disk};

/// How long the first attempt waits; the next ones twice as long each, up to the last number. Opening a large store
/// takes a while, so it is not done all the time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(20);
/// An outage that begins so soon after the last one goes on where that one stopped.
const CALM: Duration = Duration::from_secs(60);
/// How often it is looked whether somebody wants to write, who then is refused.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Outages so far.
pub(super) struct Outages {
    pause: Duration,
    ended: Option<Instant>,
}

impl Outages {
    pub(super) const fn new() -> Self {
        Self { pause: FIRST_PAUSE, ended: None }
    }

    /// Sits one out; returns how far the store has come when it can be written again, or None when nobody is left who
    /// would write. `refuse` says no to all who want to write, and whether there may be more.
    pub(super) fn sit_out(&mut self, disk: &Disk, mut refuse: impl FnMut() -> bool) -> Option<StoreProgress> {
        let mut reads_a_view = disk.stop_writing();
        if let Err(error) = &reads_a_view
            && disk.check_file().is_ok()
        {
            tracing::error!(%error, "the store cannot be read either");
        }
        if self.ended.is_none_or(|ended| ended.elapsed() > CALM) {
            self.pause = FIRST_PAUSE;
        }
        loop {
            let next = Instant::now() + self.pause;
            self.pause = (self.pause * 2).min(LAST_PAUSE);
            while Instant::now() < next {
                if !refuse() {
                    return None;
                }
                thread::sleep(LOOK_EVERY);
            }
            // The database that was open when the file went away keeps it from being opened when it is back.
            if reads_a_view.is_err() {
                reads_a_view = disk.close_and_view();
            }
            match disk.write_again() {
                Ok(progress) => {
                    tracing::warn!("the store can be written again");
                    self.ended = Some(Instant::now());
                    return Some(progress);
                }
                Err(error) => tracing::debug!(%error, "the store cannot be written yet"),
            }
        }
    }
}
