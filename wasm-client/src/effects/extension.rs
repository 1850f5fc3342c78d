//! A signing extension of the browser (NIP-07), as `window.nostr`.
//!
//! It may appear late: nos2x adds it when the document is complete, so the page looks for it repeatedly for some
//! seconds. Each signature may ask the person, so nothing here is ever done in a loop.

use std::rc::Rc;

use gloo_timers::callback::Timeout;
use js_sys::{Array, Function, Object, Promise, Reflect};
use nostrp2p_protocol::{Event, EventTemplate, PublicKey, Signature, UnverifiedEvent};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Window;

use super::App;
use crate::message::{BrowserNews, Message};

/// How often it is looked for, in milliseconds.
const LOOK_EVERY_MS: u32 = 200;
/// How often it is looked for until it is given up: some seconds.
const LOOKS: u32 = 30;

/// Why an extension did not sign.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum NotDone {
    #[error("the browser extension that holds the key is not there")]
    Missing,
    #[error("the browser extension said no")]
    Refused,
    #[error("another account is active in your browser extension; choose there the one that this page uses")]
    Account,
    #[error("the browser extension signed something else than it was given, or with another key")]
    Other,
}

/// Looks for an extension for some seconds, and reports it as soon as it is there.
pub(super) fn begin(app: &Rc<App>) {
    seek(app, LOOKS);
}

fn seek(app: &Rc<App>, looks: u32) {
    if provider(&app.window).is_some() {
        return app.dispatch(Message::Browser(BrowserNews::Extension));
    }
    if looks > 0 {
        let weak = Rc::downgrade(app);
        Timeout::new(LOOK_EVERY_MS, move || {
            if let Some(app) = weak.upgrade() {
                seek(&app, looks - 1);
            }
        })
        .forget();
    }
}

/// Whose key it holds.
pub(super) async fn public_key(window: &Window) -> Result<PublicKey, NotDone> {
    let key = call(window, "getPublicKey", None).await?;
    key.as_string().and_then(|key| key.parse().ok()).ok_or(NotDone::Other)
}

/// Has it sign. Whether the signature is right is for the own node to say, which refuses any other and is asked before
/// anybody else: checking it here as well would cost every first load some kilobytes.
pub(super) async fn sign(window: &Window, draft: EventTemplate, pubkey: PublicKey) -> Result<Event, NotDone> {
    let unsigned = to_js(&draft).map_err(|_| NotDone::Other)?;
    let signed = call(window, "signEvent", Some(unsigned)).await?;
    let field = |name: &str| Reflect::get(&signed, &name.into()).ok();
    let signer =
        field("pubkey").and_then(|key| key.as_string()).and_then(|key| key.parse::<PublicKey>().ok());
    if signer.is_some_and(|signer| signer != pubkey) {
        return Err(NotDone::Account);
    }
    let sig = field("sig").and_then(|sig| sig.as_string()).and_then(|sig| sig.parse::<Signature>().ok());
    let sig = sig.ok_or(NotDone::Other)?;
    // What counts is what was to be signed: if it signed anything else, the signature does not fit.
    Ok(Event::trusted(UnverifiedEvent { claimed_id: None, unsigned: draft.by(pubkey), sig }))
}

/// Has it encrypt or decrypt a text between its owner and themselves (NIP-44), as far as it can do that.
pub(super) async fn private_text(
    window: &Window,
    method: &str,
    owner: PublicKey,
    text: &str,
) -> Result<String, JsValue> {
    let missing = || JsValue::from_str("the browser extension that holds the key cannot encrypt (NIP-44)");
    let provider = provider(window).ok_or_else(missing)?;
    let nip44 = Reflect::get(&provider, &"nip44".into()).ok().filter(|nip44| nip44.is_object());
    let nip44 = nip44.ok_or_else(missing)?;
    let function = Reflect::get(&nip44, &method.into())?.dyn_into::<Function>().map_err(|_| missing())?;
    let promise = function.call2(&nip44, &owner.to_string().into(), &text.into())?;
    let text = JsFuture::from(Promise::resolve(&promise)).await?;
    text.as_string().ok_or_else(missing)
}

async fn call(window: &Window, method: &str, argument: Option<JsValue>) -> Result<JsValue, NotDone> {
    let mut looks = LOOKS;
    let provider = loop {
        if let Some(provider) = provider(window) {
            break provider;
        }
        looks = looks.checked_sub(1).ok_or(NotDone::Missing)?;
        pause(window).await;
    };
    let function = Reflect::get(&provider, &method.into()).and_then(JsCast::dyn_into::<Function>);
    let function = function.map_err(|_| NotDone::Missing)?;
    let arguments = argument.as_ref().map_or_else(Array::new, Array::of1);
    let promise = function.apply(&provider, &arguments).map_err(|_| NotDone::Refused)?;
    JsFuture::from(Promise::resolve(&promise)).await.map_err(|_| NotDone::Refused)
}

async fn pause(window: &Window) {
    let promise = Promise::new(&mut |resolve, _| {
        let wait = i32::try_from(LOOK_EVERY_MS).unwrap_or_default();
        drop(window.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, wait));
    });
    drop(JsFuture::from(promise).await);
}

fn provider(window: &Window) -> Option<JsValue> {
    let provider = Reflect::get(window, &"nostr".into()).ok().filter(|provider| provider.is_object())?;
    Reflect::has(&provider, &"signEvent".into()).ok().filter(|has| *has).map(|_| provider)
}

fn to_js(draft: &EventTemplate) -> Result<JsValue, JsValue> {
    let text = |text: &String| JsValue::from_str(text);
    let tag = |tag: &nostrp2p_protocol::Tag| tag.elements().iter().map(text).collect::<Array>();
    let tags: Array = draft.tags.iter().map(tag).collect();
    let event = Object::new();
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit for longer than the earth does")]
    let created_at = JsValue::from_f64(draft.created_at as f64);
    let fields = [
        ("kind", JsValue::from_f64(f64::from(draft.kind.0))),
        ("created_at", created_at),
        ("tags", tags.into()),
        ("content", text(&draft.content)),
    ];
    for (name, value) in fields {
        Reflect::set(&event, &name.into(), &value)?;
    }
    Ok(event.into())
}
