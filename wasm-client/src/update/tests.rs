//! The page without a browser: messages in, effects out, with a node made of frames.

mod claim;
mod composing;
mod deleting;
mod exporting;
mod keys;
mod lists;
mod names;
mod notices;
mod offers;
mod own_names;
mod own_nodes;
mod pages;
mod permissions;
mod polls;
mod reading;
mod reconnect;
mod refusals;
mod relays;
mod searching;
mod signing;
mod talking;
mod typed;
mod ways;
mod writing;

use nostrp2p_protocol::{
    Event, EventTemplate, Kind, PeerId, PublicKey, SecretKey, UnsignedEvent,
    channel::ChannelKey,
    frame::{
        Carried, ClientFrame, FETCH_BEHIND, NodeFrame, Refusal, RefusalCode, RequestId, VERSION, Welcome,
    },
    work,
};

use super::{Moment, update};
use crate::{
    address::NodeAddress,
    effect::{Effect, Timer},
    message::{BrowserNews, Choice, Message, Own, Reading, Setup, SocketEvent, Start, Writing},
    model::{
        Cursor, Environment, KeyStep, Model, PersonStage, Phase, WelcomeStep,
        signing::{KeyTask, Purpose, Signer},
        timeline::Post,
    },
    secret::Secret,
    storage::{Setting, Snapshot, StorageChange, StoredSettings},
    vdom,
};

const STORE: u64 = 77;
const NOW_MS: u64 = 1_772_892_300_000;
/// The node of most tests.
const OWN: PeerId = PeerId::from_ed25519([3; 32]);
const CLAIM: &str = "#claim=000102030405060708090a0b0c0d0e0f";

/// The page under test, with what it did since one looked last.
struct Rig {
    model: Model,
    effects: Vec<Effect>,
    now_ms: u64,
}

fn key(seed: u8) -> SecretKey {
    SecretKey::from_bytes([seed; 32]).unwrap()
}

fn public(seed: u8) -> PublicKey {
    key(seed).public_key()
}

fn environment() -> Environment {
    Environment {
        page: NodeAddress::of_page("http:", "127.0.0.1:20001"),
        keeps_keys: true,
        visible: true,
        wide: true,
        ..Environment::default()
    }
}

fn post(author: u8, created_at: u64, content: &str) -> Event {
    EventTemplate { created_at, kind: Kind::POST, tags: vec![], content: content.into() }
        .sign(&key(author), &[0; 32])
}

fn profile(author: u8, created_at: u64, content: &str) -> UnsignedEvent {
    EventTemplate { created_at, kind: Kind::PROFILE, tags: vec![], content: content.into() }
        .by(public(author))
}

/// What a node of this peer id and owner says of itself, at an address of its own.
fn welcome(peer: PeerId, owner: Option<u8>) -> NodeFrame {
    NodeFrame::Welcome(Box::new(Welcome {
        version: VERSION,
        challenge: [9; 32],
        peer,
        owner: owner.map(public),
        agent: "test".into(),
        key: ChannelKey::from_bytes([7; 32]),
        own_name: true,
        signature: [0; 64],
    }))
}

impl Rig {
    /// A page that was opened at this fragment with this key and these stored things.
    fn open(fragment: &str, me: Option<u8>, snapshot: Snapshot) -> Self {
        Self::open_with(fragment, me, Signer::Device, snapshot)
    }

    /// The same, where this signs.
    fn open_with(fragment: &str, me: Option<u8>, signer: Signer, snapshot: Snapshot) -> Self {
        Self::start(Start {
            environment: environment(),
            fragment: fragment.into(),
            snapshot: Ok(snapshot),
            me: me.map(|seed| (public(seed), signer)),
            typed: String::new(),
        })
    }

    fn start(start: Start) -> Self {
        let mut rig = Self { model: Model::default(), effects: Vec::new(), now_ms: NOW_MS };
        rig.give(Message::Started(std::rc::Rc::new(start)));
        rig
    }

    /// A page in use by person 1, logged in, at the end of a store with `newest` events.
    fn in_use(newest: u64) -> Self {
        let cursor = Some(Cursor { store: STORE, after: newest });
        let settings = StoredSettings { cursor, pin: Some((OWN, public(1))), ..StoredSettings::default() };
        let mut rig = Self::open("", Some(1), Snapshot { settings, ..Snapshot::default() });
        rig.greet(Some(1));
        rig.prove(1);
        rig.log_in(1, newest);
        rig.answer_own_profile();
        rig.effects.clear();
        rig
    }

    fn give(&mut self, message: Message) {
        let moment = Moment { now_ms: self.now_ms, random: 0 };
        self.effects.extend(update(&mut self.model, message, moment));
    }

