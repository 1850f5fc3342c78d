//! The whole state of the page, in one value. Only `update` changes it; the view only reads it.

pub mod comment;
pub mod compose;
pub mod connection;
pub mod deleted;
pub mod drafts;
pub mod likes;
pub mod lists;
pub mod mention;
pub mod missing;
pub mod muting;
pub mod names;
pub mod notices;
pub mod offer;
pub mod own_nodes;
pub mod people;
pub mod picture;
pub mod poll;
pub mod preferences;
pub mod quote;
pub mod reply;
pub mod signing;
pub mod thread;
pub mod timeline;
pub mod timeline_key;
pub mod typed;
pub mod welcome;
pub mod window;

use std::rc::Rc;

use nostrp2p_protocol::{
    Event, EventId, PeerId, PublicKey, UnsignedEvent,
    frame::{Carried, Delivery, RequestId},
};

use crate::{
    address::NodeAddress,
    letters,
    locale::{Language, Zone},
    profile::ProfileForm,
    route::Route,
    secret::Secret,
    sorted_map::{SortedMap, SortedSet},
};
use offer::Offer;
pub use {
    compose::{About, Compose},
    connection::{Connection, Cursor, Phase},
    deleted::Deleted,
    drafts::{Context, DraftAudience, Drafts, PostDraft, StoredDraft},
    likes::Likes,
    lists::Lists,
    mention::{Completion, LostMentions, Mentions},
    missing::Missing,
    names::Names,
    notices::Notices,
    people::People,
    picture::{Picture, Pictures},
    poll::{Ballot, Votes},
    preferences::{Media, Pace, Theme},
    quote::Quote,
    reply::Reply,
    signing::Signing,
    thread::FoundThread,
    timeline::{Post, Timeline},
    timeline_key::TimelineKey,
    welcome::{KeyStep, Onboarding, WelcomeStep},
    window::Window,
};

/// All that the page knows.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// What the browser reports about itself.
    pub environment: Environment,
    /// Opening, being set up, or in use.
    pub stage: PersonStage,
    /// The person's public key. The secret key is in the vault, never in the model.
    pub me: Option<PublicKey>,
    /// The signer, and tasks that wait for the key.
    pub signing: Signing,
    /// Whether the key was made here a moment ago, so that nothing by it can exist elsewhere.
    pub key_is_new: bool,
    /// Whether the person saved a copy of the key.
    pub backed_up: bool,
    /// At which relays the person has agreed to sign in.
    pub agreed: Vec<String>,
    /// For each relay the hour since 1970 in which logins were last signed without asking, and their number.
    pub signed_by_itself: SortedMap<String, (u64, u32)>,
    /// The way to the node.
    pub connection: Connection,
    /// Another node, which waits for the person's word.
    pub offer: Option<Offer>,
    /// The nodes that act for the person.
    pub own_nodes: own_nodes::OwnNodeList,
    /// Everyone's posts.
    pub timeline: Timeline,
    /// Likes.
    pub likes: Likes,
    /// The person's lists: follows, mutes and others.
    pub lists: Lists,
    /// The word that is typed to be muted.
    pub muted_word: String,
    /// To which version of the mute list what is muted of the timeline belongs.
    pub mute_version: u32,
    /// To which version of the own lists the tab belongs.
    pub tab_version: u32,
    /// The tab of the screen Home.
    pub tab: Tab,
    /// The posts of the tab, if it is a list of posts.
    pub tab_posts: SortedSet<EventId>,
    /// The people of the tab, if it is a list of people.
    pub tab_people: SortedSet<PublicKey>,
    /// The name that is typed for a new list of people.
    pub set_name: String,
    /// Whether the lists of people are shown on the page of one, to put them in.
    pub sorting: bool,
    /// Whether answers of those one follows are left out there.
    pub no_answers: bool,
    /// The search text.
    pub search: String,
    /// Deleted events.
    pub deleted: Deleted,
    /// Notifications.
    pub notices: Notices,
    /// Posts that are spoken of and not here.
    pub missing: Missing,
    /// Profiles.
    pub people: People,
    /// Votes in polls.
    pub votes: Votes,
    /// The options that are being chosen in a poll.
    pub ballot: Option<Ballot>,
    /// Events that the node has not acknowledged.
    pub outbox: Unacknowledged,
    /// The composer.
    pub compose: Compose,
    /// The form for the own profile.
    pub profile_form: ProfileForm,
    /// Which screen is shown.
    pub route: Route,
    /// The page of a person or a conversation, if that is the screen.
    pub open: Open,
    /// Pictures that somebody asked to see.
    pub pictures: Pictures,
    /// Names by a domain that somebody looked up: whom the domain names, once it has answered.
    pub names: Names,
    /// When pictures in posts are loaded.
    pub media: Media,
    /// How often the node may wake this device.
    pub pace: Pace,
    /// Whether the help sheet is open.
    pub help: bool,
    /// The colours.
    pub theme: Theme,
    /// How far a file of everything has come, while the node gives what it holds.
    pub exporting: Option<ExportProgress>,
    /// The language that the person chose, if it is not to follow the browser.
    pub chosen_language: Option<Language>,
    /// The secret key while it is shown on the screen "Me".
    pub revealed: Option<Secret>,
    /// Whether "forget this key" waits for a second yes.
    pub forget_asked: bool,
    /// The open menu under a post.
    pub menu: Option<Menu>,
    /// How the own post under which a menu was opened stands with the relays that get it, by their addresses.
    pub relays: Option<(EventId, Vec<(String, Delivery)>)>,
    /// The peer whose particulars are shown.
    pub chosen_peer: Option<PeerId>,
    /// A sentence at the edge of the page, for some seconds.
    pub notice: Option<String>,
    /// Why nothing can be kept over a reload, if so.
    pub storage_trouble: Option<String>,
    /// Whether a new version of the page waits for a reload.
    pub update_ready: bool,
    /// Said to screen readers.
    pub announcement: String,
    /// The moment of the last message, in milliseconds since 1970.
    pub now_ms: u64,
}

