//! People: finding them, their pages, following, notifications, and one's own profile.

#![expect(missing_docs, reason = "each constant is its own documentation")]

use super::{Language, count, others_or_more, words};
use crate::{letters::isolated, model::notices::What};

words! {
    table PEOPLE_TABLE, after super::keys::END;

    FIND: "Search";
    FIND_LABEL: "Search people and posts";
    FIND_EXAMPLE: "Name, words, public key, or ada@example.org";
    FIND_OPEN: "Open";
    FIND_PEOPLE: "Find people";
    FIND_LEAD: "Paste somebody’s public key (npub1…) here, or search for a name or for words in posts.";
    FIND_NOTHING: "Your node holds nothing of that.";
    FIND_LOADING: "Searching your node…";
    PEOPLE: "People";
    AROUND: "Around you";

    NOTIFICATIONS: "Notifications";
    NOTIFICATIONS_SHORT: "News";
    NOTIFICATIONS_EMPTY: "Nothing yet";
    NOTIFICATIONS_EMPTY_LEAD: "Answers, mentions, likes and reposts of your posts appear here.";
    UNREAD: " unread";
    REPLIED: "{0} replied";
    MENTIONED: "{0} mentioned you";
    REPLIED_THERE: "{0} replied in a conversation that you follow";
    GATHERED: "{0} to:";
    QUOTED: "{0} quoted you";
    REPOSTED_YOURS: "{0} reposted your post";
    LIKES_YOURS: "{0} likes your post";
    LIKE_YOURS: "{0} like your post";
    FOLLOWS_YOU: "{0} follows you";
    FOLLOWER_KNOWN: "1 follower known";
    FOLLOWERS_KNOWN: "{0} followers known";
    NAME_AND: "{0} and {1}";

    BOOKMARKS: "Bookmarks";
    BOOKMARK: "Bookmark";
    UNBOOKMARK: "Remove bookmark";
    PINS_TITLE: "Pinned";
    PIN: "Pin to your page";
    UNPIN: "Unpin";
    SETS: "Lists";
    SETS_WHY: "Each list is a tab of Home. Nobody else can read who is in it.";
    SET_NAME: "Name of a new list";
    SET_NEW: "Begin list";
    FOLLOW_THREAD: "Follow conversation";
    UNFOLLOW_THREAD: "Do not follow the conversation";
    WITH_ANSWERS: "Show answers";
    WITHOUT_ANSWERS: "Hide answers";
    FOLLOW: "Follow";
    FOLLOWED: "Following";
    UNFOLLOW: "Do not follow any more";
    FOLLOWS_PERSON: "follows 1 person";
    FOLLOWS_PEOPLE: "follows {0} people";
    MUTE: "Mute";
    UNMUTE: "Unmute";
    MUTED: "People you muted";
    MUTE_WHY: "You do not see what a muted person writes. Your list of muted people is not passed on.";
    MUTED_WORDS: "Words you muted";
    MUTED_WORDS_WHY: "You do not see posts with these words or hashtags. Nobody else can read which they are.";
    MUTED_WORD: "Word or #hashtag";
    HIDDEN: "Conversations and posts you hid";
    HIDDEN_WHY: "Nobody else can read which they are.";
    SHOW_AGAIN: "Show again";
    MUTE_THREAD: "Mute conversation";
    HIDE_POST: "Hide this";
    POST_MUTED: "A post that you muted or hid.";
    LIST_UNREADABLE: "This list has a private part that cannot be read here, so it was not changed. Change it in the program that wrote it.";
    LIST_AWAITED: "This is done as soon as your node has shown your present list, for which it may ask your other nodes and relays.";
    LIST_FULL: "This list is as long as your node takes one. Take somebody out of it first.";
    LIST_NEARLY_FULL: "This list takes {0} % of the length that your node takes.";
    FIRST_LIST: "Begin a new list?";
    FIRST_LIST_WHY: "Your node knows of no list of yours. If you have one elsewhere, a new one would take its place.";
    FIRST_LIST_YES: "Begin a new list";
    FIRST_PROFILE: "Begin a new profile?";
    FIRST_PROFILE_WHY: "Neither your node nor its relays have shown a profile of yours. If you have one elsewhere, a new one would take its place.";
    FIRST_PROFILE_YES: "Begin a new profile";
    COPY_KEY: "Copy key";
    NIP05_CHECK: "Check";
    NIP05_ASKING: "Asking the domain…";
    NIP05_RIGHT: "The domain says the same.";
    NIP05_WRONG: "The domain says otherwise.";
    NIP05_FAILED: "The domain could not be asked.";
    NAME_LOOK_UP: "Look up";
    NAME_UNKNOWN: "{0} is not known there.";
    NAME_NOT_ASKED: "{0} could not be asked. Is it written correctly? Some domains let no web page ask.";
    NIP05_UNCHECKED: "This is what this person says; it was not checked.";
    PICTURE_OF: "Picture of {0}";
    PICTURE_FROM: "{0} will see your address on the internet.";
    PICTURE_SHOW: "Show picture";
    PICTURE_LOADING: "Loading the picture…";
    PICTURE_FAILED: "The picture could not be loaded. It is at";

    YOUR_POSTS: "Your posts and answers";
    ALL_POSTS: "All of them";
    YOUR_LIKES: "What you liked";
    PROFILE_EDIT: "Edit profile";
    PROFILE_TITLE: "Profile";
    ABOUT_LABEL: "About you";
    ABOUT_EXAMPLE: "A sentence or two";
    PICTURE_LABEL: "Picture (address on the web)";
    PICTURE_EXAMPLE: "https://example.org/me.jpg";
    NIP05_LABEL: "Name by your domain";
    NIP05_EXAMPLE: "ada@example.org";
    PROFILE_SAVE: "Save profile";
    PROFILE_LOADING: "Your profile can be changed once your node has shown the present one, for which it may ask your other nodes and relays for some seconds.";
    PROFILE_SAVED: "Profile saved.";
    PUBLIC_KEY: "Public key";
    PUBLIC_KEY_WHY: "Give this to people who want to find you.";
    SECRET_KEY: "Secret key";
    SECRET_KEY_WHY: "Whoever has it can write as you. Show it to nobody; keep a copy where you keep passwords.";
    KEY_SHOW: "Show and save";
    KEY_HIDE: "Hide";
    BACKUP_MISSING: "There is no copy of your key yet. If this device breaks, your name here is lost with it.";
    BACKUP_NOW: "Save a copy";
}

