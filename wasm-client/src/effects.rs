//! The edge: the only code that touches the browser. It carries out effects and reports what happened as messages.

mod ciphers;
mod extension;
mod keys;
mod node_key;
mod page;
mod picture;
mod private_lists;
mod reading_places;
mod scrolling;
mod socket;
mod storing;
mod surroundings;
mod tabs;
mod window;
mod worker;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use js_sys::{Array, Function};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::Window;

use crate::model::signing::KeyTask;
use crate::{
    dom::Page,
    effect::{Effect, Timer},
    locale::Language,
    message::{Message, Start},
    model::Model,
    sorted_map::SortedMap,
    storage::StorageError,
    texts,
    update::{self, Moment},
    vault::{self, Vault},
    view::{self, View},
};
use socket::Socket;
use storing::Store;

/// The running page.
pub struct App {
    window: Window,
    model: RefCell<Model>,
    view: RefCell<View>,
    page: RefCell<Option<Page<Message>>>,
    store: Store,
    vault: Vault,
    sockets: RefCell<SortedMap<u32, Socket>>,
    /// The socket to another node than the own one.
    visited: RefCell<Option<(u32, Socket)>>,
    /// Gives a promise of the second module.
    ciphers: Function,
    /// Gives a promise of the Japanese texts.
    japanese: Function,
    /// The finished parts of the export file, in blobs, which browsers need not hold in memory.
    exported: RefCell<Array>,
    timers: RefCell<SortedMap<Timer, Timeout>>,
    listeners: RefCell<Vec<EventListener>>,
    /// The way to the other tabs of this page.
    tabs: RefCell<Option<tabs::Tabs>>,
    /// Effects to carry out once the next tree is on the page.
    after_drawing: RefCell<Vec<Effect>>,
    /// The last report about scrolling.
    sight: scrolling::Sight,
    /// The reading position on each screen.
    places: reading_places::Places,
    /// The element that had the focus before something was opened over the page.
    focus: RefCell<Option<web_sys::Element>>,
    drawing: Cell<bool>,
    draw: RefCell<Option<Closure<dyn FnMut()>>>,
}

/// Starts the page: reads the storage, then shows what is there, then connects.
///
/// # Errors
/// When there is no document to show anything in.
pub async fn start(ciphers: Function, japanese: Function) -> Result<Rc<App>, JsValue> {
    let window = web_sys::window().ok_or("no window")?;
    let document = window.document().ok_or("no document")?;
    let place = document.get_element_by_id("app").ok_or("no #app")?;

    let (store, indexed) = Store::open().await;
    let vault = Vault::new(indexed);
    let owner = vault.owner().await;
    // A storage that did not answer once is not asked again before the page is there.
    let silent = owner.as_ref().is_err_and(vault::VaultError::is_silence);
    let snapshot = if silent { Err(StorageError::silent()) } else { store.load().await };
    let me = owner.unwrap_or_default();
    let environment = surroundings::look(&window, vault.keeps());
    let fragment = window.location().hash().unwrap_or_default();
    let typed = reading_places::typed(&window);
    let chosen = snapshot.as_ref().ok().and_then(|snapshot| snapshot.settings.language);
    let language = chosen.unwrap_or(environment.language);
    if !texts::is_loaded(language)
        && let Err(error) = window::learn_japanese(&japanese).await
    {
        // The page speaks English then.
        web_sys::console::warn_1(&error);
    }

    let app = Rc::new(App {
        window,
        model: RefCell::default(),
        view: RefCell::default(),
        page: RefCell::default(),
        store,
        vault,
        sockets: RefCell::default(),
        visited: RefCell::default(),
        ciphers,
        japanese,
        exported: RefCell::default(),
        timers: RefCell::default(),
        listeners: RefCell::default(),
        tabs: RefCell::default(),
        after_drawing: RefCell::default(),
        sight: scrolling::Sight::default(),
        places: reading_places::Places::default(),
        focus: RefCell::default(),
        drawing: Cell::default(),
        draw: RefCell::default(),
    });
    let weak = Rc::downgrade(&app);
    let dispatch = move |message| {
        if let Some(app) = weak.upgrade() {
            app.dispatch(message);
        }
    };
    app.page.replace(Some(Page::new(document, place, Rc::new(dispatch))));
    app.places.begin(&app.window);
    app.prepare_drawing();
    app.listeners.replace(surroundings::listen(&app));
    app.tabs.replace(tabs::Tabs::open(&app));
    app.dispatch(Message::Started(Rc::new(Start { environment, fragment, snapshot, me, typed })));
    extension::begin(&app);
    Ok(app)
}

