//! Who may see the node's state: the owner, who signs the request (NIP-98), and holders of the token in the data
//! directory (see [`crate::access_token`]). Everybody else learns only which node it is.

use axum::{
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};

use super::{App, rest};

/// The client, by its `Authorization` header.
pub(super) enum Visitor {
    /// The owner, or somebody who reads the data directory.
    Insider,
    /// No credentials.
    Guest,
    /// Wrong credentials, and the answer that says why.
    Refused(Response),
}

/// Looks at who asks.
pub(super) fn visitor(app: &App, head: &Parts) -> Visitor {
    let Some(shown) = head.headers.get(header::AUTHORIZATION) else { return Visitor::Guest };
    if app.token.is_in(shown.as_bytes()) {
        return Visitor::Insider;
    }
    match rest::check_owner(app, head, shown.as_bytes()) {
        Ok(()) => Visitor::Insider,
        Err(reason) => {
            Visitor::Refused(unauthorized(&format!("{reason}, and no token of this node either.")))
        }
    }
}

/// The answer to a guest who asks for what guests may not see.
pub(super) fn for_insiders() -> Response {
    unauthorized(
        "This is for the owner of the node: send what stands in the file access-token of its data directory \
         (Authorization: Bearer ...), or sign the request by NIP-98.",
    )
}

fn unauthorized(reason: &str) -> Response {
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], format!("{reason}\n")).into_response()
}