    fn setup(&mut self, setup: Setup) {
        self.give(Message::Welcome(setup));
    }

    fn socket(&mut self, event: SocketEvent) {
        let attempt = self.model.connection.attempt;
        self.give(Message::Socket { attempt, event });
    }

    fn frame(&mut self, frame: NodeFrame) {
        // Over the wire and back, as in life.
        let frame = NodeFrame::decode(&frame.encode()).unwrap();
        self.socket(SocketEvent::Frame(std::rc::Rc::new(frame)));
    }

    fn greet(&mut self, owner: Option<u8>) {
        self.socket(SocketEvent::Opened);
        self.frame(welcome(OWN, owner));
    }

    /// Does all signatures that are asked for, with this person's key, and the work before them.
    fn prove(&mut self, signer: u8) {
        for effect in std::mem::take(&mut self.effects) {
            let (purpose, draft) = match effect {
                Effect::UseKey(KeyTask::Sign(purpose, draft)) => (purpose, draft),
                Effect::UseKey(KeyTask::WorkAndSign(purpose, puzzle)) => {
                    let (bits, before, after) = puzzle.question();
                    let nonce = work::find_nonce(bits, before, after);
                    (purpose, puzzle.solved(&nonce))
                }
                other => {
                    self.effects.push(other);
                    continue;
                }
            };
            let event = draft.sign(&key(signer), &[0; 32]);
            self.give(Message::Signed(purpose, Ok(Box::new(event))));
        }
    }

    fn log_in(&mut self, owner: u8, newest: u64) {
        let request = self.model.connection.last_request;
        self.frame(NodeFrame::LoggedIn { request, owner: public(owner), store: STORE, newest });
    }

    fn answer_own_profile(&mut self) {
        let request =
            self.request(|request| matches!(request, crate::model::connection::SentRequest::OwnProfile));
        self.frame(NodeFrame::Answer { request, complete: true, events: vec![] });
    }

    #[track_caller]
    fn request(&self, wanted: impl Fn(&crate::model::connection::SentRequest) -> bool) -> RequestId {
        let requests = &self.model.connection.requests;
        *requests.iter().find(|(_, request)| wanted(request)).expect("the request is open").0
    }

    fn refuse(&mut self, request: RequestId, code: RefusalCode) {
        self.frame(NodeFrame::Refused { request, refusal: Refusal::new(code, "the reason") });
    }

    /// Takes the frames that were sent.
    fn sent(&mut self) -> Vec<ClientFrame> {
        let mut frames = Vec::new();
        for effect in std::mem::take(&mut self.effects) {
            match effect {
                Effect::Send(frame) => frames.push(ClientFrame::decode(&frame.encode()).unwrap()),
                other => self.effects.push(other),
            }
        }
        frames
    }

    fn saved(&self) -> Vec<StorageChange> {
        let mut changes = Vec::new();
        for effect in &self.effects {
            match effect {
                Effect::Save(some) | Effect::SaveOutgoing(_, some) => changes.extend(some.iter().cloned()),
                _ => {}
            }
        }
        changes
    }

    #[track_caller]
    fn did(&self, wanted: impl Fn(&Effect) -> bool) {
        assert!(self.effects.iter().any(wanted), "{:?}", self.effects);
    }

    fn step(&self) -> &WelcomeStep {
        &self.model.welcome().expect("the page is being set up").step
    }

    fn error(&self) -> &str {
        self.model.welcome().and_then(|welcome| welcome.error.as_deref()).unwrap_or_default()
    }

    fn texts(&self) -> Vec<&str> {
        let timeline = &self.model.timeline;
        let target = |id| timeline.written(id).map_or("(awaited)", |target| target.content.as_str());
        self.model
            .home()
            .map(|(_, post)| match post {
                Post::Written(unsigned) => unsigned.content.as_str(),
                Post::Reposted { target: id, .. } => target(id),
            })
            .collect()
    }

    /// All that can be read on the page.
    fn shown(&self) -> String {
        fn read(node: &vdom::VNode<Message>, text: &mut String) {
            match node {
                vdom::VNode::Text(part) => text.push_str(part),
                vdom::VNode::Element(element) => element.children.iter().for_each(|child| read(child, text)),
                vdom::VNode::Shared(element) => element.children.iter().for_each(|child| read(child, text)),
            }
        }
        let mut text = String::new();
        read(&crate::view::view(&self.model).into(), &mut text);
        text
    }

    fn write(&mut self, text: &str) {
        self.give(Message::Writing(Writing::Typed(text.into(), text.encode_utf16().count())));
        self.give(Message::Writing(Writing::Send));
    }
}