pub fn follows_people(language: Language, people: usize) -> String {
    let words = if people == 1 { FOLLOWS_PERSON } else { FOLLOWS_PEOPLE };
    words.fill(language, &[&count(people as u64)])
}

/// A notification: what somebody did, and how many others did the same; `more` when some are not counted.
pub fn notice(language: Language, what: What, name: &str, others: usize, more: bool) -> String {
    let words = match what {
        What::Reply => REPLIED,
        What::Mention => MENTIONED,
        What::Quote => QUOTED,
        What::Repost => REPOSTED_YOURS,
        What::Like if others > 0 => LIKE_YOURS,
        What::Like => LIKES_YOURS,
        What::Follow => FOLLOWS_YOU,
        What::Followed => REPLIED_THERE,
    };
    if others == 0 {
        return words.fill(language, &[name]);
    }
    words.fill(language, &[&NAME_AND.fill(language, &[name, &others_or_more(language, others, more)])])
}

/// How many answered, liked and passed on one post.
pub fn gathered(language: Language, counts: [usize; 3], more: bool) -> String {
    let mut text = String::new();
    let mut part = |words: fn(Language, usize, bool) -> String, count| {
        if count > 0 {
            text.push_str(if text.is_empty() { "" } else { " · " });
            text.push_str(&words(language, count, more));
        }
    };
    let [answers, likes, reposts] = counts;
    part(super::answers, answers);
    part(super::likes, likes);
    part(super::reposts, reposts);
    GATHERED.fill(language, &[&text])
}

pub fn list_nearly_full(language: Language, percent: usize) -> String {
    LIST_NEARLY_FULL.fill(language, &[&count(percent as u64)])
}

pub fn picture_of(language: Language, name: &str) -> String {
    PICTURE_OF.fill(language, &[name])
}

pub fn followers(language: Language, people: usize) -> String {
    let words = if people == 1 { FOLLOWER_KNOWN } else { FOLLOWERS_KNOWN };
    words.fill(language, &[&count(people as u64)])
}

pub fn name_unknown(language: Language, name: &str) -> String {
    NAME_UNKNOWN.fill(language, &[&isolated(name)])
}

pub fn name_not_asked(language: Language, domain: &str) -> String {
    NAME_NOT_ASKED.fill(language, &[&isolated(domain)])
}

pub fn picture_from(language: Language, host: &str) -> String {
    PICTURE_FROM.fill(language, &[&isolated(host)])
}
