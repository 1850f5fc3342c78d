//! Quotes in posts (NIP-18): named by a `q` tag, and by `nostr:nevent1...` in the text. A quote is for everyone.

use nostrp2p_protocol::{EventId, EventPointer, Kind, PublicKey, Tag, UnsignedEvent};

use crate::richtext;

/// A quoted event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote {
    /// The post that is quoted.
    pub id: EventId,
    /// Its author, if known.
    pub author: Option<PublicKey>,
}

impl Quote {
    /// The event that this post quotes, if any.
    pub fn of(unsigned: &UnsignedEvent) -> Option<Self> {
        if unsigned.kind != Kind::POST {
            return None;
        }
        let tagged = unsigned.tags.iter().filter(|tag| tag.name() == "q").find_map(|tag| {
            let author = tag.elements().get(3).and_then(|author| author.parse().ok());
            Some(Self { id: tag.value()?.parse().ok()?, author })
        });
        tagged.or_else(|| richtext::event(&unsigned.content).map(|(id, author)| Self { id, author }))
    }

    /// The tags of the quoting post by `me`: the author of what is quoted learns of it.
    pub fn tags(&self, me: Option<PublicKey>) -> Vec<Tag> {
        let mut q = vec!["q".to_owned(), self.id.to_string()];
        let mut tags = Vec::new();
        if let Some(author) = self.author {
            q.extend([String::new(), author.to_string()]);
            if me != Some(author) {
                tags.push(Tag::new(["p".to_owned(), author.to_string()]));
            }
        }
        tags.insert(0, Tag::new(q));
        tags
    }

    /// The text of the quoting post with the reference at its end, for programs that do not read the tag.
    pub fn text(&self, text: &str) -> String {
        let pointer = EventPointer { id: self.id, relays: Vec::new(), author: self.author, kind: None };
        format!("{text}\n\nnostr:{}", pointer.to_nevent()).trim_start().to_owned()
    }

    /// As a text to be stored.
    pub fn to_text(&self) -> String {
        let author = self.author.map(|author| author.to_string()).unwrap_or_default();
        format!("{} {author}", self.id)
    }

    /// Reads [`Quote::to_text`].
    pub fn parse(text: &str) -> Option<Self> {
        let (id, author) = text.split_once(' ')?;
        Some(Self { id: id.parse().ok()?, author: author.parse().ok() })
    }
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::EventTemplate;

    use super::*;

    #[test]
    fn what_is_written_as_a_quote_reads_as_one() {
        let (me, author) = (PublicKey::from_bytes([1; 32]), PublicKey::from_bytes([2; 32]));
        let quote = Quote { id: EventId::from_bytes([3; 32]), author: Some(author) };
        let unsigned = |tags| {
            EventTemplate { created_at: 1, kind: Kind::POST, tags, content: quote.text("look") }.by(me)
        };
        assert_eq!(Quote::of(&unsigned(quote.tags(Some(me)))), Some(quote));
        assert_eq!(Quote::of(&unsigned(vec![])), Some(quote), "by the text alone");
        assert!(!crate::model::reply::is_private(&unsigned(quote.tags(Some(me)))), "it is for everyone");
        assert_eq!(quote.tags(Some(author)).len(), 1, "nobody notifies himself");
        assert_eq!(Quote::parse(&quote.to_text()), Some(quote));
        let unknown = Quote { author: None, ..quote };
        assert_eq!((Quote::parse(&unknown.to_text()), unknown.tags(None).len()), (Some(unknown), 1));
    }
}
