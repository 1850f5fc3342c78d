//! A name that is written from right to left turns no word around it, wherever it is shown.

use super::*;
use crate::model::offer::{Offer, OfferStep};

/// The name of everybody here.
const NAME: &str = "عادة";

fn everybody_is_called_that(mut model: Model) -> Model {
    for seed in [1, 2, 3, 4, 7] {
        let content = format!(r#"{{"name":"{NAME}"}}"#);
        let profile = EventTemplate { created_at: 5, kind: Kind::PROFILE, tags: vec![], content };
        model.people.take(&profile.by(person(seed)));
    }
    model
}

/// Whether each name in this text stands alone, or between the marks that keep its direction to itself.
fn is_isolated(text: &str) -> bool {
    let isolated = |name: &str| letters::isolated(name);
    let rest = text.replace(&isolated(NAME), "").replace(&isolated(&format!("@{NAME}")), "");
    let alone = text.trim_start_matches('@') == NAME;
    alone || !rest.contains(NAME)
}

#[test]
fn a_name_from_right_to_left_stands_by_itself_on_every_screen() {
    let offered = Offer { step: OfferStep::Found(greeting(Some(person(2)))), ..Offer::default() };
    let offer = ("offer".to_owned(), Model { offer: Some(offered), ..in_use() });
    let mut wrong = std::collections::BTreeSet::new();
    let mut names = 0;
    for (screen, model) in screens().into_iter().chain([offer]) {
        let model = everybody_is_called_that(model);
        each(&view(&model).into(), &mut |element| {
            let keeps = element.tag == "bdi" || element.tag == "text" || attribute(element, "dir").is_some();
            let texts = element.children.iter().filter_map(|child| match child {
                VNode::Text(text) => Some(text),
                _ => None,
            });
            for text in texts.filter(|text| text.contains(NAME)) {
                names += 1;
                let alone = text.trim_start_matches('@') == NAME;
                if !is_isolated(text) || alone && !keeps {
                    wrong.insert(format!("{} of {screen}: {text:?}", element.tag));
                }
            }
            for (attribute, value) in &element.attributes {
                if !is_isolated(value) {
                    wrong.insert(format!("{attribute} of {screen}: {value:?}"));
                }
            }
        });
        if !is_isolated(&window_title(&model)) {
            wrong.insert(format!("title of {screen}"));
        }
    }
    assert!(names > 100, "{names}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
