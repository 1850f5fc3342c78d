//! Every sentence that people read, in one place, so that another language is another file.
//!
//! People's words: what happened, why, what to do. No kind numbers, no codes.

#![expect(missing_docs, reason = "each constant is its own documentation")]

use nostrp2p_protocol::{
    PublicKey,
    frame::{Carried, Path, Refusal, RefusalCode},
};
use zeroize::Zeroizing;

use crate::{
    model::{
        connection::{Pill, Trouble},
        notices::What,
    },
    secret::Secret,
};

pub const APP: &str = "NostrP2P";

pub const HOME: &str = "Home";
pub const WRITE: &str = "Write";
pub const NETWORK: &str = "Network";
pub const ME: &str = "Me";
pub const SETTINGS: &str = "Settings";
pub const MAIN_NAVIGATION: &str = "Main";

pub const BACK: &str = "Back";
pub const CONTINUE: &str = "Continue";
pub const CANCEL: &str = "Cancel";
pub const CLOSE: &str = "Close";
pub const COPY: &str = "Copy";
pub const COPIED: &str = "Copied.";
pub const NOT_COPIED: &str = "The browser did not allow copying. Select the text and copy it by hand.";
pub const TRY_AGAIN: &str = "Try again";
pub const TRY_NOW: &str = "Try now";

pub const WELCOME_STEPS: [&str; 3] = ["Your node", "Your key", "Your name"];
pub const NODE_TITLE: &str = "Your node";
pub const NODE_LEAD: &str = "A small program of your own carries your posts to other people’s nodes. This page talks to it and to nobody else.";
pub const NODE_LOOKING: &str = "Looking for your node…";
pub const NODE_FOUND_FREE: &str = "Found your node. It has no owner yet, and your link lets you become it.";
pub const NODE_FOUND_TOKENLESS: &str = "Found a node that has no owner yet. To show that it is yours, open the claim link that it printed when it started, or paste the link here.";
pub const NODE_ADDRESS: &str = "Address of your node, or its claim link";
pub const NODE_ADDRESS_EXAMPLE: &str = "127.0.0.1:20001";
pub const CLAIM_LINK: &str = "Claim link";
pub const CLAIM_LINK_EXAMPLE: &str = "http://127.0.0.1:20001/#claim=…";
pub const NODE_CONNECT: &str = "Connect";
pub const NODE_OTHER: &str = "Use another node";
pub const NODE_ID: &str = "Node";
pub const NOT_NOW: &str = "Not now";

pub const KEY_TITLE: &str = "Your key";
pub const KEY_LEAD: &str = "Your key is your name and your signature in one: whoever has it can write as you. It is made on this device, stays on it, and nobody can give you a new one if you lose it.";
pub const KEY_MAKE: &str = "Make a new key";
pub const KEY_MAKE_WHY: &str = "I am new here";
pub const KEY_IMPORT: &str = "I have a key";
pub const KEY_IMPORT_WHY: &str = "It begins with nsec1";
pub const KEY_USE_HERE_WHY: &str = "The key on this device";
pub const KEY_OWNER_TITLE: &str = "Sign in";
pub const KEY_MADE_TITLE: &str = "Keep a copy";
pub const KEY_MADE_LEAD: &str =
    "This is your key. Save it where you keep passwords, before anything happens to this device.";
pub const KEY_DOWNLOAD: &str = "Save as file";
pub const KEY_LATER: &str = "Later";
pub const KEY_SAVED: &str = "I have saved it";
pub const KEY_SHOW_LABEL: &str = "Secret key";
pub const NSEC_LABEL: &str = "Your secret key";
pub const NSEC_EMPTY: &str = "Paste your secret key here. It begins with nsec1.";
pub const KEY_USE: &str = "Use this key";
pub const KEY_PROVING: &str = "Showing your node that it is you…";
pub const KEY_WAITING: &str = "Your key is ready. Waiting for your node…";
pub const NO_SAFE_PLACE: &str = "This page came over an unencrypted address, and here the browser gives it no safe place for your key: it will be gone when you close the page. Open your node at http://localhost:20001, by “tailscale serve”, or over https.";

