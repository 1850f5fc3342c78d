//! The menu under a post.

use nostrp2p_protocol::frame::ClientFrame;

use super::Effect;
use crate::model::{Menu, Model, Offers, connection::SentRequest};

/// Opens a menu, or closes it. Under an own post stands in it which relays have the post.
pub fn open(model: &mut Model, menu: Menu, out: &mut Vec<Effect>) {
    model.relays = None;
    if model.menu == Some(menu) {
        model.menu = None;
        return;
    }
    model.menu = Some(menu);
    let (id, connection) = (menu.post, &model.connection);
    let own = model.timeline.written(&id).is_some_and(|post| model.me == Some(post.pubkey));
    if own && menu.offers == Offers::More && connection.tells_relays && connection.is_logged_in() {
        let request = model.connection.ask(SentRequest::Relays(id));
        out.push(Effect::Send(ClientFrame::Relays { request, id }));
    }
}

/// Closes what is open under a post; the focus goes back to the button that opened it.
pub fn close(model: &mut Model, out: &mut Vec<Effect>) {
    if let Some(menu) = model.menu.take() {
        out.push(Effect::FocusInPost(menu.post, menu.offers.hook()));
    }
}
