//! Messages: everything that can happen, as one closed enum.

use std::rc::Rc;

use nostrp2p_protocol::{
    Event, EventId, PeerId, PublicKey, Tag, UnsignedEvent,
    frame::{NodeFrame, Permission},
};

use crate::{
    address::ClaimToken,
    effect::Timer,
    locale::Language,
    model::{
        DraftAudience, Environment, Media, Menu, Pace, Tab, Theme,
        lists::ListChange,
        offer::Wish,
        signing::{For, NotOpened, Purpose, Signer},
    },
    nip05::DomainName,
    secret::Secret,
    storage::{Snapshot, StorageError},
    tabs::Tidings,
    vdom::KeyPress,
};

/// Something that happened.
///
/// What the page draws holds messages, and gives a copy of one for each click. What only comes from outside is shared and
/// taken out by the one who gets it ([`Rc::into_inner`]), so that no code is needed that copies frames and what was stored.
#[derive(Debug, Clone)]
pub enum Message {
    /// The storage was read; the first message of all.
    Started(Rc<Start>),
    /// The socket.
    Socket {
        /// Which attempt it belongs to.
        attempt: u32,
        /// The socket's event.
        event: SocketEvent,
    },
    /// A timer that was set has run out.
    Timer(Timer),
    /// The result of a signature.
    Signed(Purpose, Result<Box<Event>, String>),
    /// An event was written to the outbox, or not.
    OutgoingSaved(EventId, Result<(), StorageError>),
    /// Another write to the storage failed.
    StorageFailed(StorageError),
    /// The decrypted private part of a version of an own list; or why it could not be decrypted.
    ListOpened(EventId, Result<Vec<Tag>, String>),
    /// Older events from the storage.
    OlderLoaded(Vec<UnsignedEvent>),
    /// News of the browser.
    Browser(BrowserNews),
    /// Setting up.
    Welcome(Setup),
    /// Reading.
    Reading(Reading),
    /// Writing.
    Writing(Writing),
    /// Following and muting.
    Relation(Relation),
    /// The own profile, the key and the settings.
    Own(Own),
    /// Passphrases, and the key under them.
    Keyring(Keyring),
    /// The connection, by hand.
    Link(Link),
    /// The person's decision about an offered node.
    Offer(Choice),
}

/// The person's decision about an offered node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Nothing changes.
    Stay,
    /// Ask the node which one it is.
    Look,
    /// It shall act for the person.
    Join(Wish),
}

/// The page's initial data.
#[derive(Debug, Clone)]
pub struct Start {
    /// What the browser reports about itself.
    pub environment: Environment,
    /// The part of the address behind `#`.
    pub fragment: String,
    /// The stored data.
    pub snapshot: Result<Snapshot, StorageError>,
    /// The key in the vault, and its signer.
    pub me: Option<(PublicKey, Signer)>,
    /// Unsent inputs that this tab has kept.
    pub typed: String,
}

/// Events of a socket.
#[derive(Debug, Clone)]
pub enum SocketEvent {
    /// It opened.
    Opened,
    /// A frame came.
    Frame(Rc<NodeFrame>),
    /// A message came that is no frame.
    Foreign,
    /// The node behind a helper does not hold the expected key.
    Impostor,
    /// A helper closed it, for this reason.
    TurnedAway(String),
    /// It closed, or never opened.
    Closed,
}

/// News of the browser.
#[derive(Debug, Clone)]
pub enum BrowserNews {
    /// Whether somebody can see the page.
    Visible(bool),
    /// The network is there again.
    Online,
    /// Whether there is room for a rail.
    Wide(bool),
    /// The part of the address behind `#` changed.
    Fragment(String),
    /// Whether the beginning of the page is in sight.
    AtTop(bool),
    /// This many of the first drawn posts are far above what is in sight, and with them this many pixels of the list.
    Passed(usize, u32),
    /// The list is to be drawn again from this height on, because the person scrolled back.
    WentBack(u32),
    /// The end of the page came near.
    NearEnd,
    /// A key that no field took.
    Key(KeyPress),
    /// Another tab of the page did something.
    Elsewhere(Rc<Tidings>),
    /// A new version of the page waits.
    UpdateReady,
    /// The texts of the wanted language are there, or could not be loaded.
    Language(bool),
    /// The page can be installed as an app, or not any more.
    Installable(bool),
    /// An extension that signs is there.
    Extension,
    /// Something was copied to the clipboard, or could not be.
    Copied(bool),
    /// A domain's answer about a name; None when it could not be asked.
    Named(DomainName, Option<String>),
    /// The picture of an address was loaded, and got an address of the browser's own, or could not be.
    Picture(String, Option<String>),
}

