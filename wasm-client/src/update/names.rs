//! Looking up names by a domain (NIP-05).

use super::{Effect, notify};
use crate::{
    model::{Model, names::NameAnswer},
    nip05::DomainName,
    route::Route,
    texts,
};

/// Asks the domain, unless it is being asked.
pub fn look_up(model: &mut Model, name: DomainName, out: &mut Vec<Effect>) {
    if model.names.get(&name) != Some(NameAnswer::Awaited) {
        model.names.put(name.clone(), NameAnswer::Awaited);
        out.push(Effect::LookUp(name));
    }
}

/// Asks the domain, and opens the page of whom it names.
pub fn open(model: &mut Model, name: DomainName, out: &mut Vec<Effect>) {
    model.names.opening = Some(name.clone());
    look_up(model, name, out);
}

/// The domain answered, or could not be asked.
pub fn on_answer(model: &mut Model, name: DomainName, answer: Option<String>, out: &mut Vec<Effect>) {
    let said = match answer {
        None => NameAnswer::Failed,
        Some(answer) => name.person(&answer).map_or(NameAnswer::Nobody, NameAnswer::Person),
    };
    model.names.put(name.clone(), said);
    if model.names.opening.as_ref() != Some(&name) {
        return;
    }
    model.names.opening = None;
    match said {
        NameAnswer::Person(person) => {
            model.search.clear();
            out.push(Effect::Go(Route::Person(person).fragment()));
        }
        NameAnswer::Nobody => notify(model, texts::name_unknown(model.language(), &name.text()), out),
        _ => notify(model, texts::name_not_asked(model.language(), name.domain()), out),
    }
}
