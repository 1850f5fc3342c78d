//! Signs with a key that may be locked or in an extension.
//!
//! While the key is locked, tasks wait until the person unlocks it, or are dropped when the person declines (see
//! `keyring`).

use nostrp2p_protocol::{EventTemplate, work::Puzzle};

use super::{Effect, work};
use crate::{
    effect::Timer,
    model::{
        Model,
        lists::ListDraft,
        signing::{KeyTask, Purpose, Signer, Unlock},
    },
};

/// After how long out of sight an unlocked key is locked, in milliseconds.
const LOCK_AFTER_MS: u64 = 15 * 60 * 1_000;
/// The id of the field of the question for the passphrase.
pub const UNLOCK_ID: &str = "unlock";

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
    let task = match work::work_for(model, &draft) {
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

/// The same for a version of a list, whose private part is encrypted before.
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

/// Locks the key, if it is under a passphrase.
pub fn lock(model: &mut Model, out: &mut Vec<Effect>) {
    if model.signing.signer == Signer::Passphrase && !model.signing.locked {
        model.signing.locked = true;
        model.revealed = None;
        out.push(Effect::CloseKey);
        out.push(Effect::Cancel(Timer::Lock));
    }
}

/// The page became visible or hidden: an unlocked key is locked after some time out of sight.
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
