//! Keys: made, kept, shown, and used for signatures. Outside of these functions no secret stays.

use std::rc::Rc;

use nostrp2p_protocol::{Draft, Event, SecretKey};
use wasm_bindgen_futures::spawn_local;
use zeroize::Zeroize;

use super::App;
use crate::{
    effect::Purpose,
    message::{Message, Own, Setup},
    secret::Secret,
    vault::{self, VaultError},
};

impl App {
    pub(super) fn sign(self: &Rc<Self>, purpose: Purpose, draft: Draft) {
        let app = Rc::clone(self);
        spawn_local(async move {
            let result = app.signed(draft).await.map(Box::new).map_err(|error| error.to_string());
            app.dispatch(Message::Signed(purpose, result));
        });
    }

    async fn signed(&self, draft: Draft) -> Result<Event, VaultError> {
        let key = self.vault.key().await?;
        let mut aux = [0; 32];
        vault::random(&mut aux).map_err(|_| VaultError::Browser("no random numbers".to_owned()))?;
        Ok(draft.sign(&key, &aux))
    }

    pub(super) fn make_key(self: &Rc<Self>) {
        let key = loop {
            let mut bytes = [0; 32];
            if vault::random(&mut bytes).is_err() {
                return;
            }
            // All but 1 in 2^127 are keys.
            let key = SecretKey::from_bytes(bytes);
            bytes.zeroize();
            if let Ok(key) = key {
                break key;
            }
        };
        let message = Message::Welcome(Setup::KeyMade(Secret::new(key.to_nsec())));
        let app = Rc::clone(self);
        spawn_local(async move { app.dispatch(message) });
    }

    pub(super) fn keep_key(self: &Rc<Self>, nsec: Secret) {
        let app = Rc::clone(self);
        spawn_local(async move {
            let result = match SecretKey::from_nsec(nsec.reveal()) {
                Ok(key) => app.vault.keep(key).await.map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            app.dispatch(Message::Welcome(Setup::KeyKept(result)));
        });
    }

    pub(super) fn reveal_key(self: &Rc<Self>) {
        let app = Rc::clone(self);
        spawn_local(async move {
            if let Ok(key) = app.vault.key().await {
                app.dispatch(Message::Own(Own::KeyRevealed(Secret::new(key.to_nsec()))));
            }
        });
    }

    pub(super) fn forget_key(self: &Rc<Self>) {
        let app = Rc::clone(self);
        spawn_local(async move {
            // A vault that cannot be emptied now is emptied by the next key that is kept.
            drop(app.vault.forget().await);
            app.dispatch(Message::Own(Own::Forgotten));
        });
    }
}
