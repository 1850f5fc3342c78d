//! What went wrong, why, and what to do.

#![expect(missing_docs, reason = "each constant is its own documentation")]

use nostrp2p_protocol::{
    InvalidNip19, PeerId,
    frame::{Refusal, RefusalCode},
};

use super::{Language, words};
use crate::{
    address::{InvalidAddress, NodeAddress},
    model::connection::Trouble,
};

words! {
    table TROUBLE_TABLE, after super::surroundings::END;

    KEY_INCOMPLETE: "This is not a whole {0}: a character is missing or mistyped.";
    KEY_OTHER: "This begins with {1}, but {0} is needed here.";
    KEY_EMPTY: "This {0} holds no valid value.";
    KEY_HEX: "This is a key in hex, and it cannot be seen whether it is a secret one. If it is your own secret key, press Continue again to use it.";
    KEY_NOT_KEPT: "The key could not be stored on this device ({0}). Nothing was changed; try again or use another browser.";

    ADDRESS_EMPTY: "Enter the address that your node shows when it starts, for instance 127.0.0.1:20001.";
    ADDRESS_FORM: "This is not an address. It should look like 127.0.0.1:20001 or https://node.example.";
    ADDRESS_PORT: "The port behind the colon must be a number from 1 to 65535, for instance 20001.";
    CLAIM_INCOMPLETE: "This claim link is not whole: 32 digits must follow “#claim=”. Copy it again from your node.";

    NO_ANSWER_LOOPBACK: "No node answers at {0}. Is it running? If the browser asked whether this page may reach devices on your network, it needs a yes.";
    NO_ANSWER: "No node answers at {0}. Is it running, and is this its address? Start it, then try again.";
    NO_ANSWER_TLS: "No node answers at {0}. It may be off, the port may be another one, or its certificate is not valid for this name: browsers do not say which. Open https://{0}/ in a new tab; if the browser warns there, it is the certificate.";
    NODE_CLOSED: "The node at {0} ended the conversation. It may be restarting; this page tries again by itself.";
    NODE_SILENT: "{0} does not answer. Is your node running, and is the network good enough?";
    NODE_FOREIGN: "Something answers at {0}, but not a node of this network. Check address and port.";
    OTHER_NODE: "Another node answers at {0}: {1}. Your node is {2}. Yours may have a new data directory, another node may have this address now, or somebody tries to pass for yours. Nothing was said to it.";
    IMPOSTOR: "What answers through the helper {0} is not your node: it does not hold your node’s key. Nothing was said to it. This page tries other ways; if it happens again, get a fresh link from your node.";
    TURNED_AWAY: "The helper {0} cannot bring this page to your node now: “{1}”. It is tried again by itself; if it stays like this, look whether your node is running.";
    WAY_INCOMPLETE: "This link is not whole: what it says of the way to your node is cut off. Copy it again from your node.";
    MIXED_CONTENT: "This page came over https, so the browser lets it talk to {0} only over https too. Open the page of the node itself, or give the node a certificate (“tailscale serve” does).";

    NOT_SIGNED_IN: "The login at {0} was not signed, so this page shows what is stored on this device. Try again whenever you like.";

    REFUSED_VERSION: "Your node and this page are of different versions. Reload the page; if that does not help, update your node.";
    REFUSED_CHALLENGE: "The login came too late or to another address than this page shows. If it happens again, check the clock of this device and open the page at the address that your node shows.";
    REFUSED_NOT_OWNER: "This key is not the owner’s key of this node. Use the key with which the node was set up.";
    REFUSED_NO_OWNER: "This node has no owner yet. Open the claim link that it printed when it started.";
    REFUSED_CLAIMED: "This node has an owner already. If that is you, sign in with the key with which you claimed it.";
    REFUSED_WRONG_TOKEN: "This claim link is not the one of this node. Start the node again and open the link that it shows then.";
    REFUSED_OLD_TOKEN: "This claim link is too old. Start the node again and open the new link that it shows.";
    REFUSED_TIME: "The clock of this device and the clock of your node are too far apart. Set the one that is wrong, then try again.";
    REFUSED_TOO_LARGE: "It is too long. Shorten it.";
    REFUSED_READ_ONLY: "Your node takes no posts at the moment: it was started with writing switched off.";
    REFUSED_FORGED: "Your node could not confirm the signature. Try again; if it happens again, set up your key anew.";
    REFUSED_AUTHOR: "It is signed with another key than the owner’s of this node.";
    REFUSED_BUSY: "Your node is busy. It is tried again in a moment.";
    REFUSED_SILENTLY: "Your node said no, without saying why. Its log may know more.";
    REFUSED_BECAUSE: "Your node said no: {0}";
}

