//! The connection and the network around the own node.

#![expect(missing_docs, reason = "each constant is its own documentation")]

use nostrp2p_protocol::frame::{Mirror, MirrorState, Path};

use super::{Language, words};
use crate::model::connection::Pill;

words! {
    table SURROUNDINGS_TABLE, after super::settings::END;

    YOUR_NODE: "Your node";
    NETWORK_EMPTY: "No other node is connected yet. Your posts are kept and go out as soon as one is.";
    NETWORK_OFFLINE: "Your node is not connected to this page, so its neighbours are not known.";
    NETWORK_PICTURE: "Your node in the middle, the nodes it is connected to around it";
    FIGURE_CONNECTED: "nodes connected";
    FIGURE_DELAY: "typical delay";
    FIGURE_RECEIVED: "received in the last hour";
    FIGURE_SENT: "sent in the last hour";
    TRAFFIC: "{0} received and {1} sent in the last hour";
    WARNING_TWIN: "Another node runs with the key of yours, because its data were copied: what one gets the other misses. Stop one, remove its file node.key and start it again.";
    WARNING_CLOCK: "The clock of your node is far ahead of its last run. Until others bear it out nothing is deleted for its age; if it is wrong, set it right.";
    WARNING_MAIL: "The mailbox of your node is nearly full. When it is, strangers' replies and messages are refused: raise --max-mail, or mute whoever sends too much.";
    WARNING_DISK: "Your node takes nearly all the disk that it may. Then it keeps less of other people's posts: raise --max-disk.";
    REACHED_UNKNOWN: "Whether others reach your node is being found out.";
    REACHED_DIRECTLY: "Anybody can reach your node.";
    REACHED_RELAYED: "Your node is behind a router; others reach it through nodes that relay for it.";
    REACHED_NO: "Your node reaches others, but they do not reach it: nobody relays for it yet.";
    REACHED_NOWHERE: "Your node listens on its own machine alone, so only nodes there reach it.";
    FIGURE_OUTBOX: "waiting to be sent";
    FIGURE_STORED: "posts and profiles stored";
    CAUGHT_UP: "Last caught up with {1}: {0}. Events that had been missing: {2}.";
    LEGEND_DIRECT: "straight";
    LEGEND_PUNCHED: "through the router";
    LEGEND_RELAYED: "by way of a third node";
    UNKNOWN_OWNER: "owner not known yet";
    NODE_OF: "node of {0}";
    PILL_CONNECTED: "connected";
    PILL_HELPED: "connected by way of a helper";
    WAY_STRAIGHT: "This page talks to your node at {0}.";
    WAY_HELPED: "This page reaches your node by way of the helper {0}, which carries what is said and cannot read it.";
    WAYS_BESIDES: "Other ways, if this one fails: {0}.";
    PILL_CONNECTING: "connecting";
    RELAYS: "Relays that get your public posts";
    RELAY_AWAY: "not connected";
    RELAY_COUNTS: "{0} · {1} given, {2} refused, {3} received, {4} to be looked at · {5}";
    RELAY_LOGIN: "{0} takes nothing before you sign in. If you agree, your node may act as you there, now and later.";
    RELAY_AGREE: "Sign in there";
    RELAY_WORK: "It takes only posts with {0} bits of work. This page puts it in before it signs, which may take some seconds.";
    RELAY_WORK_TOO_MUCH: "It takes only posts with {0} bits of work, which is more than this page puts in.";
    OWN_NODES: "Nodes that act for you";
    OWN_NODE_HERE: "This page talks to it.";
    OWN_NODE_CONNECTED: "Connected.";
    OWN_NODE_SEEN: "Last seen: {0}.";
    OWN_NODE_UNSEEN: "Not seen yet.";
    OWN_NODE_UNTIL: "Your word holds until {0}.";
    OWN_NODE_END: "Take back your word";
    OWN_NODE_SURE: "From then on nobody sends your private posts to that node. It keeps what it has.";
    PILL_OFFLINE: "offline, will send later";
}

pub fn pill(language: Language, pill: Pill) -> &'static str {
    match pill {
        Pill::Connected => PILL_CONNECTED.say(language),
        Pill::Helped => PILL_HELPED.say(language),
        Pill::Connecting => PILL_CONNECTING.say(language),
        Pill::Offline => PILL_OFFLINE.say(language),
    }
}

/// The word by which tests and style sheet know the pill.
pub fn pill_word(pill: Pill) -> &'static str {
    match pill {
        Pill::Connected | Pill::Helped => "connected",
        Pill::Connecting => "connecting",
        Pill::Offline => "offline",
    }
}

pub fn path(language: Language, path: Path) -> &'static str {
    match path {
        Path::Direct => LEGEND_DIRECT.say(language),
        Path::Punched => LEGEND_PUNCHED.say(language),
        Path::Relayed => LEGEND_RELAYED.say(language),
    }
}

/// Written alike in every language.
pub fn delay(milliseconds: Option<u32>) -> String {
    match milliseconds {
        None => "–".to_owned(),
        Some(0) => "< 1 ms".to_owned(),
        Some(milliseconds) => format!("{milliseconds} ms"),
    }
}

pub fn caught_up(language: Language, when: &str, with: &str, events: u64) -> String {
    CAUGHT_UP.fill(language, &[when, with, &super::count(events)])
}

pub fn relay_work(language: Language, bits: u8, put_in: bool) -> String {
    let words = if put_in { RELAY_WORK } else { RELAY_WORK_TOO_MUCH };
    words.fill(language, &[&bits.to_string()])
}

pub fn traffic(language: Language, received: u64, sent: u64) -> String {
    TRAFFIC.fill(language, &[&kilobytes(Some(received)), &kilobytes(Some(sent))])
}

pub fn way(language: Language, address: &str, helped: bool) -> String {
    let words = if helped { WAY_HELPED } else { WAY_STRAIGHT };
    words.fill(language, &[address])
}

pub fn other_ways(language: Language, addresses: &str) -> String {
    WAYS_BESIDES.fill(language, &[addresses])
}

pub fn relay(language: Language, mirror: &Mirror, last: &str) -> String {
    let state = match mirror.state {
        MirrorState::Connected => PILL_CONNECTED,
        MirrorState::Connecting => PILL_CONNECTING,
        MirrorState::Waiting => RELAY_AWAY,
    };
    let count = super::count;
    let (given, refused) = (count(mirror.accepted), count(mirror.refused));
    let (heard, behind) = (count(mirror.heard), count(mirror.behind));
    RELAY_COUNTS.fill(language, &[state.say(language), &given, &refused, &heard, &behind, last])
}

pub fn own_node_seen(language: Language, when: &str) -> String {
    OWN_NODE_SEEN.fill(language, &[when])
}

pub fn own_node_until(language: Language, when: &str) -> String {
    OWN_NODE_UNTIL.fill(language, &[when])
}

pub fn relay_login(language: Language, relay: &str) -> String {
    RELAY_LOGIN.fill(language, &[&crate::letters::isolated(relay)])
}

/// A number of bytes.
pub fn kilobytes(bytes: Option<u64>) -> String {
    match bytes {
        None => "–".to_owned(),
        Some(bytes @ 0..10_000_000) => format!("{} KB", super::count(bytes.div_ceil(1_000))),
        Some(bytes) => format!("{} MB", super::count(bytes / 1_000_000)),
    }
}

pub fn node_of(language: Language, name: &str) -> String {
    NODE_OF.fill(language, &[name])
}
