//! What is done on the page once a tree is drawn: focus and scrolling.

use wasm_bindgen::JsCast;
use web_sys::{Element, FocusOptions, HtmlElement, HtmlTextAreaElement, Window};

use crate::effect::Effect;

/// How far the bar at the top reaches down at most.
const BARS_PIXELS: f64 = 90.0;

/// Does it; what is not on the page is passed over.
pub(super) fn run(window: &Window, effect: &Effect) {
    match effect {
        Effect::Focus(id) => {
            let element = window.document().and_then(|document| document.get_element_by_id(id));
            focus(element);
        }
        Effect::PutCaret(id, units) => put_caret(window, id, *units),
        Effect::StepPost { back } => step_post(window, *back),
        Effect::PressInPost(hook) => press_in_post(window, hook),
        Effect::ScrollToTop | Effect::FindPlace(_) => window.scroll_to_with_x_and_y(0.0, 0.0),
        _ => {}
    }
}

/// A post, and how far below the upper edge of the window it stands; and the post that has the focus.
pub(super) struct ReadingPlace {
    id: Option<String>,
    top: f64,
    focused: Option<String>,
}

/// What somebody is reading: the post under the upper part of the window, unless that is the beginning.
pub(super) fn reading_place(window: &Window) -> Option<ReadingPlace> {
    let document = window.document()?;
    let active = document.active_element().and_then(|active| active.closest("article").ok().flatten());
    let focused = active.and_then(|post| post.get_attribute("data-id"));
    if window.scroll_y().unwrap_or_default() < 1.0 {
        return Some(ReadingPlace { id: None, top: 0.0, focused });
    }
    #[expect(clippy::cast_possible_truncation, reason = "half the width of a window")]
    let middle = window.inner_width().ok()?.as_f64()? as f32 / 2.0;
    // Below the bars; between two posts the next one does.
    let at = |y: f32| document.element_from_point(middle, y)?.closest("article").ok().flatten();
    let post = [90.0, 140.0, 200.0].into_iter().find_map(at)?;
    let top = post.get_bounding_client_rect().top();
    Some(ReadingPlace { id: post.get_attribute("data-id"), top, focused })
}

/// Goes back there, if the post is still drawn.
pub(super) fn find_place(window: &Window, place: Option<ReadingPlace>) {
    let ReadingPlace { id, top, focused } =
        place.unwrap_or(ReadingPlace { id: None, top: 0.0, focused: None });
    let found = id.and_then(|id| {
        let post = post(window, &id)?;
        Some(window.scroll_y().ok()? + post.get_bounding_client_rect().top() - top)
    });
    window.scroll_to_with_x_and_y(0.0, found.unwrap_or_default());
    if let Some(post) = focused.and_then(|id| post(window, &id)?.dyn_into::<HtmlElement>().ok()) {
        let still = FocusOptions::new();
        still.set_prevent_scroll(true);
        drop(post.focus_with_options(&still));
    }
}

fn post(window: &Window, id: &str) -> Option<Element> {
    window.document()?.query_selector(&format!("article[data-id=\"{id}\"]")).ok()?
}

fn put_caret(window: &Window, id: &str, units: u32) {
    let field = window.document().and_then(|document| document.get_element_by_id(id));
    if let Some(field) = field.and_then(|field| field.dyn_into::<HtmlTextAreaElement>().ok()) {
        drop(field.focus());
        drop(field.set_selection_range(units, units));
    }
}

/// From the post that has the focus to the next one; from elsewhere to the first one in sight.
fn step_post(window: &Window, back: bool) {
    let Some(document) = window.document() else { return };
    let Ok(found) = document.query_selector_all("article") else { return };
    let posts: Vec<Element> =
        (0..found.length()).filter_map(|index| found.get(index)?.dyn_into().ok()).collect();
    let active = document.active_element().and_then(|active| active.closest("article").ok().flatten());
    let here = active.and_then(|active| posts.iter().position(|post| *post == active));
    let next = match (here, back) {
        (Some(here), false) => here + 1,
        (Some(here), true) => here.saturating_sub(1),
        (None, _) => {
            let in_sight = |post: &Element| post.get_bounding_client_rect().bottom() > BARS_PIXELS;
            posts.iter().position(in_sight).unwrap_or_default()
        }
    };
    focus(posts.get(next).cloned());
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

/// What has the focus, unless it is the page as a whole.
pub(super) fn focused(window: &Window) -> Option<Element> {
    window.document()?.active_element().filter(|element| element.tag_name() != "BODY")
}

/// Moves the focus to an element that is still on the page.
pub(super) fn focus(element: Option<Element>) {
    if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        // An element that cannot take the focus leaves it where it is.
        drop(element.focus());
    }
}