pub fn invalid_nsec(language: Language, error: &InvalidNip19) -> String {
    match error {
        InvalidNip19::Checksum { expected } => KEY_INCOMPLETE.fill(language, &[expected]),
        InvalidNip19::Prefix { expected, found } => KEY_OTHER.fill(language, &[expected, found]),
        InvalidNip19::Content { expected } => KEY_EMPTY.fill(language, &[expected]),
    }
}

pub fn invalid_address(language: Language, error: InvalidAddress) -> String {
    let words = match error {
        InvalidAddress::Empty => ADDRESS_EMPTY,
        InvalidAddress::Form => ADDRESS_FORM,
        InvalidAddress::Port => ADDRESS_PORT,
        InvalidAddress::Token => CLAIM_INCOMPLETE,
        InvalidAddress::Way => WAY_INCOMPLETE,
    };
    words.say(language).to_owned()
}

pub fn key_not_kept(language: Language, reason: &str) -> String {
    KEY_NOT_KEPT.fill(language, &[reason])
}

/// Why the node cannot be reached, and what to do.
pub fn trouble(
    language: Language,
    trouble: &Trouble,
    node: &NodeAddress,
    page_is_secure: bool,
    own: Option<PeerId>,
) -> String {
    let address = node.authority();
    let words = match trouble {
        Trouble::NoAnswer if node.is_secure() => NO_ANSWER_TLS,
        Trouble::NoAnswer if page_is_secure && node.is_loopback() => NO_ANSWER_LOOPBACK,
        Trouble::NoAnswer => NO_ANSWER,
        Trouble::Closed => NODE_CLOSED,
        Trouble::Silent => NODE_SILENT,
        Trouble::Foreign => NODE_FOREIGN,
        Trouble::OtherNode(found) => {
            let own = own.map(|own| own.short()).unwrap_or_default();
            return OTHER_NODE.fill(language, &[address, &found.short(), &own]);
        }
        Trouble::Impostor => IMPOSTOR,
        Trouble::TurnedAway(reason) => return TURNED_AWAY.fill(language, &[address, reason]),
        Trouble::MixedContent => MIXED_CONTENT,
        Trouble::NotSigned => NOT_SIGNED_IN,
    };
    words.fill(language, &[address])
}

/// A refusal in words, and what to do.
pub fn refusal(language: Language, refusal: &Refusal) -> String {
    let words = match refusal.code {
        RefusalCode::Version => REFUSED_VERSION,
        RefusalCode::WrongChallenge => REFUSED_CHALLENGE,
        RefusalCode::NotOwner => REFUSED_NOT_OWNER,
        RefusalCode::NoOwner => REFUSED_NO_OWNER,
        RefusalCode::AlreadyClaimed => REFUSED_CLAIMED,
        RefusalCode::WrongToken => REFUSED_WRONG_TOKEN,
        RefusalCode::ExpiredToken => REFUSED_OLD_TOKEN,
        RefusalCode::WrongTime => REFUSED_TIME,
        RefusalCode::TooLarge => REFUSED_TOO_LARGE,
        RefusalCode::ReadOnly => REFUSED_READ_ONLY,
        RefusalCode::Forged => REFUSED_FORGED,
        RefusalCode::ForeignAuthor => REFUSED_AUTHOR,
        RefusalCode::Busy => REFUSED_BUSY,
        _ if refusal.reason.is_empty() => REFUSED_SILENTLY,
        // In the words of the node, which speaks English.
        _ => return REFUSED_BECAUSE.fill(language, &[&refusal.reason]),
    };
    words.say(language).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_key_is_explained_in_a_sentence() {
        let error = nostrp2p_protocol::SecretKey::from_nsec("npub1").unwrap_err();
        let english = invalid_nsec(Language::English, &error);
        assert_eq!(english, "This is not a whole nsec: a character is missing or mistyped.");
    }
}
