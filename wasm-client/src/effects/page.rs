//! What is done on the page once a tree is drawn: focus and scrolling.

use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, Window};

use crate::effect::Effect;

/// Does it; what is not on the page is passed over.
pub(super) fn run(window: &Window, effect: &Effect) {
    match effect {
        Effect::Focus(id) => {
            let element = window.document().and_then(|document| document.get_element_by_id(id));
            focus(element);
        }
        Effect::StepPost { back } => step_post(window, *back),
        Effect::PressInPost(hook) => press_in_post(window, hook),
        Effect::ScrollToTop => window.scroll_to_with_x_and_y(0.0, 0.0),
        _ => {}
    }
}

fn step_post(window: &Window, back: bool) {
    let Some(document) = window.document() else { return };
    let here = document.active_element().and_then(|active| active.closest("article").ok().flatten());
    let next = match (here, back) {
        (Some(here), false) => here.next_element_sibling(),
        (Some(here), true) => here.previous_element_sibling(),
        (None, _) => document.query_selector("article").ok().flatten(),
    };
    focus(next);
}

fn press_in_post(window: &Window, hook: &str) {
    let active = window.document().and_then(|document| document.active_element());
    let post = active.and_then(|active| active.closest("article").ok().flatten());
    let found =
        post.and_then(|post| post.query_selector(&format!("[data-testid=\"{hook}\"]")).ok().flatten());
    if let Some(button) = found.and_then(|found| found.dyn_into::<HtmlElement>().ok()) {
        button.click();
    }
}

fn focus(element: Option<web_sys::Element>) {
    if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        // An element that cannot take the focus leaves it where it is.
        drop(element.focus());
    }
}