pub const NAME_TITLE: &str = "Your name";
pub const NAME_LEAD: &str = "What should people call you? You can change it at any time.";
pub const NAME_LABEL: &str = "Name";
pub const NAME_EXAMPLE: &str = "Ada";
pub const NAME_DONE: &str = "Done";
pub const NAME_SKIP: &str = "Skip";

pub const COMPOSE_LABEL: &str = "New post";
pub const COMPOSE_EXAMPLE: &str = "What is on your mind?";
pub const COMPOSE_SEND: &str = "Post";
pub const COMPOSE_SIGNING: &str = "Signing…";
pub const TOO_LONG: &str = "This is too long for one post. Shorten it, or make two of it.";

pub const EMPTY_TITLE: &str = "Quiet so far";
pub const EMPTY_LEAD: &str = "Posts appear here as soon as somebody writes. Begin: say hello.";
pub const LOADING: &str = "Loading posts…";
pub const OLDER: &str = "Older posts";
pub const OLDER_LOADING: &str = "Looking for older posts…";
pub const NO_OLDER: &str = "That is all your node holds.";
pub const SHOW_MORE: &str = "Show more";
pub const SHOW_LESS: &str = "Show less";
pub const TARGET_AWAITED: &str = "The post itself is still being fetched.";
pub const REPLY: &str = "Reply";
pub const IN_REPLY: &str = "a reply";
pub const REPLY_LABEL: &str = "Your reply";
pub const REPLY_EXAMPLE: &str = "Write your reply";
pub const REPLY_DROP: &str = "Do not reply";
pub const LIKE: &str = "Like";
pub const LIKED: &str = "You like this";
pub const ONLY_YOU: &str = "only for you";
pub const FIND: &str = "Search";
pub const FIND_LABEL: &str = "Search people and posts";
pub const FIND_EXAMPLE: &str = "A name, words, or a public key";
pub const FIND_OPEN: &str = "Open";
pub const FIND_PEOPLE: &str = "Find people";
pub const FIND_LEAD: &str =
    "Paste somebody’s public key (npub1…) here, or search for a name or for words in posts.";
pub const FIND_NOTHING: &str = "Nothing of that is in the posts that are here.";
pub const PEOPLE: &str = "People";
pub const NOTIFICATIONS: &str = "Notifications";
pub const NOTIFICATIONS_SHORT: &str = "News";
pub const NOTIFICATIONS_EMPTY: &str = "Nothing yet";
pub const NOTIFICATIONS_EMPTY_LEAD: &str = "Answers, mentions, likes and reposts of your posts appear here.";
pub const UNREAD: &str = " unread";
pub const FOLLOWING: &str = "Following";
pub const EVERYONE: &str = "Everyone";
pub const WHOSE_POSTS: &str = "Whose posts";
pub const NOBODY_FOLLOWED: &str = "You follow nobody yet";
pub const NOBODY_FOLLOWED_LEAD: &str = "Posts of the people you follow are gathered here.";
pub const NOTHING_FOLLOWED: &str = "The people you follow have written nothing that your node holds.";
pub const FOLLOW: &str = "Follow";
pub const FOLLOWED: &str = "Following";
pub const UNFOLLOW: &str = "Do not follow any more";
pub const MUTE: &str = "Mute";
pub const UNMUTE: &str = "Unmute";
pub const MUTE_WHY: &str =
    "You do not see what a muted person writes. Your list of muted people is not passed on.";
pub const LIST_AWAITED: &str = "This is done as soon as your node has shown your present list.";
pub const LIST_RESTORED: &str = "You follow the people of that day again.";
pub const LIST_TITLE: &str = "People you follow";
pub const LIST_WHY: &str = "Earlier lists are kept on this device, in case one goes wrong.";
pub const LIST_RESTORE: &str = "Go back to it";
pub const LIST_PRESENT: &str = "now";
pub const FIRST_LIST: &str = "Begin a new list?";
pub const FIRST_LIST_WHY: &str =
    "Your node knows of no list of yours. If you have one elsewhere, a new one would take its place.";
