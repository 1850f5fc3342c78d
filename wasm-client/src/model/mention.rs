//! Mentions in the composer: `@na` is completed to a person, and `@name` becomes `nostr:npub1...` in the post
//! (NIP-27).
//!
//! Names are not unique: each mention keeps the chosen person and its position in the text.

use nostrp2p_protocol::PublicKey;

use super::Model;
use crate::letters;

/// Most people that are offered.
const MAX_OFFERED: usize = 6;
/// Most mentions of one text; beyond it the first that was chosen goes and stays as plain text.
const MAX_MENTIONS: usize = 50;
/// Most texts of which lost mentions are remembered: steps of undoing; a guess.
const MAX_LOST: usize = 20;
/// Most characters behind the `@` that are taken for the beginning of a name.
const MAX_WORD: usize = 40;

/// What begins a mention: the sign, and how Japanese keyboards type it.
const AT: [char; 2] = ['@', '＠'];

/// One mention: `@name` at its place in the text, and the chosen person.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mention {
    /// Where its `@` stands, in bytes.
    start: usize,
    name: String,
    person: PublicKey,
}

/// The mentions of the composer, in the order of the text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mentions(Vec<Mention>);

/// Mentions that a change took out of the text, each time with the text as it was before. Undo and redo of the browser
/// bring exactly that text back, and its mentions are to come back with it.
#[derive(Debug, Clone, Default)]
pub struct LostMentions(Vec<(String, Mentions)>);

/// A name that is being written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// Where its `@` stands, in bytes.
    pub start: usize,
    /// The end of the typed beginning, in bytes.
    pub end: usize,
    /// The text after the `@`.
    word: String,
    /// Which of those that are offered is chosen; behind a lone `@` none is before somebody chooses.
    pub chosen: Option<usize>,
}

/// The name that is being written before the caret, which is given in bytes.
pub fn completion(text: &str, caret: usize) -> Option<Completion> {
    let before = text.get(..caret)?;
    let (start, at) = before.rmatch_indices(AT).next()?;
    let word = before.get(start + at.len()..)?;
    let fits = !word.contains(char::is_whitespace) && word.chars().count() <= MAX_WORD;
    let chosen = (!word.is_empty()).then_some(0);
    (begins(before.get(..start)?) && fits).then(|| Completion {
        start,
        end: caret,
        word: word.to_owned(),
        chosen,
    })
}

/// Whether a mention can begin behind this text: an `@` behind a letter belongs to an address, unless it is one of a
/// script that puts no spaces between words (Thai, Lao, Burmese, Khmer, Japanese, Chinese).
fn begins(before: &str) -> bool {
    // An accent may be written as a mark behind its letter.
    let is_mark = |c: char| matches!(c, '\u{300}'..='\u{36f}');
    let is_spaceless = |c: char| matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{9fff}');
    let may_precede = |c: char| is_spaceless(c) || !c.is_alphanumeric() && !is_mark(c) && !AT.contains(&c);
    before.chars().next_back().is_none_or(may_precede)
}

/// The people that are offered: those one follows first.
pub fn offered(model: &Model, completion: &Completion) -> Vec<PublicKey> {
    let wanted = letters::fold(&completion.word);
    let fits = |name: &str| name.split_whitespace().any(|word| word.starts_with(&*wanted));
    let known = model.people.all().filter(|(person, profile)| {
        model.me.as_ref() != Some(person) && !model.lists.mutes(person) && fits(&profile.folded[0])
    });
    let (mut followed, mut others) = (Vec::new(), Vec::new());
    for (person, _) in known {
        if model.lists.follows(person) { followed.push(*person) } else { others.push(*person) }
    }
    followed.extend(others);
    followed.truncate(MAX_OFFERED);
    followed
}

impl Completion {
    /// The text that replaces the typed beginning.
    pub fn typed(&self, text: &str, name: &str) -> String {
        let space = if self.is_before_a_blank(text) { "" } else { " " };
        format!("@{name}{space}")
    }

