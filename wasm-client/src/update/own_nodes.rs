//! Nodes that act for the person: appointed, shown, and ended.

use nostrp2p_protocol::{Kind, PeerId, delegation, frame::ClientFrame};

use super::{Effect, signing};
use crate::{
    model::{Model, Phase, connection::SentRequest, signing::Purpose},
    question,
    route::Route,
};

/// The screen is opened: asks the node for which nodes the person has signed.
pub fn enter(model: &mut Model, out: &mut Vec<Effect>) {
    model.own_nodes.ending = None;
    let (Some(me), Route::Network, true) = (model.me, model.route, model.connection.is_logged_in()) else {
        return;
    };
    let request = model.connection.ask(SentRequest::OwnNodes);
    let filters = vec![question::by(&[me], &[Kind::APPLICATION_DATA], None)];
    out.push(Effect::Send(ClientFrame::Fetch { request, filters }));
}

/// The node says when it has seen which of the others.
pub fn on_markers(model: &mut Model, markers: &[(String, u64)]) {
    for (name, until) in markers {
        if let Some(peer) = delegation::seen(name) {
            model.own_nodes.seen.insert(peer, *until);
        }
    }
}

/// The person takes the word for a node back; never for the one that this page talks to, which would be given it again.
pub fn end(model: &mut Model, peer: PeerId, out: &mut Vec<Effect>) {
    model.own_nodes.ending = None;
    let here = matches!(&model.connection.phase, Phase::LoggedIn(greeting) if greeting.peer == peer);
    let Some((since, until)) = model.own_nodes.words.get(&peer).copied().filter(|_| !here) else { return };
    // Later than the word that it ends, also if that was signed by a clock that is ahead.
    let draft = delegation::ended(&peer, model.now().max(since + 1));
    model.own_nodes.words.insert(peer, (draft.created_at, until.min(draft.created_at - 1)));
    signing::sign(model, Purpose::Delegation, draft, out);
}

/// Gives the own node the word that it acts for its owner.
pub fn appoint(model: &mut Model, out: &mut Vec<Effect>) {
    model.connection.unsaid = false;
    if let Phase::LoggedIn(greeting) = &model.connection.phase {
        let draft = delegation::draft(&greeting.peer, model.now());
        signing::sign(model, Purpose::Delegation, draft, out);
    }
}
