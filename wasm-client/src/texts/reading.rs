//! Reading: posts, conversations, times.

#![expect(missing_docs, reason = "each constant is its own documentation")]

use super::{Language, count, words};

words! {
    table READING_TABLE, after super::people::END;

    EMPTY_TITLE: "Quiet so far";
    EMPTY_LEAD: "Posts appear here as soon as somebody writes. Begin: say hello.";
    LOADING: "Loading posts…";
    OLDER: "Older posts";
    OLDER_LOADING: "Looking for older posts…";
    NO_OLDER: "That is all your node holds.";
    SENSITIVE: "The author warns of this.";
    SENSITIVE_OF: "The author warns of this: {0}";
    SHOW: "Show";
    SHOW_MORE: "Show more";
    SHOW_LESS: "Show less";
    TARGET_AWAITED: "The post itself is still being fetched.";
    A_POST: "a post";
    REPLY: "Reply";
    IN_REPLY: "a reply";
    IN_REPLY_TO: "in reply to {0}";
    LIKE: "Like";
    LIKED: "You like this";
    LIKE_ON_RELAYS: "{0} reads on Nostr relays and learns of your like only if everyone may see it. That then holds for all whom you like there.";
    LIKE_PUBLIC: "Everyone may see it";
    LIKE_PRIVATE: "Rather not";
    ANSWER_COUNT: "1 answer";
    ANSWERS_COUNT: "{0} answers";
    REPOST_COUNT: "1 repost";
    REPOSTS_COUNT: "{0} reposts";
    LIKE_COUNT: "1 like";
    LIKES_COUNT: "{0} likes";
    VOTE: "Vote";
    VOTE_COUNT: "1 vote";
    VOTES_COUNT: "{0} votes";
    VOTES_UNTIL: "{0}, until {1}";
    VOTES_CLOSED: "{0}, closed";
    VOTE_GOES_TO: "Your vote goes to {0}, whose node shows all votes to whoever opens this poll.";
    MORE: "More";
    COPY_TEXT: "Copy text";
    STAYS_PRIVATE: "This is between you and the people it is for. It cannot be reposted or quoted.";
    ONLY_YOU: "only for you";
    ONLY_FOR: "only for {0}";
    FOR_WITH: "for {0} and {1}";
    OTHER_PERSON: "1 other";
    OTHER_PEOPLE: "{0} others";
    REPOSTED_BY: "{0} reposted";
    NEW_POST: "1 new post";
    NEW_POSTS: "{0} new posts";
    NEW_PILL: "{0} new";
    FOLLOWING: "Following";
    EVERYONE: "Everyone";
    WHOSE_POSTS: "Whose posts";
    NOBODY_FOLLOWED: "You follow nobody yet";
    NOBODY_FOLLOWED_LEAD: "Posts of the people you follow are gathered here.";
    NOTHING_KEPT: "Your node holds none of the posts that you bookmarked.";
    NOTHING_FOLLOWED: "The people you follow have written nothing that your node holds.";
    THREAD: "Conversation";
    POSTS: "Posts";
    NO_ANSWERS: "No answers here yet.";
    NO_POSTS: "No posts of this person are here yet. Your node asks theirs for them.";

    MOMENT_NOW: "now";
    MINUTES_AGO: "{0} min";
    HOURS_AGO: "{0} h";
    DAYS_AGO: "{0} d";
    DAY: "{0} {1}";
    DATE: "{0} {1} {2}";
    DATE_TIME: "{0} {1} {2}, {3}";
    JANUARY: "Jan";
    FEBRUARY: "Feb";
    MARCH: "Mar";
    APRIL: "Apr";
    MAY: "May";
    JUNE: "Jun";
    JULY: "Jul";
    AUGUST: "Aug";
    SEPTEMBER: "Sep";
    OCTOBER: "Oct";
    NOVEMBER: "Nov";
    DECEMBER: "Dec";
}

/// The months of the year in order.
pub const MONTHS: [super::Words; 12] =
    [JANUARY, FEBRUARY, MARCH, APRIL, MAY, JUNE, JULY, AUGUST, SEPTEMBER, OCTOBER, NOVEMBER, DECEMBER];

pub fn like_on_relays(language: Language, name: &str) -> String {
    LIKE_ON_RELAYS.fill(language, &[name])
}

