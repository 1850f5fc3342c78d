//! Ordered maps and sets as sorted vectors.
//!
//! They have the order of `BTreeMap` and `BTreeSet` at a fraction of the code: each instance of those costs the first
//! load some kilobytes. Lookup is a binary search. Insertion moves the entries behind, which is fast for the sizes
//! here (up to some thousand, mostly appended).

use std::cmp::Ordering;

/// A map from ordered keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortedMap<K, V>(Vec<(K, V)>);

/// A set of ordered values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortedSet<K>(SortedMap<K, ()>);

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// Where the row stands that compares as equal, or where it would stand: once, and not once for each sort of row.
#[inline(never)]
fn search(rows: usize, compare: &dyn Fn(usize) -> Ordering) -> Result<usize, usize> {
    let (mut begin, mut end) = (0, rows);
    while begin < end {
        let middle = begin + (end - begin) / 2;
        match compare(middle) {
            Ordering::Less => begin = middle + 1,
            Ordering::Equal => return Ok(middle),
            Ordering::Greater => end = middle,
        }
    }
    Err(begin)
}

impl<K: Ord, V> SortedMap<K, V> {
    fn find(&self, key: &K) -> Result<usize, usize> {
        // What is appended in order, as rows from a storage are, needs no search.
        let rows = &*self.0;
        match rows.last() {
            Some((last, _)) if last < key => Err(rows.len()),
            _ => {
                search(rows.len(), &|at| rows.get(at).map_or(Ordering::Greater, |(other, _)| other.cmp(key)))
            }
        }
    }

    /// Puts a value in; returns the one that stood there.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok(index) => self.0.get_mut(index).map(|(_, there)| std::mem::replace(there, value)),
            Err(index) => {
                self.0.insert(index, (key, value));
                None
            }
        }
    }

    /// Takes a value out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        self.find(key).ok().map(|index| self.0.remove(index).1)
    }

    /// The value under this key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.0.get(self.find(key).ok()?).map(|(_, value)| value)
    }

    /// The value under this key, to be changed.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let index = self.find(key).ok()?;
        self.0.get_mut(index).map(|(_, value)| value)
    }

    /// All with keys below this one, in order; without one all.
    pub fn below(&self, key: Option<K>) -> impl DoubleEndedIterator<Item = (&K, &V)> + use<'_, K, V> {
        let end = key.map_or(self.0.len(), |key| self.0.partition_point(|(other, _)| *other < key));
        self.0.get(..end).unwrap_or_default().iter().map(|(key, value)| (key, value))
    }

    /// Whether there is a value under this key.
    pub fn contains_key(&self, key: &K) -> bool {
        self.find(key).is_ok()
    }
}

impl<K, V> SortedMap<K, V> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All in order of their keys.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// All keys in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.0.iter().map(|(key, _)| key)
    }

    /// All values in order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }

    /// Takes the first one out.
    pub fn pop_first(&mut self) -> Option<(K, V)> {
        (!self.0.is_empty()).then(|| self.0.remove(0))
    }

    /// Takes the last one out.
    pub fn pop_last(&mut self) -> Option<(K, V)> {
        self.0.pop()
    }

    /// Drops that many from the beginning.
    pub fn drop_first(&mut self, count: usize) {
        self.0.drain(..count.min(self.0.len()));
    }

    /// Takes all out.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl<K> Default for SortedSet<K> {
    fn default() -> Self {
        Self(SortedMap::default())
    }
}

impl<K: Ord> SortedSet<K> {
    /// Puts a value in; says whether it is new.
    pub fn insert(&mut self, value: K) -> bool {
        self.0.insert(value, ()).is_none()
    }

    /// Takes a value out; says whether it was there.
    pub fn remove(&mut self, value: &K) -> bool {
        self.0.remove(value).is_some()
    }

    /// Puts it in, or takes it out if it was there.
    pub fn toggle(&mut self, value: K) {
        if !self.remove(&value) {
            self.insert(value);
        }
    }

    /// Whether it is in.
    pub fn contains(&self, value: &K) -> bool {
        self.0.contains_key(value)
    }

    /// All from the first of these values to the last one, both included.
    pub fn range<'a>(&'a self, first: &K, last: &K) -> impl DoubleEndedIterator<Item = &'a K> + use<'a, K> {
        let rows = &self.0.0;
        let begin = rows.partition_point(|(value, ())| value < first);
        let end = rows.partition_point(|(value, ())| value <= last);
        rows.get(begin..end).unwrap_or_default().iter().map(|(value, ())| value)
    }

    /// All in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.0.keys()
    }

    /// Takes the first one out.
    pub fn pop_first(&mut self) -> Option<K> {
        self.0.pop_first().map(|(value, ())| value)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes all out.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl<K: Ord> FromIterator<K> for SortedSet<K> {
    fn from_iter<I: IntoIterator<Item = K>>(values: I) -> Self {
        let mut set = Self::default();
        set.extend(values);
        set
    }
}

impl<K: Ord> Extend<K> for SortedSet<K> {
    fn extend<I: IntoIterator<Item = K>>(&mut self, values: I) {
        for value in values {
            self.insert(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn it_behaves_like_the_map_of_the_standard_library() {
        // A small linear congruential generator: the same sequence in every run.
        let mut state = 7u32;
        let mut next = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 16
        };
        let (mut ours, mut theirs) = (SortedMap::default(), BTreeMap::new());
        for _ in 0..5_000 {
            let (key, value) = (next() % 50, next());
            match next() % 5 {
                0 => assert_eq!(ours.remove(&key), theirs.remove(&key)),
                1 if key < 3 => assert_eq!(ours.pop_first(), theirs.pop_first()),
                2 if key < 3 => assert_eq!(ours.pop_last(), theirs.pop_last()),
                _ => assert_eq!(ours.insert(key, value), theirs.insert(key, value)),
            }
            assert_eq!(
                (ours.get(&key), ours.contains_key(&key)),
                (theirs.get(&key), theirs.contains_key(&key))
            );
        }
        assert!(ours.iter().eq(theirs.iter()) && ours.len() == theirs.len());
    }
}
