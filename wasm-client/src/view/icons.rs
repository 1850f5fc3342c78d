//! One small set of icons: 24 px box, 1.75 px strokes, in the colour of the text around them. And the logo.

use super::Html;
use crate::vdom::svg;

/// An icon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    /// A house.
    Home,
    /// A pen.
    Write,
    /// Three nodes, linked.
    Network,
    /// Head and shoulders.
    Person,
    /// Two sliders.
    Settings,
    /// A clock.
    Clock,
    /// A tick.
    Tick,
    /// Two ticks.
    Ticks,
    /// An exclamation mark in a circle.
    Warning,
    /// An arrow up.
    Up,
    /// An arrow to the left.
    Back,
    /// A key.
    Key,
    /// A plus sign.
    Plus,
    /// Two arrows in a circle.
    Repost,
    /// An arrow that turns back.
    Reply,
    /// Two sheets.
    Copy,
    /// An arrow into a tray.
    Download,
    /// A heart.
    Heart,
    /// A globe.
    Everyone,
    /// A closed lock.
    Lock,
    /// A cross.
    Close,
    /// Three dots.
    More,
    /// A magnifying glass.
    Search,
    /// A bell.
    Bell,
    /// A picture in its frame.
    Picture,
}

/// Draws an icon. It says nothing to screen readers: the text beside it does.
pub fn icon(icon: Icon) -> Html {
    svg("svg")
        .picture(path(icon))
        .class("icon")
        .with("viewBox", "0 0 24 24")
        .with("aria-hidden", "true")
        .child(svg("path").with("d", path(icon)))
}

const fn path(icon: Icon) -> &'static str {
    match icon {
        Icon::Home => "M4 11.2 12 4.5l8 6.7V19a1 1 0 0 1-1 1h-4.5v-5.5h-5V20H5a1 1 0 0 1-1-1z",
        Icon::Write => {
            "M5 19l.8-3.8L16.6 4.4a1.7 1.7 0 0 1 2.4 0l.6.6a1.7 1.7 0 0 1 0 2.4L8.8 18.2zM14.5 6.5l3 3"
        }
        Icon::Network => {
            "M9.5 6.5a2.5 2.5 0 1 1 5 0a2.5 2.5 0 1 1-5 0M3.5 17a2.5 2.5 0 1 1 5 0a2.5 2.5 0 1 1-5 0M15.5 17a2.5 2.5 0 1 1 5 0a2.5 2.5 0 1 1-5 0M10.8 8.7 7.2 14.8M13.2 8.7l3.6 6.1M8.5 17h7"
        }
        Icon::Person => "M8 8.2a4 4 0 1 1 8 0a4 4 0 1 1-8 0M4.5 20c.6-3.9 3.6-6 7.5-6s6.9 2.1 7.5 6",
        Icon::Settings => {
            "M4 8h8M17 8h3M12 8a2.5 2.5 0 1 1 5 0a2.5 2.5 0 1 1-5 0M4 16h3M12 16h8M7 16a2.5 2.5 0 1 1 5 0a2.5 2.5 0 1 1-5 0"
        }
        Icon::Clock => "M4 12a8 8 0 1 1 16 0a8 8 0 1 1-16 0M12 7.5V12l3 2",
        Icon::Tick => "M5 12.5l4.5 4.5L19 7.5",
        Icon::Ticks => "M2.5 12.5l4.5 4.5L16 7.5M11.5 16l1 1L22 7.5",
        Icon::Warning => "M4 12a8 8 0 1 1 16 0a8 8 0 1 1-16 0M12 8v4.8M12 15.8v.2",
        Icon::Up => "M12 19V5.5M6 11l6-6 6 6",
        Icon::Back => "M19 12H5.5M11 6l-6 6 6 6",
        Icon::Key => "M4 16a4 4 0 1 1 8 0a4 4 0 1 1-8 0M10.9 13.1 19.5 4.5M16 8l2.5 2.5",
        Icon::Plus => "M12 5v14M5 12h14",
        Icon::Repost => {
            "M7 7h9a3 3 0 0 1 3 3v1.5M9.5 4.5 7 7l2.5 2.5M17 17H8a3 3 0 0 1-3-3v-1.5M14.5 19.5 17 17l-2.5-2.5"
        }
        Icon::Reply => "M9.5 6 4.5 11l5 5M5 11h8.5a6 6 0 0 1 6 6v1",
        Icon::Copy => {
            "M9 9h9a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H9a1 1 0 0 1-1-1v-9a1 1 0 0 1 1-1M5 15V5a1 1 0 0 1 1-1h9"
        }
        Icon::Download => "M12 4v11M7 10.5l5 5 5-5M5 19.5h14",
        Icon::Heart => {
            "M12 19.5C7.2 16 4 13 4 9.4A4.3 4.3 0 0 1 8.3 5c1.5 0 2.9.8 3.7 2.2A4.3 4.3 0 0 1 15.7 5 4.3 4.3 0 0 1 20 9.4c0 3.6-3.2 6.6-8 10.1z"
        }
        Icon::Everyone => {
            "M4 12a8 8 0 1 1 16 0a8 8 0 1 1-16 0M4 12h16M12 4c5 5 5 11 0 16M12 4c-5 5-5 11 0 16"
        }
        Icon::Lock => {
            "M6.5 11h11a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1h-11a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1M8.5 11V8a3.5 3.5 0 0 1 7 0v3"
        }
        Icon::Search => "M4.5 10.5a6 6 0 1 1 12 0a6 6 0 1 1-12 0M15 15l4.5 4.5",
        Icon::Bell => {
            "M6 16.5c1.2-1.2 1.5-2.6 1.5-5.5a4.5 4.5 0 0 1 9 0c0 2.9.3 4.3 1.5 5.5zM10 19.5a2.1 2.1 0 0 0 4 0"
        }
        Icon::Picture => {
            "M5.5 5h13a1.5 1.5 0 0 1 1.5 1.5v11a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 17.5v-11A1.5 1.5 0 0 1 5.5 5M4.5 16.5l4.5-4.5 3.5 3.5 2.5-2.5 4.5 4.5M14 9a1.3 1.3 0 1 0 2.6 0a1.3 1.3 0 1 0-2.6 0"
        }
        Icon::More => {
            "M5 12a1 1 0 1 1 2 0a1 1 0 1 1-2 0M11 12a1 1 0 1 1 2 0a1 1 0 1 1-2 0M17 12a1 1 0 1 1 2 0a1 1 0 1 1-2 0"
        }
        Icon::Close => "M6 6l12 12M18 6 6 18",
    }
}

/// The logo: three nodes whose links form a speech bubble.
pub fn logo() -> Html {
    let node = |x, y| svg("circle").class("logo-node").with("cx", x).with("cy", y).with("r", "7");
    svg("svg")
        .class("logo")
        .with("viewBox", "0 0 64 64")
        .with("aria-hidden", "true")
        .child(svg("path").class("logo-link").with("d", LOGO_BUBBLE))
        .children([node("15", "21"), node("51", "24"), node("16", "52")])
}

/// The outline of the bubble; the icons of `www/` draw the same.
const LOGO_BUBBLE: &str = "M15 21C19 11 43 7 51 24C56 40 40 48 28 46L16 52L17 41C12 36 11 28 15 21Z";
