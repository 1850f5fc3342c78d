//! Writing, and what becomes of what was written.

#![expect(missing_docs, reason = "each constant is its own documentation")]

use nostrp2p_protocol::frame::Carried;

use super::{Language, other_people, words};

words! {
    table WRITING_TABLE, after super::welcome::END;

    DELIVERY_WAITING: "not yet; your node keeps trying";
    DELIVERY_DONE: "has it";
    DELIVERY_GIVEN_UP: "given up after days without an answer";
    DELIVERY_REFUSED: "does not take it";
    WHO_SEES: "Who can see it";
    FOR_EVERYONE: "For everyone";
    AUDIENCE_STAYS: "This cannot be changed once it is sent.";
    ONLY_NAMED: "only for those it names";
    NOT_NAMED: "Not named in the text any more, and will not get it: {0}";
    UNASKED: "Named in the text, and will not get it: {0}";
    RELAY_ONLY: "On Nostr relays only, and sees your answer only if it is for everyone: {0}";
    FOR_NOBODY: "Nobody would get this. Name somebody in the text, or choose “For everyone”.";

    COMPOSE_LABEL: "New post";
    COMPOSE_EXAMPLE: "What is on your mind?";
    COMPOSE_SEND: "Post";
    COMPOSE_SIGNING: "Signing…";
    TOO_LONG: "This is too long for one post. Shorten it, or make two of it.";
    BYTES_LEFT: "{0} bytes left";
    BYTES_OVER: "{0} bytes too long";
    NOT_SIGNED: "This could not be signed: {0}";
    SEND_APPLE: "⌘ Enter";
    SEND_CONTROL: "Ctrl Enter";

    REPLY_LABEL: "Your reply";
    REPLY_EXAMPLE: "Write your reply";
    REPLY_DROP: "Do not reply";
    REPLYING: "Replying to {0}. Everyone can see it.";
    REPLYING_ONLY: "Replying to {0}. Only {1} can see it.";
    REPLYING_ONLY_WITH: "Replying to {0}. Only {1} and {2} can see it.";
    YOURSELF: "yourself";
    YOU: "you";
    QUOTE: "Quote";
    QUOTE_LABEL: "Your words about it";
    QUOTE_EXAMPLE: "What do you say about it?";
    QUOTE_DROP: "Do not quote";
    REPOST: "Repost";
    REPOST_UNDO: "Undo repost";
    REPOST_YOURS: "You reposted this";
    REPOSTED: "Reposted: everyone who reads you can see it.";

    DELETE: "Delete";
    DELETE_ASK: "Delete this post everywhere?";
    DELETE_WARNING: "It goes from your node at once, and your node asks all others that have it to delete it too. Nobody can force them: others may have kept it.";
    DELETE_YES: "Delete it";
    DELETED: "Deleted. Others may have kept it.";
    GIVE_UP: "Discard";

    STATE_SAVING: "Being stored on this device";
    STATE_WAITING: "Waiting for your node; will be sent later";
    SENT_KEPT: "Sent: your node has it";
    SENT_ALONE: "Sent: your node has it and passes it on as soon as it meets another node";
    SENT_TO_NODE: "Sent: your node has passed it on to 1 other node";
    SENT_TO_NODES: "Sent: your node has passed it on to {0} other nodes";
    HELD_FOR_PERSON: "Sent: your node holds it for 1 person";
    HELD_FOR_PEOPLE: "Sent: your node holds it for {0} people";
    DELIVERED_ALL: "Delivered to everyone it was for";
    DELIVERED_REST_GIVEN_UP: "Delivered to {0} of {1} people; your node has given up on the others";
    DELIVERED_SO_FAR: "Sent: delivered to {0} of {1} people so far; your node keeps trying";
    NOT_SENT: "Not sent. {0}";
}

pub fn bytes_left(language: Language, bytes: i64) -> String {
    let words = if bytes < 0 { BYTES_OVER } else { BYTES_LEFT };
    words.fill(language, &[&bytes.unsigned_abs().to_string()])
}

pub fn not_signed(language: Language, reason: &str) -> String {
    NOT_SIGNED.fill(language, &[reason])
}

pub fn not_named(language: Language, names: &str) -> String {
    NOT_NAMED.fill(language, &[names])
}

pub fn unasked(language: Language, names: &str) -> String {
    UNASKED.fill(language, &[names])
}

pub fn relay_only(language: Language, names: &str) -> String {
    RELAY_ONLY.fill(language, &[names])
}

pub fn send_hint(language: Language, apple: bool) -> &'static str {
    if apple { SEND_APPLE.say(language) } else { SEND_CONTROL.say(language) }
}

/// The answered person and the audience: everyone, or this person (or you alone) and so many others.
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
