//! Filters: which events somebody asks for (NIP-01).

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    EventId, Kind, Malformed, PublicKey, UnsignedEvent,
    limits::{MAX_FILTER_VALUES, MAX_OWNER_FILTER_VALUES, MAX_TEXT_BYTES},
    msgpack::{Input, Read, Write},
};

/// A filter of NIP-01. All conditions that are set must hold; within one, any value suffices.
///
/// A condition that is set but empty holds for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Event ids.
    pub ids: Option<BTreeSet<EventId>>,
    /// Authors.
    pub authors: Option<BTreeSet<PublicKey>>,
    /// Kinds.
    pub kinds: Option<BTreeSet<Kind>>,
    /// Values of single-letter tags, `#e` and so on.
    pub tags: BTreeMap<char, BTreeSet<String>>,
    /// Earliest `created_at`, inclusive, in seconds.
    pub since: Option<u64>,
    /// Latest `created_at`, inclusive, in seconds.
    pub until: Option<u64>,
    /// Most events of the answer, the newest first. [`Filter::matches`] ignores it.
    pub limit: Option<u32>,
}

/// Why a filter is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFilter {
    /// See [`MAX_FILTER_VALUES`].
    #[error("a filter field has more than {MAX_FILTER_VALUES} values")]
    TooManyValues,
    /// See [`MAX_OWNER_FILTER_VALUES`].
    #[error("a filter field has more than {MAX_OWNER_FILTER_VALUES} values")]
    TooManyValuesOfOwner,
    /// A tag condition is not a single letter.
    #[error("a filter asks for a tag that is no single letter")]
    TagName,
    /// A tag value is longer than any that is looked up.
    #[error("a filter asks for a tag value of more than {MAX_TEXT_BYTES} bytes")]
    TagValue,
}

impl Filter {
    /// Whether the event fulfils all conditions.
    pub fn matches(&self, id: &EventId, unsigned: &UnsignedEvent) -> bool {
        let within = |created_at| {
            self.since.is_none_or(|since| since <= created_at)
                && self.until.is_none_or(|until| created_at <= until)
        };
        within(unsigned.created_at)
            && self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&unsigned.kind))
            && self.authors.as_ref().is_none_or(|authors| authors.contains(&unsigned.pubkey))
            && self.ids.as_ref().is_none_or(|ids| ids.contains(id))
            && self.tags.iter().all(|(name, values)| has_tag(unsigned, *name, values))
    }

    /// Checks the limits on the number of values.
    ///
    /// # Errors
    /// Names the limit that is broken.
    pub fn check_shape(&self) -> Result<(), InvalidFilter> {
        self.check(MAX_FILTER_VALUES, InvalidFilter::TooManyValues)
    }

    /// The same for what the owner's programs ask, which may name more.
    ///
    /// # Errors
    /// Names the limit that is broken.
    pub fn check_shape_of_owner(&self) -> Result<(), InvalidFilter> {
        self.check(MAX_OWNER_FILTER_VALUES, InvalidFilter::TooManyValuesOfOwner)
    }

    fn check(&self, most: usize, too_many: InvalidFilter) -> Result<(), InvalidFilter> {
        let lengths = [
            self.ids.as_ref().map_or(0, BTreeSet::len),
            self.authors.as_ref().map_or(0, BTreeSet::len),
            self.kinds.as_ref().map_or(0, BTreeSet::len),
            self.tags.values().map(BTreeSet::len).sum(),
        ];
        if lengths.iter().any(|length| *length > most) {
            return Err(too_many);
        }
        if self.tags.keys().any(|name| !name.is_ascii_alphabetic()) {
            return Err(InvalidFilter::TagName);
        }
        if self.tags.values().flatten().any(|value| value.len() > MAX_TEXT_BYTES) {
            return Err(InvalidFilter::TagValue);
        }
        Ok(())
    }
}

fn has_tag(unsigned: &UnsignedEvent, name: char, wanted: &BTreeSet<String>) -> bool {
    if name == 'd' && wanted.contains("") && has_no_identifier(unsigned) {
        return true;
    }
    let mut buffer = [0; 4];
    let name: &str = name.encode_utf8(&mut buffer);
    unsigned
        .tags
        .iter()
        .any(|tag| tag.name() == name && tag.value().is_some_and(|value| wanted.contains(value)))
}

/// Whether the `d` part of an event's address is empty (NIP-01): that of replaceable events, and of addressable ones
/// without a `d` tag.
fn has_no_identifier(unsigned: &UnsignedEvent) -> bool {
    unsigned.kind.is_replaceable()
        || (unsigned.kind.is_addressable() && unsigned.tag_values("d").next().is_none())
}

