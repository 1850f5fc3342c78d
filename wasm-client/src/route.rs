//! The screen that is shown, as the part of the address behind `#`, so that the back button works as people expect.

use nostrp2p_protocol::{EventId, EventPointer, ProfilePointer, PublicKey};

use crate::vdom::Text;

/// A screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Route {
    /// The posts of everyone, or of those one follows.
    #[default]
    Home,
    /// The composer, on a small screen.
    Write,
    /// A search for people and posts.
    Find,
    /// Notifications.
    Notifications,
    /// The own node and its neighbours.
    Network,
    /// The own profile.
    Me,
    /// Settings.
    Settings,
    /// A person.
    Person(PublicKey),
    /// A post with what it answers and what answers it, and who wrote it, if that is known.
    Thread(EventId, Option<PublicKey>),
}

impl Route {
    /// All screens that are about nobody in particular.
    pub const PLAIN: [Self; 7] =
        [Self::Home, Self::Write, Self::Find, Self::Notifications, Self::Network, Self::Me, Self::Settings];

    /// The address of the screen.
    pub fn fragment(&self) -> Text {
        match self {
            Self::Home => "#/".into(),
            Self::Write => "#/write".into(),
            Self::Find => "#/find".into(),
            Self::Notifications => "#/notifications".into(),
            Self::Network => "#/network".into(),
            Self::Me => "#/me".into(),
            Self::Settings => "#/settings".into(),
            Self::Person(person) => format!("#/p/{}", person.to_npub()).into(),
            Self::Thread(id, author) => {
                let pointer = EventPointer { id: *id, relays: Vec::new(), author: *author, kind: None };
                format!("#/e/{}", pointer.to_nevent()).into()
            }
        }
    }

    /// The screen of an address; Home for any other.
    pub fn from_fragment(fragment: &str) -> Self {
        let named = fragment.strip_prefix("#/p/").or_else(|| fragment.strip_prefix("#/e/"));
        match named {
            Some(code) => Self::from_code(code).unwrap_or_default(),
            None => Self::PLAIN.into_iter().find(|route| route.fragment() == fragment).unwrap_or_default(),
        }
    }

    /// The screen of a person or post that is named as NIP-19 or NIP-21 do.
    pub fn from_code(code: &str) -> Option<Self> {
        let code = code.trim();
        let code = code.strip_prefix("nostr:").unwrap_or(code);
        match code.split_once('1')?.0 {
            "npub" => PublicKey::from_npub(code).ok().map(Self::Person),
            "nprofile" => {
                ProfilePointer::from_nprofile(code).ok().map(|pointer| Self::Person(pointer.pubkey))
            }
            "note" => EventId::from_note(code).ok().map(|id| Self::Thread(id, None)),
            "nevent" => {
                EventPointer::from_nevent(code).ok().map(|pointer| Self::Thread(pointer.id, pointer.author))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_screen_is_found_by_its_address() {
        let (person, id) = (PublicKey::from_bytes([1; 32]), EventId::from_bytes([2; 32]));
        let named = [Route::Person(person), Route::Thread(id, None), Route::Thread(id, Some(person))];
        for route in Route::PLAIN.into_iter().chain(named) {
            assert_eq!(Route::from_fragment(&route.fragment()), route);
        }
        assert_eq!(Route::from_fragment("#claim=00"), Route::Home);
    }

    #[test]
    fn people_and_posts_are_found_however_they_are_named() {
        let (person, id) = (PublicKey::from_bytes([1; 32]), EventId::from_bytes([2; 32]));
        let nprofile =
            ProfilePointer { pubkey: person, relays: vec!["wss://x.example".into()] }.to_nprofile();
        assert_eq!(Route::from_fragment(&format!("#/p/{nprofile}")), Route::Person(person));
        assert_eq!(Route::from_code(&format!(" nostr:{} ", person.to_npub())), Some(Route::Person(person)));
        assert_eq!(Route::from_fragment(&format!("#/e/{}", id.to_note())), Route::Thread(id, None));
        for broken in ["#/p/npub1x", "#/e/", "#/p/nsec1", "#/e/nevent1zzz"] {
            assert_eq!(Route::from_fragment(broken), Route::Home, "{broken}");
        }
    }
}
