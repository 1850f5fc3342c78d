//! Whole conversations: what a session must hold whatever is said, in whatever order.
//!
//! Each line of an input is a turn of the conversation, and its first letter says whose.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::OnceLock,
};

use nostrp2p_bridge::{
    Counted, MAX_COLLECTED, MAX_SUBSCRIPTIONS, Policy, PublishOutcome, Session, SessionStep, Submitted,
    mirror::{Collect, MirrorSession, MirrorStep, Terms, UploadRoom},
};
use nostrp2p_protocol::{
    Event, EventId, EventTemplate, Filter, Kind, PeerId, SecretKey,
    channel::{Channel, ChannelSecret, Greeting, answer},
    frame::{Carried, Refusal, RefusalCode},
    work::difficulty,
};

/// When the conversations take place.
const NOW: u64 = 1_700_000_000;
/// Longest message that a channel takes.
const MAX: usize = 100_000;

/// Some events of the owner, with their sequence numbers.
fn events() -> &'static [(u64, Event)] {
    static EVENTS: OnceLock<Vec<(u64, Event)>> = OnceLock::new();
    EVENTS.get_or_init(|| {
        let Ok(key) = SecretKey::from_bytes([1; 32]) else { return Vec::new() };
        let event = |number: u64| {
            let draft = EventTemplate {
                created_at: NOW + number,
                kind: Kind::POST,
                tags: vec![],
                content: number.to_string(),
            };
            (number + 1, draft.sign(&key, &[0; 32]))
        };
        (0..30).map(event).collect()
    })
}

/// The turns of an input: a letter and what comes after it.
fn turns(text: &str) -> impl Iterator<Item = (char, &str)> {
    text.lines().filter_map(|line| {
        let letter = line.chars().next()?;
        Some((letter, line.get(letter.len_utf8()..)?))
    })
}

/// A Nostr program and the relay of a node. `!` is an event that was stored, `~` one that is spread, `x` a store that
/// does not read from then on; what comes after any other letter is a line of the program.
pub fn relay_session(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some(owner) = events().first().map(|(_, event)| event.pubkey) else { return };
    let inbox = text.starts_with('*').then(nostrp2p_core::InboxTerms::default);
    let policy = Policy { public_read: !text.starts_with('-'), open: text.starts_with('+'), inbox };
    let (mut session, _greeting) = Session::open([7; 32], "localhost".to_owned(), policy);
    let (mut stored, mut reads) = (events().iter(), true);
    let mut subscribed = BTreeSet::new();
    for (letter, rest) in turns(text) {
        let steps = match letter {
            '!' => {
                stored.next().map_or_else(Vec::new, |(sequence, event)| session.on_stored(*sequence, event))
            }
            '~' => events().last().map_or_else(Vec::new, |(_, event)| session.on_spread(event)),
            'x' => {
                reads = false;
                vec![]
            }
            _ => {
                let said = session.on_line(rest, Some(owner), NOW);
                if said.iter().any(|step| matches!(step, SessionStep::HangUp(_))) {
                    return;
                }
                let mut steps = Vec::new();
                for step in said {
                    steps.extend(perform(&mut session, step, reads, &mut subscribed));
                }
                steps
            }
        };
        for step in steps {
            let SessionStep::Send(line) = step else { continue };
            check_line(&line, &mut subscribed);
        }
        if !matches!(letter, '!' | '~' | 'x')
            && let Some(id) = closed_by(rest)
        {
            subscribed.remove(&id);
        }
        assert!(session.listens() || subscribed.is_empty(), "{subscribed:?} were forgotten");
        assert!(subscribed.len() <= MAX_SUBSCRIPTIONS);
    }
}

/// The subscription that a program ends with this line.
fn closed_by(line: &str) -> Option<String> {
    let parts: Vec<serde_json::Value> = serde_json::from_str(line).ok()?;
    parts.first().filter(|verb| *verb == "CLOSE")?;
    Some(parts.get(1)?.as_str()?.to_owned())
}

/// Does what the node would do.
fn perform(
    session: &mut Session,
    step: SessionStep,
    reads: bool,
    subscribed: &mut BTreeSet<String>,
) -> Vec<SessionStep> {
    let some = || events().iter().take(3);
    match step {
        SessionStep::Publish(event) => {
            let submitted = Submitted::from(&*event);
            let result = if reads {
                Ok(PublishOutcome::New(Carried::Waiting(1)))
            } else {
                Err(Refusal::new(RefusalCode::Internal, "could not store the event"))
            };
            vec![session.on_published(&submitted, result, NOW)]
        }
        SessionStep::Find(id, ..) => {
            subscribed.insert(id.clone());
            if !reads {
                return vec![session.on_unreadable(&id)];
            }
            let found: Vec<Event> = some().map(|(_, event)| event.clone()).collect();
            let mut steps = session.on_found(&id, &found);
            steps.push(session.on_end(&id, 3));
            steps
        }
        SessionStep::Count(id, ..) => vec![session.on_counted(&id, Counted { count: 3, complete: reads })],
        SessionStep::Collect(id, _, _, message) => {
            let ids: Vec<(u64, EventId)> = some().map(|(_, event)| (event.created_at, event.id())).collect();
            assert!(ids.len() <= MAX_COLLECTED);
            vec![session.on_collected(&id, &message, reads.then_some(ids))]
        }
        other => vec![other],
    }
}

