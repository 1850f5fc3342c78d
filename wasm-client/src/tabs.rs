//! Messages between the tabs of this page, as texts over a `BroadcastChannel`. Only tabs of the same origin get them;
//! a tab does not get its own.

use crate::{
    model::{Context, StoredDraft},
    storage::settings::{draft_context, draft_name},
};

/// A message of another tab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tidings {
    /// The key was forgotten, replaced, or put under a passphrase or out from under it. Nothing that this tab holds is
    /// good any more.
    Key,
    /// The key was locked.
    Locked,
    /// A draft was changed; none is left of it when it was sent.
    EventTemplate(Context, Option<Box<StoredDraft>>),
}

impl Tidings {
    /// As a text.
    pub fn to_text(&self) -> String {
        match self {
            Self::Key => "key".to_owned(),
            Self::Locked => "locked".to_owned(),
            Self::EventTemplate(context, stored) => {
                let text = stored.as_ref().map(|stored| stored.to_text()).unwrap_or_default();
                format!("{} {text}", draft_name(*context))
            }
        }
    }

    /// Reads [`Tidings::to_text`]; nothing when another version of the page says something new.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "key" => Some(Self::Key),
            "locked" => Some(Self::Locked),
            _ => {
                let (name, stored) = text.split_once(' ')?;
                let stored =
                    if stored.is_empty() { None } else { Some(Box::new(StoredDraft::parse(stored)?)) };
                Some(Self::EventTemplate(draft_context(name)?, stored))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PostDraft;

    #[test]
    fn all_that_tabs_say_survives_its_text() {
        let draft = PostDraft { text: "a b\n".into(), ..PostDraft::default() };
        let stored = Some(Box::new(StoredDraft { draft, ..StoredDraft::default() }));
        let all = [
            Tidings::Key,
            Tidings::Locked,
            Tidings::EventTemplate(Context::New, stored),
            Tidings::EventTemplate(Context::New, None),
        ];
        for tidings in all {
            assert_eq!(Tidings::parse(&tidings.to_text()), Some(tidings));
        }
        for broken in ["", "draft:x ", "draft:n x", "another word"] {
            assert_eq!(Tidings::parse(broken), None, "{broken}");
        }
    }
}