/// Setting up.
#[derive(Debug, Clone)]
pub enum Setup {
    /// The field for address or claim link changed.
    AddressTyped(String),
    /// The address is to be tried.
    AddressSubmitted,
    /// On from the node that was found.
    NodeAccepted,
    /// One step back.
    Back,
    /// Back to what was in use before.
    NotNow,
    /// A new key, please.
    MakeKey,
    /// The new key, as nsec.
    KeyMade(Secret),
    /// An existing key is to be typed.
    ImportKey,
    /// The field for the key changed.
    NsecTyped(Secret),
    /// The field for the passphrase of the key changed.
    PassphraseTyped(Secret),
    /// The typed key is to be used.
    NsecSubmitted,
    /// The typed key was taken out from under its passphrase, or not.
    KeyOpened(Result<Secret, NotOpened>),
    /// The key of an extension is to be used.
    UseExtension,
    /// The extension said whose key it holds, or not.
    ExtensionKept(Result<PublicKey, String>),
    /// The key that is on this device is to be used.
    UseKeyHere,
    /// The new key goes to the clipboard.
    CopyMade,
    /// On with the new key.
    MadeAccepted,
    /// The key is in the vault, or not.
    KeyKept(Result<PublicKey, String>),
    /// On without a name.
    NameSkipped,
    /// Asks the node again with the token, after the person typed one.
    Token(ClaimToken),
}

/// Reading.
#[derive(Debug, Clone)]
pub enum Reading {
    /// Show what came meanwhile.
    ShowNew,
    /// Unfold or fold a long post.
    Fold(EventId),
    /// More of the past.
    Older,
    /// Answers of those one follows are shown among their posts, or not any more.
    Answers,
    /// The conversation that begins with this post is followed, or not any more.
    FollowThread(EventId),
    /// Show the posts of everyone, or of those one follows.
    Tab(Tab),
    /// The field for a search changed.
    SearchTyped(String),
    /// Show the own node's posts with this hashtag.
    Hashtag(String),
    /// Open what the typed text names, if it names somebody or something.
    SearchSubmitted,
    /// To where one came from.
    Back,
    /// Show a post with what it answers and what answers it.
    Open(EventId),
    /// Ask the domain of this name who has it.
    LookUp(DomainName),
    /// Load the picture of this address.
    ShowPicture(String),
    /// The public key of this person goes to the clipboard.
    CopyNpub(PublicKey),
    /// The text of this post goes to the clipboard.
    CopyText(EventId),
    /// Open something under a post, or close it if it is open.
    Menu(Menu),
}

/// Writing.
#[derive(Debug, Clone)]
pub enum Writing {
    /// The composer is wanted.
    Open,
    /// An answer to this post is wanted.
    Reply(EventId),
    /// The text shall be no answer and no quote.
    DropReply,
    /// This post is to be passed on with words of one's own.
    Quote(EventId),
    /// This post is passed on.
    Repost(EventId),
    /// This post is liked, or not any more.
    Like(EventId),
    /// Like it; the flag says whether everyone may see likes of people who read on Nostr relays only.
    LikeAs(EventId, bool),
    /// The composer is to go away; the text stays.
    Close,
    /// The text changed; and where the caret is, in UTF-16 units.
    Typed(String, usize),
    /// The same, because the browser undid or redid a change.
    Undone(String, usize),
    /// Another of the names that are offered is chosen: the one before or the next one.
    Step(bool),
    /// The name of this person is put in, or that of the one that is chosen.
    Complete(Option<PublicKey>),
    /// No name, please.
    NoName,
    /// The audience is chosen.
    Audience(DraftAudience),
    /// The text is to be published.
    Send,
    /// A refused event is to be signed again and sent.
    TryAgain(EventId),
    /// A refused event is given up.
    GiveUp(EventId),
    /// This own post is deleted.
    Delete(EventId),
    /// The option of this number is chosen in this poll, or not any more.
    Choose(EventId, usize),
    /// Vote for the chosen options.
    Vote,
}

/// Following and muting.
#[derive(Debug, Clone)]
pub enum Relation {
    /// This person is to be followed.
    Follow(PublicKey),
    /// Not any more.
    Unfollow(PublicKey),
    /// This person is not to be read.
    Mute(PublicKey),
    /// Unmute this person.
    Unmute(PublicKey),
    /// Change a list.
    Change(Rc<ListChange>),
    /// The field for a word that is to be muted changed.
    WordTyped(String),
    /// Mute the typed word.
    MuteWord,
    /// The lists of people are to be shown on the page of one, or not any more.
    Sort,
    /// The field for the name of a new list of people changed.
    SetTyped(String),
    /// This person begins a list of that name.
    NewSet(PublicKey),
    /// Begin a first list although there may be one elsewhere.
    BeginList,
    /// Rather not.
    NotNow,
    /// An earlier version of a list is to be the present one again.
    Restore(EventId),
}

