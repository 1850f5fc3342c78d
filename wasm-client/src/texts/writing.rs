//! Writing, and what becomes of what was written.

#![expect(missing_docs, reason = "each constant is its own documentation")]

use nostrp2p_protocol::frame::Carried;

use super::{Language, other_people, words};

words! {
    table WRITING_TABLE;

    DELIVERY_WAITING: "not yet; your node keeps trying", "まだです。ノードが再送を続けています";
    DELIVERY_DONE: "has it", "届きました";
    DELIVERY_GIVEN_UP: "given up after days without an answer", "数日間応答がなく、送信をあきらめました";
    WHO_SEES: "Who can see it", "公開範囲";
    FOR_EVERYONE: "For everyone", "全員に公開";

    COMPOSE_LABEL: "New post", "新しい投稿";
    COMPOSE_EXAMPLE: "What is on your mind?", "いま、何を考えていますか";
    COMPOSE_SEND: "Post", "投稿";
    COMPOSE_SIGNING: "Signing…", "署名しています…";
    TOO_LONG: "This is too long for one post. Shorten it, or make two of it.", "1つの投稿としては長すぎます。短くするか、2つに分けてください。";
    BYTES_LEFT: "{0} bytes left", "あと{0}バイト";
    BYTES_OVER: "{0} bytes too long", "{0}バイト超過";
    NOT_SIGNED: "This could not be signed: {0}", "署名できませんでした：{0}";
    SEND_APPLE: "⌘ Enter", "⌘ Enter で送信";
    SEND_CONTROL: "Ctrl Enter", "Ctrl+Enter で送信";

    REPLY_LABEL: "Your reply", "返信";
    REPLY_EXAMPLE: "Write your reply", "返信を書く";
    REPLY_DROP: "Do not reply", "返信をやめる";
    REPLYING: "Replying to {0}. Everyone can see it.", "{0}への返信。誰でも読めます。";
    REPLYING_ONLY: "Replying to {0}. Only {1} can see it.", "{0}への返信。{1}だけが読めます。";
    REPLYING_ONLY_WITH: "Replying to {0}. Only {1} and {2} can see it.", "{0}への返信。{1}と{2}だけが読めます。";
    YOURSELF: "yourself", "自分";
    YOU: "you", "あなた";
    QUOTE: "Quote", "引用";
    QUOTE_LABEL: "Your words about it", "引用に添える言葉";
    QUOTE_EXAMPLE: "What do you say about it?", "ひとこと添える";
    QUOTE_DROP: "Do not quote", "引用をやめる";
    REPOST: "Repost", "リポスト";
    REPOST_UNDO: "Undo repost", "リポストを取り消す";
    REPOST_YOURS: "You reposted this", "リポスト済み";
    REPOSTED: "Reposted: everyone who reads you can see it.", "リポストしました。あなたの読者全員に表示されます。";

    DELETE: "Delete", "削除";
    DELETE_ASK: "Delete this post everywhere?", "この投稿をすべての場所から削除しますか。";
    DELETE_WARNING: "It goes from your node at once, and your node asks all others that have it to delete it too. Nobody can force them: others may have kept it.", "あなたのノードからはすぐに消え、この投稿を持つほかのノードにも削除を依頼します。ただし強制はできません。ほかの人が保存している場合があります。";
    DELETE_YES: "Delete it", "削除する";
    DELETED: "Deleted. Others may have kept it.", "削除しました。ほかの人が保存している場合があります。";
    GIVE_UP: "Discard", "破棄";

    STATE_WAITING: "Waiting for your node; will be sent later", "ノードを待っています。あとで送信されます";
    SENT_KEPT: "Sent: your node has it", "送信済み：ノードが受け取りました";
    SENT_ALONE: "Sent: your node has it and passes it on as soon as it meets another node", "送信済み：ノードが受け取りました。ほかのノードとつながりしだい届けます";
    SENT_TO_NODE: "Sent: your node has passed it on to 1 other node", "送信済み：1つのノードに届けました";
    SENT_TO_NODES: "Sent: your node has passed it on to {0} other nodes", "送信済み：{0}つのノードに届けました";
    HELD_FOR_PERSON: "Sent: your node holds it for 1 person", "送信済み：1人のためにノードが預かっています";
    HELD_FOR_PEOPLE: "Sent: your node holds it for {0} people", "送信済み：{0}人のためにノードが預かっています";
    DELIVERED_ALL: "Delivered to everyone it was for", "宛先の全員に届きました";
    DELIVERED_REST_GIVEN_UP: "Delivered to {0} of {1} people; your node has given up on the others", "{1}人中{0}人に届きました。残りの人への配達はあきらめました";
    DELIVERED_SO_FAR: "Sent: delivered to {0} of {1} people so far; your node keeps trying", "送信済み：これまでに{1}人中{0}人に届きました。ノードが配達を続けています";
    NOT_SENT: "Not sent. {0}", "送信できませんでした。{0}";
}

