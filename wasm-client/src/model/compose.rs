//! The composer: its text, what it answers or quotes, whom it names, and who is to see it.

use nostrp2p_protocol::{EventId, PublicKey};

use super::{
    Completion, Context, DraftAudience, Drafts, LostMentions, Mentions, Offers, PostDraft, Quote, Reply,
    StoredDraft,
};
use crate::letters;

/// The composer.
#[derive(Debug, Clone, Default)]
pub struct Compose {
    /// The text.
    pub text: String,
    /// The answered event.
    pub reply: Option<Reply>,
    /// The quoted event.
    pub quote: Option<Quote>,
    /// The mentions.
    pub mentions: Mentions,
    /// Mentions that were lost by changes of the text.
    pub lost: LostMentions,
    /// The audience.
    pub audience: DraftAudience,
    /// The name that is being written.
    pub completion: Option<Completion>,
    /// Other drafts.
    pub drafts: Drafts,
    /// Whether something was changed here that is not stored yet. What was only looked at is not stored: another tab may
    /// have gone on with it.
    pub changed: bool,
    /// Whether the text is being signed.
    pub signing: bool,
    /// An error for the person.
    pub error: Option<String>,
    /// Whether its screen was opened from within the page, so that going back closes it.
    pub opened_here: bool,
}

/// What the text in the composer refers to.
#[derive(Debug, Clone, Copy)]
pub enum About<'a> {
    /// Nothing that somebody wrote before.
    Nothing,
    /// It answers.
    Reply(&'a Reply),
    /// It quotes.
    Quote(&'a Quote),
}

impl Compose {
    /// What the text refers to, as the key of its draft.
    pub fn context(&self) -> Context {
        match self.about() {
            About::Reply(reply) => Context::Reply(reply.to),
            About::Quote(quote) => Context::Quote(quote.id),
            About::Nothing => Context::New,
        }
    }

    /// The post at which it was begun, and the hook of the button that did.
    pub fn begun_at(&self) -> Option<(EventId, &'static str)> {
        match self.context() {
            Context::New => None,
            Context::Reply(id) => Some((id, "reply")),
            Context::Quote(id) => Some((id, Offers::Repost.hook())),
        }
    }

    /// Turns to something else: what is written is put aside, and what was begun about the other comes back. Gives the
    /// draft that had to go for it.
    pub fn turn(&mut self, reply: Option<Reply>, quote: Option<Quote>) -> Option<Context> {
        let former = self.context();
        (self.reply, self.quote) = (reply, quote);
        self.completion = None;
        self.error = None;
        let context = self.context();
        if context == former {
            return None;
        }
        let draft = self.take();
        let gone = self.drafts.put(former, draft);
        let draft = self.drafts.take(context);
        self.put(draft);
        gone
    }

    /// Takes out what is written.
    pub fn take(&mut self) -> PostDraft {
        self.lost = LostMentions::default();
        PostDraft {
            text: std::mem::take(&mut self.text),
            mentions: std::mem::take(&mut self.mentions),
            audience: std::mem::take(&mut self.audience),
        }
    }

    /// Puts a draft in.
    pub fn put(&mut self, PostDraft { text, mentions, audience }: PostDraft) {
        (self.text, self.mentions, self.audience) = (text, mentions, audience);
        self.lost = LostMentions::default();
        self.completion = None;
    }

    /// The draft to store; None to store nothing.
    pub fn stored(&self, now: u64) -> Option<Box<StoredDraft>> {
        let draft = PostDraft {
            text: self.text.clone(),
            mentions: self.mentions.clone(),
            audience: self.audience.clone(),
        };
        let stored = || StoredDraft { touched: now, reply: self.reply.clone(), quote: self.quote, draft };
        let begun = !self.is_empty() || !matches!(self.about(), About::Nothing);
        begun.then(|| Box::new(stored()))
    }

    /// Whether it is for some people alone.
    pub fn is_for_some(&self) -> bool {
        match (&self.audience, &self.reply) {
            (DraftAudience::Only(_), _) => true,
            (DraftAudience::AsUsual, Some(reply)) => !reply.people.is_empty(),
            (DraftAudience::AsUsual | DraftAudience::Everyone, _) => false,
        }
    }

    /// Whether there is nothing to see in what is written.
    pub fn is_empty(&self) -> bool {
        !letters::has_visible(&self.text)
    }

    /// The mentioned people, without the author.
    pub fn named(&self, me: Option<PublicKey>) -> Vec<PublicKey> {
        let mut named = self.mentions.people(&self.text);
        named.retain(|person| Some(*person) != me);
        named
    }

    /// The text is another one now, with the caret here, in bytes.
    pub fn edit(&mut self, text: String, caret: usize) {
        let before = self.mentions.clone();
        self.mentions.edited(&self.text, &text, caret);
        let former = std::mem::replace(&mut self.text, text);
        if self.mentions.len() < before.len() {
            self.lost.add(former, before);
        }
        self.error = None;
        self.changed = true;
    }

    /// The browser has undone or redone a change: whom the text named as it was before, it names again.
    pub fn edit_back(&mut self, text: String, caret: usize) {
        self.edit(text, caret);
        self.lost.restore(&self.text, &mut self.mentions);
    }

    /// The people whom the author chose as audience and who are still mentioned. They alone get a private post; they
    /// get a private answer besides the people of the conversation.
    pub fn chosen(&self, me: Option<PublicKey>) -> Vec<PublicKey> {
        let DraftAudience::Only(people) = &self.audience else { return Vec::new() };
        let mut named = self.named(me);
        named.retain(|person| people.contains(person));
        named
    }

    /// People who are mentioned without being in the audience, unless the text is public. Nobody is added to a
    /// private text without the author's decision, because the text may be about them.
    pub fn unasked(&self, me: Option<PublicKey>) -> Vec<PublicKey> {
        let chosen = self.chosen(me);
        let conversation = self.reply.as_ref().map_or(&[][..], |reply| &reply.people);
        let mut named = self.named(me);
        named.retain(|person| !chosen.contains(person) && !conversation.contains(person));
        named
    }

    /// People in the audience who are not mentioned any more.
    pub fn not_named(&self, me: Option<PublicKey>) -> Vec<PublicKey> {
        let named = self.named(me);
        match &self.audience {
            DraftAudience::AsUsual | DraftAudience::Everyone => Vec::new(),
            DraftAudience::Only(people) => {
                people.iter().filter(|person| !named.contains(person)).copied().collect()
            }
        }
    }

    /// The event to which the text refers, if any.
    pub fn about(&self) -> About<'_> {
        match (&self.reply, &self.quote) {
            (Some(reply), _) => About::Reply(reply),
            (None, Some(quote)) => About::Quote(quote),
            (None, None) => About::Nothing,
        }
    }
}