/// The own profile, the key and the settings.
#[derive(Debug, Clone)]
pub enum Own {
    /// The name changed in the form.
    NameTyped(String),
    /// The description changed in the form.
    AboutTyped(String),
    /// The address of the picture changed in the form.
    PictureTyped(String),
    /// The name by a domain changed in the form.
    Nip05Typed(String),
    /// Discard the typed profile.
    ProfileDropped,
    /// The profile is to be published.
    ProfileSubmitted,
    /// Whether to begin a first profile although there may be one elsewhere.
    BeginProfile(bool),
    /// The public key goes to the clipboard.
    CopyNpub,
    /// The secret key is to be shown.
    RevealKey,
    /// The revealed key.
    KeyRevealed(Secret),
    /// Hide the key.
    HideKey,
    /// Copy the key to the clipboard.
    CopyKey,
    /// The colours are chosen.
    Theme(Theme),
    /// When pictures in posts are loaded is chosen.
    Media(Media),
    /// How often the node may wake this device is chosen.
    Pace(Pace),
    /// Everything that is stored here is wanted as a file.
    Export,
    /// The person is asked whether a node shall no longer act for them, or not any more; the second says that they are sure.
    EndNode(Option<PeerId>, bool),
    /// The addresses of the node are wanted, and before that one is confirmed (true) or taken back.
    Names(Option<(String, bool)>),
    /// This is allowed, or not, or that decision is taken back.
    Permit(Permission, Option<bool>),
    /// The help sheet is to be open, or not.
    Help(bool),
    /// Signing in at this relay is agreed to.
    Agree(String),
    /// Another language; none to follow the browser.
    Language(Option<Language>),
    /// The key is to be forgotten: ask once more.
    ForgetAsked,
    /// No, keep it.
    ForgetCancelled,
    /// Yes, forget it.
    ForgetConfirmed,
    /// The vault is empty now.
    Forgotten,
    /// The new version of the page, now.
    Update,
    /// Install the page as an app.
    Install,
    /// The sentence at the edge may go.
    NoticeClosed,
}

/// Passphrases, and the key under them.
#[derive(Debug, Clone)]
pub enum Keyring {
    /// A new passphrase is to be chosen.
    Choose(For),
    /// Rather not.
    Close,
    /// The field for it changed.
    First(Secret),
    /// The field in which it is typed once more changed.
    Second(Secret),
    /// Use the typed passphrase.
    Submit,
    /// The key under the passphrase, for a file; or why that failed.
    Sealed(Result<Secret, NotOpened>),
    /// The key on this device is under it, or not.
    Guarded(Result<(), NotOpened>),
    /// The key on this device is to be under no passphrase any more.
    Free,
    /// The passphrase is removed; or why not.
    Freed(Result<(), NotOpened>),
    /// The key is to be locked now.
    Lock,
    /// Ask for the passphrase.
    Ask,
    /// The field for the passphrase changed.
    Typed(Secret),
    /// Try the typed passphrase.
    Try,
    /// The key is unlocked, or not.
    Unlocked(Result<(), NotOpened>),
    /// Leave it locked.
    Cancel,
}

/// The connection, by hand.
#[derive(Debug, Clone)]
pub enum Link {
    /// Try at once.
    Retry,
    /// Node and key are to be set up again.
    SetUpAgain,
    /// Show a peer's particulars, or hide them.
    Peer(PeerId),
    /// Look at the node that answers in place of the own one.
    Stranger,
    /// Give the node the word that it acts for its owner.
    Appoint,
}

impl From<Setup> for Message {
    fn from(setup: Setup) -> Self {
        Self::Welcome(setup)
    }
}

impl From<Reading> for Message {
    fn from(reading: Reading) -> Self {
        Self::Reading(reading)
    }
}

impl From<Writing> for Message {
    fn from(writing: Writing) -> Self {
        Self::Writing(writing)
    }
}

impl From<Relation> for Message {
    fn from(relation: Relation) -> Self {
        Self::Relation(relation)
    }
}

impl From<Keyring> for Message {
    fn from(keyring: Keyring) -> Self {
        Self::Keyring(keyring)
    }
}

impl From<Own> for Message {
    fn from(own: Own) -> Self {
        Self::Own(own)
    }
}
