//! Which screen is shown, as the part of the address behind `#`, so that the back button does what people expect.

/// A screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Route {
    /// Everyone's posts.
    #[default]
    Home,
    /// The composer, on a small screen.
    Write,
    /// The own node and its neighbours.
    Network,
    /// The own profile.
    Me,
    /// Settings.
    Settings,
}

impl Route {
    /// All screens.
    pub const ALL: [Self; 5] = [Self::Home, Self::Write, Self::Network, Self::Me, Self::Settings];

    /// The address of the screen.
    pub const fn fragment(self) -> &'static str {
        match self {
            Self::Home => "#/",
            Self::Write => "#/write",
            Self::Network => "#/network",
            Self::Me => "#/me",
            Self::Settings => "#/settings",
        }
    }

    /// The screen of an address; Home for any other.
    pub fn from_fragment(fragment: &str) -> Self {
        Self::ALL.into_iter().find(|route| route.fragment() == fragment).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_screen_is_found_by_its_address() {
        for route in Route::ALL {
            assert_eq!(Route::from_fragment(route.fragment()), route);
        }
        assert_eq!(Route::from_fragment("#claim=00"), Route::Home);
    }
}