    /// The text with the name of this person in place of what was begun, and where the caret is then, in bytes.
    pub fn complete(&self, text: &str, name: &str) -> (String, usize) {
        let before = text.get(..self.start).unwrap_or_default();
        let after = text.get(self.end..).unwrap_or_default();
        let head = format!("{before}{}", self.typed(text, name));
        let caret = head.len() + usize::from(self.is_before_a_blank(text));
        (head + after, caret)
    }

    fn is_before_a_blank(&self, text: &str) -> bool {
        text.get(self.end..).is_some_and(|after| after.starts_with(char::is_whitespace))
    }
}

impl Mention {
    /// Where it ends, in bytes.
    fn end(&self) -> usize {
        self.start + 1 + self.name.len()
    }

    /// Whether it stands in this text as it was put in, and nothing was written up to it.
    fn stands(&self, text: &str) -> bool {
        let stands = || {
            let (before, from) = text.split_at_checked(self.start)?;
            let after = from.strip_prefix('@')?.strip_prefix(self.name.as_str())?;
            Some(begins(before) && after.chars().next().is_none_or(|c| !c.is_alphanumeric()))
        };
        stands().unwrap_or(false)
    }
}

impl Mentions {
    /// Remembers who is meant by the `@name` at this place of the text.
    pub fn add(&mut self, start: usize, name: String, person: PublicKey) {
        if self.0.len() >= MAX_MENTIONS {
            self.0.remove(0);
        }
        let at = self.0.partition_point(|other| other.start < start);
        self.0.insert(at, Mention { start, name, person });
    }

    /// The text was changed, and the caret is here then, in bytes: what stands behind the change moves along, and what
    /// was written over is no mention any more.
    pub fn edited(&mut self, former: &str, text: &str, caret: usize) {
        let shared = |pairs: &mut dyn Iterator<Item = (u8, u8)>| pairs.take_while(|(a, b)| a == b).count();
        let room = former.len().min(text.len());
        let alike = shared(&mut former.bytes().zip(text.bytes()));
        let ends_alike = shared(&mut former.bytes().rev().zip(text.bytes().rev())).min(room - alike);
        // Of two equal words it cannot be seen which one went, but by the caret: what is behind it is as before. After an
        // undo it may stand anywhere; then this explains more than what changed.
        let behind = text.len().saturating_sub(caret);
        let kept = text.get(caret..).is_some_and(|behind| former.ends_with(behind));
        let by_caret = kept.then(|| (alike.min(room - behind), behind));
        let smallest = |(begin, behind): &(usize, usize)| begin + behind == alike + ends_alike;
        let (begin, behind) = by_caret.filter(smallest).unwrap_or((alike, ends_alike));
        let end = former.len() - behind;
        self.0.retain(|mention| mention.end() <= begin || mention.start >= end);
        for mention in self.0.iter_mut().filter(|mention| mention.start >= end && mention.end() > begin) {
            mention.start = mention.start + text.len() - former.len();
        }
    }

    /// How many there are, whether they stand in the text or not.
    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    /// All move by so many bytes: something was put before them.
    pub fn moved(mut self, by: usize) -> Self {
        self.0.iter_mut().for_each(|mention| mention.start += by);
        self
    }

    /// Takes those of another text over, which was put behind.
    pub fn extend(&mut self, others: Self) {
        others.0.into_iter().for_each(|mention| self.add(mention.start, mention.name, mention.person));
    }

    /// The people whose mention stands in the text, each once.
    pub fn people(&self, text: &str) -> Vec<PublicKey> {
        let mut people = Vec::new();
        for mention in self.0.iter().filter(|mention| mention.stands(text)) {
            if !people.contains(&mention.person) {
                people.push(mention.person);
            }
        }
        people
    }

