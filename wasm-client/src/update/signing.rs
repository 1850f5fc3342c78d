//! Signing with a key that may be locked or elsewhere, and passphrases.
//!
//! Nothing is signed while the key is locked: what is to be signed waits until the person unlocks it, or is let go
//! when the person does not want to.

use nostrp2p_protocol::{EventTemplate, work::Puzzle};

use super::{Effect, compose, lists, notify, relays};
use crate::{
    effect::Timer,
    message::Keyring,
    model::{
        KeyStep, Model, WelcomeStep,
        lists::ListDraft,
        signing::{For, KeyTask, NotOpened, PassphraseForm, Purpose, Signer, Unfit, Unlock},
    },
    secret::Secret,
    storage::{Setting, StorageChange},
    tabs::Tidings,
    texts,
};

/// After how long out of sight an unlocked key is locked, in milliseconds.
const LOCK_AFTER_MS: u64 = 15 * 60 * 1_000;
/// The id of the field of the question for the passphrase.
pub const UNLOCK_ID: &str = "unlock";
/// The id of the first field for a new passphrase.
pub const FIRST_ID: &str = "passphrase";

/// Has a draft signed: at once, or as soon as the person unlocks the key.
pub fn sign(model: &mut Model, purpose: Purpose, draft: EventTemplate, out: &mut Vec<Effect>) {
    let draft = if matches!(purpose, Purpose::Prove { .. }) { draft } else { dated_anew(model, draft) };
    let signing = &mut model.signing;
    if matches!(purpose, Purpose::Prove { .. }) {
        // An extension asks the person about the first one still; a second question would come on top of it.
        if signing.signer == Signer::Extension && signing.proving {
            return;
        }
        signing.proving = true;
    }
    let task = match relays::work_for(model, &draft) {
        Some((author, bits)) => KeyTask::WorkAndSign(purpose, Puzzle::new(draft, author, bits)),
        None => KeyTask::Sign(purpose, draft),
    };
    with_key(model, task, out);
}

/// The draft with a time at which it is not the same event as one that was signed before. What was liked, unliked and
/// liked again within a second would have the id of the deleted like, which no node takes.
fn dated_anew(model: &mut Model, mut draft: EventTemplate) -> EventTemplate {
    let Some(me) = model.me else { return draft };
    let id = loop {
        let id = draft.clone().by(me).id();
        if !model.signing.was_signed(&id) && !model.deleted.contains(&id, &me) {
            break id;
        }
        draft.created_at += 1;
    };
    model.signing.note(id);
    draft
}

/// The same for a version of a list, of which the private part is encrypted before.
pub fn sign_list(model: &mut Model, draft: ListDraft, out: &mut Vec<Effect>) {
    let ListDraft { template, private } = draft;
    match private.filter(|private| !private.is_empty()) {
        Some(private) => with_key(model, KeyTask::SealAndSign(Purpose::List, template, private), out),
        None => sign(model, Purpose::List, template, out),
    }
}

/// Does something that needs the key of this device, as soon as it is unlocked.
pub fn with_key(model: &mut Model, task: KeyTask, out: &mut Vec<Effect>) {
    if model.signing.locked {
        model.signing.wait(task);
        ask(model, out);
    } else {
        out.push(Effect::UseKey(task));
    }
}

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
        Keyring::Free => with_key(model, KeyTask::Free, out),
        Keyring::Freed(Ok(())) => {
            model.signing.signer = Signer::Device;
            notify(model, model.say(texts::LOCK_TAKEN_OFF), out);
        }
        Keyring::Freed(Err(error)) => notify(model, texts::not_opened(model.language(), error), out),
        Keyring::Lock => {
            lock(model, out);
            out.push(Effect::Tell(Tidings::Locked));
        }
        Keyring::Ask => ask(model, out),
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

/// Locks the key, if it is under a passphrase.
pub fn lock(model: &mut Model, out: &mut Vec<Effect>) {
    if model.signing.signer == Signer::Passphrase && !model.signing.locked {
        model.signing.locked = true;
        model.revealed = None;
        out.push(Effect::CloseKey);
        out.push(Effect::Cancel(Timer::Lock));
    }
}

/// Somebody looks at the page, or not any more: an unlocked key does not stay so for long.
pub fn on_visibility(model: &Model, out: &mut Vec<Effect>) {
    let unlocked = model.signing.signer == Signer::Passphrase && !model.signing.locked;
    if unlocked && !model.environment.visible {
        out.push(Effect::Wait(Timer::Lock, LOCK_AFTER_MS));
    } else {
        out.push(Effect::Cancel(Timer::Lock));
    }
}

/// Asks for the passphrase, if the key is locked.
pub fn ask(model: &mut Model, out: &mut Vec<Effect>) {
    if model.signing.unlock.is_none() && model.signing.locked {
        model.signing.unlock = Some(Unlock::default());
        out.push(Effect::KeepFocus);
        out.push(Effect::Focus(UNLOCK_ID));
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
            out.extend(model.signing.take_waiting().into_iter().map(Effect::UseKey));
            out.push(Effect::ReturnFocus);
            lists::open(model, out);
            on_visibility(model, out);
        }
        Err(error) => {
            if let Some(unlock) = &mut model.signing.unlock {
                *unlock = Unlock { error: Some(error), ..Unlock::default() };
                out.push(Effect::Focus(UNLOCK_ID));
            }
        }
    }
}

/// It stays locked: what waited is let go, and says so.
fn cancel(model: &mut Model, out: &mut Vec<Effect>) {
    model.signing.unlock = None;
    out.push(Effect::ReturnFocus);
    for task in model.signing.take_waiting() {
        match task {
            KeyTask::Sign(purpose, _)
            | KeyTask::WorkAndSign(purpose, _)
            | KeyTask::SealAndSign(purpose, ..) => {
                let why = model.say(texts::KEY_IS_LOCKED).to_owned();
                compose::on_signed(model, purpose, Err(why), out);
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
        (For::Backup, None) => with_key(model, KeyTask::Seal { key: None, passphrase }, out),
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
