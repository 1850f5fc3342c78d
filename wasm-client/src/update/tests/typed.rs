//! What was typed and not sent yet stays where one leaves the screen, and over a reload.

use super::*;
use crate::profile::ProfileForm;

impl Rig {
    fn visit(&mut self, fragment: &str) {
        self.give(Message::Browser(BrowserNews::Fragment(fragment.into())));
    }

    /// The same tab after a reload at this fragment.
    fn reloaded_at(&self, fragment: &str) -> Self {
        let settings = StoredSettings { pin: Some((OWN, public(1))), ..StoredSettings::default() };
        let mut rig = Self::start(Start {
            environment: environment(),
            fragment: fragment.into(),
            snapshot: Ok(Snapshot { settings, ..Snapshot::default() }),
            me: Some((public(1), Signer::default())),
            typed: self.model.typed(),
        });
        rig.greet(Some(1));
        rig.prove(1);
        rig.log_in(1, 0);
        rig.answer_own_profile();
        rig
    }
}

#[test]
fn what_was_typed_into_the_profile_stays_until_it_is_saved_or_dropped() {
    let mut rig = Rig::in_use(0);
    rig.model.lists.made_here = true;
    rig.visit("#/me");
    rig.give(Message::Own(Own::AboutTyped("a\nb = c".into())));
    rig.give(Message::Own(Own::Nip05Typed(String::new())));
    let form = rig.model.profile_form.clone();
    rig.visit("#/settings");
    rig.visit("#/me");
    assert_eq!(rig.model.profile_form, form);
    let mut again = rig.reloaded_at("#/me");
    assert_eq!(again.model.profile_form, form);
    again.give(Message::Own(Own::ProfileDropped));
    assert_eq!(again.model.profile_form, ProfileForm::default());
    rig.give(Message::Own(Own::ProfileSubmitted));
    assert_eq!((rig.model.typed(), again.model.typed()), (String::new(), String::new()));
}

#[test]
fn words_that_are_searched_for_outlive_a_reload_and_are_searched_for_again() {
    let mut rig = Rig::in_use(0);
    rig.visit("#/find");
    rig.give(Reading::SearchTyped("red bicycle".into()).into());
    let mut again = rig.reloaded_at("#/find");
    assert_eq!(again.model.search, "red bicycle");
    let searches = |frames: Vec<ClientFrame>| {
        frames.iter().filter(|frame| matches!(frame, ClientFrame::Search { .. })).count()
    };
    assert_eq!(searches(again.sent()), 1);
    again.visit("#/settings");
    again.visit("#/find");
    assert_eq!(searches(again.sent()), 1);
}

#[test]
fn nothing_typed_is_kept_of_somebody_whose_key_is_forgotten() {
    let mut rig = Rig::in_use(0);
    rig.give(Reading::SearchTyped("red bicycle".into()).into());
    rig.give(Message::Own(Own::NameTyped("Mia".into())));
    assert_ne!(rig.model.typed(), "");
    rig.give(Message::Own(Own::ForgetConfirmed));
    assert_eq!(rig.model.typed(), "");
}