    /// The text as it is published.
    pub fn resolve(&self, text: &str) -> String {
        let mut resolved = String::with_capacity(text.len());
        let mut from = 0;
        for mention in self.0.iter().filter(|mention| mention.stands(text)) {
            if let Some(between) = text.get(from..mention.start) {
                resolved.push_str(between);
                resolved.push_str("nostr:");
                resolved.push_str(&mention.person.to_npub());
                from = mention.end();
            }
        }
        resolved.push_str(text.get(from..).unwrap_or_default());
        resolved
    }

    /// As lines to be stored, one for each.
    pub fn to_lines(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|Mention { start, name, person }| format!("{start} {person} {name}"))
    }

    /// Reads one of [`Mentions::to_lines`].
    pub fn read_line(&mut self, line: &str) -> Option<()> {
        let (start, rest) = line.split_once(' ')?;
        let (person, name) = rest.split_once(' ')?;
        self.add(start.parse().ok()?, name.to_owned(), person.parse().ok()?);
        Some(())
    }
}

impl LostMentions {
    /// This text had these mentions, and a change took some of them.
    pub fn add(&mut self, text: String, mentions: Mentions) {
        let Some((_, known)) = self.0.iter_mut().find(|(known, _)| *known == text) else {
            if self.0.len() >= MAX_LOST {
                self.0.remove(0);
            }
            return self.0.push((text, mentions));
        };
        // The same words named others once, and nothing tells which of the two comes back: better nobody.
        if *known != mentions {
            *known = Mentions::default();
        }
    }

