//! The filter engine: which events match, in the order of NIP-01, the newest first and ties by lower id.
//!
//! A filter is turned into ranges of index rows (see `index.rs`), which are read side by side, backwards in time, and
//! only as far as the limit asks. Rows say when and where; every event is decoded and matched whole, so an index may be
//! wider than the filter, and a row that is too many does no harm.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
    ops::ControlFlow,
};

use nostrp2p_protocol::{
    Event, EventId, Filter, Kind, PublicKey, event_policy::is_expired, limits::MAX_BATCH_EVENTS,
};
use redb::ReadOnlyTable;

use super::{
    Store, ids,
    index::{self, Prefix},
    reading::{KEYS_IN_A_ROW, RANGE_ROWS, Reading},
    record,
    rows::{FindRows, RowRange, RowsReader, Snapshot},
    tables::{EVENTS, META, META_NEWEST},
};

/// Ranges that are read side by side: a follow list of 2,000 people and two kinds.
const MAX_RANGES: usize = 4_096;
/// Kinds whose rows are read side by side where a filter names too many authors: nobody's timeline has more.
const FEW_KINDS: usize = 50;
/// Rows that are counted to tell which of several ways into the index is the narrowest.
const PROBE_ROWS: usize = 512;
/// Bytes of records that one answer keeps in memory; the rest is read when it is sent.
const KEEP_BYTES: usize = 1024 * 1024;

/// One filter, and what must hold of an event besides.
pub struct Asked<'a> {
    /// The conditions of NIP-01.
    pub filter: &'a Filter,
    /// Who asks may see it, the words that are searched for occur, and so on.
    pub also: &'a dyn Fn(&Event) -> bool,
}

/// What was found.
#[derive(Debug)]
pub struct Selection {
    /// Highest sequence number in the snapshot that was read.
    pub through: u64,
    /// Whether nothing was left out but what the asker's own limits leave out.
    pub complete: bool,
    /// In the order of NIP-01; at most 500 for each filter that does not name more by their ids.
    pub picked: Vec<Picked>,
}

/// An event that was found.
#[derive(Debug)]
pub struct Picked {
    /// Its place in the store.
    pub sequence: u64,
    /// The event, unless the answer is so long that it is to be read when it is sent; see [`Store::event`].
    pub event: Option<Event>,
}

/// Where an event stands in an answer.
type Position = (Reverse<u64>, EventId);

