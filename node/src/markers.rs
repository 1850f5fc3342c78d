//! The owner's read markers: the time up to which the owner has read, shared by all devices.

use std::collections::BTreeMap;

use nostrp2p_protocol::event_policy::is_ahead;
use nostrp2p_protocol::limits::{MAX_MARKER_BYTES, MAX_MARKERS};

use crate::store::MetaWrite;

/// Read markers by name. A marker never goes back, and there are never more than [`MAX_MARKERS`].
pub(crate) type Markers = BTreeMap<String, u64>;

/// Moves a marker ahead; returns what is to be written down, nothing when it stands there or further. What a client whose
/// clock is ahead has read it has read until now, and a marker that lies ahead gives way to one of now.
pub(crate) fn mark(markers: &mut Markers, name: String, until: u64, now: u64) -> Vec<MetaWrite> {
    let until = if is_ahead(until, now) { now } else { until };
    let known = markers.get(&name).copied().filter(|known| !is_ahead(*known, now));
    if name.len() > MAX_MARKER_BYTES || known.is_some_and(|known| known >= until) {
        return vec![];
    }
    let mut notes = vec![MetaWrite::Marker(name.clone(), until)];
    markers.insert(name, until);
    if markers.len() > MAX_MARKERS {
        let earliest = markers.iter().min_by_key(|(_, until)| **until).map(|(name, _)| name.clone());
        if let Some(name) = earliest {
            markers.remove(&name);
            notes.push(MetaWrite::NoMarker(name));
        }
    }
    notes
}

/// The markers that differ from `before`, which the client has.
pub(crate) fn news(now: &Markers, before: &Markers) -> Vec<(String, u64)> {
    let new = now.iter().filter(|(name, until)| before.get(*name) != Some(until));
    new.map(|(name, until)| (name.clone(), *until)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_never_goes_back() {
        let mut markers = Markers::new();
        assert_eq!(mark(&mut markers, "posts".into(), 5, 1_000), [MetaWrite::Marker("posts".into(), 5)]);
        assert_eq!(mark(&mut markers, "posts".into(), 5, 1_000), []);
        assert_eq!(mark(&mut markers, "posts".into(), 4, 1_000), []);
        let before = markers.clone();
        mark(&mut markers, "replies".into(), 1, 1_000);
        assert_eq!(news(&markers, &before), [("replies".into(), 1)]);
        assert_eq!(mark(&mut markers, "x".repeat(81), 9, 1_000), []);
    }

    #[test]
    fn a_marker_of_a_clock_that_was_ahead_is_of_now() {
        let mut markers = Markers::new();
        assert_eq!(
            mark(&mut markers, "posts".into(), 90_000, 1_000),
            [MetaWrite::Marker("posts".into(), 1_000)]
        );
        markers.insert("posts".into(), 90_000);
        assert_eq!(
            mark(&mut markers, "posts".into(), 1_100, 1_200),
            [MetaWrite::Marker("posts".into(), 1_100)]
        );
    }

    #[test]
    fn the_one_read_up_to_the_earliest_time_makes_room() {
        let mut markers = Markers::new();
        for number in 0..MAX_MARKERS {
            mark(&mut markers, number.to_string(), 10 + u64::try_from(number).unwrap(), 9_000);
        }
        let notes = mark(&mut markers, "one more".into(), 5_000, 9_000);
        assert_eq!(notes, [MetaWrite::Marker("one more".into(), 5_000), MetaWrite::NoMarker("0".into())]);
        assert_eq!(markers.len(), MAX_MARKERS);
    }
}