/// How far the person has come.
#[derive(Debug, Clone, Default)]
pub enum PersonStage {
    /// The storage is being read.
    #[default]
    Opening,
    /// Node, key and name are being set up.
    Welcome(Onboarding),
    /// In use.
    Using,
}

/// What the browser reports about itself.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// The address that the page came from.
    pub page: Option<NodeAddress>,
    /// Whether the page came over https.
    pub page_is_secure: bool,
    /// Whether keys can be kept encrypted: needs a secure context and IndexedDB.
    pub keeps_keys: bool,
    /// Whether there is room for a rail beside the text.
    pub wide: bool,
    /// Whether somebody can see the page.
    pub visible: bool,
    /// The language that the browser prefers, of those that the page speaks.
    pub language: Language,
    /// The reader's time zone.
    pub zone: Zone,
    /// Whether the command key is called Cmd.
    pub apple: bool,
    /// Whether an extension that signs is there.
    pub extension: bool,
    /// Whether the browser offers to install the page as an app.
    pub installable: bool,
}

/// The tabs of the screen Home: whose posts are shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Tab {
    /// Those of the people one follows, and one's own.
    Following,
    /// Those of everyone.
    #[default]
    Everyone,
    /// Posts that one keeps.
    Bookmarks,
    /// Those of the people in the follow set with this `d` tag.
    Set(Rc<str>),
}

/// The page of a person or a conversation while it is open.
#[derive(Debug, Clone, Default)]
pub struct Open {
    /// Which posts are drawn.
    pub window: Window,
    /// The request of the subscription by which the node keeps asking others.
    pub subscription: Option<RequestId>,
    /// Whether the own node has not answered yet.
    pub loading: bool,
    /// Whether the own node holds no more.
    pub ended: bool,
    /// Most events in the answer to the last request for older ones.
    pub asked: usize,
    /// The last event of the node's last answer to a question for older ones.
    pub answered: Option<TimelineKey>,
    /// The posts that the node found last.
    pub found: SortedSet<EventId>,
    /// The post with which the open conversation began, as it was known when its answers were asked for.
    pub root: Option<EventId>,
    /// The open conversation.
    pub thread: Option<FoundThread>,
}

/// A menu under a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Menu {
    /// The post.
    pub post: EventId,
    /// Its content.
    pub offers: Offers,
}

/// Kinds of menus under a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offers {
    /// Further actions besides answering and liking.
    More,
    /// To pass it on, as it is or with words of one's own.
    Repost,
    /// To delete it, with a warning.
    Deletion,
    /// To like it, with the question whether everyone may see that.
    Like,
}

