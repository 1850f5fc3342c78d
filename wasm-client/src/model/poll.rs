//! Polls, and the votes in them (NIP-88).

use nostrp2p_protocol::{EventId, EventTemplate, Kind, PublicKey, Tag, UnsignedEvent};

use crate::{letters, sorted_map::SortedMap};

/// Most options of a poll that are shown and can be chosen. A guess.
pub const MAX_OPTIONS: usize = 100;
/// Longest id of an option in bytes; one with a longer id is not shown. Programs write some ten letters.
const MAX_ID_BYTES: usize = 64;
/// Most votes that are held; beyond it some of another poll, or of the same one, go for each that comes. A guess.
const MAX_VOTES: usize = 5_000;

/// A poll.
#[derive(Debug, PartialEq, Eq)]
pub struct Poll<'a> {
    /// Id and label of each option, each id once.
    pub options: Vec<(&'a str, &'a str)>,
    /// Whether several may be chosen.
    pub multiple: bool,
    /// Until when votes count, in seconds since 1970.
    pub ends_at: Option<u64>,
}

/// The options that the person is choosing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ballot {
    /// In which poll.
    pub poll: EventId,
    /// Which options, by their numbers.
    pub chosen: Vec<usize>,
}

/// The votes that are known here.
#[derive(Debug, Clone, Default)]
pub struct Votes {
    /// By poll and person.
    votes: SortedMap<(EventId, PublicKey), Vote>,
    /// Counts the changes, so that what is drawn from them knows when they change.
    pub version: u32,
}

#[derive(Debug, Clone)]
struct Vote {
    created_at: u64,
    id: EventId,
    /// Ids of options.
    chosen: Vec<String>,
}

impl<'a> Poll<'a> {
    /// The poll in an event, if it is one. Options without an id or a label are left out.
    pub fn of(unsigned: &'a UnsignedEvent) -> Option<Self> {
        if unsigned.kind != Kind::POLL {
            return None;
        }
        let mut options: Vec<(&str, &str)> = Vec::new();
        for tag in unsigned.tags.iter().filter(|tag| tag.name() == "option").take(MAX_OPTIONS) {
            if let [_, id, label, ..] = tag.elements()
                && !id.is_empty()
                && id.len() <= MAX_ID_BYTES
                && letters::has_visible(label)
                && !options.iter().any(|(other, _)| other == id)
            {
                options.push((id, label));
            }
        }
        let multiple = unsigned.tag_values("polltype").next() == Some("multiplechoice");
        Some(Self { options, multiple, ends_at: ends_at(unsigned) })
    }

    /// Whether votes of this moment, in seconds since 1970, do not count any more.
    pub fn is_over(&self, now: u64) -> bool {
        self.ends_at.is_some_and(|end| now > end)
    }

    /// The vote for these options, by their numbers.
    pub fn vote(&self, poll: EventId, chosen: &[usize], created_at: u64) -> EventTemplate {
        let mut tags = vec![Tag::new(["e", &poll.to_string()])];
        for (id, _) in chosen.iter().filter_map(|number| self.options.get(*number)) {
            tags.push(Tag::new(["response", id]));
        }
        EventTemplate { created_at, kind: Kind::VOTE, tags, content: String::new() }
    }
}

fn ends_at(poll: &UnsignedEvent) -> Option<u64> {
    poll.tag_values("endsAt").next()?.parse().ok()
}

impl Votes {
    /// Takes a vote in, given its poll if that is here. Of one person the newest counts that came before the end.
    pub fn take(&mut self, unsigned: &UnsignedEvent, poll: Option<&UnsignedEvent>) {
        let Some(about) = target(unsigned) else { return };
        let (created_at, id, place) = (unsigned.created_at, unsigned.id(), (about, unsigned.pubkey));
        let late = poll.and_then(ends_at).is_some_and(|end| created_at > end);
        let known = |known: &Vote| (known.created_at, id) >= (created_at, known.id);
        if late || self.votes.get(&place).is_some_and(known) {
            return;
        }
        let mut chosen = Vec::new();
        for option in unsigned.tag_values("response").take(MAX_OPTIONS) {
            if option.len() <= MAX_ID_BYTES {
                chosen.push(option.to_owned());
            }
        }
        if self.votes.len() >= MAX_VOTES {
            self.votes.pop_first();
        }
        self.votes.insert(place, Vote { created_at, id, chosen });
        self.version = self.version.wrapping_add(1);
    }

