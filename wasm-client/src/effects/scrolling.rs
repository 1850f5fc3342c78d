//! Reports what scrolls into view and out of it, only when that changes something, so that scrolling itself costs
//! next to nothing.

use std::{cell::Cell, rc::Rc};

use gloo_events::EventListener;
use web_sys::{Element, Window};

use super::App;
use crate::message::{BrowserNews, Message};

/// How many pixels may be scrolled before the beginning counts as out of sight.
const TOP_PIXELS: f64 = 120.0;
/// How many pixels before its end the next part of a long page is drawn: some screens of a phone.
const END_PIXELS: f64 = 2_000.0;
/// How many pixels above the window posts go out of the page.
const PASSED_PIXELS: f64 = 2_000.0;
/// How many pixels above the window they are back: a good deal fewer, or the same ones would come and go.
const BACK_PIXELS: f64 = 800.0;
/// How many posts go out at once; they come back together.
const PASSED_POSTS: usize = 2;

/// The last report.
pub(super) struct Sight {
    at_top: Cell<bool>,
    end: Cell<i32>,
    /// Whether the last that was told is that posts went out, and not that the end is near.
    passed: Cell<bool>,
}

impl Default for Sight {
    fn default() -> Self {
        Self { at_top: Cell::new(true), end: Cell::new(0), passed: Cell::new(false) }
    }
}

impl Sight {
    /// Something came in from elsewhere, so an end that led nowhere may go on now.
    pub(super) fn renew(&self) {
        self.end.set(0);
    }
}

/// Looks whenever somebody scrolls, until the listener is dropped.
pub(super) fn on_scroll(app: &Rc<App>) -> EventListener {
    let weak = Rc::downgrade(app);
    EventListener::new(&app.window, "scroll", move |_| {
        if let Some(app) = weak.upgrade() {
            look(&app);
        }
    })
}

/// Reports whether the beginning is in sight, once for each end that comes near, and posts that need not be drawn any
/// more or have to be again. What waits to be drawn is looked at when it is.
pub(super) fn look(app: &Rc<App>) {
    if app.drawing.get() {
        return;
    }
    let Sight { at_top, end, passed } = &app.sight;
    let told = |told| app.dispatch(Message::Browser(told));
    let scrolled = app.window.scroll_y().unwrap_or_default();
    let is_at_top = scrolled < TOP_PIXELS;
    if at_top.replace(is_at_top) != is_at_top {
        told(BrowserNews::AtTop(is_at_top));
    }
    let moved = moved(&app.window);
    let height = app.window.inner_height().ok().and_then(|height| height.as_f64()).unwrap_or_default();
    let root = app.window.document().and_then(|document| document.document_element());
    let now = root.map_or(0, |root| root.scroll_height());
    let near_end = scrolled + height + END_PIXELS > f64::from(now) && end.get() != now;
    // Posts that go and posts that come would be too much for one frame of a slow phone; they take turns.
    match moved {
        Some(back @ BrowserNews::WentBack(_)) => told(back),
        Some(gone) if !near_end || !passed.get() => {
            passed.set(true);
            told(gone);
        }
        _ if near_end => {
            passed.set(false);
            end.set(now);
            told(BrowserNews::NearEnd);
        }
        _ => {}
    }
}

/// Whether posts went far out of sight above the window, or come near it again.
fn moved(window: &Window) -> Option<BrowserNews> {
    let feed = window.document()?.query_selector("[role=feed]").ok()??;
    let mut first = feed.first_element_child()?;
    let begin = feed.get_bounding_client_rect().top();
    // Drawn by `view::post::passed`; everything else in a list is HTML.
    if first.tag_name() == "svg" {
        let space = first.get_bounding_client_rect();
        if space.bottom() > -BACK_PIXELS {
            return Some(BrowserNews::WentBack(pixels(-BACK_PIXELS - begin)));
        }
        first = first.next_element_sibling()?;
    }
    if top(&first) > -PASSED_PIXELS {
        return None;
    }
    let mut next = first;
    for _ in 0..PASSED_POSTS {
        next = next.next_element_sibling()?;
    }
    let edge = top(&next);
    (edge < -PASSED_PIXELS).then(|| BrowserNews::Passed(PASSED_POSTS, pixels(edge - begin)))
}

fn top(element: &Element) -> f64 {
    element.get_bounding_client_rect().top()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
fn pixels(length: f64) -> u32 {
    length.round() as u32
}