/// How far an export by the node has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExportProgress {
    /// The sequence number up to which the node was gone through.
    pub through: u64,
    /// How many events are in the file.
    pub events: usize,
}

impl Offers {
    /// The hook of the button that opens it.
    pub const fn hook(self) -> &'static str {
        match self {
            Self::More | Self::Deletion => "more",
            Self::Repost => "repost",
            Self::Like => "like",
        }
    }
}

/// Events that the node has not acknowledged.
#[derive(Debug, Clone, Default)]
pub struct Unacknowledged {
    /// By event.
    pub waiting: SortedMap<EventId, Outgoing>,
    /// How events acknowledged since the page was opened travel; bounded.
    pub carried: SortedMap<EventId, Carried>,
    /// How far the owner's private events have come with each of the people they are for; bounded.
    pub deliveries: SortedMap<EventId, Vec<(PublicKey, Delivery)>>,
}

/// One event that the node has not acknowledged.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Signed.
    pub event: Event,
    /// Whether it outlives the page, or was found not to. Before that it is not sent.
    pub saved: bool,
    /// Why the node will not take it, if it said so.
    pub refused: Option<String>,
    /// The posts that it takes back, as long as the node has not taken it.
    pub hidden: Vec<UnsignedEvent>,
}

impl Unacknowledged {
    /// How many events wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

impl Model {
    /// Forgets everything but what the browser is and how it should look.
    pub fn forget(&mut self, stage: PersonStage) {
        *self = Self {
            environment: std::mem::take(&mut self.environment),
            stage,
            theme: self.theme,
            chosen_language: self.chosen_language,
            now_ms: self.now_ms,
            ..Self::default()
        };
    }

    /// The moment in seconds since 1970.
    pub const fn now(&self) -> u64 {
        self.now_ms / 1_000
    }

    /// The language that the page is to speak.
    pub fn wanted_language(&self) -> Language {
        self.chosen_language.unwrap_or(self.environment.language)
    }

    /// The displayed name of this person.
    pub fn name_of(&self, pubkey: &PublicKey) -> String {
        crate::profile::display_name(self.people.profile(pubkey), pubkey)
    }

    /// The displayed name of this person, for a sentence: `view::sentence` isolates it, so that a name that is
    /// written from right to left does not reorder the words around it.
    pub fn name_in_sentence(&self, pubkey: &PublicKey) -> String {
        letters::isolated(&self.name_of(pubkey))
    }

    /// The same, unless it is the one at this page.
    pub fn name_of_other(&self, pubkey: &PublicKey) -> Option<String> {
        (self.me.as_ref() != Some(pubkey)).then(|| self.name_in_sentence(pubkey))
    }

    /// The posts of the screen Home that are drawn, the newest first.
    pub fn home(&self) -> impl Iterator<Item = (&TimelineKey, &Post)> {
        self.home_from_window().take(self.timeline.window.drawn)
    }

    /// Whether the screen Home has at least that many posts below those that are drawn.
    pub fn home_goes_on(&self, posts: usize) -> bool {
        self.home_from_window().nth(self.timeline.window.drawn + posts.saturating_sub(1)).is_some()
    }

    fn home_from_window(&self) -> impl Iterator<Item = (&TimelineKey, &Post)> {
        let after = self.timeline.window.after();
        self.of_tab(after).filter(|(place, _)| !self.timeline.unseen.contains(&place.id))
    }

    /// The posts of the screen Home behind a place, the newest first: of everyone the unbroken run, of those one
    /// follows all.
    pub fn of_tab(&self, after: Option<TimelineKey>) -> impl Iterator<Item = (&TimelineKey, &Post)> {
        self.timeline.posts_after(after).filter(|(place, post)| self.belongs_to_tab(place, post))
    }

    fn belongs_to_tab(&self, place: &TimelineKey, post: &Post) -> bool {
        let author = post.author();
        let fits = match &self.tab {
            Tab::Everyone => !self.timeline.is_stray(place),
            Tab::Following => {
                (self.me.as_ref() == Some(author) || self.lists.follows(author))
                    && !(self.no_answers && self.is_answer(post))
            }
            Tab::Bookmarks => self.tab_posts.contains(&place.id),
            Tab::Set(_) => self.tab_people.contains(author),
        };
        let content = match post {
            Post::Written(unsigned) => timeline::CONTENT.contains(&unsigned.kind),
            Post::Reposted { .. } => true,
        };
        fits && content && !self.is_muted(place, post)
    }