pub const FIRST_LIST_YES: &str = "Begin a new list";
pub const THREAD: &str = "Conversation";
pub const POSTS: &str = "Posts";
pub const NO_ANSWERS: &str = "No answers here yet.";
pub const NO_POSTS: &str = "No posts of this person are here yet. Your node asks theirs for them.";
pub const A_POST: &str = "a post";
pub const QUOTE: &str = "Quote";
pub const QUOTE_LABEL: &str = "Your words about it";
pub const QUOTE_EXAMPLE: &str = "What do you say about it?";
pub const QUOTE_DROP: &str = "Do not quote";
pub const REPOST: &str = "Repost";
pub const REPOST_UNDO: &str = "Undo repost";
pub const REPOST_YOURS: &str = "You reposted this";
pub const REPOSTED: &str = "Reposted: everyone who reads you can see it.";
pub const PROFILE_EDIT: &str = "Edit profile";
pub const COPY_KEY: &str = "Copy key";
pub const NIP05_UNCHECKED: &str = "This is what this person says; it was not checked.";
pub const PICTURE_SHOW: &str = "Show picture";
pub const PICTURE_LOADING: &str = "Loading the picture…";
pub const PICTURE_FAILED: &str = "The picture could not be loaded. It is at";
pub const PICTURE_LABEL: &str = "Picture (address on the web)";
pub const PICTURE_EXAMPLE: &str = "https://example.org/me.jpg";
pub const NIP05_LABEL: &str = "Name by your domain";
pub const NIP05_EXAMPLE: &str = "ada@example.org";
pub const MORE: &str = "More";
pub const COPY_TEXT: &str = "Copy text";
pub const DELETE: &str = "Delete";
pub const DELETE_ASK: &str = "Delete this post everywhere?";
pub const DELETE_WARNING: &str = "It goes from your node at once, and your node asks all others that have it to delete it too. Nobody can force them: others may have kept it.";
pub const DELETE_YES: &str = "Delete it";
pub const DELETED: &str = "Deleted. Others may have kept it.";
pub const GIVE_UP: &str = "Discard";
pub const STATE_WAITING: &str = "Waiting for your node; will be sent later";

pub const PROFILE_TITLE: &str = "Profile";
pub const ABOUT_LABEL: &str = "About you";
pub const ABOUT_EXAMPLE: &str = "A sentence or two";
pub const PROFILE_SAVE: &str = "Save profile";
pub const PROFILE_LOADING: &str = "Your profile can be changed once your node has shown the present one.";
pub const PROFILE_SAVED: &str = "Profile saved.";
pub const PUBLIC_KEY: &str = "Public key";
pub const PUBLIC_KEY_WHY: &str = "Give this to people who want to find you.";
pub const SECRET_KEY: &str = "Secret key";
pub const SECRET_KEY_WHY: &str =
    "Whoever has it can write as you. Show it to nobody; keep a copy where you keep passwords.";
pub const KEY_SHOW: &str = "Show and save";
pub const KEY_HIDE: &str = "Hide";
pub const BACKUP_MISSING: &str =
    "There is no copy of your key yet. If this device breaks, your name here is lost with it.";
pub const BACKUP_NOW: &str = "Save a copy";
pub const FORGET: &str = "Sign out and forget the key";
pub const FORGET_WHY: &str =
    "Removes your key, your drafts and all cached posts from this device. Your node keeps your posts.";
pub const FORGET_ASK: &str = "Really forget it?";
pub const FORGET_UNSAVED: &str = "You have not saved a copy of this key. Without one nobody, not even you, can ever write under this name again.";
pub const FORGET_YES: &str = "Forget the key";

pub const THEME: &str = "Colours";
pub const THEMES: [&str; 3] = ["Automatic", "Light", "Dark"];
pub const NODE_SETTING: &str = "Node";
pub const NODE_SETTING_WHY: &str = "The node that this page talks to.";
pub const NODE_CHANGE: &str = "Set up again";
pub const ABOUT_PAGE: &str = "About";
pub const VERSION: &str = concat!("Version ", env!("CARGO_PKG_VERSION"));
pub const KEYS_HELP: &str =
    "Keyboard: n writes, j and k move between posts, r replies, l likes, Escape closes.";

