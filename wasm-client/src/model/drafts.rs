//! Drafts: one for each answer and each quote, and one for a new post. A draft includes its audience and its
//! mentions; without them a private draft would come back as one for everyone.

use nostrp2p_protocol::{EventId, PublicKey};

use super::{Mentions, Quote, Reply};
use crate::letters;

/// Most drafts that are kept besides the one in the composer; beyond it the oldest go.
const MAX_DRAFTS: usize = 20;

/// What a draft refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Context {
    /// Nothing that somebody wrote before.
    #[default]
    New,
    /// It answers this post.
    Reply(EventId),
    /// It quotes this post.
    Quote(EventId),
}

/// The audience of a draft.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DraftAudience {
    /// The default: everyone sees a new post, and the people of its conversation an answer.
    #[default]
    AsUsual,
    /// Everyone, of an answer.
    Everyone,
    /// These people alone, as its author chose; an answer goes to them besides the people of its conversation. Those
    /// who are not mentioned any more get nothing, and the composer says so. Those who are mentioned later get
    /// nothing either, until the author decides so. A post for nobody is not sent, because it would be for everyone.
    Only(Vec<PublicKey>),
}

/// A text that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PostDraft {
    /// The text.
    pub text: String,
    /// The mentions.
    pub mentions: Mentions,
    /// The audience; see [`DraftAudience`].
    pub audience: DraftAudience,
}

/// A draft as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredDraft {
    /// When it was stored, in seconds since 1970: the oldest go first.
    pub touched: u64,
    /// The answered event.
    pub reply: Option<Reply>,
    /// The quoted event.
    pub quote: Option<Quote>,
    /// The draft.
    pub draft: PostDraft,
}

/// The drafts that are not in the composer, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drafts(Vec<(Context, PostDraft)>);

impl Context {
    /// As a word: its sort, and which post it is about.
    pub fn to_text(self) -> String {
        match self {
            Self::New => "n".to_owned(),
            Self::Reply(id) => format!("r{id}"),
            Self::Quote(id) => format!("q{id}"),
        }
    }

    /// Reads [`Context::to_text`].
    pub fn parse(word: &str) -> Option<Self> {
        match word.split_at_checked(1)? {
            ("n", "") => Some(Self::New),
            ("r", id) => id.parse().ok().map(Self::Reply),
            ("q", id) => id.parse().ok().map(Self::Quote),
            _ => None,
        }
    }
}

impl PostDraft {
    /// Whether nothing is written.
    pub fn is_empty(&self) -> bool {
        !letters::has_visible(&self.text)
    }
}

impl StoredDraft {
    /// Whether the composer can go on with it: it knows what it is about.
    pub fn is_about(&self, context: Context) -> bool {
        match context {
            Context::New => self.reply.is_none() && self.quote.is_none(),
            Context::Reply(id) => self.reply.as_ref().is_some_and(|reply| reply.to == id),
            Context::Quote(id) => self.reply.is_none() && self.quote.is_some_and(|quote| quote.id == id),
        }
    }

    /// As a text to be stored: lines that begin with what they are, an empty one, and the text.
    pub fn to_text(&self) -> String {
        let mut stored = format!("t {}\n", self.touched);
        let mut line = |sort: &str, text: &str| stored.extend([sort, " ", text, "\n"]);
        if let Some(reply) = &self.reply {
            line("r", &reply.to_text());
        }
        if let Some(quote) = &self.quote {
            line("q", &quote.to_text());
        }
        match &self.draft.audience {
            DraftAudience::AsUsual => {}
            // A version that does not know this line takes it for a draft for nobody.
            DraftAudience::Everyone => line("e", "everyone"),
            DraftAudience::Only(people) => {
                let people: Vec<String> = people.iter().map(ToString::to_string).collect();
                line("o", &people.join(" "));
            }
        }
        for mention in self.draft.mentions.to_lines() {
            line("m", &mention);
        }
        stored.push('\n');
        stored.push_str(&self.draft.text);
        stored
    }

    /// Reads [`StoredDraft::to_text`]. What does not read makes it a post for nobody until its author says for whom:
    /// it may have said that it is not for everyone.
    pub fn parse(text: &str) -> Option<Self> {
        let mut stored = Self::default();
        let mut whole = true;
        let mut rest = text;
        loop {
            let (line, after) = rest.split_once('\n')?;
            rest = after;
            if line.is_empty() {
                break;
            }
            whole &= stored.read(line).is_some();
        }
        rest.clone_into(&mut stored.draft.text);
        if !whole {
            stored.draft.audience = DraftAudience::Only(Vec::new());
        }
        Some(stored)
    }

