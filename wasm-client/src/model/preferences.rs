//! Preferences: colours, pictures, and how often the node may wake this device.

/// Light, dark, or as the device says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// As the device says.
    #[default]
    Auto,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// When pictures in posts are loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Media {
    /// When somebody taps their place.
    #[default]
    Ask,
    /// At once from the people one follows, after a tap from others.
    Followed,
    /// Not at all: they stay links.
    Never,
}

/// How often the node may wake this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pace {
    /// At once while somebody looks, once a minute otherwise.
    #[default]
    Quick,
    /// Every ten seconds while somebody looks, every ten minutes otherwise; and no picture without a tap.
    Saver,
}

impl Theme {
    /// All three, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];

    /// The word that is stored, and that the style sheet knows.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

impl Media {
    /// All three, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::Ask, Self::Followed, Self::Never];

    /// The word that is stored.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Followed => "followed",
            Self::Never => "never",
        }
    }
}

impl Pace {
    /// Both, in the order in which they are offered.
    pub const ALL: [Self; 2] = [Self::Quick, Self::Saver];

    /// The word that is stored.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Saver => "saver",
        }
    }
}
