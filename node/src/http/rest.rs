//! The REST interface of the original, byte compatible with its clients: `POST /publish` and `POST /req`.
//!
//! The answers of the original were recorded (`tests/vectors/rest`); `docs/compatibility.md` lists the intended
//! differences. Allowed are the owner, who signs by NIP-98 (see [`login`]), everybody with `--legacy-rest`, and
//! guests with `--public-read`, who may read public events. It deliberately does not judge events: the pump and the
//! engine do, as for every other client.

mod answer;
mod encode;
mod input;
mod login;
mod polls;
mod read;
mod used;

use std::{path::Path, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::Response,
};
use futures_util::StreamExt;
use nostrp2p_protocol::{
    PublicKey, UnverifiedEvent,
    limits::{MAX_FILTER_VALUES, MAX_OWNER_FILTER_VALUES, MAX_OWNER_MESSAGE_BYTES},
};
use nostrp2p_runtime::Published;
use sha2::{Digest, Sha256};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::timeout,
};

use self::{
    answer::{Answer, Problem},
    input::{Question, read_event, read_question},
    login::{InvalidLogin, Login},
    polls::Polls,
    read::{ReadError, Reader},
    used::{Repeated, UsedLogins},
};
use super::{
    App, base,
    client_limits::{ClientOrigin, Source},
    missing,
    named::Named,
    reading::{self, OVER_BUDGET, Unread},
};
use crate::{
    clock,
    driver::Command,
    fetch_server::PUBLIC,
    store::{Inserted, Reading, Store},
};

/// Longest body of a guest: a question with 2,000 keys, with room. The owner's may be
/// [`MAX_OWNER_MESSAGE_BYTES`] long.
const MAX_BODY_BYTES: usize = 256 * 1024;
/// How many bytes of a longer body are read and discarded, because a client that is still writing does not see the
/// answer.
const MAX_DISCARDED_BYTES: usize = 16 * 1024 * 1024;
/// How long a client may take to send its body.
const BODY_DEADLINE: Duration = Duration::from_secs(30);
/// Requests of the owner that are served at a time. Each may hold a body and an answer of some MB.
const MAX_REQUESTS: usize = 16;
/// Requests of guests that are served at a time, apart from those of the owner, whom they must not keep out.
const MAX_GUEST_REQUESTS: usize = 8;

/// See [`crate::decoders`].
pub(crate) fn rest_event(body: &[u8]) -> Option<UnverifiedEvent> {
    read_event(body).ok()
}

/// See [`crate::decoders`].
pub(crate) fn rest_question(body: &[u8]) -> bool {
    read_question(body, MAX_OWNER_FILTER_VALUES).is_ok()
}

/// See [`crate::decoders`].
pub(crate) fn proves(credentials: &[u8], owner: &PublicKey, now: u64) -> bool {
    let Ok(authority) = "localhost".parse() else { return false };
    let target = login::RequestTarget { method: "POST", authority: &authority, path: "/req" };
    login::check(credentials, &target, owner, now).is_ok()
}

/// State that the REST handlers share.
#[derive(Clone)]
pub(crate) struct Rest {
    used: UsedLogins,
    legacy: bool,
    public_read: bool,
    polls: Arc<Polls>,
    requests: Arc<Semaphore>,
    guest_requests: Arc<Semaphore>,
}

impl Rest {
    /// `directory`: where it is remembered which logins were used. `legacy`: no login is needed. `public_read`: without
    /// login one reads what is public.
    pub(crate) fn new(directory: &Path, legacy: bool, public_read: bool) -> Self {
        Self {
            used: UsedLogins::open(directory),
            legacy,
            public_read,
            polls: Arc::new(Polls::default()),
            requests: Arc::new(Semaphore::new(MAX_REQUESTS)),
            guest_requests: Arc::new(Semaphore::new(MAX_GUEST_REQUESTS)),
        }
    }
}

/// `POST /publish`: an event of the owner as JSON.
pub(super) async fn publish(State(app): State<App>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let result = take_event(&app, &head, body).await;
    answer::respond(&head.headers, result)
}

/// `POST /req`: a filter as JSON; answers MessagePack.
pub(super) async fn req(State(app): State<App>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let result = find_events(&app, &head, body).await;
    answer::respond(&head.headers, result)
}

/// `OPTIONS`: what a browser asks before it sends a page's request. Only pages that the guard lets pass get here.
pub(super) async fn preflight(headers: HeaderMap) -> Response {
    answer::preflight(&headers)
}

/// Any other method.
pub(super) async fn wrong_method(headers: HeaderMap) -> Response {
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "This address takes POST requests");
    answer::respond(&headers, Err(problem))
}