    fn read(&mut self, line: &str) -> Option<()> {
        let (sort, value) = line.split_once(' ')?;
        match sort {
            "t" => self.touched = value.parse().ok()?,
            "r" => self.reply = Some(Reply::parse(value)?),
            "q" => self.quote = Some(Quote::parse(value)?),
            "o" => {
                let people = value.split_whitespace().map(|person| person.parse().ok());
                self.draft.audience = DraftAudience::Only(people.collect::<Option<_>>()?);
            }
            "e" if value == "everyone" => self.draft.audience = DraftAudience::Everyone,
            "m" => self.draft.mentions.read_line(value)?,
            _ => return None,
        }
        Some(())
    }
}

impl Drafts {
    /// Puts a draft aside, in place of the former one; an empty one is none. Gives the one that had to go for it.
    pub fn put(&mut self, context: Context, draft: PostDraft) -> Option<Context> {
        self.0.retain(|(other, _)| *other != context);
        if draft.is_empty() {
            return None;
        }
        let gone = (self.0.len() >= MAX_DRAFTS).then(|| self.0.remove(0).0);
        self.0.push((context, draft));
        gone
    }

    /// Takes the draft out; an empty one if there is none.
    pub fn take(&mut self, context: Context) -> PostDraft {
        let at = self.0.iter().position(|(other, _)| *other == context);
        at.map(|at| self.0.remove(at).1).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::Tag;

    use super::*;

    fn draft(text: &str) -> PostDraft {
        PostDraft { text: text.into(), ..PostDraft::default() }
    }

    #[test]
    fn each_context_has_its_own_draft() {
        let id = EventId::from_bytes([7; 32]);
        let contexts = [Context::New, Context::Reply(id), Context::Quote(id)];
        let mut drafts = Drafts::default();
        for context in contexts {
            drafts.put(context, draft(&context.to_text()));
            assert_eq!(Context::parse(&context.to_text()), Some(context));
        }
        drafts.put(Context::New, draft("newer"));
        assert_eq!(drafts.take(Context::New).text, "newer");
        assert_eq!(drafts.take(Context::New).text, "");
        drafts.put(Context::Reply(id), draft("  "));
        assert_eq!(drafts.take(Context::Reply(id)).text, "");
        for broken in ["", "x", "n1", "r1", "字"] {
            assert_eq!(Context::parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn beyond_the_bound_the_oldest_go() {
        let context = |seed| Context::Reply(EventId::from_bytes([seed; 32]));
        let mut drafts = Drafts::default();
        let gone: Vec<_> = (0..22).filter_map(|seed| drafts.put(context(seed), draft("x"))).collect();
        assert_eq!(gone, [context(0), context(1)]);
        assert_eq!(drafts.0.len(), MAX_DRAFTS);
    }

    #[test]
    fn a_draft_survives_its_text_with_all_that_says_who_gets_it() {
        let (ada, bo) = (PublicKey::from_bytes([1; 32]), PublicKey::from_bytes([2; 32]));
        let mut mentions = Mentions::default();
        mentions.add(11, "Ada L.".into(), ada);
        let stored = StoredDraft {
            touched: 7,
            reply: Some(Reply {
                to: EventId::from_bytes([3; 32]),
                author: bo,
                root: None,
                people: vec![bo],
                comment: vec![Tag::new(["e", "ab", "", "cd"]), Tag::new(["k", "1068"])],
            }),
            quote: Some(Quote { id: EventId::from_bytes([4; 32]), author: None }),
            draft: PostDraft {
                text: "secret for @Ada L.\n\nm 1\n".into(),
                mentions,
                audience: DraftAudience::Only(vec![ada, bo]),
            },
        };
        assert_eq!(StoredDraft::parse(&stored.to_text()), Some(stored));
        let plain = StoredDraft { draft: draft("x"), ..StoredDraft::default() };
        assert_eq!(StoredDraft::parse(&plain.to_text()), Some(plain.clone()));
        let audience = DraftAudience::Everyone;
        let public = StoredDraft { draft: PostDraft { audience, ..draft("x") }, ..plain };
        assert_eq!(StoredDraft::parse(&public.to_text()), Some(public));
    }

    #[test]
    fn a_draft_of_which_something_does_not_read_is_for_nobody_until_somebody_says_for_whom() {
        for head in ["t x", "o ab", "r ab", "q", "m 1", "z 1", "e", "e some", "m 1 ab x"] {
            let read = StoredDraft::parse(&format!("{head}\n\nsecret")).unwrap();
            assert_eq!(
                (read.draft.text.as_str(), read.draft.audience),
                ("secret", DraftAudience::Only(vec![]))
            );
        }
        assert_eq!(StoredDraft::parse("\u{0} broken"), None);
    }
}