pub fn bytes_left(language: Language, bytes: i64) -> String {
    let words = if bytes < 0 { BYTES_OVER } else { BYTES_LEFT };
    words.fill(language, &[&bytes.unsigned_abs().to_string()])
}

pub fn not_signed(language: Language, reason: &str) -> String {
    NOT_SIGNED.fill(language, &[reason])
}

pub const fn send_hint(language: Language, apple: bool) -> &'static str {
    if apple { SEND_APPLE.say(language) } else { SEND_CONTROL.say(language) }
}

/// Whom one answers, and who can see it: everyone, or this person (or you alone) and so many others.
pub fn replying(language: Language, name: Option<&str>, audience: Option<(Option<&str>, usize)>) -> String {
    let name = name.unwrap_or(YOURSELF.say(language));
    let Some((first, others)) = audience else { return REPLYING.fill(language, &[name]) };
    let first = first.unwrap_or(YOU.say(language));
    match others {
        0 => REPLYING_ONLY.fill(language, &[name, first]),
        _ => REPLYING_ONLY_WITH.fill(language, &[name, first, &other_people(language, others)]),
    }
}

pub fn sent(language: Language, carried: Option<Carried>) -> String {
    let (words, number) = match carried {
        None | Some(Carried::Kept) => (SENT_KEPT, 0),
        Some(Carried::Broadcast(0)) => (SENT_ALONE, 0),
        Some(Carried::Broadcast(1)) => (SENT_TO_NODE, 1),
        Some(Carried::Broadcast(nodes)) => (SENT_TO_NODES, nodes),
        Some(Carried::Waiting(1)) => (HELD_FOR_PERSON, 1),
        Some(Carried::Waiting(people)) => (HELD_FOR_PEOPLE, people),
    };
    words.fill(language, &[&number.to_string()])
}

pub fn delivered(language: Language, delivered: usize, given_up: usize, people: usize) -> String {
    let waiting = people.saturating_sub(delivered + given_up);
    let words = match (waiting, given_up) {
        (0, 0) => DELIVERED_ALL,
        (0, _) => DELIVERED_REST_GIVEN_UP,
        _ => DELIVERED_SO_FAR,
    };
    words.fill(language, &[&delivered.to_string(), &people.to_string()])
}

pub fn not_sent(language: Language, reason: &str) -> String {
    NOT_SENT.fill(language, &[reason])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_can_see_an_answer_is_said_in_words() {
        let said = |audience| replying(Language::English, Some("Ada"), audience);
        assert_eq!(said(None), "Replying to Ada. Everyone can see it.");
        assert_eq!(said(Some((None, 0))), "Replying to Ada. Only you can see it.");
        assert_eq!(said(Some((Some("Ada"), 2))), "Replying to Ada. Only Ada and 2 others can see it.");
        let japanese = replying(Language::Japanese, None, Some((Some("花子"), 1)));
        assert_eq!(japanese, "自分への返信。花子とほか1人だけが読めます。");
    }

    #[test]
    fn deliveries_are_counted_in_the_order_of_the_language() {
        assert_eq!(
            delivered(Language::English, 1, 0, 3),
            "Sent: delivered to 1 of 3 people so far; your node keeps trying"
        );
        assert_eq!(
            delivered(Language::Japanese, 2, 1, 3),
            "3人中2人に届きました。残りの人への配達はあきらめました"
        );
    }
}
