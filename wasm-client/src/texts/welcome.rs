//! Setting up: node, key, name.

#![expect(missing_docs, reason = "each constant is its own documentation")]

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

    NAME_TITLE: "Your name";
    NAME_LEAD: "What should people call you? You can change it at any time.";
    NAME_LABEL: "Name";
    NAME_EXAMPLE: "Ada";
    NAME_DONE: "Done";
    NAME_SKIP: "Skip";
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
