//! Accepts only requests that name this node by a name of its own, from known pages.
//!
//! A page that the owner happens to visit must not reach the node. `Origin` names the page, unless an attacker has
//! tricked the browser into using a foreign name for this address (DNS rebinding), which `Host` shows. Under a name
//! that may be the node's own but is not confirmed, the node serves only what does not disclose the owner: see
//! [`crate::own_names`].

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, Version, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use nostrp2p_protocol::Authority;

use super::{
    App,
    client_limits::{ClientOrigin, Source},
    front,
    named::Named,
    refused_pages, well_known,
};
use crate::{
    clock,
    own_names::{NameKind, OwnNames, SocketEnds},
    web,
};

/// Lets a request pass or answers 403 with a sentence.
pub(super) async fn check(State(app): State<App>, mut request: Request, next: Next) -> Response {
    if names_other_than_one_host(&request) {
        return (StatusCode::BAD_REQUEST, "A request names one host, by one Host header (RFC 9112, 3.2).\n")
            .into_response();
    }
    let ends = request.extensions().get::<SocketEnds>().copied();
    match verdict(&request, &app.names, ends, app.relay.policy.inbox.is_some()) {
        Ok(named) => {
            request.extensions_mut().insert(named);
            next.run(request).await
        }
        Err(Refusal { reason, page }) => {
            if page && let Some(origin) = origin(request.headers()) {
                let source = request.extensions().get::<Source>().copied();
                let from = ClientOrigin::of(source, request.headers());
                app.refused_pages.count(origin, from, clock::now());
            }
            (StatusCode::FORBIDDEN, format!("{reason}\n")).into_response()
        }
    }
}

/// Whether a request has several `Host` headers, of which another program may have looked at another one; or none, which
/// HTTP 1.0 permits.
fn names_other_than_one_host(request: &Request) -> bool {
    match request.headers().get_all(header::HOST).iter().count() {
        0 => request.version() == Version::HTTP_11,
        count => count > 1,
    }
}

/// Why a request is not looked at.
#[derive(Debug)]
struct Refusal {
    /// The reason, a sentence.
    reason: String,
    /// Whether it is for the page that asks, which its browser does not tell why.
    page: bool,
}

impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Self { reason, page: false }
    }
}

fn origin(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or_default())
}

fn verdict(
    request: &Request,
    names: &OwnNames,
    ends: Option<SocketEnds>,
    has_inbox: bool,
) -> Result<Named, Refusal> {
    let path = request.uri().path();
    let headers = request.headers();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let Ok(authority) = host.parse::<Authority>() else {
        let reason = "is no host; a proxy has to pass on what the client sent.";
        return Err(format!("The Host {host:?} of this request {reason}").into());
    };
    match names.kind(&authority, ends.as_ref()) {
        NameKind::Foreign => {
            return Err(format!(
                "This node does not answer to the name {host:?}. If it is yours, start the node with --allow-host {}.",
                authority.host()
            )
            .into());
        }
        NameKind::Unconfirmed if !names_no_owner(path, headers) => {
            return Err(format!(
                "This node does not know {authority} as its own address, so it serves only its page there. Sign in on \
                 that page and confirm the address under Settings, or start the node with --allow-host {authority}."
            )
            .into());
        }
        NameKind::Own | NameKind::Unconfirmed => {}
    }
    let named = Named { authority, ends, from_foreign_page: false };
    // Whoever may come to a node at home decides that node; see `helper`.
    if path.starts_with("/to/") {
        return Ok(named);
    }
    let Some(origin) = origin(headers) else { return Ok(named) };
    if names.takes_page(origin, &named.authority, ends.as_ref()) {
        return Ok(named);
    }
    let for_everybody = match path {
        // NIP-11 wants it to be readable from everywhere.
        "/" if !headers.contains_key(header::UPGRADE) => front::accepts_information(headers),
        // Not under a name of this machine or network: whoever visits a page would tell it that there is a node.
        "/" => has_inbox && names.is_public(&named.authority, ends.as_ref()),
        // NIP-05 as well.
        well_known::PATH => names.is_public(&named.authority, ends.as_ref()),
        _ => false,
    };
    if for_everybody {
        return Ok(Named { from_foreign_page: true, ..named });
    }
    let advice = refused_pages::advice(&origin.to_ascii_lowercase());
    Err(Refusal {
        reason: format!("This node does not answer to pages of {origin:?}; {advice}."),
        page: true,
    })
}

