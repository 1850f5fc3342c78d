//! Settings: small values, each stored as a text under a name.

use std::borrow::Cow;

use super::row;
use crate::{
    address::{NodeAddress, ways::Home},
    locale::Language,
    model::{Context, Cursor, Media, Pace, StoredDraft, Tab, Theme},
};
use nostrp2p_protocol::{EventId, EventTemplate, Kind, PeerId, PublicKey, Tag, UnsignedEvent};

/// A setting with its new value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// How far the node's store has been followed.
    Cursor(Cursor),
    /// The node's address, when it is not the one that served the page.
    Node(Option<NodeAddress>),
    /// How the node is found from anywhere.
    Home(Option<Home>),
    /// Which node this page's own is, and for whose key. Another one is never taken for it.
    Pin(PeerId, PublicKey),
    /// The colours.
    Theme(Theme),
    /// The language, unless it is the one that the browser prefers.
    Language(Option<Language>),
    /// The draft about this, or None to remove it. Each is stored under a name of its own, so that two tabs write
    /// only what each of them changed.
    EventTemplate(Context, Option<Box<StoredDraft>>),
    /// What the composer refers to.
    Composing(Context),
    /// The time up to which notifications were read, in seconds since 1970.
    ReadUntil(u64),
    /// Whether the key was made on this device.
    MadeHere(bool),
    /// The tab of the screen Home.
    Tab(Tab),
    /// Known followers, each with the time since when, in seconds since 1970.
    Followers(Vec<(PublicKey, u64)>),
    /// When pictures in posts are loaded.
    Media(Media),
    /// How often the node may wake this device.
    Pace(Pace),
    /// Since when no post is missing in the storage, in seconds since 1970; 0 for all of what the node holds.
    KeptSince(u64),
    /// Whether the person saved a copy of the key.
    BackedUp(bool),
    /// At which relays the person has agreed to sign in.
    Agreed(Vec<String>),
    /// Whether everyone may see likes of people who read on Nostr relays only.
    PublicLikes(bool),
    /// Whether answers of those one follows are left out on the screen Home.
    NoAnswers(bool),
    /// The conversations that one follows, by their first posts.
    Threads(Vec<EventId>),
    /// The newest version of an own list, but for those of people whom one follows or mutes.
    OwnList(Box<UnsignedEvent>),
    /// The decrypted private part of a version of an own list: its kind and `d` tag, and the version.
    Private((Kind, String), EventId, Vec<Tag>),
}

/// All settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredSettings {
    /// See [`Setting::Cursor`].
    pub cursor: Option<Cursor>,
    /// See [`Setting::Node`].
    pub node: Option<NodeAddress>,
    /// See [`Setting::Home`].
    pub home: Option<Home>,
    /// See [`Setting::Pin`].
    pub pin: Option<(PeerId, PublicKey)>,
    /// See [`Setting::Theme`].
    pub theme: Theme,
    /// See [`Setting::Language`].
    pub language: Option<Language>,
    /// See [`Setting::EventTemplate`].
    pub drafts: Vec<(Context, StoredDraft)>,
    /// See [`Setting::Composing`].
    pub composing: Context,
    /// See [`Setting::ReadUntil`].
    pub read_until: u64,
    /// See [`Setting::MadeHere`].
    pub made_here: bool,
    /// See [`Setting::Tab`].
    pub tab: Tab,
    /// See [`Setting::Followers`].
    pub followers: Vec<(PublicKey, u64)>,
    /// See [`Setting::PublicLikes`].
    pub public_likes: Option<bool>,
    /// See [`Setting::NoAnswers`].
    pub no_answers: bool,
    /// See [`Setting::Threads`].
    pub threads: Vec<EventId>,
    /// See [`Setting::Media`].
    pub media: Media,
    /// See [`Setting::Pace`].
    pub pace: Pace,
    /// See [`Setting::KeptSince`].
    pub kept_since: u64,
    /// See [`Setting::BackedUp`].
    pub backed_up: bool,
    /// See [`Setting::Agreed`].
    pub agreed: Vec<String>,
    /// See [`Setting::OwnList`].
    pub lists: Vec<UnsignedEvent>,
    /// See [`Setting::Private`].
    pub private: Vec<(EventId, Vec<Tag>)>,
}