    /// Whether a post answers somebody else, as far as that is known here.
    fn is_answer(&self, post: &Post) -> bool {
        let Post::Written(unsigned) = post else { return false };
        reply::target(unsigned).is_some_and(|target| {
            self.timeline.written(&target).is_none_or(|target| target.pubkey != unsigned.pubkey)
        })
    }

    /// Whether one does not want to read an entry of the timeline: for its author, itself, or what it passes on.
    pub fn is_muted(&self, place: &TimelineKey, post: &Post) -> bool {
        let mutes = |id: &EventId, author: Option<&PublicKey>| {
            self.timeline.muted.contains(id) || author.is_some_and(|author| self.lists.mutes(author))
        };
        mutes(&place.id, Some(post.author()))
            || match post {
                Post::Written(_) => false,
                Post::Reposted { target, .. } => {
                    mutes(target, self.timeline.written(target).map(|target| &target.pubkey))
                }
            }
    }

    /// Whether one does not want to read the post of this id, as far as it is here.
    pub fn is_muted_id(&self, id: &EventId) -> bool {
        self.timeline.entry(id).is_some_and(|(place, post)| self.is_muted(place, post))
    }

    /// How many posts wait behind "n new".
    pub fn unseen(&self) -> usize {
        let unseen = self.timeline.unseen.iter().filter_map(|id| self.timeline.entry(id));
        unseen.filter(|(place, post)| self.belongs_to_tab(place, post)).count()
    }

    /// The posts and reposts of this person that are here, the newest first.
    pub fn posts_of(&self, person: PublicKey) -> impl Iterator<Item = (&TimelineKey, &Post)> {
        self.posts_of_after(person, None)
    }

    /// The same from the first one on that is drawn on their page.
    pub fn posts_of_from_window(&self, person: PublicKey) -> impl Iterator<Item = (&TimelineKey, &Post)> {
        self.posts_of_after(person, self.open.window.after())
    }

    fn posts_of_after(
        &self,
        person: PublicKey,
        after: Option<TimelineKey>,
    ) -> impl Iterator<Item = (&TimelineKey, &Post)> {
        self.timeline.posts_after(after).filter(move |(_, post)| *post.author() == person)
    }

    /// The part of the list on this screen that is drawn.
    pub fn window_mut(&mut self) -> &mut Window {
        if self.route == Route::Home { &mut self.timeline.window } else { &mut self.open.window }
    }

    /// The key of the drawn post of this number, on a screen with a long list.
    pub fn drawn_place(&self, number: usize) -> Option<TimelineKey> {
        match self.route {
            Route::Home => self.home().nth(number),
            Route::Person(person) => self.posts_of_from_window(person).nth(number),
            Route::Thread(id, _) => {
                let thread = thread::around(self, id);
                let (id, _) = thread::from_window(&self.open.window, &thread.answers).get(number)?;
                self.timeline.entry(id)
            }
            _ => None,
        }
        .map(|(place, _)| *place)
    }

    /// The step of setting up, if that is going on.
    pub const fn welcome(&self) -> Option<&Onboarding> {
        match &self.stage {
            PersonStage::Welcome(welcome) => Some(welcome),
            PersonStage::Opening | PersonStage::Using => None,
        }
    }

    /// The step of setting up, to be changed.
    pub const fn welcome_mut(&mut self) -> Option<&mut Onboarding> {
        match &mut self.stage {
            PersonStage::Welcome(welcome) => Some(welcome),
            PersonStage::Opening | PersonStage::Using => None,
        }
    }

    /// Whether the login should go on by itself: there is a key, and no decision is open.
    pub fn is_decided(&self) -> bool {
        self.me.is_some()
            && match &self.stage {
                PersonStage::Opening => false,
                PersonStage::Using => true,
                PersonStage::Welcome(welcome) => {
                    matches!(welcome.step, WelcomeStep::Key(KeyStep::Proving) | WelcomeStep::Name)
                }
            }
    }
}