    /// An own vote did not come about.
    pub fn undo(&mut self, unsigned: &UnsignedEvent) {
        let Some(poll) = target(unsigned) else { return };
        let place = (poll, unsigned.pubkey);
        if self.votes.get(&place).is_some_and(|vote| vote.id == unsigned.id()) {
            self.votes.remove(&place);
            self.version = self.version.wrapping_add(1);
        }
    }

    /// How many people chose each option of a poll, and how many people voted. Votes for what is no option, and after the
    /// end, are none.
    pub fn count(&self, id: &EventId, poll: &Poll) -> (Vec<usize>, usize) {
        let (mut counts, mut people) = (vec![0; poll.options.len()], 0);
        let up_to = self.votes.below(Some((*id, PublicKey::from_bytes([0xff; 32])))).rev();
        for (_, vote) in up_to.take_while(|((about, _), _)| about == id) {
            let chosen = chosen(poll, vote);
            people += usize::from(!chosen.is_empty());
            for number in chosen {
                if let Some(count) = counts.get_mut(number) {
                    *count += 1;
                }
            }
        }
        (counts, people)
    }

    /// Which options this person chose, by their numbers.
    pub fn chosen_by(&self, id: &EventId, poll: &Poll, person: &PublicKey) -> Vec<usize> {
        self.votes.get(&(*id, *person)).map(|vote| chosen(poll, vote)).unwrap_or_default()
    }

    /// A time at which a vote of this person is newer than the one that is known.
    pub fn time_for_next(&self, id: &EventId, person: &PublicKey, now: u64) -> u64 {
        self.votes.get(&(*id, *person)).map_or(now, |vote| now.max(vote.created_at + 1))
    }
}

/// The poll that a vote is about, if it is a vote.
pub fn target(unsigned: &UnsignedEvent) -> Option<EventId> {
    let about = unsigned.tag_values("e").next().filter(|_| unsigned.kind == Kind::VOTE);
    about?.parse().ok()
}

