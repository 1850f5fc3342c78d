//! Which requests are looked at: those that name this node by a name it knows, from pages it knows.
//!
//! A page that the owner happens to visit must not reach the node. `Origin` says which page asks, unless the browser
//! was tricked into taking a foreign name for this address (DNS rebinding), which `Host` shows. An IP address
//! cannot be rebound, so as a `Host` every one is taken.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::App;

/// Lets a request pass or answers 403 with a sentence.
pub(super) async fn check(State(app): State<App>, request: Request, next: Next) -> Response {
    // Whoever may come to a node at home decides that node; see `helper`.
    let origins = if request.uri().path().starts_with("/to/") { Origins::All } else { Origins::Known };
    match verdict(request.headers(), &app.allow_hosts, origins) {
        Ok(()) => next.run(request).await,
        Err(reason) => (StatusCode::FORBIDDEN, format!("{reason}\n")).into_response(),
    }
}

/// The `Host` of a request, in lower case; empty when there is none.
pub(super) fn authority(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    host.unwrap_or_default().to_ascii_lowercase()
}

/// From which pages a request may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origins {
    Known,
    All,
}

fn verdict(headers: &HeaderMap, allowed: &[String], origins: Origins) -> Result<(), String> {
    let host = authority(headers);
    if !known(name(&host), allowed) {
        return Err(format!(
            "This node does not answer to the name {host:?}. If it is yours, start the node with --allow-host {}.",
            name(&host)
        ));
    }
    if origins == Origins::All {
        return Ok(());
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default().to_ascii_lowercase();
    let page = origin.split_once("://").map_or("", |(_, authority)| authority);
    if page == host || trusted(name(page), allowed) {
        return Ok(());
    }
    Err(format!(
        "This node does not answer to pages of {origin:?}. If you trust that site, start the node with --allow-host {}.",
        name(page)
    ))
}

/// Whether a `Host` of this name can be meant for this node.
fn known(name: &str, allowed: &[String]) -> bool {
    let literal = name.trim_start_matches('[').trim_end_matches(']');
    literal.parse::<std::net::IpAddr>().is_ok() || trusted(name, allowed)
}

/// Whether pages under this name may talk to the node.
fn trusted(name: &str, allowed: &[String]) -> bool {
    let loopback = matches!(name, "localhost" | "127.0.0.1" | "[::1]") || name.ends_with(".localhost");
    loopback
        || name.ends_with(".ts.net")
        || (!name.is_empty() && allowed.iter().any(|allowed| allowed == name))
}

/// Whether this is one of the node's own addresses: `host` or `host:port`. Of this machine and of its networks it is so
/// with the node's own port only, for at another one somebody else may stand.
pub(super) fn is_own(app: &App, authority: &str) -> bool {
    let authority = authority.to_ascii_lowercase();
    let name = name(&authority);
    let own_port = authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok()) == Some(app.port);
    app.allow_hosts.iter().any(|allowed| allowed == name)
        || name.ends_with(".ts.net")
        || own_port && known(name, &app.allow_hosts)
}

/// The authority without its port.
fn name(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(host: &str, origin: Option<&str>, passes: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        let allowed = ["my.example".to_owned()];
        assert_eq!(verdict(&headers, &allowed, Origins::Known).is_ok(), passes, "{host} {origin:?}");
    }

    #[test]
    fn pages_of_any_origin_may_go_home_through_a_helper_under_its_own_names_only() {
        for (host, passes) in [("my.example", true), ("evil.example", false)] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            headers.insert(header::ORIGIN, "https://page.example".parse().unwrap());
            assert_eq!(verdict(&headers, &["my.example".to_owned()], Origins::All).is_ok(), passes, "{host}");
        }
    }

    #[test]
    fn only_known_names_and_pages_pass() {
        for host in
            ["localhost:20001", "127.0.0.1:20001", "[::1]:20001", "192.168.1.5:20001", "phone.tail1.ts.net"]
        {
            check(host, None, true);
        }
        check("my.example", None, true);
        check("MY.example:443", None, true);
        for host in
            ["evil.example:20001", "", "localhost.evil.example", "ts.net.evil.example", "my.example.evil"]
        {
            check(host, None, false);
        }
        check("192.168.1.5:20001", Some("http://192.168.1.5:20001"), true);
        check("192.168.1.5:20001", Some("http://192.168.1.6:20001"), false);
        check("127.0.0.1:20001", Some("https://my.example"), true);
        check("127.0.0.1:20001", Some("http://localhost:8000"), true);
        for origin in
            ["https://evil.example", "null", "", "https://localhost.evil.example", "https://my.example.evil"]
        {
            check("127.0.0.1:20001", Some(origin), false);
        }
    }
}