impl Store {
    /// Finds the newest events that match any of the questions.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn select(&self, asked: &[Asked<'_>]) -> Result<Selection, redb::Error> {
        self.select_within(asked, &mut Reading::for_owner())
    }

    /// The same within a budget.
    pub(crate) fn select_within(
        &self,
        asked: &[Asked<'_>],
        reading: &mut Reading<'_>,
    ) -> Result<Selection, redb::Error> {
        let mut engine = Engine::open(self.database.snapshot()?, reading, self.time().now())?;
        let (mut complete, mut bytes) = (true, 0);
        let mut merged: BTreeMap<Position, Picked> = BTreeMap::new();
        for asked in asked {
            let wanted =
                asked.filter.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
            // Whoever names events one by one gets them all.
            let most = asked.filter.ids.as_ref().map_or(0, BTreeSet::len).max(MAX_BATCH_EVENTS);
            let limit = wanted.min(most);
            let mut found: Vec<(Position, Picked)> = Vec::new();
            let mut keep = |sequence, length, event: Event| {
                let last = found.last().map(|((Reverse(created_at), _), _)| *created_at);
                // The whole of the last second is looked at, for its lower ids come first.
                if found.len() >= limit && last.is_none_or(|last| event.created_at < last) {
                    return ControlFlow::Break(());
                }
                bytes += length;
                let place = (Reverse(event.created_at), event.id());
                let event = (bytes <= KEEP_BYTES).then_some(event);
                found.push((place, Picked { sequence, event }));
                ControlFlow::Continue(())
            };
            // A limit that the asker has set leaves out nothing that was asked for.
            let all = engine.walk(asked, &mut keep)?;
            complete &= all || (found.len() >= limit && wanted <= limit);
            found.sort_unstable_by_key(|(place, _)| *place);
            merged.extend(found.into_iter().take(limit));
        }
        Ok(Selection { through: engine.newest, complete, picked: merged.into_values().collect() })
    }

    /// Counts the events that match any of the questions, whatever their limits, and says whether these are all.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub(crate) fn count(
        &self,
        asked: &[Asked<'_>],
        reading: &mut Reading<'_>,
    ) -> Result<(u64, bool), redb::Error> {
        let mut engine = Engine::open(self.database.snapshot()?, reading, self.time().now())?;
        let (mut sequences, mut complete) = (BTreeSet::new(), true);
        for asked in asked {
            complete &= engine.walk(asked, &mut |sequence, _, _| {
                sequences.insert(sequence);
                ControlFlow::Continue(())
            })?;
        }
        Ok((u64::try_from(sequences.len()).unwrap_or(u64::MAX), complete))
    }

    /// Collects `created_at` and id of what matches any of the questions, the newest of each first, at most `most` of
    /// each. A filter's limit counts too.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn collect(&self, asked: &[Asked<'_>], most: usize) -> Result<Vec<(u64, EventId)>, redb::Error> {
        let mut owners = Reading::for_owner();
        let mut engine = Engine::open(self.database.snapshot()?, &mut owners, self.time().now())?;
        let mut collected = BTreeSet::new();
        for asked in asked {
            let wanted = asked.filter.limit.map_or(most, |limit| usize::try_from(limit).unwrap_or(most));
            let mut left = wanted.min(most);
            engine.walk(asked, &mut |_, _, event| {
                let Some(fewer) = left.checked_sub(1) else { return ControlFlow::Break(()) };
                left = fewer;
                collected.insert((event.created_at, event.id()));
                ControlFlow::Continue(())
            })?;
        }
        Ok(collected.into_iter().collect())
    }
}

impl Store {
    /// Shows public events of `since..=until` to `visit`, the latest `created_at` first, until it breaks off; returns
    /// whether it saw all.
    pub(crate) fn public_backwards(
        &self,
        (since, until): (u64, u64),
        reading: &mut Reading<'_>,
        visit: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<bool, redb::Error> {
        let mut engine = Engine::open(self.database.snapshot()?, reading, self.time().now())?;
        let filter = Filter { since: Some(since), until: Some(until), ..Filter::default() };
        engine.walk(&Asked { filter: &filter, also: &|_| true }, &mut |_, _, event| visit(event))
    }
}

/// One snapshot and what may still be read of it.
struct Engine<'r, 'b> {
    events: ReadOnlyTable<u64, &'static [u8]>,
    rows: RowsReader,
    newest: u64,
    now: u64,
    reading: &'r mut Reading<'b>,
}

/// Takes a match with its sequence number and the length of its record.
type Visit<'a> = dyn FnMut(u64, usize, Event) -> ControlFlow<()> + 'a;

impl<'r, 'b> Engine<'r, 'b> {
    fn open(snapshot: Snapshot, reading: &'r mut Reading<'b>, now: u64) -> Result<Self, redb::Error> {
        Ok(Self {
            events: snapshot.open_table(EVENTS)?,
            newest: snapshot.open_table(META)?.get(META_NEWEST)?.map_or(0, |newest| newest.value()),
            rows: snapshot.into_rows(),
            now,
            reading,
        })
    }

