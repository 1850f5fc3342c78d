//! Settings, and the words of the frame around every screen.

#![expect(missing_docs, reason = "each constant is its own documentation")]

use super::{Language, count, words};

words! {
    table SETTINGS_TABLE, after super::reading::END;

    APP: "NostrP2P";
    HOME: "Home";
    WRITE: "Write";
    NETWORK: "Network";
    ME: "Me";
    SETTINGS: "Settings";
    MAIN_NAVIGATION: "Main";
    BACK: "Back";
    CONTINUE: "Continue";
    CANCEL: "Cancel";
    CLOSE: "Close";
    COPY: "Copy";
    COPIED: "Copied.";
    NOT_COPIED: "The browser did not allow copying. Select the text and copy it by hand.";
    TRY_AGAIN: "Try again";
    TRY_NOW: "Try now";

    THEME: "Colours";
    THEME_AUTO: "Automatic";
    THEME_LIGHT: "Light";
    THEME_DARK: "Dark";
    LANGUAGE: "Language";
    LANGUAGE_AWAY: "The texts of this language could not be loaded. Choose it again when there is a network.";
    LANGUAGE_AUTO: "Automatic";
    NODE_SETTING: "Node";
    NODE_SETTING_WHY: "The node that this page talks to.";
    NODE_CHANGE: "Set up again";
    OWN_NAMES: "Addresses of your node";
    OWN_NAMES_WHY: "Your other programs can sign in at your node by its own addresses, and by these.";
    OWN_NAMES_SHOW: "Show them";
    OWN_NAMES_ASK: "You have come by {0}. If that leads to your node and to nothing else, your other programs may sign in there too.";
    OWN_NAMES_CONFIRM: "This is my node's";
    OWN_NAMES_REVOKE: "Take back";
    PERMISSIONS: "What your node asks you";
    PERMISSIONS_WHY: "Allow only sites at which you sign in yourself.";
    WEB_ORIGIN_ASKS: "{0} wanted to use your node. Do you use that site?";
    HELD_LIST_ASKS: "Your node keeps a list of relays to itself, for {0} is in your own network. Publish it to everyone?";
    INBOX_ASKS: "Publish {0} as your inbox, so that others’ programs reach you? Your lists of relays would be:";
    NAME_ASKS: "Write the name {0} into your profile? Your node answers for it.";
    ALLOW: "Allow";
    PUBLISH: "Publish";
    REPLIES: "Replies from your other programs";
    REPLIES_WHY: "Who sees what you answer there: the other programs do not say so. What is written already stays as it is.";
    REPLIES_PRIVATE: "Only the people in them";
    LIST_TITLE: "People you follow";
    LIST_WHY: "Earlier lists are kept on this device, in case one goes wrong.";
    LIST_RESTORE: "Go back to it";
    LIST_RESTORED: "You follow the people of that day again.";
    LIST_PRESENT: "now";
    FORGET: "Sign out and forget the key";
    FORGET_WHY: "Removes your key, your drafts and all cached posts from this device. Your node keeps your posts.";
    FORGET_ASK: "Really forget it?";
    FORGET_UNSAVED: "You have not saved a copy of this key. Without one nobody, not even you, can ever write under this name again.";
    FORGET_YES: "Forget the key";
    ABOUT_PAGE: "About";
    VERSION: "Version {0}";
    KEYBOARD: "Keyboard";
    KEY_NEW: "Write a new post";
    KEY_NEXT: "To the next post";
    KEY_PREVIOUS: "To the previous post";
    KEY_OPEN: "Open the conversation";
    KEY_REPLY: "Reply";
    KEY_LIKE: "Like";
    KEY_FIND: "Search";
    KEY_CLOSE: "Close what is open";
    KEY_HELP: "This help";
    KEY_SEND: "Send what is written";

    MEDIA: "Pictures in posts";
    MEDIA_WHY: "Whoever keeps a picture sees the internet address of everybody who loads it.";
    MEDIA_ASK: "After a tap";
    MEDIA_FOLLOWED: "From people I follow";
    MEDIA_NEVER: "Never";
    PACE: "Data and battery";
    PACE_WHY: "How long your node may gather news before it wakes this device.";
    PACE_QUICK: "At once";
    PACE_SAVER: "Save";
    EXPORT: "Take everything with you";
    EXPORT_WHY: "A file with everything that your node holds, what is private too: one signed line each, as other nodes and programs of this sort take them in.";
    EXPORT_AWAY: "Your node is away. What this device holds can be saved, but without signatures, so other programs will not take it in.";
    EXPORT_SAVE: "Save as file";
    EXPORT_GOES_ON: "{0} so far…";
    EXPORTED: "The file holds {0} posts, profiles, lists and likes.";
    EXPORT_FAILED: "The connection to your node broke, so there is no file. Try again.";
    INSTALL: "Install as an app";
    INSTALL_WHY: "It then opens from your home screen, and the browser does not clear away what is stored here.";
    GROUP_READING: "Reading";
    GROUP_KEY: "Your key";
    GROUP_NODE: "Your node";
    GROUP_DATA: "What is stored here";

    UPDATE_READY: "A new version of this page is ready.";
    UPDATE_NOW: "Reload";
    STORAGE_TROUBLE: "The browser does not let this page store anything: drafts and posts that are not sent yet are lost when you close it.";
    STORAGE_SILENT: "The browser’s storage does not answer: nothing is read from it or stored. Close other tabs of this page and reload it.";
    CRASHED: "Something went wrong on this page. Reload it; what you wrote is stored.";
}

/// The themes as they are offered.
pub const THEMES: [super::Words; 3] = [THEME_AUTO, THEME_LIGHT, THEME_DARK];

pub fn own_name_ask(language: Language, name: &str) -> String {
    OWN_NAMES_ASK.fill(language, &[name])
}

/// The question about a permission of this sort; none for one that a newer node knows.
pub fn permission(language: Language, sort: u8, subject: &str) -> Option<String> {
    let all = [WEB_ORIGIN_ASKS, HELD_LIST_ASKS, INBOX_ASKS, NAME_ASKS];
    Some(all.get(usize::from(sort))?.fill(language, &[subject]))
}

pub fn version(language: Language) -> String {
    VERSION.fill(language, &[env!("CARGO_PKG_VERSION")])
}

pub fn export_goes_on(language: Language, events: usize) -> String {
    EXPORT_GOES_ON.fill(language, &[&count(events as u64)])
}

pub fn exported(language: Language, events: usize) -> String {
    EXPORTED.fill(language, &[&count(events as u64)])
}
