//! The own profile, the key and the settings.

use super::{
    Effect, connection, exporting, own_names, own_nodes, own_profile,
    permissions::{self, Publication},
    relays, signing,
};
use crate::{
    message::Own,
    model::{
        Model, Onboarding, PersonStage,
        signing::{KeyTask, Purpose},
    },
    profile::ProfileForm,
    storage::{Setting, StorageChange},
};

/// The id of the button that closes the sheet with the keys.
pub const HELP_CLOSE_ID: &str = "help-close";

/// Takes in what the person does with profile, key and settings.
pub fn update(model: &mut Model, own: Own, out: &mut Vec<Effect>) {
    match own {
        Own::NameTyped(name) => model.profile_form.name = Some(name),
        Own::AboutTyped(about) => model.profile_form.about = Some(about),
        Own::PictureTyped(picture) => model.profile_form.picture = Some(picture),
        Own::Nip05Typed(nip05) => model.profile_form.nip05 = Some(nip05),
        Own::ProfileDropped => model.profile_form = ProfileForm::default(),
        Own::ProfileSubmitted => {
            model.profile_form.submitted = true;
            own_profile::publish_if_submitted(model, out);
        }
        Own::BeginProfile(begins) => {
            model.profile_form.submitted = begins;
            model.profile_form.asked = false;
            if begins {
                own_profile::publish(model, out);
            }
        }
        Own::CopyNpub => {
            if let Some(me) = model.me {
                out.push(Effect::Copy(crate::secret::Secret::new(me.to_npub())));
            }
        }
        Own::RevealKey => signing::with_key(model, KeyTask::Reveal, out),
        Own::KeyRevealed(nsec) => model.revealed = Some(nsec),
        Own::HideKey => model.revealed = None,
        Own::CopyKey => {
            if let Some(nsec) = model.revealed.clone() {
                out.push(Effect::Copy(nsec));
                mark_backed_up(model, out);
            }
        }
        Own::Theme(theme) => {
            model.theme = theme;
            out.push(Effect::PutTheme(theme));
            out.push(Effect::Save(vec![StorageChange::Set(Setting::Theme(theme))]));
        }
        Own::Language(language) => {
            model.chosen_language = language;
            out.push(Effect::PutLanguage(model.wanted_language()));
            out.push(Effect::Save(vec![StorageChange::Set(Setting::Language(language))]));
        }
        Own::Media(media) => {
            model.media = media;
            out.push(Effect::Save(vec![StorageChange::Set(Setting::Media(media))]));
        }
        Own::Pace(pace) => {
            model.pace = pace;
            out.push(Effect::Save(vec![StorageChange::Set(Setting::Pace(pace))]));
            connection::on_visibility(model, out);
        }
        Own::EndNode(Some(peer), true) => own_nodes::end(model, peer, out),
        Own::EndNode(peer, _) => model.own_nodes.ending = peer,
        Own::Agree(relay) => relays::agree(model, relay, out),
        Own::Export => exporting::begin(model, out),
        Own::Names(change) => own_names::ask(model, change, out),
        Own::Permit(permission, granted) => {
            if let Some(publication) = permissions::decide(model, permission, granted, out) {
                publish_for(model, publication, out);
            }
        }
        Own::Help(open) => {
            model.help = open;
            if open {
                out.push(Effect::KeepFocus);
                out.push(Effect::Focus(HELP_CLOSE_ID));
            } else {
                out.push(Effect::ReturnFocus);
            }
        }
        Own::ForgetAsked => model.forget_asked = true,
        Own::ForgetCancelled => model.forget_asked = false,
        Own::ForgetConfirmed => forget(model, out),
        Own::Forgotten => connection::connect_anew(model, out),
        Own::Install => out.push(Effect::Install),
        Own::Update => out.push(Effect::ApplyUpdate),
        Own::NoticeClosed => model.notice = None,
    }
}

/// Publishes what grants something that the node has asked for.
fn publish_for(model: &mut Model, publication: Publication, out: &mut Vec<Effect>) {
    match publication {
        Publication::Lists(drafts) => {
            for draft in drafts {
                signing::sign(model, Purpose::RelayList, draft, out);
            }
        }
        Publication::Name(name) => own_profile::publish_name(model, name, out),
    }
}

/// The person leaves a screen: what was shown for a moment goes.
pub fn leave(model: &mut Model) {
    model.revealed = None;
    model.signing.form = None;
    model.forget_asked = false;
    // On Network stands what was chosen beside another screen.
    model.chosen_peer = model.chosen_peer.filter(|_| model.route == crate::route::Route::Network);
}

fn mark_backed_up(model: &mut Model, out: &mut Vec<Effect>) {
    model.backed_up = true;
    out.push(Effect::Save(vec![StorageChange::Set(Setting::BackedUp(true))]));
}

fn forget(model: &mut Model, out: &mut Vec<Effect>) {
    let (theme, chosen_language) = (model.theme, model.chosen_language);
    let node = model.connection.node.clone();
    let (home, last_attempt) = (model.connection.home.clone(), model.connection.last_attempt);
    model.forget(PersonStage::Welcome(Onboarding::default()));
    model.connection.node = node;
    model.connection.home = home;
    model.connection.last_attempt = last_attempt;
    out.push(Effect::Disconnect);
    out.push(Effect::Save(vec![
        StorageChange::ForgetAll,
        StorageChange::Set(Setting::Theme(theme)),
        StorageChange::Set(Setting::Language(chosen_language)),
    ]));
    out.push(Effect::ForgetKey);
    out.push(Effect::Replace("#/".into()));
}
