//! Publishing the own profile.

use super::{Effect, signing, stage};
use crate::{
    model::{Model, signing::Purpose},
    profile::ProfileForm,
};

/// Publishes the name alone; what else is typed into the profile's form stays there.
pub fn publish_name(model: &mut Model, name: String, out: &mut Vec<Effect>) {
    let typed = std::mem::take(&mut model.profile_form);
    model.profile_form = ProfileForm { nip05: Some(name), submitted: true, ..ProfileForm::default() };
    publish_if_submitted(model, out);
    // Where the profile is not known yet, or the person is asked first, the name waits in the form.
    let waits = std::mem::replace(&mut model.profile_form, typed);
    if waits.submitted || waits.asked {
        model.profile_form.nip05 = waits.nip05;
        model.profile_form.submitted = waits.submitted;
        model.profile_form.asked = waits.asked;
    }
}

/// Publishes the profile form, once the present profile is known: never from a base that was not loaded. Where there is
/// none although the key is from elsewhere, the person is asked.
pub fn publish_if_submitted(model: &mut Model, out: &mut Vec<Effect>) {
    let (Some(me), true) = (model.me, model.profile_form.submitted) else { return };
    if !model.people.own_is_loaded {
        return;
    }
    if model.people.profile(&me).is_none() && !model.lists.made_here {
        model.profile_form.submitted = false;
        model.profile_form.asked = true;
        return;
    }
    publish(model, out);
}

/// Signs the profile as it stands in the form, if it differs from the present one.
pub fn publish(model: &mut Model, out: &mut Vec<Effect>) {
    let form = std::mem::take(&mut model.profile_form);
    let Some(me) = model.me else { return };
    if let Some(draft) = model.people.edited(&me, &form, model.now()) {
        model.people.note_typed(&draft.content, form);
        signing::sign(model, Purpose::Profile, draft, out);
    }
    if stage::is_naming(model) {
        stage::finish(model, out);
    }
}