pub fn sensitive_of(language: Language, reason: &str) -> String {
    SENSITIVE_OF.fill(language, &[reason])
}

pub fn new_posts(language: Language, number: usize) -> String {
    let words = if number == 1 { NEW_POST } else { NEW_POSTS };
    words.fill(language, &[&number.to_string()])
}

pub fn new_pill(language: Language, number: usize) -> String {
    NEW_PILL.fill(language, &[&number.to_string()])
}

pub fn reposted_by(language: Language, name: &str) -> String {
    REPOSTED_BY.fill(language, &[name])
}

pub fn in_reply_to(language: Language, name: Option<&str>) -> String {
    IN_REPLY_TO.fill(language, &[name.unwrap_or(super::YOU.say(language))])
}

/// For you, or for this person, and so many others.
pub fn only_for(language: Language, name: Option<&str>, others: usize) -> String {
    match (name, others) {
        (None, 0) => ONLY_YOU.say(language).to_owned(),
        (Some(name), 0) => ONLY_FOR.fill(language, &[name]),
        (name, _) => {
            let name = name.unwrap_or(super::YOU.say(language));
            FOR_WITH.fill(language, &[name, &other_people(language, others)])
        }
    }
}

pub(super) fn other_people(language: Language, number: usize) -> String {
    others_or_more(language, number, false)
}

/// So many other people, or more.
pub(super) fn others_or_more(language: Language, number: usize, more: bool) -> String {
    let words = if number == 1 && !more { OTHER_PERSON } else { OTHER_PEOPLE };
    words.fill(language, &[&or_more(number, more)])
}

/// So many likes, or more.
pub fn likes(language: Language, number: usize, more: bool) -> String {
    let words = if number == 1 && !more { LIKE_COUNT } else { LIKES_COUNT };
    words.fill(language, &[&or_more(number, more)])
}

/// The number, with a plus where there may be more than are known.
pub fn or_more(number: usize, more: bool) -> String {
    let mut number = count(number as u64);
    if more {
        number.push('+');
    }
    number
}

/// So many answers, or more.
pub fn answers(language: Language, number: usize, more: bool) -> String {
    let words = if number == 1 && !more { ANSWER_COUNT } else { ANSWERS_COUNT };
    words.fill(language, &[&or_more(number, more)])
}

/// How many people have voted, and until when one can.
pub fn votes(language: Language, people: usize, end: Option<String>, is_over: bool) -> String {
    let votes = if people == 1 { VOTE_COUNT } else { VOTES_COUNT };
    let votes = votes.fill(language, &[&count(people as u64)]);
    match end {
        None => votes,
        Some(_) if is_over => VOTES_CLOSED.fill(language, &[&votes]),
        Some(end) => VOTES_UNTIL.fill(language, &[&votes, &end]),
    }
}

/// Who learns of a vote.
pub fn vote_goes_to(language: Language, author: &str) -> String {
    VOTE_GOES_TO.fill(language, &[author])
}

/// So many reposts, or more.
pub fn reposts(language: Language, number: usize, more: bool) -> String {
    let words = if number == 1 && !more { REPOST_COUNT } else { REPOSTS_COUNT };
    words.fill(language, &[&or_more(number, more)])
}

pub fn minutes_ago(language: Language, minutes: i64) -> String {
    MINUTES_AGO.fill(language, &[&minutes.to_string()])
}

pub fn hours_ago(language: Language, hours: i64) -> String {
    HOURS_AGO.fill(language, &[&hours.to_string()])
}

pub fn days_ago(language: Language, days: i64) -> String {
    DAYS_AGO.fill(language, &[&days.to_string()])
}

/// A day of a year; of the present one without a year, and with a time of day if there is one.
pub fn date(
    language: Language,
    day: i64,
    month: super::Words,
    year: Option<i64>,
    time: Option<&str>,
) -> String {
    let words = match (year, time) {
        (None, _) => DAY,
        (Some(_), None) => DATE,
        (Some(_), Some(_)) => DATE_TIME,
    };
    let year = year.map(|year| year.to_string()).unwrap_or_default();
    words.fill(language, &[&day.to_string(), month.say(language), &year, time.unwrap_or_default()])
}