/// What the relay says is a message of NIP-01 or NIP-77, and an event comes only to who has asked for it.
fn check_line(line: &str, subscribed: &mut BTreeSet<String>) {
    let parts: Vec<serde_json::Value> = serde_json::from_str(line).unwrap_or_default();
    let word = |place: usize| parts.get(place).and_then(|part| part.as_str()).unwrap_or_default();
    match word(0) {
        "EVENT" => assert!(subscribed.contains(word(1)), "nobody has asked for {line}"),
        "CLOSED" => drop(subscribed.remove(word(1))),
        "EOSE" | "OK" | "NOTICE" | "AUTH" | "COUNT" | "NEG-MSG" | "NEG-ERR" => {}
        _ => assert!(parts.is_empty() && !line.is_empty(), "{line} is no message"),
    }
}

/// A node and another relay. `c` and `d`: the connection stands, or is gone; after `c` a number says how much work the
/// relay demands, and `+` or `-` that it compares or does not; `o`: events are offered; `t`: a minute has passed; `k` and a
/// number: the relay has taken that event; `r` and a number and a reason: it has not. All else is a line of the relay.
pub fn mirror_session(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some((_, first)) = events().first() else { return };
    let mut mirror = MirrorSession::new(first.pubkey, !text.starts_with('-'), 0, NOW - 100)
        .with_mail(text.starts_with('*'));
    let (mut now, mut settled, mut offered) = (NOW, 0, 0);
    let mut unanswered: BTreeMap<u64, EventId> = BTreeMap::new();
    for (letter, rest) in turns(text) {
        let mut steps = VecDeque::from(match letter {
            'c' => {
                let terms = terms(rest);
                // What has too little work for the relay is refused without another word of it.
                unanswered.retain(|_, id| difficulty(id) >= u32::from(terms.work));
                let mut steps = mirror.on_connected(terms);
                steps.extend(mirror.on_interest(vec![Filter::default()], now));
                steps
            }
            'd' => {
                assert!(mirror.on_disconnected() > 0);
                vec![]
            }
            't' => {
                now += 70;
                mirror.on_tick(now)
            }
            'o' => match mirror.room() {
                Some(UploadRoom::After(after)) => {
                    assert!(after >= settled && after <= offered, "what was not settled is offered again");
                    let more = events().iter().filter(|(sequence, _)| *sequence > after);
                    let more: Vec<_> = more.take(MirrorSession::window()).cloned().collect();
                    offered = more.last().map_or(after, |(sequence, _)| *sequence);
                    mirror.offer(offered, &more, now)
                }
                Some(UploadRoom::Again(ids)) => {
                    let lost = events().iter().filter(|(_, event)| ids.contains(&event.id()));
                    mirror.offer_again(&lost.cloned().collect::<Vec<_>>(), now)
                }
                None => vec![],
            },
            _ => {
                let line = relay_line(letter, rest);
                let parts: Vec<serde_json::Value> = serde_json::from_str(&line).unwrap_or_default();
                if parts.first().is_some_and(|word| word == "OK") {
                    let id = parts.get(1).and_then(|id| id.as_str()?.parse().ok());
                    unanswered.retain(|_, waiting| Some(*waiting) != id);
                }
                mirror.on_line(&line, now)
            }
        });
        while let Some(step) = steps.pop_front() {
            match step {
                MirrorStep::Send(line) => {
                    let sent = sent_event(&line).filter(|(sequence, _)| *sequence > settled);
                    unanswered.extend(sent);
                }
                MirrorStep::Collect(what) => {
                    let own = events().iter().filter(|_| matches!(what, Collect::Own));
                    let held: Vec<_> = own.map(|(_, event)| (event.created_at, event.id())).collect();
                    steps.extend(mirror.on_collected(&what, &held, now));
                }
                MirrorStep::Settled(through) => {
                    assert!(through > settled && through <= offered, "settled {settled}, then {through}");
                    let lost = unanswered.range(..=through).next();
                    assert!(lost.is_none(), "{lost:?} has no answer and is settled");
                    settled = through;
                }
                MirrorStep::Acknowledged(id) => {
                    assert!(events().iter().any(|(_, event)| event.id() == id), "{id} is none of ours");
                }
                _ => {}
            }
        }
        assert!(mirror.report().refusal.as_ref().is_none_or(|reason| reason.chars().count() <= 201));
    }
}

