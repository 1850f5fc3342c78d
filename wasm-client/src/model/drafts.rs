//! What was begun and not sent: each answer and each quote has a draft of its own, and so has a new post.

use nostrp2p_protocol::EventId;

/// Most drafts that are kept besides the one in the composer; beyond it the oldest go.
const MAX_DRAFTS: usize = 20;

/// What a draft is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// Nothing that somebody wrote before.
    New,
    /// It answers this post.
    Reply(EventId),
    /// It quotes this post.
    Quote(EventId),
}

/// The drafts that are not in the composer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drafts(Vec<(Context, String)>);

impl Drafts {
    /// Puts a draft aside, in place of the former one; an empty one is none.
    pub fn put(&mut self, context: Context, text: String) {
        self.0.retain(|(other, _)| *other != context);
        if text.trim().is_empty() {
            return;
        }
        if self.0.len() >= MAX_DRAFTS {
            self.0.remove(0);
        }
        self.0.push((context, text));
    }

    /// Takes the draft out; an empty text if there is none.
    pub fn take(&mut self, context: Context) -> String {
        let at = self.0.iter().position(|(other, _)| *other == context);
        at.map(|at| self.0.remove(at).1).unwrap_or_default()
    }

    /// As a text to be stored: of each a line with context and length, then the text.
    pub fn to_text(&self) -> String {
        let mut stored = String::new();
        for (context, text) in &self.0 {
            let (sort, id) = match context {
                Context::New => ('n', None),
                Context::Reply(id) => ('r', Some(id)),
                Context::Quote(id) => ('q', Some(id)),
            };
            stored.push(sort);
            stored.push_str(&id.map(ToString::to_string).unwrap_or_default());
            stored.push(' ');
            stored.push_str(&text.len().to_string());
            stored.push('\n');
            stored.push_str(text);
        }
        stored
    }

    /// Reads [`Drafts::to_text`], up to what does not read.
    pub fn parse(text: &str) -> Self {
        let mut drafts = Self::default();
        let mut rest = text;
        while let Some((context, draft, after)) = first(rest) {
            drafts.put(context, draft.to_owned());
            rest = after;
        }
        drafts
    }
}

fn first(text: &str) -> Option<(Context, &str, &str)> {
    let (head, rest) = text.split_once('\n')?;
    let (context, length) = head.split_once(' ')?;
    let context = match context.split_at_checked(1)? {
        ("n", "") => Context::New,
        ("r", id) => Context::Reply(id.parse().ok()?),
        ("q", id) => Context::Quote(id.parse().ok()?),
        _ => return None,
    };
    let (draft, after) = rest.split_at_checked(length.parse().ok()?)?;
    Some((context, draft, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_context_has_its_own_draft_and_all_survive_their_text() {
        let id = EventId::from_bytes([7; 32]);
        let contexts = [Context::New, Context::Reply(id), Context::Quote(id)];
        let mut drafts = Drafts::default();
        for (index, context) in contexts.into_iter().enumerate() {
            drafts.put(context, format!("draft {index}\nn 3\n字"));
        }
        drafts.put(Context::New, "newer".into());
        assert_eq!(Drafts::parse(&drafts.to_text()), drafts);
        assert_eq!(drafts.take(Context::New), "newer");
        assert_eq!(drafts.take(Context::New), "");
        drafts.put(Context::Reply(id), "  ".into());
        assert_eq!(drafts.take(Context::Reply(id)), "");
        for broken in ["", "n", "n 4\nabc", "x 1\na", "r 1\na", "n 1\n字", "n -1\na"] {
            assert_eq!(Drafts::parse(broken), Drafts::default(), "{broken}");
        }
    }

    #[test]
    fn beyond_the_bound_the_oldest_go() {
        let mut drafts = Drafts::default();
        for seed in 0..30 {
            drafts.put(Context::Reply(EventId::from_bytes([seed; 32])), "x".into());
        }
        assert_eq!(drafts.0.len(), MAX_DRAFTS);
        assert_eq!(drafts.take(Context::Reply(EventId::from_bytes([0; 32]))), "");
    }
}