pub const YOUR_NODE: &str = "Your node";
pub const NETWORK_EMPTY: &str =
    "No other node is connected yet. Your posts are kept and go out as soon as one is.";
pub const NETWORK_OFFLINE: &str = "Your node is not connected to this page, so its neighbours are not known.";
pub const NETWORK_PICTURE: &str = "Your node in the middle, the nodes it is connected to around it";
pub const AROUND: &str = "Around you";
pub const FIGURE_CONNECTED: &str = "nodes connected";
pub const FIGURE_DELAY: &str = "typical delay";
pub const FIGURE_OUTBOX: &str = "waiting to be sent";
pub const FIGURE_STORED: &str = "posts and profiles stored";
pub const LEGEND_DIRECT: &str = "straight";
pub const LEGEND_PUNCHED: &str = "through the router";
pub const LEGEND_RELAYED: &str = "by way of a third node";
pub const UNKNOWN_OWNER: &str = "owner not known yet";

pub const UPDATE_READY: &str = "A new version of this page is ready.";
pub const UPDATE_NOW: &str = "Reload";
pub const STORAGE_TROUBLE: &str = "The browser does not let this page store anything: posts that are not sent yet are lost when you close it.";
pub const CRASHED: &str = "Something went wrong on this page. Reload it; what you wrote is stored.";

pub fn follows_people(people: usize) -> String {
    if people == 1 {
        "follows 1 person".to_owned()
    } else {
        format!("follows {} people", count(people as u64))
    }
}

pub fn notice(what: What, name: &str, others: usize) -> String {
    let who = if others == 0 { name.to_owned() } else { format!("{name} and {}", other_people(others)) };
    let plural = others > 0;
    match what {
        What::Reply => format!("{who} replied"),
        What::Mention => format!("{who} mentioned you"),
        What::Quote => format!("{who} quoted you"),
        What::Repost => format!("{who} reposted your post"),
        What::Like if plural => format!("{who} like your post"),
        What::Like => format!("{who} likes your post"),
    }
}

pub fn picture_of(name: &str) -> String {
    format!("Picture of {name}")
}

pub fn picture_from(host: &str) -> String {
    format!("{host} will see your address on the internet.")
}

pub fn step_of(number: usize) -> String {
    format!("Step {number} of 3")
}

pub fn node_belongs_to(name: &str) -> String {
    format!("Found the node of {name}. Sign in with that person’s key.")
}

pub fn continue_as(name: &str) -> String {
    format!("Continue as {name}")
}

pub fn key_owner_lead(name: &str) -> String {
    format!("This node belongs to {name}. To use it, show that you have the key.")
}

pub fn invalid_nsec(error: &nostrp2p_protocol::InvalidNip19) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}

pub fn key_not_kept(reason: &str) -> String {
    format!(
        "The key could not be stored on this device ({reason}). Nothing was changed; try again or use another browser."
    )
}

pub fn not_signed(reason: &str) -> String {
    format!("This could not be signed: {reason}")
}

/// Name and content of the file that backs up a key.
pub fn backup_file(nsec: &Secret) -> (String, Secret) {
    let public = nostrp2p_protocol::SecretKey::from_nsec(nsec.reveal()).map(|key| key.public_key().to_npub());
    let public = public.unwrap_or_default();
    let text = Zeroizing::new(format!(
        "Secret key of {public}\n\n{}\n\nWhoever has this key can write as you. Keep this file where you keep passwords.\n",
        nsec.reveal()
    ));
    let name = public.get(..12).unwrap_or("key").to_owned();
    (format!("nostrp2p-{name}.txt"), Secret::new(text))
}

pub const fn pill(pill: Pill) -> &'static str {
    match pill {
        Pill::Connected => "connected",
        Pill::Connecting => "connecting",
        Pill::Offline => "offline, will send later",
    }
}

