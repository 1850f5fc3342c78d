//! Long computations, in a worker that is started for each task and ended after it (`www/worker.js`).

use js_sys::{Array, Promise};
use nostrp2p_protocol::work::Puzzle;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Document, MessageEvent, Window, Worker, WorkerOptions, WorkerType};

use crate::{model::signing::NotOpened, secret::Secret};

/// A task of the worker with a key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Task {
    /// Put an nsec under the passphrase.
    Seal,
    /// Take an nsec out from under it.
    Open,
}

/// Has a worker do it; gives the ncryptsec or the nsec.
pub(super) async fn seal(
    window: &Window,
    task: Task,
    text: &Secret,
    passphrase: &Secret,
) -> Result<Secret, NotOpened> {
    let task = match task {
        Task::Seal => "seal",
        Task::Open => "open",
    };
    let question = Array::of3(&task.into(), &text.reveal().into(), &passphrase.reveal().into());
    match ask(window, &question).await.ok_or(NotOpened::Browser)? {
        Ok(said) => Ok(Secret::new(said)),
        Err(why) => Err(NotOpened::of_word(&why)),
    }
}

/// Has a worker find the nonce; None when this browser starts none.
pub(super) async fn find_nonce(window: &Window, puzzle: &Puzzle) -> Option<String> {
    let (bits, before, after) = puzzle.question();
    let question = Array::of4(&"work".into(), &bits.into(), &before.into(), &after.into());
    ask(window, &question).await?.ok()
}

/// The worker's answer, or why there is none; None when it could not be asked.
async fn ask(window: &Window, question: &Array) -> Option<Result<String, String>> {
    let worker = window.document().and_then(|document| start(&document))?;
    let answer = converse(&worker, question).await;
    worker.terminate();
    let answer = answer.ok()?;
    let said = answer.get(1).as_string().unwrap_or_default();
    Some(if answer.get(0).is_truthy() { Ok(said) } else { Err(said) })
}

/// The page says under which name the worker was published.
fn start(document: &Document) -> Option<Worker> {
    let meta = document.query_selector("meta[name=\"worker\"]").ok()??;
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    Worker::new_with_options(&meta.get_attribute("content")?, &options).ok()
}

async fn converse(worker: &Worker, question: &Array) -> Result<Array, JsValue> {
    let promise = Promise::new(&mut |resolve, reject| {
        worker.set_onmessage(Some(&resolve));
        worker.set_onerror(Some(&reject));
    });
    worker.post_message(question)?;
    let event: MessageEvent = JsFuture::from(promise).await?.dyn_into()?;
    event.data().dyn_into()
}
