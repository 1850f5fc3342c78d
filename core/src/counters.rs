//! Counts of refused messages by reason, for the operator's monitoring.

use std::collections::BTreeMap;

use crate::admission::Ignored;

/// Numbers since the start, by the names under which they are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusals(BTreeMap<&'static str, u64>);

/// Every name, so that each is shown from the start.
const NAMES: [&str; 22] = [
    "seen",
    "too_old",
    "too_new",
    "over_budget",
    "withheld",
    "muted",
    "too_many_people",
    "not_for_everyone",
    "busy",
    "malformed",
    "forged",
    "unknown_type",
    "not_for_the_owner",
    "requests_over_rate",
    "shared_rule",
    "revocations_over_rate",
    "inbox_not_for_it",
    "inbox_invalid",
    "inbox_too_little_work",
    "inbox_over_budget",
    "inbox_unwanted",
    "inbox_full",
];

impl Refusals {
    pub(crate) fn ignored(&mut self, ignored: Ignored) {
        self.count(ignored.name());
    }

    pub(crate) fn count(&mut self, name: &'static str) {
        let number = self.0.entry(name).or_default();
        *number = number.saturating_add(1);
    }

    /// All names with their numbers, 0 included.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, u64)> {
        NAMES.into_iter().map(|name| (name, self.0.get(name).copied().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_name_that_is_shown() {
        let mut refusals = Refusals::default();
        for ignored in [
            Ignored::Seen,
            Ignored::TooOld,
            Ignored::TooNew,
            Ignored::OverBudget,
            Ignored::Muted,
            Ignored::TooManyPeople,
            Ignored::NotForEveryone,
            Ignored::Busy,
        ] {
            refusals.ignored(ignored);
        }
        assert_eq!(refusals.all().map(|(_, number)| number).sum::<u64>(), 8);
        assert_eq!(refusals.0.len(), 8);
    }
}
