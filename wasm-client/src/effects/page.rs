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
        Effect::ScrollToTop | Effect::FindPlace(_) => window.scroll_to_with_x_and_y(0.0, 0.0),
        _ => {}
    }
}

/// A post, and how far below the upper edge of the window it stands.
pub(super) struct ReadingPlace {
    id: String,
    top: f64,
}

/// What somebody is reading: the post under the upper part of the window, unless that is the beginning.
pub(super) fn reading_place(window: &Window) -> Option<ReadingPlace> {
    let document = window.document()?;
    if window.scroll_y().unwrap_or_default() < 1.0 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "half the width of a window")]
    let middle = window.inner_width().ok()?.as_f64()? as f32 / 2.0;
    // Below the bars; between two posts the next one does.
    let at = |y: f32| document.element_from_point(middle, y)?.closest("article").ok().flatten();
    let post = [90.0, 140.0, 200.0].into_iter().find_map(at)?;
    let top = post.get_bounding_client_rect().top();
    Some(ReadingPlace { id: post.get_attribute("data-id")?, top })
}

/// Goes back there, if the post is still drawn.
pub(super) fn find_place(window: &Window, place: Option<ReadingPlace>) {
    let found = place.and_then(|ReadingPlace { id, top }| {
        let selector = format!("article[data-id=\"{id}\"]");
        let post = window.document()?.query_selector(&selector).ok()??;
        Some(window.scroll_y().ok()? + post.get_bounding_client_rect().top() - top)
    });
    window.scroll_to_with_x_and_y(0.0, found.unwrap_or_default());
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
