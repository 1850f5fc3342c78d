//! Passphrases: unlocking the key, setting and removing a passphrase, and the tasks that waited for the key.

use super::{Effect, notify, private_lists, signed, signing};
use crate::{
    message::Keyring,
    model::{
        KeyStep, Model, WelcomeStep,
        signing::{For, KeyTask, NotOpened, PassphraseForm, Signer, Unfit, Unlock},
    },
    secret::Secret,
    storage::{Setting, StorageChange},
    tabs::Tidings,
    texts,
};

/// The id of the first field for a new passphrase.
pub const FIRST_ID: &str = "passphrase";

/// Takes in what the person does with passphrases.
pub fn update(model: &mut Model, keyring: Keyring, out: &mut Vec<Effect>) {
    match keyring {
        Keyring::Choose(purpose) => {
            model.signing.form = Some(PassphraseForm::new(purpose));
            out.push(Effect::Focus(FIRST_ID));
        }
        Keyring::Close => model.signing.form = None,
        Keyring::First(text) => edit(model, |form| form.first = text),
        Keyring::Second(text) => edit(model, |form| form.second = text),
        Keyring::Submit => submit(model, out),
        Keyring::Sealed(result) => on_sealed(model, result, out),
        Keyring::Guarded(result) => on_guarded(model, result, out),
        Keyring::Free => signing::with_key(model, KeyTask::Free, out),
        Keyring::Freed(Ok(())) => {
            model.signing.signer = Signer::Device;
            notify(model, model.say(texts::LOCK_TAKEN_OFF), out);
        }
        Keyring::Freed(Err(error)) => notify(model, texts::not_opened(model.language(), error), out),
        Keyring::Lock => {
            signing::lock(model, out);
            out.push(Effect::Tell(Tidings::Locked));
        }
        Keyring::Ask => signing::ask(model, out),
        Keyring::Typed(passphrase) => {
            if let Some(unlock) = &mut model.signing.unlock {
                unlock.passphrase = passphrase;
                unlock.error = None;
            }
        }
        Keyring::Try => try_passphrase(model, out),
        Keyring::Unlocked(result) => on_unlocked(model, result, out),
        Keyring::Cancel => cancel(model, out),
    }
}

fn try_passphrase(model: &mut Model, out: &mut Vec<Effect>) {
    if let Some(unlock) = &mut model.signing.unlock
        && !unlock.busy
        && !unlock.passphrase.reveal().is_empty()
    {
        unlock.busy = true;
        out.push(Effect::UnlockKey(unlock.passphrase.clone()));
    }
}

fn on_unlocked(model: &mut Model, result: Result<(), NotOpened>, out: &mut Vec<Effect>) {
    match result {
        Ok(()) => {
            model.signing.locked = false;
            model.signing.unlock = None;
            while let Some(task) = model.signing.next_waiting() {
                out.push(Effect::UseKey(task));
            }
            out.push(Effect::ReturnFocus);
            private_lists::open(model, out);
            signing::on_visibility(model, out);
        }
        Err(error) => {
            if let Some(unlock) = &mut model.signing.unlock {
                *unlock = Unlock { error: Some(error), ..Unlock::default() };
                out.push(Effect::Focus(signing::UNLOCK_ID));
            }
        }
    }
}

/// The key stays locked: drops the waiting tasks, and says so.
fn cancel(model: &mut Model, out: &mut Vec<Effect>) {
    model.signing.unlock = None;
    out.push(Effect::ReturnFocus);
    while let Some(task) = model.signing.next_waiting() {
        match task {
            KeyTask::Sign(purpose, _)
            | KeyTask::WorkAndSign(purpose, _)
            | KeyTask::SealAndSign(purpose, ..) => {
                let why = model.say(texts::KEY_IS_LOCKED).to_owned();
                signed::on_signed(model, purpose, Err(why), out);
            }
            KeyTask::Seal { .. } => model.signing.form = None,
            _ => {}
        }
    }
}

fn edit(model: &mut Model, change: impl FnOnce(&mut PassphraseForm)) {
    if let Some(form) = model.signing.form.as_mut().filter(|form| !form.busy) {
        change(form);
        form.error = None;
    }
}

fn submit(model: &mut Model, out: &mut Vec<Effect>) {
    let made = made_key(model);
    let Some(form) = model.signing.form.as_mut().filter(|form| !form.busy) else { return };
    form.error = form.unfit();
    if form.error.is_some() {
        return;
    }
    form.busy = true;
    let (purpose, passphrase) = (form.purpose, form.first.clone());
    match (purpose, made) {
        (For::Backup, Some(key)) => out.push(Effect::UseKey(KeyTask::Seal { key: Some(key), passphrase })),
        (For::Backup, None) => signing::with_key(model, KeyTask::Seal { key: None, passphrase }, out),
        (For::Lock, _) => out.push(Effect::LockKey(passphrase)),
    }
}

/// The key that was made a moment ago and is not in the vault yet.
fn made_key(model: &Model) -> Option<Secret> {
    match &model.welcome()?.step {
        WelcomeStep::Key(KeyStep::Made { nsec, .. }) => Some(nsec.clone()),
        _ => None,
    }
}

fn on_sealed(model: &mut Model, result: Result<Secret, NotOpened>, out: &mut Vec<Effect>) {
    let text = match result {
        Ok(text) => text,
        Err(error) => return fail(model, error),
    };
    model.signing.form = None;
    let made = made_key(model);
    let made = made.and_then(|nsec| nostrp2p_protocol::SecretKey::from_nsec(nsec.reveal()).ok());
    let owner = made.map(|key| key.public_key()).or(model.me);
    let (name, text) = texts::backup_file(model.language(), owner, &text);
    out.push(Effect::Download { name, text });
    match model.welcome_mut().map(|welcome| &mut welcome.step) {
        Some(WelcomeStep::Key(KeyStep::Made { saved, .. })) => *saved = true,
        _ => {
            model.backed_up = true;
            out.push(Effect::Save(vec![StorageChange::Set(Setting::BackedUp(true))]));
        }
    }
    notify(model, model.say(texts::BACKUP_SAVED), out);
}

fn on_guarded(model: &mut Model, result: Result<(), NotOpened>, out: &mut Vec<Effect>) {
    match result {
        Ok(()) => {
            model.signing.form = None;
            model.signing.signer = Signer::Passphrase;
            model.signing.locked = false;
            notify(model, model.say(texts::LOCK_PUT_ON), out);
        }
        Err(error) => fail(model, error),
    }
}

fn fail(model: &mut Model, error: NotOpened) {
    if let Some(form) = &mut model.signing.form {
        form.busy = false;
        form.error = Some(Unfit::NotDone(error));
    }
}
