//! The own profile, the key and the settings.

use nostrp2p_protocol::{Draft, Kind};

use super::{Effect, connection, exporting, notify, onboarding, own_names, own_nodes, relays, signing};
use crate::{
    effect::Purpose,
    message::Own,
    model::{Model, ProfileForm, Stage, Welcome},
    profile::{Fields, Profile},
    storage::{Change, Setting},
    texts,
    view::help,
};

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
            publish_if_submitted(model, out);
            if connection::is_naming(model) {
                onboarding::finish(model, out);
            }
        }
        Own::CopyNpub => {
            if let Some(me) = model.me {
                out.push(Effect::Copy(crate::secret::Secret::new(me.to_npub())));
            }
        }
        Own::RevealKey => signing::with_key(model, Effect::RevealKey, out),
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
            out.push(Effect::Save(vec![Change::Set(Setting::Theme(theme))]));
        }
        Own::Language(language) => {
            model.chosen_language = language;
            out.push(Effect::PutLanguage(model.wanted_language()));
            out.push(Effect::Save(vec![Change::Set(Setting::Language(language))]));
        }
        Own::Media(media) => {
            model.media = media;
            out.push(Effect::Save(vec![Change::Set(Setting::Media(media))]));
        }
        Own::Pace(pace) => {
            model.pace = pace;
            out.push(Effect::Save(vec![Change::Set(Setting::Pace(pace))]));
            connection::on_visibility(model, out);
        }
        Own::EndNode(Some(peer), true) => own_nodes::end(model, peer, out),
        Own::EndNode(peer, _) => model.own_nodes.ending = peer,
        Own::Agree(relay) => relays::agree(model, relay, out),
        Own::Export => exporting::begin(model, out),
        Own::Names(change) => own_names::ask(model, change, out),
        Own::Help(open) => {
            model.help = open;
            if open {
                out.push(Effect::KeepFocus);
                out.push(Effect::Focus(help::CLOSE_ID));
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

/// Publishes the profile form, once the present profile is known: never from a base that was not loaded.
pub fn publish_if_submitted(model: &mut Model, out: &mut Vec<Effect>) {
    let (Some(me), true) = (model.me, model.profile_form.submitted) else { return };
    if !model.people.own_is_loaded {
        return;
    }
    let ProfileForm { name, about, picture, nip05, .. } = std::mem::take(&mut model.profile_form);
    let present = model.people.profile(&me).cloned().unwrap_or_default();
    let or = |typed: &Option<String>, present: Option<&String>| {
        typed.as_ref().or(present).map(|text| text.trim().to_owned()).unwrap_or_default()
    };
    let new = [
        or(&name, present.name.as_ref()),
        or(&about, Some(&present.about)),
        or(&picture, present.picture.as_ref()),
        or(&nip05, present.nip05.as_ref()),
    ];
    let [name, about, picture, nip05] = &new;
    let former =
        [present.name.as_ref(), Some(&present.about), present.picture.as_ref(), present.nip05.as_ref()];
    if former.map(|former| former.map_or("", |former| former.trim())) == [name, about, picture, nip05] {
        return;
    }
    let content = Profile::edited(&present, Fields { name, about, picture, nip05 });
    // Of two profiles at one second the lower id wins; so the new one must not be of the same second.
    let created_at = model.people.written_at(&me).map_or(0, |before| before + 1).max(model.now());
    let draft = Draft { created_at, kind: Kind::PROFILE, tags: vec![], content };
    signing::sign(model, Purpose::Profile, draft, out);
    if matches!(model.stage, Stage::Using) {
        notify(model, model.say(texts::PROFILE_SAVED), out);
    }
}

/// The person leaves a screen: what was shown for a moment goes.
pub fn leave(model: &mut Model) {
    model.revealed = None;
    model.signing.form = None;
    model.forget_asked = false;
    model.chosen_peer = None;
}

fn mark_backed_up(model: &mut Model, out: &mut Vec<Effect>) {
    model.backed_up = true;
    out.push(Effect::Save(vec![Change::Set(Setting::BackedUp(true))]));
}

fn forget(model: &mut Model, out: &mut Vec<Effect>) {
    let (theme, chosen_language) = (model.theme, model.chosen_language);
    let node = model.connection.node.clone();
    let (home, last_attempt) = (model.connection.home.clone(), model.connection.last_attempt);
    model.forget(Stage::Welcome(Welcome::default()));
    model.connection.node = node;
    model.connection.home = home;
    model.connection.last_attempt = last_attempt;
    out.push(Effect::Disconnect);
    out.push(Effect::Save(vec![
        Change::ForgetAll,
        Change::Set(Setting::Theme(theme)),
        Change::Set(Setting::Language(chosen_language)),
    ]));
    out.push(Effect::ForgetKey);
    out.push(Effect::Replace("#/".into()));
}
