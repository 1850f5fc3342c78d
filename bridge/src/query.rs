//! A client's query: a filter of NIP-01 and, if it searches, the words of NIP-50.

use nostrp2p_protocol::{Event, Filter, InvalidFilter, ReadFilter};
use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;

use crate::{
    reader::Reader,
    search::{InvalidSearch, Search},
};

/// A filter with a search.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// The conditions of NIP-01.
    pub filter: Filter,
    /// The words that must occur as well.
    pub search: Option<Search>,
}

/// Why a query is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidQuery {
    /// The filter.
    #[error(transparent)]
    Filter(#[from] InvalidFilter),
    /// The search.
    #[error(transparent)]
    Search(#[from] InvalidSearch),
}

impl Query {
    /// Whether an event fulfils all conditions. The filter's `limit` does not matter here.
    pub fn matches(&self, event: &Event) -> bool {
        self.filter.matches(&event.id(), event)
            && self.search.as_ref().is_none_or(|search| search.matches(event))
    }

    /// Checks the limits on the number of values and on their lengths.
    ///
    /// # Errors
    /// Names the limit that is broken.
    pub fn check_shape(&self) -> Result<(), InvalidQuery> {
        self.filter.check_shape()?;
        Ok(self.search.as_ref().map_or(Ok(()), Search::check_shape)?)
    }

    /// The same for this reader: the owner's programs may name more.
    pub(crate) fn check_shape_for(&self, reader: &Reader) -> Result<(), InvalidQuery> {
        match reader {
            Reader::Owner(_) => self.filter.check_shape_of_owner()?,
            Reader::Guest => self.filter.check_shape()?,
        }
        Ok(self.search.as_ref().map_or(Ok(()), Search::check_shape)?)
    }

    /// How many values it holds: what it costs to keep it.
    pub(crate) fn values(&self) -> usize {
        let Filter { ids, authors, kinds, tags, .. } = &self.filter;
        let sets = [
            ids.as_ref().map_or(0, std::collections::BTreeSet::len),
            authors.as_ref().map_or(0, std::collections::BTreeSet::len),
            kinds.as_ref().map_or(0, std::collections::BTreeSet::len),
            tags.values().map(std::collections::BTreeSet::len).sum(),
        ];
        sets.iter().sum()
    }
}

impl From<Filter> for Query {
    fn from(filter: Filter) -> Self {
        Self { filter, search: None }
    }
}

/// A query of a client, who may have named what is no id and no key.
#[derive(Debug)]
pub(crate) struct ReadQuery {
    /// The query without it.
    pub(crate) query: Query,
    /// The first value that is no id and no key.
    pub(crate) wrong: Option<String>,
}

/// The JSON form: a filter object that may have a key `search`.
impl<'de> Deserialize<'de> for ReadQuery {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Words {
            search: Option<String>,
        }
        let raw = <&RawValue>::deserialize(deserializer)?;
        let ReadFilter { filter, wrong } = serde_json::from_str(raw.get()).map_err(de::Error::custom)?;
        let Words { search } = serde_json::from_str(raw.get()).map_err(de::Error::custom)?;
        Ok(Self { query: Query { filter, search: search.as_deref().map(Search::new) }, wrong })
    }
}

/// The same; a value that is no id or no key matches nothing.
impl<'de> Deserialize<'de> for Query {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ReadQuery::deserialize(deserializer).map(|read| read.query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_stands_beside_the_conditions() {
        let query: Query = serde_json::from_str(r#"{"kinds":[1],"search":"Rust"}"#).unwrap();
        assert_eq!(query.search, Some(Search::new("rust")));
        assert!(query.filter.kinds.is_some());
        assert!(serde_json::from_str::<Query>(r#"{"search":1}"#).is_err());
        assert!(serde_json::from_str::<Query>(r#"{"search":"a","search":"b"}"#).is_err());
        let none: Query = serde_json::from_str("{}").unwrap();
        assert_eq!(none, Query::default());
    }
}