/// Whether what is asked for is the page, the session that it opens to claim the node or to go on in an encrypted
/// channel, or whether the node works.
fn names_no_owner(path: &str, headers: &HeaderMap) -> bool {
    match path {
        "/" => !headers.contains_key(header::UPGRADE) && !front::accepts_information(headers),
        "/client" | "/healthz" => true,
        path => web::file(path).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;
    use crate::settings::Pages;

    fn names() -> OwnNames {
        let own = vec!["my.example".parse().unwrap()];
        OwnNames::new(own, Pages::Listed(vec!["https://page.example".into()]), false, Default::default())
    }

    fn asked(path: &str, headers: &[(&str, &str)]) -> Result<Named, Refusal> {
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let ends =
            SocketEnds { from: "127.0.0.1:5".parse().unwrap(), at: "127.0.0.1:20001".parse().unwrap() };
        verdict(&request.body(Body::empty()).unwrap(), &names(), Some(ends), false)
    }

    #[track_caller]
    fn check(path: &str, host: &str, origin: Option<&str>, passes: bool) {
        let headers: Vec<_> =
            [("host", host)].into_iter().chain(origin.map(|origin| ("origin", origin))).collect();
        assert_eq!(asked(path, &headers).is_ok(), passes, "{path} {host} {origin:?}");
    }

    #[test]
    fn pages_of_any_origin_may_go_home_through_a_helper_under_its_own_names_only() {
        let page = Some("https://evil.example");
        check("/to/12D3", "my.example", page, true);
        check("/to/12D3", "evil.example", page, false);
        check("/to/12D3", "192.0.2.1:20001", page, false);
    }

    #[test]
    fn under_an_own_name_everything_is_served_and_under_a_foreign_one_nothing() {
        for path in ["/", "/client", "/req", "/node.json", "/metrics", "/healthz"] {
            for host in ["localhost:20001", "127.0.0.1:20001", "my.example", "MY.example:443"] {
                check(path, host, None, true);
            }
            for host in
                ["evil.example:20001", "", "localhost.evil.example", "my.example.evil", "me@my.example"]
            {
                check(path, host, None, false);
            }
        }
    }

    #[test]
    fn a_request_names_one_host() {
        let request = |version, hosts: &[&str]| {
            let mut request = Request::new(Body::empty());
            *request.version_mut() = version;
            for host in hosts {
                request.headers_mut().append(header::HOST, host.parse().unwrap());
            }
            names_other_than_one_host(&request)
        };
        assert!(!request(Version::HTTP_11, &["localhost"]) && !request(Version::HTTP_10, &[]));
        assert!(request(Version::HTTP_11, &[]));
        assert!(request(Version::HTTP_11, &["localhost", "localhost"]));
        assert!(request(Version::HTTP_10, &["localhost", "evil.example"]));
    }

    #[test]
    fn under_a_name_that_nobody_confirmed_nothing_is_served_that_names_the_owner() {
        for host in ["192.168.1.5:20001", "localhost:7777", "phone.tail1.ts.net"] {
            for path in ["/", "/client", "/healthz"] {
                check(path, host, None, true);
            }
            for path in ["/publish", "/req", "/node.json", "/metrics", "/to/12D3", "/anything"] {
                check(path, host, None, false);
            }
            assert!(asked("/", &[("host", host), ("upgrade", "websocket")]).is_err(), "the relay");
            assert!(asked("/", &[("host", host), ("accept", "application/nostr+json")]).is_err(), "NIP-11");
        }
    }

    #[test]
    fn pages_of_anybody_get_the_document_of_the_relay_and_nothing_else() {
        let asks = |path: &str, more: &[(&str, &str)]| {
            let from = [("host", "my.example"), ("origin", "https://evil.example")];
            asked(path, &[&from, more].concat()).is_ok_and(|named| named.from_foreign_page)
        };
        let information = ("accept", "application/nostr+json");
        assert!(asks("/", &[information]));
        assert!(!asks("/", &[]) && !asks("/", &[information, ("upgrade", "websocket")]));
        assert!(!asks("/node.json", &[information]) && !asks("/client", &[information]));
    }

    #[test]
    fn only_known_pages_pass() {
        check("/client", "192.168.1.5:20001", Some("http://192.168.1.5:20001"), true);
        check("/client", "192.168.1.5:20001", Some("https://page.example"), false);
        check("/client", "my.example", Some("https://page.example"), true);
        for origin in ["https://evil.example", "http://localhost:8000", "https://other.ts.net", "null", ""] {
            check("/client", "127.0.0.1:20001", Some(origin), false);
        }
    }
}
