//! Effects: actions outside the model that `update` asks for. Only `effects` carries them out, because only it has a
//! browser.

use nostrp2p_protocol::{EventId, PeerId, UnverifiedEvent, channel::ChannelKey, frame::ClientFrame};

use crate::{
    locale::Language,
    model::{Theme, TimelineKey, signing::KeyTask},
    nip05::DomainName,
    secret::Secret,
    storage::StorageChange,
    tabs::Tidings,
    vdom::Text,
};

/// An action outside of the model.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Open one more socket.
    Connect {
        /// Named by what the socket says.
        attempt: u32,
        /// `ws://...` or `wss://...`.
        url: String,
        /// Which node must answer at the other end of a helper, and by what it is recognised.
        channel: Option<(PeerId, ChannelKey)>,
    },
    /// Greet the node over the socket of this attempt. Its welcome is handed on only when it proves the node's key.
    Greet(u32),
    /// Open the socket to another node than the own one, in place of an earlier one.
    Visit {
        /// Named by what the socket says.
        attempt: u32,
        /// As in [`Effect::Connect`].
        url: String,
        /// As in [`Effect::Connect`].
        channel: Option<(PeerId, ChannelKey)>,
    },
    /// Send a frame to the other node.
    SendVisited(ClientFrame),
    /// Close the socket to the other node.
    Leave,
    /// Use the socket of this attempt from now on, and close all others.
    Settle(u32),
    /// Close the socket of this attempt.
    Drop(u32),
    /// Close all sockets.
    Disconnect,
    /// Send a frame.
    Send(ClientFrame),
    /// Set a timer, in place of one that runs.
    Wait(Timer, u64),
    /// Stop a timer.
    Cancel(Timer),
    /// Use the key of the vault, which is unlocked.
    UseKey(KeyTask),
    /// Decrypt what this version of an own list says to its author alone.
    OpenList(EventId, String),
    /// Make a key.
    MakeKey,
    /// Put a key into the vault.
    KeepKey(Secret),
    /// Empty the vault.
    ForgetKey,
    /// Take a key out from under its passphrase, to use it.
    OpenSealed {
        /// As ncryptsec.
        text: Secret,
        /// As it was typed.
        passphrase: Secret,
    },
    /// Ask an extension whose key it holds, to use it.
    UseExtension,
    /// Put the key of the vault under a passphrase.
    LockKey(Secret),
    /// Unlock the vault with this passphrase.
    UnlockKey(Secret),
    /// Wipe the unlocked key from memory.
    CloseKey,
    /// Tell the other tabs.
    Tell(Tidings),
    /// Wipe the key from memory, write nothing any more, and load the page anew.
    BeginAnew,
    /// Apply changes to the storage.
    Save(Vec<StorageChange>),
    /// Write to the outbox, and say when that is done.
    SaveOutgoing(EventId, Vec<StorageChange>),
    /// Load older events from the storage.
    LoadOlder(TimelineKey, u32),
    /// Copy to the clipboard.
    Copy(Secret),
    /// Offer as a file.
    Download {
        /// Name of the file.
        name: String,
        /// Its content.
        text: Secret,
    },
    /// Put the colours on.
    PutTheme(Theme),
    /// Tell the browser in which language the page is; load its texts before, if need be.
    PutLanguage(Language),
    /// Load a picture from the web, because somebody asked to see it.
    LoadPicture(String),
    /// Ask a domain who has this name.
    LookUp(DomainName),
    /// Offer everything that is stored here as a file of this name, a line of JSON for each event.
    ExportHeld(String),
    /// These belong into the file of everything.
    ExportPart(Vec<UnverifiedEvent>),
    /// Offer the file of everything, under this name; or without one let it go.
    ExportEnd(Option<String>),
    /// Let a loaded picture go.
    DropPicture(String),
    /// Go to another screen; the back button comes back.
    Go(Text),
    /// Change the address without an entry in the history.
    Replace(Text),
    /// Another screen is shown from now on: remember where on the former one somebody was reading. Then go back to
    /// where somebody was reading on the new one, if it was left before; to its beginning and its heading otherwise.
    ChangePlace,
    /// Go back one entry of the history.
    GoBack,
    /// Move the focus to the element of this id.
    Focus(&'static str),
    /// Move the focus to the next (or previous) post.
    StepPost {
        /// Up instead of down.
        back: bool,
    },
    /// Move the focus to the button of this hook in a post.
    FocusInPost(EventId, &'static str),
    /// Press the button of this hook in the post that has the focus.
    PressInPost(&'static str),
    /// Scroll to the beginning.
    ScrollToTop,
    /// Type this into the field of this id in place of what stands between these two places, in UTF-16 units, so that
    /// the browser can undo it.
    Type {
        /// The field.
        id: &'static str,
        /// From here.
        from: u32,
        /// Up to here.
        to: u32,
        /// The text to type.
        text: String,
    },
    /// Move focus and caret into the field of this id, behind so many UTF-16 units.
    PutCaret(&'static str, u32),
    /// Remember which element has the focus.
    KeepFocus,
    /// Move the focus back to where it came from.
    ReturnFocus,
    /// Ask the browser not to evict what is stored.
    Persist,
    /// Have the browser ask whether to install the page.
    Install,
    /// Take the new version of the page.
    ApplyUpdate,
}

/// The timers. Setting one that runs begins it anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// The next attempt to connect.
    Reconnect,
    /// The straight ways have had their head start.
    HeadStart,
    /// The node must have answered by now.
    Answer,
    /// Relative times on the page get old.
    Tick,
    /// The draft is to be stored.
    EventTemplate,
    /// The sentence at the edge goes.
    Notice,
    /// Events that the node was too busy for are sent again.
    Resend,
    /// The typed text is searched for.
    Search,
    /// Nobody has looked at the page for long: the key is locked.
    Lock,
    /// The other node must have answered by now.
    Visit,
}