impl App {
    /// Takes one message through `update`, does what follows from it, and has the page drawn.
    pub fn dispatch(self: &Rc<Self>, message: Message) {
        if !matches!(message, Message::Browser(_)) {
            self.sight.renew();
        }
        let moment = surroundings::moment();
        let effects = self.step(message, moment);
        for effect in effects {
            self.run(effect);
        }
        self.draw_soon();
    }

    fn step(&self, message: Message, moment: Moment) -> Vec<Effect> {
        update::update(&mut self.model.borrow_mut(), message, moment)
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each effect; a second match is larger")]
    fn run(self: &Rc<Self>, effect: Effect) {
        match effect {
            Effect::Connect { attempt, url, channel } => {
                if let Some(socket) = Socket::open(self, attempt, &url, channel) {
                    self.sockets.borrow_mut().insert(attempt, socket);
                }
            }
            Effect::Disconnect => drop(self.sockets.take()),
            Effect::Drop(attempt) => drop(self.sockets.borrow_mut().remove(&attempt)),
            Effect::Settle(attempt) => self.settle(attempt),
            Effect::Greet(attempt) => self.greet(attempt),
            Effect::Visit { attempt, url, channel } => {
                let socket = Socket::open(self, attempt, &url, channel);
                drop(self.visited.replace(socket.map(|socket| (attempt, socket))));
            }
            Effect::SendVisited(frame) => {
                if let Some((_, socket)) = &*self.visited.borrow() {
                    socket.send(frame);
                }
            }
            Effect::Leave => drop(self.visited.take()),
            // Once there is something to send, one socket is left.
            Effect::Send(frame) => {
                if let Some(socket) = self.sockets.borrow().values().next() {
                    socket.send(frame);
                }
            }
            Effect::Wait(timer, milliseconds) => self.set_timer(timer, milliseconds),
            Effect::Cancel(timer) => drop(self.timers.borrow_mut().remove(&timer)),
            Effect::UseKey(KeyTask::Sign(purpose, draft)) => self.sign(purpose, draft),
            Effect::UseKey(KeyTask::SealAndSign(purpose, draft, private)) => {
                self.seal_and_sign(purpose, draft, &private)
            }
            Effect::OpenList(version, content) => self.open_list(version, content),
            Effect::UseKey(KeyTask::WorkAndSign(purpose, puzzle)) => self.work_and_sign(purpose, puzzle),
            Effect::MakeKey => self.make_key(),
            Effect::KeepKey(nsec) => self.keep_key(nsec),
            Effect::UseKey(KeyTask::Reveal) => self.reveal_key(),
            Effect::ForgetKey => self.forget_key(),
            Effect::OpenSealed { text, passphrase } => self.open_sealed(text, passphrase),
            Effect::UseExtension => self.use_extension(),
            Effect::UseKey(KeyTask::Seal { key, passphrase }) => self.seal_key(key, passphrase),
            Effect::LockKey(passphrase) => self.lock_key(passphrase),
            Effect::UnlockKey(passphrase) => self.unlock_key(passphrase),
            Effect::UseKey(KeyTask::Free) => self.free_key(),
            Effect::CloseKey => self.vault.lock(),
            Effect::Tell(tidings) => self.tell_tabs(&tidings),
            Effect::BeginAnew => self.begin_anew(),
            Effect::Save(changes) => self.save(changes),
            Effect::SaveOutgoing(id, changes) => self.save_outgoing(id, changes),
            Effect::LoadOlder(place, limit) => self.load_older(place, limit),
            Effect::Copy(text) => self.copy(text),
            Effect::Download { name, text } => window::download_text(&self.window, &name, text.reveal()),
            Effect::PutTheme(theme) => window::put_theme(&self.window, theme),
            Effect::PutLanguage(language) => self.put_language(language),
            Effect::LoadPicture(address) => self.load_picture(address),
            Effect::LookUp(name) => self.look_up(name),
            Effect::ExportHeld(name) => self.export_held(name),
            Effect::ExportPart(events) => self.export_part(&events),
            Effect::ExportEnd(name) => self.export_end(name),
            Effect::DropPicture(own) => drop(web_sys::Url::revoke_object_url(&own)),
            Effect::Go(fragment) => window::go(&self.window, &fragment),
            Effect::Replace(fragment) => self.replace_fragment(fragment),
            Effect::GoBack => window::go_back(&self.window),
            Effect::ChangePlace => {
                self.places.change(&self.window);
                self.after_drawing.borrow_mut().push(effect);
            }
            Effect::Persist => window::persist(&self.window),
            Effect::ApplyUpdate => window::tell(&self.window, window::APPLY_UPDATE),
            Effect::Install => window::tell(&self.window, window::INSTALL),
            Effect::Focus(_)
            | Effect::StepPost { .. }
            | Effect::PressInPost(_)
            | Effect::ScrollToTop
            | Effect::ReturnFocus
            | Effect::PutCaret(..)
            | Effect::FocusInPost(..) => {
                self.after_drawing.borrow_mut().push(effect);
            }
            // Before anything is drawn: what a script puts into a field cannot be undone.
            Effect::Type { id, from, to, text } => page::type_text(&self.window, id, from, to, &text),
            Effect::KeepFocus => drop(self.focus.replace(page::focused(&self.window))),
        }
    }

    /// Uses the socket of this attempt from now on, and closes all others.
    fn settle(&self, attempt: u32) {
        let mut sockets = self.sockets.take();
        let used = sockets.remove(&attempt);
        used.map(|used| self.sockets.borrow_mut().insert(attempt, used));
    }

    fn greet(&self, attempt: u32) {
        let (sockets, visited) = (self.sockets.borrow(), self.visited.borrow());
        let visited = visited.as_ref().filter(|(visit, _)| *visit == attempt).map(|(_, socket)| socket);
        if let Some(socket) = sockets.get(&attempt).or(visited) {
            socket.greet();
        }
    }

    fn set_timer(self: &Rc<Self>, timer: Timer, milliseconds: u64) {
        let app = Rc::downgrade(self);
        let milliseconds = u32::try_from(milliseconds).unwrap_or(u32::MAX);
        let timeout = Timeout::new(milliseconds, move || {
            if let Some(app) = app.upgrade() {
                app.timers.borrow_mut().remove(&timer);
                app.dispatch(Message::Timer(timer));
            }
        });
        self.timers.borrow_mut().insert(timer, timeout);
    }

    fn prepare_drawing(self: &Rc<Self>) {
        let app = Rc::downgrade(self);
        self.draw.replace(Some(Closure::new(move || {
            if let Some(app) = app.upgrade() {
                app.drawing.set(false);
                app.draw_now();
                scrolling::look(&app);
            }
        })));
    }

    /// Has the page drawn with the next frame, once however many messages come before it.
    fn draw_soon(&self) {
        if self.drawing.replace(true) {
            return;
        }
        if let Some(draw) = &*self.draw.borrow()
            && self.window.request_animation_frame(draw.as_ref().unchecked_ref()).is_err()
        {
            self.drawing.set(false);
        }
    }

    fn draw_now(&self) {
        let tree = self.view.borrow_mut().draw(&self.model.borrow());
        let focused = page::FocusedElement::look(&self.window);
        window::put_title(&self.window, &view::window_title(&self.model.borrow()));
        if let Some(page) = &mut *self.page.borrow_mut()
            && let Err(error) = page.show(tree)
        {
            web_sys::console::error_1(&error);
        }
        if let Some(focused) = focused {
            focused.follow(&self.window);
        }
        for effect in self.after_drawing.take() {
            match effect {
                Effect::ChangePlace => self.places.arrive(&self.window),
                Effect::ReturnFocus => page::focus(self.focus.take()),
                effect => page::run(&self.window, &effect),
            }
        }
        self.places.look(&self.window);
    }
}

/// Says on the page that it crashed. Called from the panic hook, so it takes nothing for granted.
pub fn show_crash() {
    let document = web_sys::window().and_then(|window| window.document());
    if let Some(place) = document.and_then(|document| document.get_element_by_id("crash")) {
        let root = place.owner_document().and_then(|document| document.document_element());
        let tag = root.and_then(|root| root.get_attribute("lang")).unwrap_or_default();
        let language = Language::of_tag(&tag).unwrap_or_default();
        place.set_text_content(Some(texts::CRASHED.say(language)));
        drop(place.remove_attribute("hidden"));
    }
}
