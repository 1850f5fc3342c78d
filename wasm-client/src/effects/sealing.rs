//! Keys under a passphrase, by a worker that is started for each task and ended after it.

use js_sys::{Array, Promise};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Document, MessageEvent, Window, Worker, WorkerOptions, WorkerType};

use crate::{model::signing::NotOpened, secret::Secret};

/// What the worker is to do.
#[derive(Debug, Clone, Copy)]
pub(super) enum Task {
    /// Put an nsec under the passphrase.
    Seal,
    /// Take an nsec out from under it.
    Open,
}

/// Has a worker do it; gives the ncryptsec or the nsec.
pub(super) async fn work(
    window: &Window,
    task: Task,
    text: &Secret,
    passphrase: &Secret,
) -> Result<Secret, NotOpened> {
    let worker = window.document().and_then(|document| start(&document)).ok_or(NotOpened::Browser)?;
    let answer = ask(&worker, task, text, passphrase).await;
    worker.terminate();
    let answer = answer.map_err(|_| NotOpened::Browser)?;
    let said = answer.get(1).as_string().unwrap_or_default();
    if answer.get(0).is_truthy() { Ok(Secret::new(said)) } else { Err(NotOpened::of_word(&said)) }
}

/// The page says under which name the worker was published.
fn start(document: &Document) -> Option<Worker> {
    let meta = document.query_selector("meta[name=\"keys-worker\"]").ok()??;
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    Worker::new_with_options(&meta.get_attribute("content")?, &options).ok()
}

async fn ask(worker: &Worker, task: Task, text: &Secret, passphrase: &Secret) -> Result<Array, JsValue> {
    let promise = Promise::new(&mut |resolve, reject| {
        worker.set_onmessage(Some(&resolve));
        worker.set_onerror(Some(&reject));
    });
    let task = match task {
        Task::Seal => "seal",
        Task::Open => "open",
    };
    worker.post_message(&Array::of3(&task.into(), &text.reveal().into(), &passphrase.reveal().into()))?;
    let event: MessageEvent = JsFuture::from(promise).await?.dyn_into()?;
    event.data().dyn_into()
}
