//! A pattern drawn from a public key, so that people are told apart without loading a picture.

use nostrp2p_protocol::PublicKey;

use super::Html;
use crate::{
    model::Model,
    route::Route,
    vdom::{element, svg},
};

/// How many colours there are: enough to tell neighbours in a list apart, few enough to stay in harmony.
const HUES: u32 = 18;
/// The dots of the left half and the middle column that lie within the circle: column, row.
const DOTS: [(u8, u8); 13] =
    [(1, 0), (2, 0), (0, 1), (1, 1), (2, 1), (0, 2), (1, 2), (2, 2), (0, 3), (1, 3), (2, 3), (1, 4), (2, 4)];

/// Draws the pattern as an SVG of 44 units; the style sheet or the caller gives it a size.
pub fn avatar(pubkey: &PublicKey) -> Html {
    let bytes = pubkey.as_bytes();
    // The last bytes: people who grind their key for a nice npub choose the first ones.
    let seed = bytes.iter().skip(24).fold(0u64, |seed, byte| seed << 8 | u64::from(*byte));
    let hue = u32::try_from(seed % u64::from(HUES)).unwrap_or(0) * (360 / HUES);
    let colour = format!("hsl({hue} 48% 52%)");
    let bits = seed / u64::from(HUES);
    // A pattern with hardly a dot tells nobody apart; its opposite does.
    let sparse = (bits & 0x1fff).count_ones() < 5;
    let bits = if sparse { !bits } else { bits };
    let dots = DOTS.iter().enumerate().filter(|(index, _)| bits >> index & 1 == 1);
    // One path for all dots: a list of posts would else hold twenty times as many nodes.
    let path = dots.fold(String::new(), |path, (_, (column, row))| {
        let mirrored = if *column < 2 { dot(4 - *column, *row) } else { String::new() };
        path + &dot(*column, *row) + &mirrored
    });
    svg("svg")
        .picture(pubkey.to_string())
        .class("avatar")
        .with("viewBox", "0 0 44 44")
        .with("aria-hidden", "true")
        .child(
            svg("circle")
                .with("cx", "22")
                .with("cy", "22")
                .with("r", "22")
                .with("fill", colour.clone())
                .with("fill-opacity", "0.18"),
        )
        .child(svg("path").with("fill", colour).with("d", path))
}

/// The pattern as a link to the person's page. Beside the name, which is a link too, it is passed over by the keyboard.
pub fn link(model: &Model, pubkey: &PublicKey) -> Html {
    element("a")
        .class("avatar-link")
        .with("href", Route::Person(*pubkey).fragment())
        .with("aria-label", model.name_of(pubkey))
        .with("tabindex", "-1")
        .child(avatar(pubkey))
}

/// A circle of radius 2.9, seven units from the next, from its left end.
fn dot(column: u8, row: u8) -> String {
    let (x, y) = (5 + u32::from(column) * 7, 8 + u32::from(row) * 7);
    format!("M{x}.1 {y}a2.9 2.9 0 1 1 5.8 0a2.9 2.9 0 1 1-5.8 0z")
}
