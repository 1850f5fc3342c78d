//! The contrast of the colours (WCAG 2.2, 1.4.3).

use std::collections::BTreeMap;

const TOKENS: &str = include_str!("../../../../www/tokens.css");

#[test]
fn text_has_a_contrast_of_at_least_four_and_a_half() {
    let pairs = [
        ("ink", "paper"),
        ("ink", "card"),
        ("ink", "accent-soft"),
        ("ink", "warn-soft"),
        ("muted", "paper"),
        ("muted", "card"),
        ("accent", "paper"),
        ("accent", "card"),
        ("accent", "accent-soft"),
        ("on-accent", "accent"),
        ("paper", "ink"),
        ("warn", "paper"),
        ("warn", "card"),
        ("good", "paper"),
        ("bad", "paper"),
        ("bad", "card"),
        ("bad", "bad-soft"),
    ];
    let schemes = schemes();
    assert_eq!(schemes.len(), 3, "light, dark by the device, dark by choice");
    assert_eq!(schemes[1], schemes[2], "both dark schemes are the same");
    for (index, scheme) in schemes.iter().enumerate() {
        for (text, ground) in pairs {
            let contrast = contrast(scheme[text], scheme[ground]);
            assert!(contrast >= 4.5, "scheme {index}: {text} on {ground} has only {contrast:.2}");
        }
    }
}

type Colour = [f64; 3];

/// The blocks of the token file that set colours.
fn schemes() -> Vec<BTreeMap<&'static str, Colour>> {
    let mut schemes = Vec::new();
    for block in TOKENS.split('{').skip(1) {
        let block = block.split('}').next().unwrap();
        let colours: BTreeMap<&str, Colour> = block
            .lines()
            .filter_map(|line| line.trim().strip_prefix("--")?.strip_suffix(';')?.split_once(": #"))
            .map(|(name, hex)| (name, colour(hex)))
            .collect();
        if !colours.is_empty() {
            schemes.push(colours);
        }
    }
    schemes
}

fn colour(hex: &str) -> Colour {
    [0, 2, 4].map(|at| f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0)
}

/// WCAG 2.2, contrast ratio of relative luminances.
fn contrast(one: Colour, other: Colour) -> f64 {
    let linear =
        |value: f64| if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) };
    let luminance = |[r, g, b]: Colour| 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}
