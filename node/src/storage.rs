//! How full the store is, as `status`, the log, metrics and clients show it.

use serde::{Deserialize, Serialize};

use crate::store::Store;

/// From which part of a bound on the node warns, in percent.
const WARN_AT_PERCENT: u64 = 80;

/// How much of each bound is used, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Storage {
    /// Bytes of mail for the owner.
    pub(crate) mail_bytes: u64,
    pub(crate) mail_limit: u64,
    /// Bytes of the owner's own events, which are always kept.
    #[serde(default)]
    pub(crate) own_bytes: u64,
    /// The file of the store.
    pub(crate) disk_bytes: u64,
    pub(crate) disk_limit: u64,
}

impl Storage {
    pub(crate) fn of(store: &Store) -> Self {
        let usage = store.progress().borrow().usage;
        let retention = store.retention();
        Self {
            mail_bytes: usage.mail_bytes,
            mail_limit: retention.mail_limit(&usage),
            own_bytes: usage.own_bytes,
            disk_bytes: store.file_bytes(),
            disk_limit: retention.disk_bytes,
        }
    }

    /// Whether the mailbox is nearly full, or has no room because of what the owner has written.
    pub(crate) const fn mail_is_near(&self) -> bool {
        self.own_fills_the_disk() || is_near(self.mail_bytes, self.mail_limit)
    }

    /// Whether what the owner has written leaves no room for anything else.
    const fn own_fills_the_disk(&self) -> bool {
        self.disk_limit > 0 && self.own_bytes >= self.disk_limit
    }

    /// Whether the disk that the store may take is nearly used up.
    pub(crate) const fn disk_is_near(&self) -> bool {
        is_near(self.disk_bytes, self.disk_limit)
    }

    /// A sentence for each bound that is nearly reached.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.own_fills_the_disk() {
            return vec![format!(
                "what you wrote takes {}, and the store is to take {}: it is kept, but replies and messages to you are \
                 refused and nothing of others is kept; raise --max-disk",
                size(self.own_bytes),
                size(self.disk_limit)
            )];
        }
        if self.mail_is_near() {
            warnings.push(format!(
                "the mailbox holds {} of {}: when it is full, strangers' replies and messages to you are refused; raise \
                 --max-mail, or mute whoever sends too much",
                size(self.mail_bytes),
                size(self.mail_limit)
            ));
        }
        if self.disk_is_near() {
            warnings.push(format!(
                "the store takes {} of {}: when that is reached, less of other people's posts is kept; raise --max-disk",
                size(self.disk_bytes),
                size(self.disk_limit)
            ));
        }
        warnings
    }
}

const fn is_near(bytes: u64, limit: u64) -> bool {
    limit > 0 && bytes >= limit / 100 * WARN_AT_PERCENT
}

/// A number of bytes for people.
pub(crate) fn size(bytes: u64) -> String {
    match bytes >> 20 {
        0 => format!("{} KiB", bytes >> 10),
        mib @ 1..10_240 => format!("{mib} MiB"),
        mib => format!("{} GiB", mib >> 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_node_warns_from_four_fifths_of_a_bound_on() {
        let storage = |mail: u64, disk: u64| Storage {
            mail_bytes: mail << 20,
            mail_limit: 100 << 20,
            own_bytes: 0,
            disk_bytes: disk << 20,
            disk_limit: 400 << 20,
        };
        assert_eq!(storage(79, 319).warnings(), Vec::<String>::new());
        let [mail] = &storage(80, 319).warnings()[..] else { panic!("one warning") };
        assert!(mail.contains("80 MiB of 100 MiB") && mail.contains("--max-mail"), "{mail}");
        assert_eq!(storage(100, 320).warnings().len(), 2);
        let own = Storage { own_bytes: 400 << 20, mail_limit: 0, ..storage(0, 500) };
        let [only] = &own.warnings()[..] else { panic!("one warning") };
        assert!(only.contains("400 MiB") && only.contains("are refused") && own.mail_is_near(), "{only}");
    }
}