/// The wire form: `[ids, authors, kinds, tags, since, until, limit]`, nil where there is no condition.
type Conditions = (
    Option<BTreeSet<EventId>>,
    Option<BTreeSet<PublicKey>>,
    Option<BTreeSet<Kind>>,
    Vec<(char, BTreeSet<String>)>,
    Option<u64>,
    Option<u64>,
    Option<u32>,
);

impl Write for Filter {
    fn write(&self, out: &mut Vec<u8>) {
        let Self { ids, authors, kinds, tags, since, until, limit } = self;
        let tags: Vec<(char, &BTreeSet<String>)> =
            tags.iter().map(|(name, values)| (*name, values)).collect();
        (ids, authors, kinds, tags, since, until, limit).write(out);
    }
}

impl Read for Filter {
    fn read(input: &mut Input<'_>) -> Result<Self, Malformed> {
        let (ids, authors, kinds, tags, since, until, limit) = Conditions::read(input)?;
        Ok(Self { ids, authors, kinds, tags: tags.into_iter().collect(), since, until, limit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EventTemplate, Tag};

    fn unsigned() -> UnsignedEvent {
        let tags = vec![Tag::new(["t", "rust"]), Tag::new(["p"])];
        EventTemplate { created_at: 100, kind: Kind::POST, tags, content: String::new() }
            .by(PublicKey::from_bytes([1; 32]))
    }

    #[track_caller]
    fn check(filter: Filter, expected: bool) {
        assert_eq!(filter.matches(&unsigned().id(), &unsigned()), expected, "{filter:?}");
    }

    #[test]
    fn each_condition_alone_decides() {
        check(Filter::default(), true);
        check(Filter { ids: Some([unsigned().id()].into()), ..Filter::default() }, true);
        check(Filter { ids: Some([EventId::from_bytes([0; 32])].into()), ..Filter::default() }, false);
        check(Filter { authors: Some([unsigned().pubkey].into()), ..Filter::default() }, true);
        check(Filter { authors: Some(BTreeSet::new()), ..Filter::default() }, false);
        check(Filter { kinds: Some([Kind::POST, Kind::REPOST].into()), ..Filter::default() }, true);
        check(Filter { kinds: Some([Kind::REPOST].into()), ..Filter::default() }, false);
        check(Filter { since: Some(100), until: Some(100), ..Filter::default() }, true);
        check(Filter { since: Some(101), ..Filter::default() }, false);
        check(Filter { until: Some(99), ..Filter::default() }, false);
        let tag = |name, value: &str| Filter {
            tags: [(name, [value.to_owned()].into())].into(),
            ..Filter::default()
        };
        check(tag('t', "rust"), true);
        check(tag('t', "go"), false);
        check(tag('p', ""), false);
        check(tag('x', "rust"), false);
    }

    #[test]
    fn an_empty_identifier_is_that_of_replaceable_events_and_of_addressable_ones_without() {
        let check = |kind: u16, tags: &[Tag], expected: bool| {
            let tags = tags.to_vec();
            let draft = EventTemplate { created_at: 1, kind: Kind(kind), tags, content: String::new() };
            let unsigned = draft.by(PublicKey::from_bytes([1; 32]));
            let filter = Filter { tags: [('d', [String::new()].into())].into(), ..Filter::default() };
            assert_eq!(
                filter.matches(&unsigned.id(), &unsigned),
                expected,
                "{kind} {tags:?}",
                tags = unsigned.tags
            );
        };
        check(0, &[], true);
        check(10_002, &[Tag::new(["d", "x"])], true);
        check(30_023, &[], true);
        check(30_023, &[Tag::new(["d"])], true);
        check(30_023, &[Tag::new(["d", ""])], true);
        check(30_023, &[Tag::new(["d", "x"])], false);
        check(1, &[], false);
    }

    #[test]
    fn limits_are_named() {
        let kinds = (0..=2_000).map(Kind).collect();
        let many = Filter { kinds: Some(kinds), ..Filter::default() };
        assert_eq!(many.check_shape(), Err(InvalidFilter::TooManyValues));
        let odd = Filter { tags: [('é', BTreeSet::new())].into(), ..Filter::default() };
        assert_eq!(odd.check_shape(), Err(InvalidFilter::TagName));
        let long = Filter { tags: [('t', ["x".repeat(1_001)].into())].into(), ..Filter::default() };
        assert_eq!(long.check_shape(), Err(InvalidFilter::TagValue));
    }
}