/// The word by which tests and style sheet know the pill.
pub const fn pill_word(pill: Pill) -> &'static str {
    match pill {
        Pill::Connected => "connected",
        Pill::Connecting => "connecting",
        Pill::Offline => "offline",
    }
}

pub fn new_posts(count: usize) -> String {
    if count == 1 { "1 new post".to_owned() } else { format!("{count} new posts") }
}

pub fn new_pill(count: usize) -> String {
    format!("{count} new")
}

pub fn bytes_left(bytes: i64) -> String {
    if bytes < 0 { format!("{} bytes too long", -bytes) } else { format!("{bytes} bytes left") }
}

pub fn reposted_by(name: &str) -> String {
    format!("{name} reposted")
}

pub fn in_reply_to(name: Option<&str>) -> String {
    format!("in reply to {}", name.unwrap_or("you"))
}

/// For you, or for this person, and so many others.
pub fn only_for(name: Option<&str>, others: usize) -> String {
    match (name, others) {
        (None, 0) => ONLY_YOU.to_owned(),
        (None, _) => format!("for you and {}", other_people(others)),
        (Some(name), 0) => format!("only for {name}"),
        (Some(name), _) => format!("for {name} and {}", other_people(others)),
    }
}

fn other_people(count: usize) -> String {
    if count == 1 { "1 other".to_owned() } else { format!("{count} others") }
}

/// Whom one answers, and who can see it: everyone, or this person (or you alone) and so many others.
pub fn replying(name: Option<&str>, audience: Option<(Option<&str>, usize)>) -> String {
    let name = name.unwrap_or("yourself");
    match audience {
        None => format!("Replying to {name}. Everyone can see it."),
        Some((first, 0)) => format!("Replying to {name}. Only {} can see it.", first.unwrap_or("you")),
        Some((first, others)) => {
            format!(
                "Replying to {name}. Only {} and {} can see it.",
                first.unwrap_or("you"),
                other_people(others)
            )
        }
    }
}

pub fn likes(count: usize) -> String {
    if count == 1 { "1 like".to_owned() } else { format!("{count} likes") }
}

pub fn sent(carried: Option<Carried>) -> String {
    match carried {
        None | Some(Carried::Kept) => "Sent: your node has it".to_owned(),
        Some(Carried::Broadcast(0)) => {
            "Sent: your node has it and passes it on as soon as it meets another node".to_owned()
        }
        Some(Carried::Broadcast(1)) => "Sent: your node has passed it on to 1 other node".to_owned(),
        Some(Carried::Broadcast(nodes)) => format!("Sent: your node has passed it on to {nodes} other nodes"),
        Some(Carried::Waiting(1)) => "Sent: your node holds it for 1 person".to_owned(),
        Some(Carried::Waiting(people)) => format!("Sent: your node holds it for {people} people"),
    }
}

pub fn delivered(delivered: usize, given_up: usize, people: usize) -> String {
    let waiting = people.saturating_sub(delivered + given_up);
    match (waiting, given_up) {
        (0, 0) => "Delivered to everyone it was for".to_owned(),
        (0, _) => {
            format!("Delivered to {delivered} of {people} people; your node has given up on the others")
        }
        _ => format!("Sent: delivered to {delivered} of {people} people so far; your node keeps trying"),
    }
}

pub fn not_sent(reason: &str) -> String {
    format!("Not sent. {reason}")
}

pub fn send_hint(apple: bool) -> &'static str {
    if apple { "⌘ Enter" } else { "Ctrl Enter" }
}

pub const fn path(path: Path) -> &'static str {
    match path {
        Path::Direct => LEGEND_DIRECT,
        Path::Punched => LEGEND_PUNCHED,
        Path::Relayed => LEGEND_RELAYED,
    }
}

pub fn delay(milliseconds: Option<u32>) -> String {
    match milliseconds {
        None => "–".to_owned(),
        Some(0) => "< 1 ms".to_owned(),
        Some(milliseconds) => format!("{milliseconds} ms"),
    }
}