/// What the relay says of itself.
fn terms(said: &str) -> Terms {
    let compares = said.chars().find_map(|sign| match sign {
        '+' => Some(true),
        '-' => Some(false),
        _ => None,
    });
    let work: String = said.chars().filter(char::is_ascii_digit).collect();
    Terms { compares, work: work.parse().unwrap_or(0), ..Terms::default() }
}

/// What a relay says with this letter.
fn relay_line(letter: char, rest: &str) -> String {
    let ok = |verdict: &str| {
        let number = rest.split(' ').next().and_then(|number| number.parse::<usize>().ok())?;
        let (_, event) = events().get(number)?;
        Some(format!("[\"OK\",\"{}\",{verdict}]", event.id()))
    };
    let reason = serde_json::to_string(rest.split_once(' ').map_or("", |(_, reason)| reason));
    let line = match letter {
        'k' => ok("true,\"\""),
        'r' => ok(&format!("false,{}", reason.unwrap_or_default())),
        _ => Some(rest.to_owned()),
    };
    line.unwrap_or_default()
}

/// The event in a line that goes to the relay, with its sequence number.
fn sent_event(line: &str) -> Option<(u64, EventId)> {
    let parts: Vec<serde_json::Value> = serde_json::from_str(line).ok()?;
    let id: EventId = parts.get(1).filter(|_| parts.first().is_some_and(|word| word == "EVENT"))?["id"]
        .as_str()?
        .parse()
        .ok()?;
    events().iter().find(|(_, event)| event.id() == id).map(|(sequence, event)| (*sequence, event.id()))
}

/// Two ends of a channel, and a helper between them who does what it likes. Each byte is a deed: the low bits say which,
/// the high bits how much. What arrives is what was said, in order and whole, or the channel is over.
pub fn channel_session(bytes: &[u8]) {
    let Some((mut near, mut far)) = channel() else { return };
    let mut wire: VecDeque<Vec<u8>> = VecDeque::new();
    let (mut said, mut arrived, mut honest) = (Vec::new(), 0, true);
    for (number, byte) in bytes.iter().enumerate().take(200) {
        let much = usize::from(byte >> 3);
        match byte & 7 {
            // The owner says something, sometimes more than fits into a piece.
            0 | 1 => {
                let length = if much == 31 { 90_000 } else { much * much };
                let message: Vec<u8> =
                    (0..length).map(|place| place.wrapping_mul(number).to_le_bytes()[0]).collect();
                let Ok(pieces) = near.seal(&message) else { return };
                wire.extend(pieces);
                said.push(message);
            }
            2 => {
                honest = false;
                wire.pop_front();
            }
            3 => {
                honest = false;
                if let Some(piece) = wire.front_mut() {
                    let place = much * piece.len() / 32;
                    piece.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 1);
                }
            }
            4 => {
                honest = false;
                let again = wire.front().cloned();
                wire.extend(again);
            }
            5 if wire.len() > 1 => {
                honest = false;
                wire.swap(0, 1);
            }
            6 => {
                honest = false;
                if let Some(piece) = wire.front_mut() {
                    piece.truncate(much * piece.len() / 32);
                }
            }
            _ => {
                let Some(piece) = wire.pop_front() else { continue };
                match far.open(&piece) {
                    Ok(Some(message)) => {
                        assert_eq!(
                            said.get(arrived),
                            Some(&message),
                            "message {arrived} is not what was said"
                        );
                        arrived += 1;
                    }
                    Ok(None) => {}
                    Err(_) => {
                        assert!(!honest, "nobody has touched it");
                        return;
                    }
                }
            }
        }
    }
    if honest {
        for piece in wire {
            let Ok(message) = far.open(&piece) else { panic!("nobody has touched it") };
            arrived += usize::from(message.is_some());
        }
        assert_eq!(arrived, said.len(), "nobody has touched it");
    }
}

/// Both ends.
fn channel() -> Option<(Channel, Channel)> {
    let (peer, secret) = (PeerId::from_ed25519([6; 32]), ChannelSecret::derive(&[7; 32]));
    let (greeting, first) = Greeting::begin(&peer, &secret.key(), [3; 32]).ok()?;
    let (far, second) = answer(&peer, &secret, [4; 32], &first, MAX).ok()?;
    Some((greeting.finish(&second, MAX).ok()?, far))
}
