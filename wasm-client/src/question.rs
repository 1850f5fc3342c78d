//! Filters for the node, built by plain insertion.
//!
//! Collecting into a `BTreeSet`, or making one from an array, brings a sorting of its own for each type: some
//! kilobytes each of the first load.

use std::collections::BTreeSet;

use nostrp2p_protocol::{EventId, Filter, Kind, PublicKey};

/// Events of these kinds.
pub fn of_kinds(kinds: &[Kind], limit: Option<u32>) -> Filter {
    Filter { kinds: Some(set(kinds)), limit, ..Filter::default() }
}

/// Events of these kinds by these people.
pub fn by(people: &[PublicKey], kinds: &[Kind], limit: Option<u32>) -> Filter {
    Filter { authors: Some(set(people)), ..of_kinds(kinds, limit) }
}

/// These events, by any of these people; by anybody if there are none.
pub fn named(ids: &[EventId], people: &[PublicKey]) -> Filter {
    let authors = (!people.is_empty()).then(|| set(people));
    Filter { ids: Some(set(ids)), authors, ..Filter::default() }
}

/// Events of these kinds that have a tag with this value.
pub fn tagged(name: char, value: String, kinds: &[Kind], limit: Option<u32>) -> Filter {
    let mut filter = of_kinds(kinds, limit);
    let mut values = BTreeSet::new();
    values.insert(value);
    filter.tags.insert(name, values);
    filter
}

fn set<T: Ord + Copy>(values: &[T]) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    for value in values {
        set.insert(*value);
    }
    set
}
