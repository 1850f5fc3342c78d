//! What is done on the page once a tree is drawn: focus and scrolling.

use wasm_bindgen::JsCast;
use web_sys::{
    Element, Event, FocusOptions, HtmlDocument, HtmlElement, HtmlInputElement, HtmlTextAreaElement,
    KeyboardEvent, Window,
};

use crate::effect::Effect;

/// How far the bar at the top reaches down at most.
const BARS_PIXELS: f64 = 90.0;

/// Does it; what is not on the page is passed over.
pub(super) fn run(window: &Window, effect: &Effect) {
    match effect {
        Effect::Focus(id) => {
            let element = window.document().and_then(|document| document.get_element_by_id(id));
            // What was looked for before is written over.
            if *id == "search"
                && let Some(field) = element.as_ref().and_then(JsCast::dyn_ref::<HtmlInputElement>)
            {
                field.select();
            }
            focus(element);
        }
        Effect::PutCaret(id, units) => put_caret(window, id, *units),
        Effect::StepPost { back } => step_post(window, *back),
        Effect::PressInPost(hook) => press_in_post(window, hook),
        Effect::FocusInPost(id, hook) => {
            let found = post(window, &id.to_string()).and_then(|post| in_post(&post, hook));
            focus(found);
        }
        Effect::ScrollToTop => window.scroll_to_with_x_and_y(0.0, 0.0),
        _ => {}
    }
}

/// A reading position: a post, its distance from the upper edge of the window, how far the page is scrolled, and the
/// post that has the focus.
pub(super) struct ReadingPlace {
    id: Option<String>,
    top: f64,
    scrolled: f64,
    focused: Option<String>,
}

impl ReadingPlace {
    /// As a text to be kept.
    pub(super) fn to_text(&self) -> String {
        let id = |id: &Option<String>| id.clone().unwrap_or_else(|| "-".to_owned());
        format!("{} {} {} {}", whole(self.scrolled), whole(self.top), id(&self.id), id(&self.focused))
    }

    /// Reads [`ReadingPlace::to_text`].
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let mut pixels = || Some(f64::from(words.next()?.parse::<i32>().ok()?));
        let (scrolled, top) = (pixels()?, pixels()?);
        let mut id = || words.next().filter(|id| *id != "-").map(str::to_owned);
        Some(Self { scrolled, top, id: id(), focused: id() })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
const fn whole(pixels: f64) -> i32 {
    pixels as i32
}

/// The current reading position: the post under the upper part of the window, unless that is the beginning.
pub(super) fn reading_place(window: &Window) -> Option<ReadingPlace> {
    let document = window.document()?;
    let active = document.active_element().and_then(|active| active.closest("article").ok().flatten());
    let focused = active.and_then(|post| post.get_attribute("data-id"));
    let scrolled = window.scroll_y().unwrap_or_default();
    if scrolled < 1.0 {
        return Some(ReadingPlace { id: None, top: 0.0, scrolled: 0.0, focused });
    }
    #[expect(clippy::cast_possible_truncation, reason = "half the width of a window")]
    let middle = window.inner_width().ok()?.as_f64()? as f32 / 2.0;
    // Below the bars; between two posts the next one does.
    let at = |y: f32| document.element_from_point(middle, y)?.closest("article").ok().flatten();
    let post = [90.0, 140.0, 200.0].into_iter().find_map(at);
    let top = post.as_ref().map(|post| post.get_bounding_client_rect().top()).unwrap_or_default();
    Some(ReadingPlace { id: post.and_then(|post| post.get_attribute("data-id")), top, scrolled, focused })
}

/// Goes back there, as far as that is drawn; says whether it is.
pub(super) fn find_place(window: &Window, place: &ReadingPlace) -> bool {
    let scrolled = || window.scroll_y().unwrap_or_default();
    let found = place.id.as_ref().and_then(|id| post(window, id));
    let to = found.as_ref().map(|post| scrolled() + post.get_bounding_client_rect().top() - place.top);
    let to = to.unwrap_or(place.scrolled);
    // As far down as the page goes: near its end more of it is drawn. So the post may be there and its place not yet.
    window.scroll_to_with_x_and_y(0.0, to);
    let there = (found.is_some() || place.id.is_none()) && scrolled() > to - 1.0;
    if there
        && let Some(post) =
            place.focused.as_ref().and_then(|id| post(window, id)?.dyn_into::<HtmlElement>().ok())
    {
        focus_without_scrolling(&post);
    }
    there
}

fn focus_without_scrolling(element: &HtmlElement) {
    let still = FocusOptions::new();
    still.set_prevent_scroll(true);
    drop(element.focus_with_options(&still));
}

/// Moves the focus to the heading of the screen, so that it is read out and the next key goes on from there.
pub(super) fn focus_heading(window: &Window) {
    if let Some(heading) = window.document().and_then(|document| document.query_selector("h1").ok().flatten())
    {
        focus_on_heading(&heading);
    }
}

fn focus_on_heading(heading: &Element) {
    if let Some(heading) = heading.dyn_ref::<HtmlElement>() {
        drop(heading.set_attribute("tabindex", "-1"));
        focus_without_scrolling(heading);
    }
}

/// The focused element, its ancestors from the inside out, and the posts beside its own.
pub(super) struct FocusedElement {
    element: Element,
    around: Vec<Element>,
    beside: [Option<Element>; 2],
}

impl FocusedElement {
    /// Which it is now.
    pub(super) fn look(window: &Window) -> Option<Self> {
        let element = focused(window)?;
        let around =
            std::iter::successors(element.parent_element(), |around| around.parent_element()).collect();
        let post = element.closest("article").ok().flatten();
        let beside = post.map(|post| [post.next_element_sibling(), post.previous_element_sibling()]);
        Some(Self { element, around, beside: beside.unwrap_or_default() })
    }