impl Setting {
    /// The name under which it is stored, without a space: a browser's storage holds name and text with one between them.
    pub fn name(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::EventTemplate(context, _) => return Cow::Owned(draft_name(*context)),
            Self::Composing(_) => "composing",
            Self::OwnList(list) => {
                let d = list.tag_values("d").next().unwrap_or_default();
                return Cow::Owned(list_name("list", list.kind, d));
            }
            Self::Private((kind, d), ..) => return Cow::Owned(list_name("private", *kind, d)),
            Self::Cursor(_) => "cursor",
            Self::Node(_) => "node",
            Self::Home(_) => "home",
            Self::Pin(..) => "pin",
            Self::Theme(_) => "theme",
            Self::Language(_) => "language",
            Self::ReadUntil(_) => "read_until",
            Self::MadeHere(_) => "made_here",
            Self::Tab(_) => "tab",
            Self::Followers(_) => "followers",
            Self::Media(_) => "media",
            Self::Pace(_) => "pace",
            Self::KeptSince(_) => "kept_since",
            Self::BackedUp(_) => "backed_up",
            Self::Agreed(_) => "agreed",
            Self::PublicLikes(_) => "public_likes",
            Self::NoAnswers(_) => "no_answers",
            Self::Threads(_) => "threads",
        })
    }

    /// The text that is stored; none to store nothing.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Cursor(Cursor { store, after }) => Some(format!("{store} {after}")),
            Self::Node(node) => node.as_ref().map(NodeAddress::url),
            Self::Home(home) => home.as_ref().map(Home::to_text),
            Self::Pin(peer, key) => Some(format!("{peer} {key}")),
            Self::Theme(theme) => Some(theme.word().to_owned()),
            Self::Language(language) => language.map(|language| language.tag().to_owned()),
            Self::EventTemplate(_, stored) => stored.as_ref().map(|stored| stored.to_text()),
            Self::Composing(context) => (*context != Context::New).then(|| context.to_text()),
            Self::Tab(tab) => match tab {
                Tab::Everyone => None,
                Tab::Following => Some("following".to_owned()),
                Tab::Bookmarks => Some("bookmarks".to_owned()),
                Tab::Set(set) => Some(format!("set {set}")),
            },
            Self::Followers(followers) => {
                let mut text = String::new();
                for (person, since) in followers {
                    text.push_str(&person.to_string());
                    text.push(' ');
                    text.push_str(&since.to_string());
                    text.push(' ');
                }
                Some(text).filter(|text| !text.is_empty())
            }
            Self::Agreed(relays) => Some(relays.join(" ")).filter(|text| !text.is_empty()),
            Self::Media(media) => Some(media.word().to_owned()),
            Self::Pace(pace) => Some(pace.word().to_owned()),
            Self::KeptSince(since) | Self::ReadUntil(since) => (*since > 0).then(|| since.to_string()),
            Self::PublicLikes(yes) => Some(if *yes { "yes" } else { "no" }.to_owned()),
            Self::OwnList(list) => Some(bytes_as_text(&row::from_rumor(list))),
            Self::Private((kind, _), version, tags) => {
                let private = EventTemplate {
                    created_at: 0,
                    kind: *kind,
                    tags: tags.clone(),
                    content: version.to_string(),
                };
                Some(bytes_as_text(&row::from_rumor(&private.by(PublicKey::from_bytes([0; 32])))))
            }
            Self::Threads(threads) => {
                let mut text = String::new();
                for thread in threads {
                    text.push_str(&thread.to_string());
                    text.push(' ');
                }
                Some(text).filter(|text| !text.is_empty())
            }
            Self::BackedUp(yes) | Self::MadeHere(yes) | Self::NoAnswers(yes) => yes.then(|| "yes".to_owned()),
        }
    }
}