/// The options that a vote chooses, each once: of a single choice the first one that it names.
fn chosen(poll: &Poll, vote: &Vote) -> Vec<usize> {
    let mut chosen = Vec::new();
    if poll.is_over(vote.created_at) {
        return chosen;
    }
    for id in vote.chosen.iter().take(if poll.multiple { MAX_OPTIONS } else { 1 }) {
        let number = poll.options.iter().position(|(other, _)| other == id);
        chosen.extend(number.filter(|number| !chosen.contains(number)));
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(seed: u8) -> PublicKey {
        PublicKey::from_bytes([seed; 32])
    }

    fn event(author: u8, kind: Kind, created_at: u64, tags: &[&[&str]]) -> UnsignedEvent {
        let tags = tags.iter().map(|tag| Tag::new(tag.iter().copied())).collect();
        EventTemplate { created_at, kind, tags, content: "x".into() }.by(person(author))
    }

    fn poll(more: &[&[&str]]) -> UnsignedEvent {
        let options: [&[&str]; 2] = [&["option", "a", "Tea"], &["option", "b", "Coffee"]];
        event(9, Kind::POLL, 1, &[&options[..], more].concat())
    }

    fn vote(author: u8, created_at: u64, poll: &UnsignedEvent, options: &[&str]) -> UnsignedEvent {
        let id = poll.id().to_string();
        let responses: Vec<[&str; 2]> = options.iter().map(|option| ["response", *option]).collect();
        let mut tags: Vec<&[&str]> = vec![];
        let about = ["e", id.as_str()];
        tags.push(&about);
        tags.extend(responses.iter().map(<[&str; 2]>::as_slice));
        event(author, Kind::VOTE, created_at, &tags)
    }

    /// How often each option was chosen, and by how many people.
    #[track_caller]
    fn check(poll: &UnsignedEvent, votes: &[UnsignedEvent], expected: ([usize; 2], usize)) {
        let mut known = Votes::default();
        votes.iter().for_each(|vote| known.take(vote, Some(poll)));
        let (counts, people) = known.count(&poll.id(), &Poll::of(poll).unwrap());
        assert_eq!((counts.as_slice(), people), (&expected.0[..], expected.1));
    }

    #[test]
    fn of_one_person_the_newest_vote_before_the_end_counts() {
        let single = poll(&[&["endsAt", "100"]]);
        let votes =
            [vote(1, 50, &single, &["a"]), vote(1, 60, &single, &["b"]), vote(2, 100, &single, &["b"])];
        check(&single, &votes, ([0, 2], 2));
        check(&single, &[vote(1, 60, &single, &["b"]), vote(1, 50, &single, &["a"])], ([0, 1], 1));
        check(&single, &[vote(1, 50, &single, &["a"]), vote(1, 101, &single, &["b"])], ([1, 0], 1));
    }

    #[test]
    fn a_single_choice_is_the_first_and_a_multiple_one_counts_each_option_once() {
        let single = poll(&[]);
        check(&single, &[vote(1, 5, &single, &["b", "a"])], ([0, 1], 1));
        let multiple = poll(&[&["polltype", "multiplechoice"]]);
        let votes = [vote(1, 5, &multiple, &["b", "a", "b"]), vote(2, 5, &multiple, &["a"])];
        check(&multiple, &votes, ([2, 1], 2));
    }

    #[test]
    fn a_vote_for_what_is_no_option_or_without_one_is_none() {
        let single = poll(&[]);
        let votes = [vote(1, 5, &single, &["c"]), vote(2, 5, &single, &[]), vote(3, 5, &single, &["c", "a"])];
        check(&single, &votes, ([0, 0], 0));
    }

    #[test]
    fn options_without_id_or_label_and_those_of_one_id_are_left_out_and_many_are_cut() {
        let long = "x".repeat(MAX_ID_BYTES + 1);
        let odd = poll(&[
            &["option"],
            &["option", "c"],
            &["option", "", "d"],
            &["option", "a", "Juice"],
            &["option", &long, "Long"],
        ]);
        assert_eq!(Poll::of(&odd).unwrap().options, [("a", "Tea"), ("b", "Coffee")]);
        let names: Vec<String> = (0..1_000).map(|number| number.to_string()).collect();
        let many: Vec<[&str; 3]> = names.iter().map(|name| ["option", name, name]).collect();
        let many: Vec<&[&str]> = many.iter().map(<[&str; 3]>::as_slice).collect();
        assert_eq!(Poll::of(&event(9, Kind::POLL, 1, &many)).unwrap().options.len(), MAX_OPTIONS);
        assert_eq!(Poll::of(&event(9, Kind::POST, 1, &many)), None);
    }

    #[test]
    fn votes_are_bounded_and_an_own_one_can_be_undone() {
        let mut known = Votes::default();
        let single = poll(&[]);
        let own = vote(1, 5, &single, &["a"]);
        known.take(&own, Some(&single));
        assert_eq!(known.chosen_by(&single.id(), &Poll::of(&single).unwrap(), &person(1)), [0]);
        assert_eq!(known.time_for_next(&single.id(), &person(1), 5), 6);
        known.undo(&own);
        assert_eq!(known.count(&single.id(), &Poll::of(&single).unwrap()), (vec![0, 0], 0));
        for number in 0..MAX_VOTES as u64 + 10 {
            let other = event(9, Kind::POLL, number, &[]);
            known.take(&vote(1, 5, &other, &["a"]), None);
        }
        assert_eq!(known.votes.len(), MAX_VOTES);
    }
}
