//! The private parts of lists: tags as JSON, encrypted from the author to the author (NIP-51, NIP-44), by the second
//! module or by the extension that holds the key.

use std::rc::Rc;

use js_sys::{Array, JSON};
use nostrp2p_protocol::{EventId, EventTemplate, Tag};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;

use super::{App, ciphers, extension};
use crate::{message::Message, model::signing::Purpose, vault};

/// The operation on a private part, and its use.
enum Task {
    /// It becomes the content of this list, which is signed.
    Seal(Purpose, EventTemplate),
    /// It was the content of this version.
    Open(EventId),
}

impl App {
    /// Encrypts these tags as the content of a list, and signs it then.
    pub(super) fn seal_and_sign(self: &Rc<Self>, purpose: Purpose, draft: EventTemplate, private: &[Tag]) {
        let tags = private.iter().map(|tag| tag.elements().iter().map(JsValue::from).collect::<Array>());
        let text = JSON::stringify(&tags.collect::<Array>()).map(String::from).unwrap_or_default();
        self.take_on(Task::Seal(purpose, draft), text);
    }

    /// Decrypts the content of a version of a list.
    pub(super) fn open_list(self: &Rc<Self>, version: EventId, content: String) {
        self.take_on(Task::Open(version), content);
    }

    fn take_on(self: &Rc<Self>, task: Task, text: String) {
        let app = Rc::clone(self);
        spawn_local(async move {
            let done = app.private_text(matches!(task, Task::Seal(..)), &text).await;
            let done = done.map_err(|error| error.as_string().unwrap_or_else(|| "browser".to_owned()));
            match (task, done) {
                (Task::Seal(purpose, mut draft), Ok(content)) => {
                    draft.content = content;
                    app.sign(purpose, draft);
                }
                (Task::Seal(purpose, _), Err(error)) => app.dispatch(Message::Signed(purpose, Err(error))),
                (Task::Open(version), opened) => {
                    let tags =
                        opened.and_then(|text| tags(&text).ok_or_else(|| "these are no tags".to_owned()));
                    app.dispatch(Message::ListOpened(version, tags));
                }
            }
        });
    }

    async fn private_text(&self, seal: bool, text: &str) -> Result<String, JsValue> {
        if let Some(owner) = self.vault.elsewhere() {
            let method = if seal { "encrypt" } else { "decrypt" };
            return extension::private_text(&self.window, method, owner, text).await;
        }
        let ciphers = ciphers::loaded(self.ciphers()?).await?;
        let key = self.vault.key().await.map_err(|error| JsValue::from_str(&error.to_string()))?.to_bytes();
        if seal {
            let mut nonce = [0; 32];
            vault::random(&mut nonce).map_err(|_| JsValue::from_str("no random numbers"))?;
            ciphers.seal_for_oneself(key.as_slice(), text, &nonce)
        } else {
            ciphers.open_for_oneself(key.as_slice(), text)
        }
    }
}

/// The tags of a private part; none when it is anything but lists of texts, of which something would be lost.
fn tags(text: &str) -> Option<Vec<Tag>> {
    let list = JSON::parse(text).ok()?.dyn_into::<Array>().ok()?;
    let tag = |tag: JsValue| {
        let elements = tag.dyn_into::<Array>().ok()?;
        elements.iter().map(|element| element.as_string()).collect::<Option<Vec<String>>>().map(Tag::new)
    };
    list.iter().map(tag).collect()
}