impl StoredSettings {
    /// Takes over one stored setting. What does not read is passed over: a setting can be set again.
    pub fn read(&mut self, name: &str, text: &str) {
        if let Some(context) = draft_context(name) {
            self.drafts.extend(StoredDraft::parse(text).map(|stored| (context, stored)));
            return;
        }
        if name.starts_with("list:") {
            self.lists.extend(text_as_row(text));
        } else if name.starts_with("private:")
            && let Some(private) = text_as_row(text)
            && let Ok(version) = private.content.parse()
        {
            self.private.push((version, private.tags));
        }
        match name {
            "cursor" => {
                self.cursor = text.split_once(' ').and_then(|(store, after)| {
                    Some(Cursor { store: store.parse().ok()?, after: after.parse().ok()? })
                });
            }
            "node" => self.node = NodeAddress::parse(text, false).ok(),
            "home" => self.home = Home::parse(text),
            "pin" => {
                self.pin = text
                    .split_once(' ')
                    .and_then(|(peer, key)| Some((peer.parse().ok()?, key.parse().ok()?)));
            }
            "theme" => {
                self.theme = Theme::ALL.into_iter().find(|theme| theme.word() == text).unwrap_or_default()
            }
            "language" => self.language = Language::of_tag(text),
            "composing" => self.composing = Context::parse(text).unwrap_or_default(),
            "read_until" => self.read_until = text.parse().unwrap_or_default(),
            "made_here" => self.made_here = text == "yes",
            "tab" => {
                self.tab = match (text, text.strip_prefix("set ")) {
                    ("following", _) => Tab::Following,
                    ("bookmarks", _) => Tab::Bookmarks,
                    (_, Some(set)) => Tab::Set(set.into()),
                    _ => Tab::Everyone,
                }
            }
            "followers" => {
                let mut words = text.split_whitespace();
                while let (Some(person), Some(since)) = (words.next(), words.next()) {
                    if let (Ok(person), Ok(since)) = (person.parse(), since.parse()) {
                        self.followers.push((person, since));
                    }
                }
            }
            "media" => {
                self.media = Media::ALL.into_iter().find(|media| media.word() == text).unwrap_or_default();
            }
            "pace" => {
                self.pace = Pace::ALL.into_iter().find(|pace| pace.word() == text).unwrap_or_default();
            }
            "kept_since" => self.kept_since = text.parse().unwrap_or_default(),
            "backed_up" => self.backed_up = text == "yes",
            "no_answers" => self.no_answers = text == "yes",
            "threads" => {
                self.threads = text.split_whitespace().filter_map(|id| id.parse().ok()).collect();
            }
            "public_likes" => self.public_likes = Some(text == "yes"),
            "agreed" => {
                self.agreed =
                    text.split(' ').filter(|relay| relay.contains("://")).map(str::to_owned).collect();
            }
            _ => {}
        }
    }
}

/// The name under which something of a list is stored. What it calls itself is not read back from there.
fn list_name(what: &str, kind: Kind, d: &str) -> String {
    format!("{what}:{}:{}", kind.0, d.replace(' ', "\n"))
}

/// Bytes as a text of as many characters, because settings are texts.
fn bytes_as_text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// Reads [`bytes_as_text`] of a row.
fn text_as_row(text: &str) -> Option<UnsignedEvent> {
    let bytes = text.chars().map(|c| u8::try_from(c).ok()).collect::<Option<Vec<u8>>>()?;
    row::to_rumor(&bytes)
}

/// The name under which the draft about this is stored.
pub fn draft_name(context: Context) -> String {
    format!("draft:{}", context.to_text())
}