async fn take_event(app: &App, head: &Parts, body: Body) -> Result<Answer, Problem> {
    let request = admit(app, head, body, Repeated::DoesNothing).await?;
    if request.asker == Asker::Guest {
        return Err(Problem::login_needed("Sign this request by NIP-98: guests read, but do not publish"));
    }
    let event = read_event(&request.body)?;
    hand_over(app, event).await
}

async fn hand_over(app: &App, event: UnverifiedEvent) -> Result<Answer, Problem> {
    let (reply, published) = oneshot::channel();
    let replies = app.names.permissions().replies();
    drop(app.commands.send(Command::Publish(event, replies, reply)).await);
    match published.await {
        Ok(Ok(Published { stored: Inserted::Superseded(_), .. })) => {
            Err(Problem::new(StatusCode::CONFLICT, "duplicate: a newer version is stored"))
        }
        Ok(Ok(_published)) => Ok(Answer::Success),
        Ok(Err(refusal)) => {
            tracing::info!(code = ?refusal.code, reason = refusal.reason, "refused an event by REST");
            Err(refusal.into())
        }
        Err(_) => Err(Problem::stopping()),
    }
}

async fn find_events(app: &App, head: &Parts, body: Body) -> Result<Answer, Problem> {
    let request = admit(app, head, body, Repeated::GivesAway).await?;
    let question: Question = read_question(&request.body, request.asker.most_values())?;
    let reader = Reader {
        store: app.store.clone(),
        polls: Arc::clone(&app.rest.polls),
        guest: request.asker == Asker::Guest,
        now: clock::now(),
    };
    let reader = Arc::new(reader);
    let question = Arc::new(question);
    if !reader.guest {
        ask_others(app, &reader, &question).await;
    }
    let guest = reader.guest;
    let read = move |_: &Store, reading: &mut Reading<'_>| match reader.answer(&question, reading) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(ReadError::Store(error)) => Err(error),
        Err(error @ ReadError::Encode(_)) => {
            tracing::error!(%error, "an answer could not be made");
            Ok(None)
        }
    };
    let answer = if guest {
        let place = ClientOrigin::of(head.extensions.get::<Source>().copied(), &head.headers);
        reading::for_guest(&app.store, (app.client_limits.allowance(place), &*PUBLIC), read).await
    } else {
        reading::for_owner(&app.store, read).await
    };
    match answer {
        Ok(Some(bytes)) => Ok(Answer::Events(bytes)),
        Ok(None) | Err(Unread::Store) => Err(Problem::internal()),
        Err(Unread::OverBudget) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, OVER_BUDGET)),
    }
}

/// Has other nodes asked for what the store lacks, and gives them a moment; what comes later is in the next answer.
async fn ask_others(app: &App, reader: &Arc<Reader>, question: &Arc<Question>) {
    let (reader, question) = (Arc::clone(reader), Arc::clone(question));
    let owner = app.node_status.borrow().owner.filter(|_| base::others_owe(app));
    let asked = tokio::task::spawn_blocking(move || reader.missing(&question, owner));
    if let Ok(Ok((missing, lacks_base))) = asked.await {
        missing::fetch(app.commands.clone(), missing).await;
        if lacks_base {
            base::others_have_given(app.clone()).await;
        }
    }
}

/// The client that asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asker {
    Owner,
    /// Sees what is public.
    Guest,
}

impl Asker {
    /// The longest body, in bytes.
    const fn longest(self) -> usize {
        match self {
            Self::Owner => MAX_OWNER_MESSAGE_BYTES,
            Self::Guest => MAX_BODY_BYTES,
        }
    }

    /// Most values of a field of a filter.
    const fn most_values(self) -> usize {
        match self {
            Self::Owner => MAX_OWNER_FILTER_VALUES,
            Self::Guest => MAX_FILTER_VALUES,
        }
    }
}

/// A request that is worth an answer.
struct Admitted {
    asker: Asker,
    body: Bytes,
    /// One of [`MAX_REQUESTS`] or [`MAX_GUEST_REQUESTS`], until the answer is made.
    _place: OwnedSemaphorePermit,
}

/// Checks everything that does not need the body's meaning, cheapest first, and reads the body.
async fn admit(app: &App, head: &Parts, body: Body, repeated: Repeated) -> Result<Admitted, Problem> {
    check_content_type(&head.headers)?;
    let (asker, login) = asker(app, head)?;
    let places = match asker {
        Asker::Owner => &app.rest.requests,
        Asker::Guest => &app.rest.guest_requests,
    };
    let Ok(place) = Arc::clone(places).try_acquire_owned() else {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "The node is busy; try again in a moment"));
    };
    let body = match timeout(BODY_DEADLINE, read_body(body, asker.longest())).await {
        Ok(body) => body?,
        Err(_) => {
            return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "The body of the request came too slowly"));
        }
    };
    if let Some(login) = login {
        let hash = (!body.is_empty()).then(|| <[u8; 32]>::from(Sha256::digest(&body)));
        login.fits_body(hash).map_err(Problem::from)?;
        app.rest.used.use_up(&login, repeated, clock::now()).map_err(Problem::from)?;
    }
    Ok(Admitted { asker, body, _place: place })
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (media, parameters) = given.split_once(';').unwrap_or((given, ""));
    let charset = parameters.split(';').find_map(|parameter| parameter.trim().split_once('='));
    let utf8 = charset.is_none_or(|(name, value)| {
        !name.eq_ignore_ascii_case("charset") || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    if utf8 && media.trim().eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let sentence = "Bad Content-Type or charset, expected 'application/json'";
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, sentence))
}

