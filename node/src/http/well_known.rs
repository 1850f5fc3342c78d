//! Names of the owner at a domain of the node (NIP-05): `name@node.example`, and `_` for the domain itself.
//!
//! They are served under names of the node that are for everybody, and to pages of every site: NIP-05 wants that.

use std::collections::BTreeMap;

use axum::{
    Extension,
    extract::{RawQuery, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use nostrp2p_protocol::{Authority, PublicKey};
use serde::Serialize;

use super::{App, info, named::Named};

/// The path that NIP-05 defines.
pub(super) const PATH: &str = "/.well-known/nostr.json";

/// The document of NIP-05.
#[derive(Debug, Serialize)]
struct Names {
    names: BTreeMap<String, PublicKey>,
    relays: BTreeMap<PublicKey, Vec<String>>,
}

/// Answers with the name that is asked for, or with all where none is.
pub(super) async fn names(
    State(app): State<App>,
    Extension(named): Extension<Named>,
    RawQuery(query): RawQuery,
) -> Response {
    let owner = app.node_status.borrow().owner;
    let Some(owner) = owner.filter(|_| app.names.is_public(&named.authority, named.ends.as_ref())) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let url = relay_url(&named.authority, app.names.serves_tls());
    let mut response =
        info::json("application/json", &document(&app.person_names, asked(query.as_deref()), owner, url));
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// The `name` of a query; it needs no percent-decoding, because names have letters, digits and `-_.` alone.
fn asked(query: Option<&str>) -> Option<&str> {
    query?.split('&').find_map(|part| part.strip_prefix("name="))
}

fn document(own: &[String], asked: Option<&str>, owner: PublicKey, url: String) -> Names {
    let is_asked = |name: &&String| asked.is_none_or(|asked| asked.eq_ignore_ascii_case(name));
    let names: BTreeMap<String, PublicKey> =
        own.iter().filter(is_asked).map(|name| (name.clone(), owner)).collect();
    let relays = if names.is_empty() { BTreeMap::new() } else { [(owner, vec![url])].into() };
    Names { names, relays }
}

/// The address of the relay. A name without a port is that of a proxy with TLS, where the node has none of its own.
pub(super) fn relay_url(authority: &Authority, tls: bool) -> String {
    let scheme = if tls || authority.port().is_none() { "wss" } else { "ws" };
    format!("{scheme}://{authority}/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_however_it_is_written_and_no_other() {
        let owner = PublicKey::from_bytes([1; 32]);
        let asked = |query: Option<&str>| {
            let own = ["_".to_owned(), "bob".to_owned()];
            let document = document(&own, asked(query), owner, "wss://node.example/".into());
            serde_json::to_value(document).unwrap()
        };
        let relays = serde_json::json!({ owner.to_string(): ["wss://node.example/"] });
        for query in ["name=bob", "name=BOB", "x=1&name=bob"] {
            let names = serde_json::json!({ "bob": owner });
            assert_eq!(asked(Some(query)), serde_json::json!({ "names": names, "relays": relays }));
        }
        assert_eq!(asked(None)["names"].as_object().unwrap().len(), 2);
        assert_eq!(asked(Some("name=carol")), serde_json::json!({ "names": {}, "relays": {} }));
    }

    #[test]
    fn the_relays_address_has_the_scheme_by_which_it_is_reached() {
        let url = |name: &str, tls| relay_url(&name.parse().unwrap(), tls);
        assert_eq!(url("node.example", false), "wss://node.example/");
        assert_eq!(url("node.example:20001", false), "ws://node.example:20001/");
        assert_eq!(url("node.example:20001", true), "wss://node.example:20001/");
    }
}
