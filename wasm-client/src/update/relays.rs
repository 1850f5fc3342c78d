//! Logins (NIP-42) at the relays to which the node sends the person's public posts.
//!
//! The holder of such a login can act as the person at that relay. So the page signs nothing for a relay before the
//! person has agreed to it by name, and nothing for the own node, so a node cannot have itself logged in anywhere
//! else.

use nostrp2p_protocol::{
    Event,
    frame::{ClientFrame, Mirror},
    login,
};

use super::{Effect, signing};
use crate::{
    model::{Model, signing::Purpose},
    storage::{Setting, StorageChange},
};

/// Most relays to which somebody agrees.
const MAX_AGREED: usize = 32;
/// Most logins in an hour that are signed for a relay by themselves; more are signed by the button alone.
const MAX_LOGINS_AN_HOUR: u32 = 20;

/// The node says how the relays stand.
pub fn on_mirrors(model: &mut Model, mirrors: Vec<Mirror>, out: &mut Vec<Effect>) {
    model.connection.mirrors = mirrors;
    // A question that nobody waits for would pop up in the middle of something else; there is a button for that.
    if !model.signing.asks() {
        for relay in model.agreed.clone() {
            if may_sign(model, &relay) {
                sign_in(model, &relay, out);
            }
        }
    }
}

/// The person agrees to a relay, now and from now on.
pub fn agree(model: &mut Model, relay: String, out: &mut Vec<Effect>) {
    if !model.agreed.contains(&relay) && model.agreed.len() < MAX_AGREED {
        model.agreed.push(relay.clone());
        out.push(Effect::Save(vec![StorageChange::Set(Setting::Agreed(model.agreed.clone()))]));
    }
    sign_in(model, &relay, out);
}

/// Another node is this page's own from now on: what the person has agreed to, they have agreed to at the former one.
pub fn forget(model: &mut Model, out: &mut Vec<Effect>) {
    model.agreed.clear();
    out.push(Effect::Save(vec![StorageChange::Set(Setting::Agreed(Vec::new()))]));
}

/// The login is signed: the node passes it on.
pub fn on_signed(login: Event, out: &mut Vec<Effect>) {
    let relay = login.tag_values("relay").next().map(str::to_owned);
    if let Some(relay) = relay {
        out.push(Effect::Send(ClientFrame::RelayLogin { relay, proof: login.into() }));
    }
}

/// Whether a login for this relay, if one is wanted, may be signed by itself; then it counts.
fn may_sign(model: &mut Model, relay: &str) -> bool {
    let hour = model.now() / 3_600;
    if !model.connection.mirrors.iter().any(|mirror| mirror.url == relay && mirror.challenge().is_some()) {
        return false;
    }
    let (last, signed) = model.signed_by_itself.get(&relay.to_owned()).copied().unwrap_or_default();
    let signed = if last == hour { signed } else { 0 };
    model.signed_by_itself.insert(relay.to_owned(), (hour, signed + 1));
    signed < MAX_LOGINS_AN_HOUR
}

fn sign_in(model: &mut Model, relay: &str, out: &mut Vec<Effect>) {
    let wanted = model.connection.mirrors.iter().find(|mirror| mirror.url == relay);
    let challenge = wanted.and_then(Mirror::challenge);
    let draft = challenge.and_then(|challenge| login::relay_draft(relay, challenge, model.now()));
    if let Some(draft) = draft.filter(|_| !is_own(model, relay)) {
        signing::sign(model, Purpose::Relay, draft, out);
    }
}

/// Whether this address is one at which the own node is reached.
fn is_own(model: &Model, relay: &str) -> bool {
    let host = |text: &str| {
        let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default().to_ascii_lowercase();
        let bare = authority.strip_suffix(":443").or_else(|| authority.strip_suffix(":80"));
        bare.map(str::to_owned).unwrap_or(authority)
    };
    let relay = host(relay);
    model.connection.ways().iter().any(|way| host(way.address().authority()) == relay)
        || model.connection.home.as_ref().is_some_and(|home| home.key.to_string() == relay)
}
