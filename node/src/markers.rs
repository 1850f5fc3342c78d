//! The owner's read markers: up to when what was read, the same on all devices.

use std::collections::BTreeMap;

use nostrp2p_protocol::limits::{MAX_MARKER_BYTES, MAX_MARKERS};

use crate::store::Note;

/// Read markers by name. A marker never goes back, and there are never more than [`MAX_MARKERS`].
pub(crate) type Markers = BTreeMap<String, u64>;

/// Moves a marker ahead; returns what is to be written down, nothing when it stands there or further.
pub(crate) fn mark(markers: &mut Markers, name: String, until: u64) -> Vec<Note> {
    let known = markers.get(&name).copied();
    if name.len() > MAX_MARKER_BYTES || known.is_some_and(|known| known >= until) {
        return vec![];
    }
    let mut notes = vec![Note::Marker(name.clone(), until)];
    markers.insert(name, until);
    if markers.len() > MAX_MARKERS {
        let earliest = markers.iter().min_by_key(|(_, until)| **until).map(|(name, _)| name.clone());
        if let Some(name) = earliest {
            markers.remove(&name);
            notes.push(Note::NoMarker(name));
        }
    }
    notes
}

/// The markers that a client lacks that has been told `before`.
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
        assert_eq!(mark(&mut markers, "posts".into(), 5), [Note::Marker("posts".into(), 5)]);
        assert_eq!(mark(&mut markers, "posts".into(), 5), []);
        assert_eq!(mark(&mut markers, "posts".into(), 4), []);
        let before = markers.clone();
        mark(&mut markers, "replies".into(), 1);
        assert_eq!(news(&markers, &before), [("replies".into(), 1)]);
        assert_eq!(mark(&mut markers, "x".repeat(81), 9), []);
    }

    #[test]
    fn the_one_read_up_to_the_earliest_time_makes_room() {
        let mut markers = Markers::new();
        for number in 0..MAX_MARKERS {
            mark(&mut markers, number.to_string(), 10 + u64::try_from(number).unwrap());
        }
        let notes = mark(&mut markers, "one more".into(), 5_000);
        assert_eq!(notes, [Note::Marker("one more".into(), 5_000), Note::NoMarker("0".into())]);
        assert_eq!(markers.len(), MAX_MARKERS);
    }
}
