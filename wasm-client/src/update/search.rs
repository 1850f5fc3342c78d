//! Searches the node's events.

use nostrp2p_protocol::{Kind, frame::ClientFrame, limits::MAX_TEXT_BYTES};

use super::Effect;
use crate::{
    model::{Model, connection::SentRequest, timeline::CONTENT},
    nip05::DomainName,
    question,
    route::Route,
};

/// From how many characters on something is searched for: fewer are in nearly all posts.
pub const MIN_SEARCH: usize = 2;
/// Most posts and most people that the node is to find.
const FOUND_POSTS: u32 = 100;
const FOUND_PEOPLE: u32 = 20;

/// Searches the node for the typed text; posts that are here already are shown meanwhile.
pub fn search(model: &mut Model, out: &mut Vec<Effect>) {
    let words = model.search.trim();
    let named = Route::from_code(words).is_some() || DomainName::of_search(words).is_some();
    let fits = words.chars().count() >= MIN_SEARCH && words.len() <= MAX_TEXT_BYTES && !named;
    if !fits || model.route != Route::Find || !model.connection.is_logged_in() {
        return;
    }
    let words = words.to_owned();
    let filters = vec![
        question::of_kinds(&CONTENT, Some(FOUND_POSTS)),
        question::of_kinds(&[Kind::PROFILE], Some(FOUND_PEOPLE)),
    ];
    let request = model.connection.ask(SentRequest::Search);
    model.open.loading = true;
    out.push(Effect::Send(ClientFrame::Search { request, filters, words }));
}
