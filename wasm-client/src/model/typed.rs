//! Unsent inputs besides drafts: kept with the tab, over a reload.

use super::{Model, PersonStage};

/// Between two fields; no key types it.
const BETWEEN: char = '\u{1f}';
/// Before a field that was changed, because it may be empty.
const CHANGED: char = '=';

impl Model {
    /// As a text to be kept: what is searched for, and the fields of the form for the own profile. Empty where nothing
    /// is to be kept.
    pub fn typed(&self) -> String {
        let form = &self.profile_form;
        let fields = [&form.name, &form.about, &form.picture, &form.nip05];
        let in_use = matches!(self.stage, PersonStage::Using);
        if !in_use || self.search.is_empty() && fields.into_iter().all(Option::is_none) {
            return String::new();
        }
        let mut text = self.search.replace(BETWEEN, "");
        for field in fields {
            text.push(BETWEEN);
            if let Some(field) = field {
                text.push(CHANGED);
                text.push_str(&field.replace(BETWEEN, ""));
            }
        }
        text
    }

    /// Reads [`Model::typed`].
    pub fn put_typed(&mut self, text: &str) {
        let mut parts = text.split(BETWEEN);
        self.search = parts.next().unwrap_or_default().to_owned();
        let form = &mut self.profile_form;
        for field in [&mut form.name, &mut form.about, &mut form.picture, &mut form.nip05] {
            *field = parts.next().and_then(|part| part.strip_prefix(CHANGED)).map(str::to_owned);
        }
    }
}