    /// Shows all matches to `visit`, the latest `created_at` first, until it breaks off; returns whether it saw all.
    fn walk(&mut self, asked: &Asked<'_>, visit: &mut Visit<'_>) -> Result<bool, redb::Error> {
        if let Some(ids) = &asked.filter.ids {
            return self.walk_ids(ids, asked, visit);
        }
        let Some(prefixes) = self.way(asked.filter)? else { return Ok(true) };
        let (since, until) = span(asked.filter);
        let mut ranges = Vec::new();
        for prefix in &prefixes {
            if !self.reading.take(RANGE_ROWS) {
                return Ok(false);
            }
            ranges.push(self.rows.backwards(&prefix.range(since, until))?);
        }
        let mut heads = BinaryHeap::new();
        for (number, range) in ranges.iter_mut().enumerate() {
            heads.extend(next_of(range)?.map(|row| (row, number)));
        }
        let mut last = None;
        while let Some((row, number)) = heads.pop() {
            if let Some(range) = ranges.get_mut(number) {
                heads.extend(next_of(range)?.map(|row| (row, number)));
            }
            // An event with two of the wanted tags stands in two ranges.
            if last.replace(row) == Some(row) {
                continue;
            }
            if !self.reading.take(1) {
                return Ok(false);
            }
            if self.show(row.1, asked, visit)?.is_break() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn walk_ids(
        &mut self,
        ids: &BTreeSet<EventId>,
        asked: &Asked<'_>,
        visit: &mut Visit<'_>,
    ) -> Result<bool, redb::Error> {
        let (mut matches, mut all) = (Vec::new(), true);
        for id in ids {
            all = self.reading.take(1);
            if !all {
                break;
            }
            let Some(sequence) = ids::find(&self.rows, &self.events, id)? else { continue };
            // The result does not matter: nothing breaks off here.
            let _seen = self.show(sequence, asked, &mut |sequence, length, event| {
                matches.push((sequence, length, event));
                ControlFlow::Continue(())
            })?;
        }
        matches.sort_unstable_by_key(|(_, _, event)| (Reverse(event.created_at), event.id()));
        for (sequence, length, event) in matches {
            if visit(sequence, length, event).is_break() {
                return Ok(false);
            }
        }
        Ok(all)
    }

    /// Shows one event if it matches.
    fn show(
        &self,
        sequence: u64,
        asked: &Asked<'_>,
        visit: &mut Visit<'_>,
    ) -> Result<ControlFlow<()>, redb::Error> {
        let Some(value) = self.events.get(sequence)? else { return Ok(ControlFlow::Continue(())) };
        let record = value.value();
        if !self.may_match(record, asked.filter) {
            return Ok(ControlFlow::Continue(()));
        }
        let event = record::decode(record).filter(|event| {
            !is_expired(event, self.now) && asked.filter.matches(&event.id(), event) && (asked.also)(event)
        });
        Ok(event.map_or(ControlFlow::Continue(()), |event| visit(sequence, record.len(), event)))
    }

    /// Whether the beginning of a record fits: most of what does not match need not be decoded.
    fn may_match(&self, record: &[u8], filter: &Filter) -> bool {
        let Some((id, author, created_at, kind)) = record::beginning(record) else { return false };
        let (since, until) = span(filter);
        (since..=until).contains(&created_at)
            && filter.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind))
            && filter.authors.as_ref().is_none_or(|authors| authors.contains(&author))
            && filter.ids.as_ref().is_none_or(|ids| ids.contains(&id))
            && self.reading.public().is_none_or(|public| public.contains(&kind))
    }

    /// The rows of the events of a kind that whoever asks may see.
    fn of_kind(&self, kind: Kind) -> Vec<Prefix> {
        match self.reading.public() {
            Some(_) => vec![Prefix::public(kind)],
            None => Prefix::all_of_kind(kind).collect(),
        }
    }

    /// The rows of all that whoever asks may see.
    fn everything(&self) -> Vec<Prefix> {
        let kinds = self.reading.public();
        kinds.map_or_else(
            || vec![Prefix::all()],
            |kinds| kinds.iter().flat_map(|kind| self.of_kind(*kind)).collect(),
        )
    }

