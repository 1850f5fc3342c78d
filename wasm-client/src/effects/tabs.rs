//! Sends messages to the other tabs of this page, and receives theirs.

use std::rc::Rc;

use gloo_events::EventListener;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{BroadcastChannel, MessageEvent};

use super::App;
use crate::{
    message::{BrowserNews, Message},
    storage::{Setting, StorageChange},
    tabs::Tidings,
};

/// The name of the channel. A browser without it keeps each tab by itself.
const CHANNEL: &str = "nostrp2p";

/// The way to the other tabs, while this one listens.
pub(super) struct Tabs {
    channel: BroadcastChannel,
    _listener: EventListener,
}

impl Tabs {
    /// Listens to the other tabs.
    pub(super) fn open(app: &Rc<App>) -> Option<Self> {
        let channel = BroadcastChannel::new(CHANNEL).ok()?;
        let app = Rc::downgrade(app);
        let listener = EventListener::new(&channel, "message", move |event| {
            let told = event.dyn_ref::<MessageEvent>().and_then(|event| event.data().as_string());
            if let (Some(app), Some(tidings)) = (app.upgrade(), told.and_then(|told| Tidings::parse(&told))) {
                app.dispatch(Message::Browser(BrowserNews::Elsewhere(Rc::new(tidings))));
            }
        });
        Some(Self { channel, _listener: listener })
    }
}

impl App {
    /// Tells the other tabs.
    pub(super) fn tell_tabs(&self, tidings: &Tidings) {
        if let Some(tabs) = &*self.tabs.borrow() {
            drop(tabs.channel.post_message(&JsValue::from_str(&tidings.to_text())));
        }
    }

    /// Tells the other tabs of drafts among these changes.
    pub(super) fn tell_of_drafts(&self, changes: &[StorageChange]) {
        for change in changes {
            if let StorageChange::Set(Setting::EventTemplate(context, stored)) = change {
                self.tell_tabs(&Tidings::EventTemplate(*context, stored.clone()));
            }
        }
    }

    /// Wipes the key from memory, lets everything go that is still to be done, and loads the page anew.
    pub(super) fn begin_anew(&self) {
        self.vault.let_go();
        self.timers.take();
        self.tabs.take();
        drop(self.window.location().reload());
    }
}
