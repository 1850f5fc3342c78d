//! Keys: made, stored, shown, put under a passphrase, and used for signatures. No secret outlives these functions.

use std::rc::Rc;

use nostrp2p_protocol::{Event, EventTemplate, SecretKey, work::Puzzle};
use wasm_bindgen_futures::spawn_local;
use zeroize::Zeroize;

use super::{
    App, extension,
    worker::{self, Task},
};
use crate::{
    message::{Keyring, Message, Own, Setup},
    model::signing::{NotOpened, Purpose},
    secret::Secret,
    tabs::Tidings,
    vault::{self, VaultError},
};

impl App {
    pub(super) fn sign(self: &Rc<Self>, purpose: Purpose, draft: EventTemplate) {
        let app = Rc::clone(self);
        spawn_local(async move {
            let result = match app.vault.elsewhere() {
                Some(pubkey) => {
                    extension::sign(&app.window, draft, pubkey).await.map_err(|error| error.to_string())
                }
                None => app.signed(draft).await.map_err(|error| error.to_string()),
            };
            app.dispatch(Message::Signed(purpose, result.map(Box::new)));
        });
    }

    /// Puts the work in, and signs. Where no worker can be had it is signed without: other relays take it, and the own
    /// node in any case.
    pub(super) fn work_and_sign(self: &Rc<Self>, purpose: Purpose, puzzle: Puzzle) {
        let app = Rc::clone(self);
        spawn_local(async move {
            let draft = match worker::find_nonce(&app.window, &puzzle).await {
                Some(nonce) => puzzle.solved(&nonce),
                None => puzzle.unsolved(),
            };
            app.sign(purpose, draft);
        });
    }

    async fn signed(&self, draft: EventTemplate) -> Result<Event, VaultError> {
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
            app.tell_of_key(&result);
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
            app.tell_tabs(&Tidings::Key);
            app.dispatch(Message::Own(Own::Forgotten));
        });
    }

    pub(super) fn open_sealed(self: &Rc<Self>, text: Secret, passphrase: Secret) {
        let app = Rc::clone(self);
        spawn_local(async move {
            let opened = worker::seal(&app.window, Task::Open, &text, &passphrase).await;
            app.dispatch(Message::Welcome(Setup::KeyOpened(opened)));
        });
    }

    pub(super) fn use_extension(self: &Rc<Self>) {
        let app = Rc::clone(self);
        spawn_local(async move {
            let result = match extension::public_key(&app.window).await {
                Ok(key) => {
                    app.vault.keep_elsewhere(key).await.map(|()| key).map_err(|error| error.to_string())
                }
                Err(error) => Err(error.to_string()),
            };
            app.tell_of_key(&result);
            app.dispatch(Message::Welcome(Setup::ExtensionKept(result)));
        });
    }

    /// Seals this key, or the one in the vault, for a file.
    pub(super) fn seal_key(self: &Rc<Self>, key: Option<Secret>, passphrase: Secret) {
        let app = Rc::clone(self);
        spawn_local(async move {
            let sealed = match key {
                Some(key) => worker::seal(&app.window, Task::Seal, &key, &passphrase).await,
                None => app.sealed(&passphrase).await,
            };
            app.dispatch(Message::Keyring(Keyring::Sealed(sealed)));
        });
    }

    pub(super) fn lock_key(self: &Rc<Self>, passphrase: Secret) {
        let app = Rc::clone(self);
        spawn_local(async move {
            let locked = match app.sealed(&passphrase).await {
                Ok(text) => app.vault.guard(&text).await.map_err(|_| NotOpened::Browser),
                Err(error) => Err(error),
            };
            app.tell_of_key(&locked);
            app.dispatch(Message::Keyring(Keyring::Guarded(locked)));
        });
    }

    pub(super) fn unlock_key(self: &Rc<Self>, passphrase: Secret) {
        let app = Rc::clone(self);
        spawn_local(async move {
            let opened = app.opened(&passphrase).await;
            app.dispatch(Message::Keyring(Keyring::Unlocked(opened)));
        });
    }

    /// Takes the key out from under its passphrase for good.
    pub(super) fn free_key(self: &Rc<Self>) {
        let app = Rc::clone(self);
        spawn_local(async move {
            let freed = match app.vault.key().await {
                Ok(key) => app.vault.keep(key).await.map(drop).map_err(|_| NotOpened::Browser),
                Err(_) => Err(NotOpened::Browser),
            };
            app.tell_of_key(&freed);
            app.dispatch(Message::Keyring(Keyring::Freed(freed)));
        });
    }

    /// Tells the other tabs that what is in the vault is another key now, or lies there otherwise.
    fn tell_of_key<T, E>(&self, changed: &Result<T, E>) {
        if changed.is_ok() {
            self.tell_tabs(&Tidings::Key);
        }
    }

    async fn sealed(&self, passphrase: &Secret) -> Result<Secret, NotOpened> {
        let key = self.vault.key().await.map_err(|_| NotOpened::Browser)?;
        worker::seal(&self.window, Task::Seal, &Secret::new(key.to_nsec()), passphrase).await
    }

    async fn opened(&self, passphrase: &Secret) -> Result<(), NotOpened> {
        let text = self.vault.guarded().ok_or(NotOpened::Broken)?;
        let nsec = worker::seal(&self.window, Task::Open, &text, passphrase).await?;
        let key = SecretKey::from_nsec(nsec.reveal()).map_err(|_| NotOpened::Broken)?;
        self.vault.unlock(key).map_err(|_| NotOpened::Broken)
    }
}
