//! Setting up: node, key, name.

#![expect(missing_docs, reason = "each constant is its own documentation")]

use nostrp2p_protocol::PeerId;

use super::{Language, words};

words! {
    table WELCOME_TABLE, after super::trouble::END;

    STEP_NODE: "Your node";
    STEP_KEY: "Your key";
    STEP_NAME: "Your name";
    STEP_OF: "Step {0} of 3";

    NODE_TITLE: "Your node";
    NODE_LEAD: "A small program of your own carries your posts to other people’s nodes. This page talks to it and to nobody else.";
    NODE_LOOKING: "Looking for your node…";
    NODE_FOUND_FREE: "Found your node. It has no owner yet, and your link lets you become it.";
    NODE_FOUND_TOKENLESS: "Found a node that has no owner yet. To show that it is yours, open the claim link that it printed when it started, or paste the link here.";
    NODE_ADDRESS: "Address of your node, or its claim link";
    NODE_ADDRESS_EXAMPLE: "127.0.0.1:20001";
    CLAIM_LINK: "Claim link";
    CLAIM_LINK_EXAMPLE: "http://127.0.0.1:20001/#claim=…";
    NODE_CONNECT: "Connect";
    NODE_OTHER: "Use another node";
    NODE_ID: "Node";
    NOT_NOW: "Not now";
    NODE_BELONGS_TO: "Found the node of {0}. Sign in with that person’s key.";

    KEY_TITLE: "Your key";
    KEY_LEAD: "Your key is your name and your signature in one: whoever has it can write as you. It is made on this device, stays on it, and nobody can give you a new one if you lose it.";
    KEY_MAKE: "Make a new key";
    KEY_MAKE_WHY: "I am new here";
    KEY_IMPORT: "I have a key";
    KEY_IMPORT_WHY: "It begins with nsec1 or ncryptsec1";
    KEY_USE_HERE_WHY: "The key on this device";
    KEY_OWNER_TITLE: "Sign in";
    KEY_OWNER_LEAD: "This node belongs to {0}. To use it, show that you have the key.";
    CONTINUE_AS: "Continue as {0}";
    KEY_MADE_TITLE: "Keep a copy";
    KEY_MADE_LEAD: "This is your key. Save it where you keep passwords, before anything happens to this device.";
    KEY_DOWNLOAD: "Save as file";
    KEY_LATER: "Later";
    KEY_SAVED: "I have saved it";
    KEY_SHOW_LABEL: "Secret key";
    NSEC_LABEL: "Your secret key";
    NSEC_EMPTY: "Paste your secret key here. It begins with nsec1.";
    KEY_USE: "Use this key";
    KEY_PROVING: "Showing your node that it is you…";
    KEY_WAITING: "Your key is ready. Waiting for your node…";
    NO_SAFE_PLACE: "This page came over an unencrypted address, and here the browser gives it no safe place for your key: it will be gone when you close the page. Open your node at http://localhost:20001, by “tailscale serve”, or over https.";

    OFFER_TITLE: "Another node";
    OFFER_LEAD: "This page is to be led to another node. If that was not your idea, stay with yours: then nothing changes.";
    OFFER_NODE: "{0}, node {1}";
    OFFER_UNKNOWN: "It shows which node it is when you look at it: until then nothing is said to it.";
    OFFER_STAY: "Stay with my node";
    OFFER_LOOK: "Look at this node";
    OFFER_ADD: "Add it to mine";
    OFFER_MOVE: "Move there";
    OFFER_SAME: "This is your own node, at this address. To use the address, move there.";
    OFFER_YOURS: "It says that it belongs to you. A node that you add gets what is private and acts for you, for 90 days at a time. If you move there, it also gets all that you write here.";
    OFFER_FREE: "It has no owner yet. With a claim link you can make it yours: then it gets what is private and acts for you, for 90 days at a time. If you move there, it also gets all that you write here.";
    OFFER_OF_ANOTHER: "It belongs to {0}, so it is not for you.";
    OFFER_ADDED: "Node {0} acts for you now, and this page stays with the one it had.";
    PINNED: "From now on this page knows your node by its id, which ends in {0}, and warns you when another one answers.";
    NOT_APPOINTED: "Your node may not act for you, so nobody sends it what is private.";
    APPOINT: "Let it act for me";

    NAME_TITLE: "Your name";
    NAME_LEAD: "What should people call you? You can change it at any time.";
    NAME_LABEL: "Name";
    NAME_EXAMPLE: "Ada";
    NAME_DONE: "Done";
    NAME_SKIP: "Skip";
}

pub fn offered(language: Language, address: &str, id: Option<&str>) -> String {
    match id {
        Some(id) => OFFER_NODE.fill(language, &[address, id]),
        None => format!("{address}. {}", OFFER_UNKNOWN.say(language)),
    }
}

pub fn offer_of_another(language: Language, name: &str) -> String {
    OFFER_OF_ANOTHER.fill(language, &[name])
}

pub fn offer_added(language: Language, peer: &PeerId) -> String {
    OFFER_ADDED.fill(language, &[&peer.short()])
}

pub fn pinned(language: Language, peer: &PeerId) -> String {
    PINNED.fill(language, &[&peer.short()])
}

pub fn step_of(language: Language, number: usize) -> String {
    STEP_OF.fill(language, &[&number.to_string()])
}

pub fn node_belongs_to(language: Language, name: &str) -> String {
    NODE_BELONGS_TO.fill(language, &[name])
}

pub fn continue_as(language: Language, name: &str) -> String {
    CONTINUE_AS.fill(language, &[name])
}

pub fn key_owner_lead(language: Language, name: &str) -> String {
    KEY_OWNER_LEAD.fill(language, &[name])
}
