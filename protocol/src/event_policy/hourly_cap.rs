//! Which public events all nodes keep: the rule by which replicas converge.
//!
//! Budgets differ from node to node and from moment to moment, so they may only delay an event. The final decision
//! depends on data that everybody sees: the event's size and shape, its time, its audience, and its rank among the
//! events of its author with a `created_at` in the same hour. Of these the [`MAX_PER_HOUR`] with the lowest ids stay.
//! Work (NIP-13) makes ids low, so an author of more events can pay for those that shall stay, and a flood displaces
//! nothing but the flooder's own events. See PROTOCOL.md, "Catching up".

use crate::EventId;

/// Events of one author in one hour of `created_at` that all nodes keep, and as many deletions. Four a minute, all the
/// hour long; a guess. It is what gossip lets a followed author send, so what gossip takes stays.
pub const MAX_PER_HOUR: usize = 240;

/// The first and last `created_at` of the hour in which an event counts.
pub const fn hour(created_at: u64) -> (u64, u64) {
    let first = created_at - created_at % 3_600;
    (first, first.saturating_add(3_599))
}

/// The decision about an event among others of its author and hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CapDecision {
    /// There is room.
    Free,
    /// It replaces this event.
    InsteadOf(EventId),
    /// It is over the cap.
    Full,
}

/// Finds the place of an event beside those that are held already, itself not among them: so many, of which `highest` has
/// the highest id. That one decides only where [`MAX_PER_HOUR`] are held.
pub fn room(id: &EventId, held: usize, highest: Option<EventId>) -> CapDecision {
    match highest {
        _ if held < MAX_PER_HOUR => CapDecision::Free,
        Some(highest) if highest > *id => CapDecision::InsteadOf(highest),
        _ => CapDecision::Full,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_whatever_order_they_come_the_same_events_stay() {
        let id = |number: u16| {
            EventId::from_bytes(
                [number.to_be_bytes()[0], number.to_be_bytes()[1]].repeat(16).try_into().unwrap(),
            )
        };
        // A stride that shares no factor with 1,000 visits each number once.
        let stay = |stride: u16| {
            let order = (0..1_000_u32).map(|step| u16::try_from(step * u32::from(stride) % 1_000).unwrap());
            let mut held = std::collections::BTreeSet::new();
            for number in order {
                match room(&id(number), held.len(), held.last().copied()) {
                    CapDecision::Free => {}
                    CapDecision::InsteadOf(other) => drop(held.remove(&other)),
                    CapDecision::Full => continue,
                }
                held.insert(id(number));
            }
            held
        };
        let lowest: std::collections::BTreeSet<EventId> = (0..240).map(id).collect();
        for stride in [1, 7, 577, 999] {
            assert_eq!(stay(stride), lowest, "{stride}");
        }
    }

    #[test]
    fn an_hour_is_the_same_for_everybody() {
        assert_eq!(hour(1_700_000_000), (1_699_999_200, 1_700_002_799));
        assert_eq!(hour(1_699_999_200), hour(1_700_002_799));
        assert_eq!(hour(0), (0, 3_599));
    }
}