    /// The narrowest way into the index; None when nothing can match.
    fn way(&mut self, filter: &Filter) -> Result<Option<Vec<Prefix>>, redb::Error> {
        let Filter { authors, tags, .. } = filter;
        let public = self.reading.public();
        let seen = |kind: &&Kind| public.is_none_or(|public| public.contains(*kind));
        let kinds: Option<BTreeSet<Kind>> =
            filter.kinds.as_ref().map(|kinds| kinds.iter().filter(seen).copied().collect());
        let (since, until) = span(filter);
        let empty = authors.as_ref().is_some_and(BTreeSet::is_empty)
            || kinds.as_ref().is_some_and(BTreeSet::is_empty)
            || tags.values().any(BTreeSet::is_empty);
        if empty || since > until {
            return Ok(None);
        }
        // No row tells of an identifier that is not there.
        let has_rows =
            |(letter, values): &(&char, &BTreeSet<String>)| **letter != 'd' || !values.contains("");
        let mut ways: Vec<Vec<Prefix>> = tags
            .iter()
            .filter(has_rows)
            .map(|(letter, values)| values.iter().filter_map(|value| Prefix::tag(*letter, value)).collect())
            .collect();
        match (authors, &kinds) {
            (Some(authors), _) => ways.push(self.way_by_authors(authors, kinds.as_ref())?),
            // A tag is narrower than a kind as good as ever.
            (None, Some(kinds)) if ways.is_empty() => {
                ways.push(kinds.iter().flat_map(|kind| self.of_kind(*kind)).collect())
            }
            (None, None) if ways.is_empty() => ways.push(self.everything()),
            (None, _) => {}
        }
        if ways.len() == 1 {
            return Ok(ways.pop());
        }
        let mut narrowest = None;
        for way in ways {
            let rows = self.rows(&way, since, until)?;
            if narrowest.as_ref().is_none_or(|(fewest, _)| rows < *fewest) {
                narrowest = Some((rows, way));
            }
        }
        Ok(narrowest.map(|(_, way)| way))
    }

    /// What authors have written: ranges of the wanted kinds, else of those kinds of which they have something. All rows
    /// of the wanted kinds when that is too much to read side by side, or costs half of what may be read.
    fn way_by_authors(
        &mut self,
        authors: &BTreeSet<PublicKey>,
        kinds: Option<&BTreeSet<Kind>>,
    ) -> Result<Vec<Prefix>, redb::Error> {
        let mut way = Vec::new();
        let each = kinds.filter(|kinds| authors.len().saturating_mul(kinds.len()) <= MAX_RANGES);
        for author in authors {
            if let Some(kinds) = each {
                way.extend(kinds.iter().map(|kind| Prefix::author_kind(author, *kind)));
                continue;
            }
            let there = index::kinds_of(&self.rows, author, MAX_RANGES + 1)?;
            self.reading.take(RANGE_ROWS * (1 + there.len()));
            let public = self.reading.public();
            let wanted = there.into_iter().filter(|kind| {
                kinds.is_none_or(|kinds| kinds.contains(kind))
                    && public.is_none_or(|public| public.contains(kind))
            });
            way.extend(wanted.map(|kind| Prefix::author_kind(author, kind)));
            // What was looked up for a long list of people must leave enough to read what they wrote.
            if way.len() > MAX_RANGES || self.reading.is_half_spent() {
                let of_kinds =
                    |kinds: &BTreeSet<Kind>| kinds.iter().flat_map(|kind| self.of_kind(*kind)).collect();
                let few = kinds.filter(|kinds| kinds.len() <= FEW_KINDS);
                return Ok(few.map_or_else(|| self.everything(), of_kinds));
            }
        }
        Ok(way)
    }

    /// How many rows a way has, as far as it is worth counting.
    fn rows(&mut self, way: &[Prefix], since: u64, until: u64) -> Result<usize, redb::Error> {
        let mut rows = 0;
        for prefix in way {
            let mut range = self.rows.backwards(&prefix.range(since, until))?;
            // A range costs about as much to open as ten rows to read.
            rows += 10;
            while rows < PROBE_ROWS && range.next()?.is_some() {
                rows += 1;
            }
            if rows >= PROBE_ROWS {
                break;
            }
        }
        self.reading.take(rows / KEYS_IN_A_ROW);
        Ok(rows)
    }
}

fn span(filter: &Filter) -> (u64, u64) {
    (filter.since.unwrap_or(0), filter.until.unwrap_or(u64::MAX))
}

/// The next row of a range from its end: `created_at` and sequence number.
fn next_of(range: &mut RowRange<'_>) -> Result<Option<(u64, u64)>, redb::Error> {
    while let Some(row) = range.next()? {
        if let Some(tail) = index::tail(row) {
            return Ok(Some(tail));
        }
    }
    Ok(None)
}