/// Reads [`draft_name`].
pub fn draft_context(name: &str) -> Option<Context> {
    Context::parse(name.strip_prefix("draft:")?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PostDraft;

    #[test]
    fn every_setting_survives_its_text() {
        let node = NodeAddress::parse("wss://node.example:8443", true).ok();
        let home = Some(Home {
            peer: PeerId::from_ed25519([3; 32]),
            key: nostrp2p_protocol::channel::ChannelKey::from_bytes([7; 32]),
            addresses: vec![],
            helpers: node.iter().cloned().collect(),
        });
        let draft = |text: &str| StoredDraft {
            touched: 5,
            draft: PostDraft { text: text.into(), ..PostDraft::default() },
            ..StoredDraft::default()
        };
        let tags = vec![Tag::new(["d", "é"]), Tag::new(["p", "\u{1f}\n", ""])];
        let list = EventTemplate { created_at: 7, kind: Kind(30_000), tags, content: "ü".into() };
        let list = list.by(PublicKey::from_bytes([2; 32]));
        let (new, quote) = (Context::New, Context::Quote(EventId::from_bytes([4; 32])));
        let settings = [
            Setting::Cursor(Cursor { store: u64::MAX, after: 7 }),
            Setting::Node(node.clone()),
            Setting::Home(home.clone()),
            Setting::Pin(PeerId::from_ed25519([3; 32]), PublicKey::from_bytes([2; 32])),
            Setting::Theme(Theme::Dark),
            Setting::Language(Some(Language::Japanese)),
            Setting::EventTemplate(new, Some(Box::new(draft("hello\nyou")))),
            Setting::EventTemplate(quote, Some(Box::new(draft("later\n")))),
            Setting::Composing(quote),
            Setting::ReadUntil(6),
            Setting::MadeHere(true),
            Setting::Tab(Tab::Following),
            Setting::Followers(vec![(PublicKey::from_bytes([2; 32]), 7)]),
            Setting::Media(Media::Never),
            Setting::PublicLikes(false),
            Setting::NoAnswers(true),
            Setting::Threads(vec![list.id(), EventId::from_bytes([4; 32])]),
            Setting::Pace(Pace::Saver),
            Setting::KeptSince(5),
            Setting::BackedUp(true),
            Setting::Agreed(vec!["wss://a.example".into(), "ws://b.example:7000".into()]),
            Setting::OwnList(Box::new(list.clone())),
            Setting::Private((Kind(30_000), "my é".into()), list.id(), list.tags.clone()),
        ];
        let mut read = StoredSettings::default();
        for setting in &settings {
            assert!(!setting.name().contains(' '), "{}", setting.name());
            read.read(&setting.name(), &setting.text().unwrap());
        }
        let expected = StoredSettings {
            cursor: Some(Cursor { store: u64::MAX, after: 7 }),
            node,
            home,
            pin: Some((PeerId::from_ed25519([3; 32]), PublicKey::from_bytes([2; 32]))),
            theme: Theme::Dark,
            language: Some(Language::Japanese),
            drafts: vec![(new, draft("hello\nyou")), (quote, draft("later\n"))],
            composing: quote,
            read_until: 6,
            made_here: true,
            tab: Tab::Following,
            followers: vec![(PublicKey::from_bytes([2; 32]), 7)],
            media: Media::Never,
            public_likes: Some(false),
            no_answers: true,
            threads: vec![list.id(), EventId::from_bytes([4; 32])],
            pace: Pace::Saver,
            kept_since: 5,
            backed_up: true,
            agreed: vec!["wss://a.example".into(), "ws://b.example:7000".into()],
            private: vec![(list.id(), list.tags.clone())],
            lists: vec![list],
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn every_tab_survives_its_text() {
        for tab in [Tab::Everyone, Tab::Following, Tab::Bookmarks, Tab::Set("my people".into())] {
            let setting = Setting::Tab(tab.clone());
            let mut read = StoredSettings::default();
            setting.text().iter().for_each(|text| read.read(&setting.name(), text));
            assert_eq!(read.tab, tab);
        }
    }

    #[test]
    fn broken_texts_fall_back() {
        let mut read = StoredSettings::default();
        for name in [
            "cursor",
            "node",
            "home",
            "pin",
            "theme",
            "language",
            "reply",
            "quote",
            "drafts",
            "mentions",
            "composing",
            "draft:n",
            "list:10003:",
            "private:10003:",
            "followers",
            "media",
            "pace",
            "made_here",
            "tab",
            "read_until",
            "kept_since",
            "backed_up",
            "agreed",
            "unknown",
        ] {
            read.read(name, "\u{0} broken");
        }
        assert_eq!(read, StoredSettings::default());
    }
}
