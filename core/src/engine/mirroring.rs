//! Events from Nostr relays.

use nostrp2p_protocol::{Event, Kind};

use super::{Core, MirroredId, Output};

impl Core {
    pub(super) fn on_mirrored(&mut self, mirrored: MirroredId, event: Event, now: u64) -> Vec<Output> {
        let mut outputs: Vec<Output> = self.time_of(&event).into_iter().collect();
        let list = matches!(event.kind, Kind::FOLLOW_LIST | Kind::MUTE_LIST);
        if list && self.owner() == Some(event.pubkey) {
            self.admission.learn(&event);
        }
        match self.admission.check_mirrored(&event, now) {
            Ok(()) => outputs.push(Output::StoreMirrored(mirrored, event)),
            Err(refused) => {
                match refused {
                    Ok(ignored) => self.refusals.ignored(ignored),
                    Err(_oversize) => self.refusals.count("malformed"),
                }
                outputs.push(Output::NotMirrored(mirrored));
            }
        }
        outputs
    }

    /// An event of somebody else says what time it is.
    pub(super) fn time_of(&self, event: &Event) -> Option<Output> {
        (self.owner() != Some(event.pubkey)).then_some(Output::NoteTime(event.created_at))
    }
}
