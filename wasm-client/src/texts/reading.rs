//! Reading: posts, conversations, times.

#![expect(missing_docs, reason = "each constant is its own documentation")]

use super::{Language, count, words};

words! {
    table READING_TABLE;

    EMPTY_TITLE: "Quiet so far", "まだ静かです";
    EMPTY_LEAD: "Posts appear here as soon as somebody writes. Begin: say hello.", "誰かが書くと、ここに投稿が表示されます。まずは、あいさつをしてみましょう。";
    LOADING: "Loading posts…", "投稿を読み込んでいます…";
    OLDER: "Older posts", "以前の投稿";
    OLDER_LOADING: "Looking for older posts…", "以前の投稿を探しています…";
    NO_OLDER: "That is all your node holds.", "ノードにある投稿はこれですべてです。";
    SHOW_MORE: "Show more", "続きを読む";
    SHOW_LESS: "Show less", "折りたたむ";
    TARGET_AWAITED: "The post itself is still being fetched.", "元の投稿を取り寄せています。";
    A_POST: "a post", "投稿";
    REPLY: "Reply", "返信";
    IN_REPLY: "a reply", "返信";
    IN_REPLY_TO: "in reply to {0}", "{0}への返信";
    LIKE: "Like", "いいね";
    LIKED: "You like this", "いいね済み";
    ANSWER_COUNT: "1 answer", "返信1件";
    ANSWERS_COUNT: "{0} answers", "返信{0}件";
    REPOST_COUNT: "1 repost", "リポスト1件";
    REPOSTS_COUNT: "{0} reposts", "リポスト{0}件";
    LIKE_COUNT: "1 like", "いいね1件";
    LIKES_COUNT: "{0} likes", "いいね{0}件";
    MORE: "More", "その他";
    COPY_TEXT: "Copy text", "本文をコピー";
    ONLY_YOU: "only for you", "あなただけに";
    ONLY_FOR: "only for {0}", "{0}だけに";
    FOR_WITH: "for {0} and {1}", "{0}と{1}に";
    OTHER_PERSON: "1 other", "ほか1人";
    OTHER_PEOPLE: "{0} others", "ほか{0}人";
    REPOSTED_BY: "{0} reposted", "{0}がリポスト";
    NEW_POST: "1 new post", "新しい投稿が1件";
    NEW_POSTS: "{0} new posts", "新しい投稿が{0}件";
    NEW_PILL: "{0} new", "新着{0}件";
    FOLLOWING: "Following", "フォロー中";
    EVERYONE: "Everyone", "みんな";
    WHOSE_POSTS: "Whose posts", "誰の投稿か";
    NOBODY_FOLLOWED: "You follow nobody yet", "まだ誰もフォローしていません";
    NOBODY_FOLLOWED_LEAD: "Posts of the people you follow are gathered here.", "フォローした人の投稿がここに集まります。";
    NOTHING_FOLLOWED: "The people you follow have written nothing that your node holds.", "フォロー中の人の投稿は、まだノードにありません。";
    THREAD: "Conversation", "会話";
    POSTS: "Posts", "投稿";
    NO_ANSWERS: "No answers here yet.", "まだ返信はありません。";
    NO_POSTS: "No posts of this person are here yet. Your node asks theirs for them.", "この人の投稿はまだここにありません。ノードが相手のノードに問い合わせています。";

    MOMENT_NOW: "now", "今";
    MINUTES_AGO: "{0} min", "{0}分";
    HOURS_AGO: "{0} h", "{0}時間";
    DAYS_AGO: "{0} d", "{0}日";
    DAY: "{0} {1}", "{1}{0}日";
    DATE: "{0} {1} {2}", "{2}年{1}{0}日";
    DATE_TIME: "{0} {1} {2}, {3}", "{2}年{1}{0}日 {3}";
    JANUARY: "Jan", "1月";
    FEBRUARY: "Feb", "2月";
    MARCH: "Mar", "3月";
    APRIL: "Apr", "4月";
    MAY: "May", "5月";
    JUNE: "Jun", "6月";
    JULY: "Jul", "7月";
    AUGUST: "Aug", "8月";
    SEPTEMBER: "Sep", "9月";
    OCTOBER: "Oct", "10月";
    NOVEMBER: "Nov", "11月";
    DECEMBER: "Dec", "12月";
}

/// The months of the year in order.
pub const MONTHS: [super::Words; 12] =
    [JANUARY, FEBRUARY, MARCH, APRIL, MAY, JUNE, JULY, AUGUST, SEPTEMBER, OCTOBER, NOVEMBER, DECEMBER];

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
    let words = if number == 1 { OTHER_PERSON } else { OTHER_PEOPLE };
    words.fill(language, &[&number.to_string()])
}

pub fn likes(language: Language, number: usize) -> String {
    let words = if number == 1 { LIKE_COUNT } else { LIKES_COUNT };
    words.fill(language, &[&count(number as u64)])
}

pub fn answers(language: Language, number: usize) -> String {
    let words = if number == 1 { ANSWER_COUNT } else { ANSWERS_COUNT };
    words.fill(language, &[&count(number as u64)])
}

pub fn reposts(language: Language, number: usize) -> String {
    let words = if number == 1 { REPOST_COUNT } else { REPOSTS_COUNT };
    words.fill(language, &[&count(number as u64)])
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
