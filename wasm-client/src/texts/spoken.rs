//! The language that the page speaks now.

use super::{Words, is_loaded};
use crate::{locale::Language, model::Model};

impl Model {
    /// The language that the page speaks: English until the texts of the wanted one are there.
    pub fn language(&self) -> Language {
        let wanted = self.wanted_language();
        if is_loaded(wanted) { wanted } else { Language::English }
    }

    /// A text in the language that the page speaks.
    pub fn say(&self, words: Words) -> &'static str {
        words.say(self.language())
    }
}
