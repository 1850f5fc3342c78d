//! Names by a domain.

use super::*;
use crate::{message::BrowserNews, model::names::NameAnswer, nip05::DomainName, route::Route};

fn name() -> DomainName {
    DomainName::parse("ada@example.org").unwrap()
}

fn answer() -> String {
    format!(r#"{{"names":{{"ada":"{}"}}}}"#, public(2))
}

#[test]
fn no_domain_is_asked_before_somebody_wants_it_and_then_its_answer_opens_the_page() {
    let mut rig = Rig::in_use(0);
    rig.give(Reading::SearchTyped("ada@example.org".into()).into());
    assert!(!rig.effects.iter().any(|effect| matches!(effect, Effect::LookUp(_))));
    rig.give(Reading::SearchSubmitted.into());
    rig.give(Reading::SearchSubmitted.into());
    assert_eq!(rig.effects.iter().filter(|effect| matches!(effect, Effect::LookUp(_))).count(), 1);
    rig.give(Message::Browser(BrowserNews::Named(name(), Some(answer()))));
    rig.did(|effect| *effect == Effect::Go(Route::Person(public(2)).fragment()));
}

#[test]
fn what_a_domain_does_not_know_or_does_not_say_is_told() {
    for (said, expected) in [(Some("{}".to_owned()), "not known"), (None, "could not be asked")] {
        let mut rig = Rig::in_use(0);
        rig.give(Reading::SearchTyped("ada@example.org".into()).into());
        rig.give(Reading::SearchSubmitted.into());
        rig.give(Message::Browser(BrowserNews::Named(name(), said)));
        assert!(rig.model.notice.as_deref().unwrap().contains(expected));
        assert!(!rig.effects.iter().any(|effect| matches!(effect, Effect::Go(_))));
    }
}

#[test]
fn a_check_of_somebodys_name_opens_nothing() {
    let mut rig = Rig::in_use(0);
    rig.give(Reading::LookUp(name()).into());
    rig.give(Message::Browser(BrowserNews::Named(name(), Some(answer()))));
    assert_eq!(rig.model.names.get(&name()), Some(NameAnswer::Person(public(2))));
    assert!(!rig.effects.iter().any(|effect| matches!(effect, Effect::Go(_))));
}