/// The client that asks, and its login, which is still to be compared with the body and marked as used.
fn asker(app: &App, head: &Parts) -> Result<(Asker, Option<Login>), Problem> {
    if app.rest.legacy {
        return Ok((Asker::Owner, None));
    }
    let Some(credentials) = head.headers.get(header::AUTHORIZATION) else {
        if app.rest.public_read {
            return Ok((Asker::Guest, None));
        }
        let sentence =
            "Sign this request by NIP-98 (Authorization: Nostr ...), or start the node with --legacy-rest";
        return Err(Problem::login_needed(sentence));
    };
    let Some(owner) = app.node_status.borrow().owner else {
        return Err(Problem::login_needed("This node has no owner yet; open the claim link that it printed"));
    };
    let login = login_of(head, credentials.as_bytes(), &owner)?;
    Ok((Asker::Owner, Some(login)))
}

/// Checks a login by all but the body.
fn login_of(head: &Parts, credentials: &[u8], owner: &PublicKey) -> Result<Login, InvalidLogin> {
    // Every request that gets here has passed the guard.
    let Named { authority, .. } = head.extensions.get().ok_or(InvalidLogin::Address)?;
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let target = login::RequestTarget { method: head.method.as_str(), authority, path };
    login::check(credentials, &target, owner, clock::now())
}

/// Whether a request without a body is signed by the owner.
///
/// # Errors
/// A sentence, without its full stop.
pub(super) fn check_owner(app: &App, head: &Parts, credentials: &[u8]) -> Result<(), String> {
    let owner = app.node_status.borrow().owner.ok_or("this node has no owner yet")?;
    let login = login_of(head, credentials, &owner).map_err(|invalid| invalid.to_string())?;
    app.rest.used.use_up(&login, Repeated::GivesAway, clock::now()).map_err(|invalid| invalid.to_string())
}

impl From<InvalidLogin> for Problem {
    fn from(invalid: InvalidLogin) -> Self {
        match invalid {
            InvalidLogin::TooMany => Self::new(StatusCode::SERVICE_UNAVAILABLE, invalid.to_string()),
            _ => Self::login_needed(invalid.to_string()),
        }
    }
}

/// Reads a body up to its limit. Of a longer one the rest is read and forgotten, so that the client gets to hear why.
async fn read_body(body: Body, longest: usize) -> Result<Bytes, Problem> {
    let mut chunks = body.into_data_stream();
    let mut kept = Vec::new();
    let mut length = 0;
    while let Some(chunk) = chunks.next().await {
        let Ok(chunk) = chunk else {
            return Err(Problem::new(StatusCode::BAD_REQUEST, "The body of the request broke off"));
        };
        length += chunk.len();
        if length <= longest {
            kept.extend_from_slice(&chunk);
        } else {
            kept = Vec::new();
        }
        if length > MAX_DISCARDED_BYTES {
            break;
        }
    }
    if length > longest {
        let sentence = format!("The body of the request is longer than {longest} bytes");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, sentence));
    }
    Ok(kept.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_in_utf_8_is_taken() {
        let check = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, value.parse().unwrap());
            check_content_type(&headers).is_ok()
        };
        assert!(check_content_type(&HeaderMap::new()).is_err());
        for good in
            ["application/json", "Application/JSON; charset=UTF-8", "application/json;charset=\"utf-8\""]
        {
            assert!(check(good), "{good}");
        }
        for bad in ["", "text/plain", "application/jsonp", "application/json; charset=latin1"] {
            assert!(!check(bad), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_long_body_is_refused_and_a_fitting_one_kept() {
        let fits = read_body(Body::from(vec![b' '; MAX_BODY_BYTES]), MAX_BODY_BYTES).await;
        assert_eq!(fits.map(|body| body.len()).ok(), Some(MAX_BODY_BYTES));
        let refused = read_body(Body::from(vec![b' '; MAX_BODY_BYTES + 1]), MAX_BODY_BYTES).await;
        assert_eq!(refused.err().map(|problem| problem.status), Some(StatusCode::PAYLOAD_TOO_LARGE));
    }
}
