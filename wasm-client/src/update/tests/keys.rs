//! What the person presses, and where that leads.

use super::*;
use crate::{message::Link, route::Route};

#[test]
fn a_peer_beside_the_column_is_shown_where_there_is_something_to_say_about_it() {
    let mut rig = Rig::in_use(0);
    let peer = PeerId::from_ed25519([5; 32]);
    rig.give(Message::Link(Link::Peer(peer)));
    assert_eq!(rig.model.chosen_peer, Some(peer));
    rig.did(|effect| *effect == Effect::Go(Route::Network.fragment()));
    rig.give(Message::Browser(BrowserNews::Fragment(Route::Network.fragment().into_owned())));
    assert_eq!(rig.model.chosen_peer, Some(peer));
    // There a second press lets it go.
    rig.give(Message::Link(Link::Peer(peer)));
    assert_eq!(rig.model.chosen_peer, None);
}