pub fn node_of(name: &str) -> String {
    format!("node of {name}")
}

/// A count with a thin gap between thousands.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

pub fn avatar_of(pubkey: &PublicKey) -> String {
    pubkey.short()
}

/// Why the node cannot be reached, and what to do.
pub fn trouble(trouble: Trouble, address: &str, page_is_secure: bool, loopback: bool) -> String {
    match trouble {
        Trouble::NoAnswer if page_is_secure && loopback => format!(
            "No node answers at {address}. Is it running? If the browser asked whether this page may reach devices on your network, it needs a yes."
        ),
        Trouble::NoAnswer => {
            format!(
                "No node answers at {address}. Is it running, and is this its address? Start it, then try again."
            )
        }
        Trouble::Closed => format!(
            "The node at {address} ended the conversation. It may be restarting; this page tries again by itself."
        ),
        Trouble::Silent => {
            format!("{address} does not answer. Is your node running, and is the network good enough?")
        }
        Trouble::Foreign => {
            format!("Something answers at {address}, but not a node of this network. Check address and port.")
        }
        Trouble::MixedContent => format!(
            "This page came over https, so the browser lets it talk to {address} only over https too. Open the page of the node itself, or give the node a certificate (“tailscale serve” does)."
        ),
    }
}

/// What a refusal means, and what to do.
pub fn refusal(refusal: &Refusal) -> String {
    let sentence = match refusal.code {
        RefusalCode::Version => {
            "Your node and this page are of different versions. Reload the page; if that does not help, update your node."
        }
        RefusalCode::WrongChallenge => {
            "The login came too late or to another address than this page shows. If it happens again, check the clock of this device and open the page at the address that your node shows."
        }
        RefusalCode::NotOwner => {
            "This key is not the owner’s key of this node. Use the key with which the node was set up."
        }
        RefusalCode::NoOwner => {
            "This node has no owner yet. Open the claim link that it printed when it started."
        }
        RefusalCode::AlreadyClaimed => {
            "This node has an owner already. If that is you, sign in with the key with which you claimed it."
        }
        RefusalCode::WrongToken => {
            "This claim link is not the one of this node. Start the node again and open the link that it shows then."
        }
        RefusalCode::ExpiredToken => {
            "This claim link is too old. Start the node again and open the new link that it shows."
        }
        RefusalCode::WrongTime => {
            "The clock of this device and the clock of your node are too far apart. Set the one that is wrong, then try again."
        }
        RefusalCode::TooLarge => "It is too long. Shorten it.",
        RefusalCode::ReadOnly => {
            "Your node takes no posts at the moment: it was started with writing switched off."
        }
        RefusalCode::Forged => {
            "Your node could not confirm the signature. Try again; if it happens again, set up your key anew."
        }
        RefusalCode::ForeignAuthor => "It is signed with another key than the owner’s of this node.",
        RefusalCode::Busy => "Your node is busy. It is tried again in a moment.",
        _ if refusal.reason.is_empty() => "Your node said no, without saying why. Its log may know more.",
        _ => return format!("Your node said no: {}", refusal.reason),
    };
    sentence.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(
            (count(7), count(1_234), count(1_234_567)),
            ("7".into(), "1\u{202f}234".into(), "1\u{202f}234\u{202f}567".into())
        );
    }

    #[test]
    fn a_wrong_key_is_explained_in_a_sentence() {
        let error = nostrp2p_protocol::SecretKey::from_nsec("npub1").unwrap_err();
        assert_eq!(invalid_nsec(&error), "This is not a whole nsec: a character is missing or mistyped.");
    }

    #[test]
    fn a_backup_holds_the_key_and_is_named_after_the_public_one() {
        let key = nostrp2p_protocol::SecretKey::from_bytes([1; 32]).unwrap();
        let (name, text) = backup_file(&Secret::new(key.to_nsec()));
        assert!(name.starts_with("nostrp2p-npub1") && name.ends_with(".txt"), "{name}");
        assert!(text.reveal().contains(key.to_nsec().as_str()));
    }
}
