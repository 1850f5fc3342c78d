//! Passphrases: the question that lets a locked key sign, and the form for a new one.

use super::{Html, button, error, icons, labelled, paragraph, submit};
use crate::{
    message::{Keyring, Message},
    model::{
        Model,
        signing::{For, PassphraseForm, Signer},
    },
    secret::Secret,
    texts,
    update::{keyring::FIRST_ID, signing::UNLOCK_ID},
    vdom::{On, element},
};
use icons::{Icon, icon};

/// The question for the passphrase, over the page.
pub fn sheet(model: &Model) -> Option<Html> {
    let unlock = model.signing.unlock.as_ref()?;
    let trouble = unlock.error.map(|reason| error(texts::not_opened(model.language(), reason)));
    let label = if unlock.busy { texts::UNLOCKING } else { texts::UNLOCK };
    let form = element("form")
        .class("card sheet-card")
        .with("role", "dialog")
        .with("aria-modal", "true")
        .with("aria-labelledby", "unlock-title")
        .test_id("unlock")
        .on(On::Submit(Keyring::Try.into()))
        .child(
            element("h2")
                .class("sheet-title")
                .with("id", "unlock-title")
                .child(icon(Icon::Lock))
                .text(model.say(texts::UNLOCK_TITLE)),
        )
        .child(paragraph("muted", model.say(texts::UNLOCK_LEAD)))
        .child(
            labelled(model.say(texts::PASSPHRASE), UNLOCK_ID).child(
                secret_field(UNLOCK_ID, "current-password", &unlock.passphrase, |text| {
                    Keyring::Typed(Secret::new(text)).into()
                })
                .test_id("unlock-passphrase"),
            ),
        )
        .child_if(trouble)
        .child(
            element("div")
                .class("row")
                .child(
                    submit(model.say(label))
                        .test_id("unlock-try")
                        .with_if(unlock.busy || unlock.passphrase.reveal().is_empty(), "disabled"),
                )
                .child(button("quiet", model.say(texts::NOT_NOW), Keyring::Cancel).test_id("unlock-cancel")),
        );
    Some(element("div").class("sheet").key("unlock").child(form))
}

/// The form for a new passphrase, if it is open for this purpose.
pub fn form(model: &Model, purpose: For) -> Option<Html> {
    let form = model.signing.form.as_ref().filter(|form| form.purpose == purpose)?;
    let (lead, done) = match purpose {
        For::Backup => (texts::BACKUP_LEAD, texts::BACKUP_SAVE),
        For::Lock => (texts::LOCK_LEAD, texts::LOCK_SET),
    };
    let trouble = form.error.map(|unfit| error(texts::unfit(model.language(), unfit)));
    let label = if form.busy { texts::SEALING } else { done };
    Some(
        element("form")
            .class("passphrase")
            .key("passphrase")
            .on(On::Submit(Keyring::Submit.into()))
            .child(paragraph("muted", model.say(lead)))
            .child(field(model, form, FIRST_ID))
            .child(field(model, form, SECOND_ID))
            .child_if(trouble)
            .child(
                element("div")
                    .class("row")
                    .child(submit(model.say(label)).test_id("passphrase-done").with_if(form.busy, "disabled"))
                    .child(button("quiet", model.say(texts::CANCEL), Keyring::Close)),
            ),
    )
}

const SECOND_ID: &str = "passphrase-again";

fn field(model: &Model, form: &PassphraseForm, id: &'static str) -> Html {
    let (label, value, typed): (_, _, fn(String) -> Message) = if id == FIRST_ID {
        (texts::PASSPHRASE_NEW, &form.first, |text| Keyring::First(Secret::new(text)).into())
    } else {
        (texts::PASSPHRASE_AGAIN, &form.second, |text| Keyring::Second(Secret::new(text)).into())
    };
    labelled(model.say(label), id).child(secret_field(id, "new-password", value, typed).test_id(id))
}

/// A field that does not show what is typed into it.
pub fn secret_field(
    id: &'static str,
    autocomplete: &'static str,
    value: &Secret,
    typed: fn(String) -> Message,
) -> Html {
    element("input")
        .with("id", id)
        .with("type", "password")
        .with("autocomplete", autocomplete)
        .with("autocapitalize", "none")
        .with("spellcheck", "false")
        .with("value", value.reveal().to_owned())
        .on(On::Input(typed))
}

/// The card on the settings: who signs, and the lock.
pub fn card(model: &Model) -> Html {
    let card = element("div").class("card").key("signer").child(element("h3").text(model.say(texts::SIGNER)));
    let row = element("div").class("row");
    match model.signing.signer {
        Signer::Extension => card.child(paragraph("muted", model.say(texts::SIGNER_EXTENSION))),
        Signer::Passphrase => {
            let card = card.child(paragraph("muted", model.say(texts::LOCK_ON)));
            let lock = if model.signing.locked {
                button("plain", model.say(texts::UNLOCK), Keyring::Ask).test_id("unlock-ask")
            } else {
                button("plain", model.say(texts::LOCK_NOW), Keyring::Lock).test_id("lock-now")
            };
            let free = model
                .environment
                .keeps_keys
                .then(|| button("quiet", model.say(texts::LOCK_OFF), Keyring::Free).test_id("lock-off"));
            card.child(row.child(lock).child_if(free))
        }
        Signer::Device => {
            let card = card.child(paragraph("muted", model.say(texts::LOCK_WHY)));
            match form(model, For::Lock) {
                Some(form) => card.child(form),
                None => card.child(
                    row.child(
                        button("plain", model.say(texts::LOCK_CHOOSE), Keyring::Choose(For::Lock))
                            .test_id("lock-choose"),
                    ),
                ),
            }
        }
    }
}