    /// The browser has brought this text back: those of its mentions that are not there already.
    pub fn restore(&self, text: &str, mentions: &mut Mentions) {
        let Some((_, lost)) = self.0.iter().find(|(known, _)| known == text) else { return };
        for Mention { start, name, person } in &lost.0 {
            if mentions.0.iter().all(|there| there.end() <= *start || there.start >= start + 1 + name.len()) {
                mentions.add(*start, name.clone(), *person);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: PublicKey = PublicKey::from_bytes([1; 32]);
    const ADA_L: PublicKey = PublicKey::from_bytes([2; 32]);

    #[test]
    fn a_name_is_completed_where_the_caret_stands() {
        let text = "hi @ad and you";
        let found = completion(text, 6).unwrap();
        assert_eq!(found.complete(text, "Ada L."), ("hi @Ada L. and you".to_owned(), 11));
        assert_eq!(found.complete("hi @ad", "Ada").0, "hi @Ada ");
        for (text, caret) in
            [("a@b", 3), ("hi @ad x", 8), ("hi", 2), ("@@a", 3), ("é@", 1), ("e\u{301}@a", 5)]
        {
            assert_eq!(completion(text, caret), None, "{text}");
        }
        assert_eq!(completion("(@字", 5).map(|found| found.word), Some("字".to_owned()));
        for text in ["こんにちは@田", "你好@田", "สวัสดี@田", "こんにちは＠田"] {
            let found = completion(text, text.len()).unwrap();
            let said = text.trim_end_matches(['@', '＠', '田']);
            assert_eq!(found.complete(text, "田中").0, format!("{said}@田中 "));
        }
        assert_eq!(completion("жан@田", 10), None);
    }

    /// A text that names these people at these places, and what it becomes.
    fn naming(text: &str, mentions: &[(usize, &str, PublicKey)]) -> Mentions {
        let mut all = Mentions::default();
        for (start, name, person) in mentions {
            assert!(text.get(*start..).unwrap().starts_with(&format!("@{name}")));
            all.add(*start, (*name).to_owned(), *person);
        }
        all
    }

    #[test]
    fn a_mention_keeps_its_person_at_its_place_whatever_else_is_called_so() {
        let text = "@Ada, @Ada! @Ada";
        let mentions = naming(text, &[(6, "Ada", ADA_L), (0, "Ada", ADA)]);
        let (ada, ada_l) = (ADA.to_npub(), ADA_L.to_npub());
        assert_eq!(mentions.resolve(text), format!("nostr:{ada}, nostr:{ada_l}! @Ada"));
        assert_eq!(mentions.people(text), [ADA, ADA_L]);
        let mut read = Mentions::default();
        assert!(mentions.to_lines().all(|line| read.read_line(&line).is_some()));
        assert_eq!(read, mentions);
    }

    #[test]
    fn an_at_sign_behind_a_letter_and_a_name_that_goes_on_are_none() {
        for (text, start) in [("bob@Ada.example", 3), ("é@Ada", 2), ("@@Ada", 1), ("@Adax", 0), ("@Adaß", 0)]
        {
            let mut mentions = Mentions::default();
            mentions.add(start, "Ada".into(), ADA);
            assert_eq!((mentions.resolve(text).as_str(), mentions.people(text)), (text, vec![]), "{text}");
        }
    }

    #[track_caller]
    fn edit(former: &str, text: &str, caret: usize, people: &[PublicKey]) {
        let mut mentions = naming(former, &[(3, "Ada", ADA), (8, "Ada", ADA_L)]);
        mentions.edited(former, text, caret);
        assert_eq!(mentions.people(text), people, "{former} -> {text}");
    }

    #[test]
    fn mentions_move_with_what_is_written_before_them_and_end_when_written_over() {
        let text = "hi @Ada @Ada yo";
        edit(text, "hi all @Ada @Ada yo", 6, &[ADA, ADA_L]);
        edit(text, "@Ada @Ada yo", 0, &[ADA, ADA_L]);
        edit(text, "hi @Ada @Ada yo!", 16, &[ADA, ADA_L]);
        // The same text, and by the caret it is known which of the two went.
        edit(text, "hi @Ada yo", 3, &[ADA_L]);
        edit(text, "hi @Ada yo", 8, &[ADA]);
        edit(text, "hi @Aa @Ada yo", 5, &[ADA_L]);
        edit(text, "hi @Adax @Ada yo", 8, &[ADA_L]);
        edit(text, "", 0, &[]);
        // The caret says nothing of what changed, as after an undo.
        edit(text, "hi @Ada @Ada, yo", 0, &[ADA, ADA_L]);
        edit(text, "oh, hi @Ada @Ada yo", 19, &[ADA, ADA_L]);
    }

    #[test]
    fn a_name_that_went_on_for_a_moment_is_a_mention_again() {
        let mut mentions = naming("@Ada", &[(0, "Ada", ADA)]);
        mentions.edited("@Ada", "@Adax", 5);
        assert_eq!(mentions.people("@Adax"), []);
        mentions.edited("@Adax", "@Ada", 4);
        assert_eq!(mentions.people("@Ada"), [ADA]);
    }

    #[test]
    fn a_text_that_comes_back_names_whom_it_named_and_nobody_if_that_is_in_doubt() {
        let (text, other) = ("hi @Ada ", "hi @Ada @Ada ");
        let (ada, ada_l) = (naming(text, &[(3, "Ada", ADA)]), naming(text, &[(3, "Ada", ADA_L)]));
        let both = naming(other, &[(3, "Ada", ADA), (8, "Ada", ADA_L)]);
        let mut lost = LostMentions::default();
        lost.add(other.to_owned(), both.clone());
        lost.add(text.to_owned(), ada.clone());
        let restored = |lost: &LostMentions, text: &str, mut mentions: Mentions| {
            lost.restore(text, &mut mentions);
            mentions
        };
        assert_eq!(restored(&lost, text, Mentions::default()), ada);
        assert_eq!(restored(&lost, other, ada.clone()), both, "what is there stays");
        assert_eq!(restored(&lost, text, ada_l.clone()), ada_l);
        assert_eq!(restored(&lost, "hi @Ada", Mentions::default()), Mentions::default());
        lost.add(text.to_owned(), ada_l);
        assert_eq!(restored(&lost, text, Mentions::default()), Mentions::default());
    }

    #[test]
    fn a_lone_at_sign_chooses_nobody() {
        assert_eq!(completion("@", 1).map(|found| found.chosen), Some(None));
        assert_eq!(completion("@a", 2).map(|found| found.chosen), Some(Some(0)));
    }
}