    /// If it went with the last drawing, the focus goes to what is nearest and still there, and not to the beginning of the
    /// page: to the post that it lay in or the one beside, or to a button or link of the same card, but to none that takes
    /// something away.
    pub(super) fn follow(self, window: &Window) {
        if self.element.is_connected() || focused(window).is_some() {
            return;
        }
        let post = self.around.iter().find(|around| around.tag_name() == "ARTICLE" && around.is_connected());
        let beside = || self.beside.into_iter().flatten().find(|post| post.is_connected());
        let near = || {
            let there = self.around.iter().take_while(|around| around.tag_name() != "SECTION");
            let find = |selector: &str| {
                there
                    .clone()
                    .filter(|around| around.is_connected())
                    .find_map(|around| around.query_selector(selector).ok()?)
            };
            NEAR.into_iter().find_map(find)
        };
        // What lay outside of any screen was on a sheet, which says itself where the focus goes.
        if !self.around.iter().any(|around| around.tag_name() == "SECTION") {
            return;
        }
        match post.cloned().or_else(beside).or_else(near) {
            Some(heading) if heading.tag_name().starts_with('H') => focus_on_heading(&heading),
            Some(next) => focus(Some(next)),
            None => focus_heading(window),
        }
    }
}

/// Elements that may get the focus when the focused one is gone, the best first: actions that remove nothing, a
/// field, actions that ask before they remove something, the title of the card.
const NEAR: [&str; 4] = [
    "button:not([disabled], .button-danger), a[href]",
    "input, textarea",
    "button:not([disabled])",
    "h2, h3",
];

/// Moves on in a group of radio buttons or tabs by an arrow key, as the patterns of ARIA have it: the next one gets the
/// focus and is chosen. Says whether it did.
pub(super) fn move_in_group(event: &Event) -> bool {
    let Some(key) = event.dyn_ref::<KeyboardEvent>() else { return false };
    // With these the arrows are the browser's: Alt and the left one go back.
    if key.alt_key() || key.ctrl_key() || key.meta_key() {
        return false;
    }
    let step: isize = match key.key().as_str() {
        "ArrowRight" | "ArrowDown" => 1,
        "ArrowLeft" | "ArrowUp" => -1,
        _ => return false,
    };
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let moved = || {
        let target = target?.closest("[role=radio],[role=tab]").ok()??;
        let group = target.closest("[role=radiogroup],[role=tablist]").ok()??;
        let role = target.get_attribute("role")?;
        let found = group.query_selector_all(&format!("[role={role}]")).ok()?;
        let all: Vec<HtmlElement> =
            (0..found.length()).filter_map(|index| found.get(index)?.dyn_into().ok()).collect();
        let here = all.iter().position(|one| **one == target)?;
        let next = all.get(here.checked_add_signed(step).unwrap_or(all.len() - 1) % all.len())?;
        drop(next.focus());
        next.click();
        Some(())
    };
    moved().is_some()
}

/// Whether this is a key that is held down on something that it presses: a press that lasts would answer the question that
/// follows it, too.
pub(super) fn is_held_press(event: &Event) -> bool {
    let Some(key) = event.dyn_ref::<KeyboardEvent>() else { return false };
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    key.repeat()
        && matches!(key.key().as_str(), "Enter" | " ")
        && target.is_some_and(|target| matches!(target.closest("a, button"), Ok(Some(_))))
}

/// A post may be shown twice, by itself and passed on: the one that has the focus goes before.
fn post(window: &Window, id: &str) -> Option<Element> {
    let post = format!("article[data-id=\"{id}\"]");
    let here = focused(window).and_then(|focused| focused.closest(&post).ok().flatten());
    here.or_else(|| window.document()?.query_selector(&post).ok()?)
}

fn put_caret(window: &Window, id: &str, units: u32) {
    let field = window.document().and_then(|document| document.get_element_by_id(id));
    if let Some(field) = field.and_then(|field| field.dyn_into::<HtmlTextAreaElement>().ok()) {
        drop(field.focus());
        drop(field.set_selection_range(units, units));
    }
}

/// Types into a field as if a person did. Where the browser does not let it, the next drawing puts the text there.
pub(super) fn type_text(window: &Window, id: &str, from: u32, to: u32, text: &str) {
    let document = window.document();
    let field = document.as_ref().and_then(|document| document.get_element_by_id(id));
    if let Some(field) = field.and_then(|field| field.dyn_into::<HtmlTextAreaElement>().ok())
        && let Some(document) = document.and_then(|document| document.dyn_into::<HtmlDocument>().ok())
    {
        drop(field.focus());
        drop(field.set_selection_range(from, to));
        drop(document.exec_command_with_show_ui_and_value("insertText", false, text));
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

fn in_post(post: &Element, hook: &str) -> Option<Element> {
    post.query_selector(&format!("[data-testid=\"{hook}\"]")).ok().flatten()
}

fn press_in_post(window: &Window, hook: &str) {
    let active = window.document().and_then(|document| document.active_element());
    let post = active.and_then(|active| active.closest("article").ok().flatten());
    let found = post.and_then(|post| in_post(&post, hook));
    if let Some(button) = found.and_then(|found| found.dyn_into::<HtmlElement>().ok()) {
        button.click();
    }
}

/// The focused element, unless it is the page as a whole.
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
