//! Makes the request for the next page of older posts.

use nostrp2p_protocol::{
    Filter,
    frame::{ClientFrame, RequestId},
    limits::MAX_BATCH_EVENTS,
};

use crate::model::TimelineKey;

/// The request for a page of `more` posts behind a place up to which nothing is missing here, and the most events of
/// its answer.
pub fn page_behind(
    request: RequestId,
    filter: Filter,
    place: TimelineKey,
    more: u32,
) -> (ClientFrame, usize) {
    let (created_at, id) = (place.created_at(), place.id);
    let filters = vec![Filter { limit: Some(more), ..filter }];
    let asked = usize::try_from(more).unwrap_or(usize::MAX);
    (ClientFrame::FetchBehind { request, filters, created_at, id }, asked)
}

/// The same of a node that does not understand such a question, behind posts that end at this second.
///
/// A page begins in the second in which the last one ended, of which some posts are here already. They are given again
/// and count, so they are asked for on top; when a whole answer holds no more than they are, the second before is next.
pub fn page_from(
    request: RequestId,
    filter: Filter,
    posts: &mut dyn Iterator<Item = u64>,
    end: u64,
    more: u32,
) -> (ClientFrame, usize) {
    let again = u32::try_from(posts.filter(|second| *second == end).count()).unwrap_or(u32::MAX);
    let whole = u32::try_from(MAX_BATCH_EVENTS).unwrap_or(u32::MAX);
    let (until, limit) = match end.checked_sub(1) {
        Some(before) if again >= whole => (before, more),
        _ => (end, again.saturating_add(more).min(whole)),
    };
    let filters = vec![Filter { until: Some(until), limit: Some(limit), ..filter }];
    (ClientFrame::Fetch { request, filters }, usize::try_from(limit).unwrap_or(usize::MAX))
}
