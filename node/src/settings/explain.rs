//! `nostrp2p server --print-settings`: each setting in effect, and where it comes from.

use std::path::Path;

use super::{Flags, Settings, Tls, inbox, storage};

/// The settings as a settings file, each line with a word on where its value comes from: a flag, the environment, the
/// file, or the default. `said` tells of a long flag whether it was given, and how.
pub fn explain(settings: &Settings, flags: &Flags, said: impl Fn(&str) -> Option<&'static str>) -> String {
    let path = flags.settings.clone().unwrap_or_else(|| settings.data_dir.join("nostrp2p.toml"));
    let file: toml::Table =
        std::fs::read_to_string(&path).ok().and_then(|text| text.parse().ok()).unwrap_or_default();
    // Strings and lists of strings are written the same in JSON and in TOML.
    let list = |items: Vec<String>| serde_json::Value::from(items).to_string();
    let text = |value: &str| serde_json::Value::from(value).to_string();
    let path_text = |value: &Path| text(&value.display().to_string());
    let (cert, key, acme) = match &settings.tls {
        Some(Tls::Files(files)) => (Some(&files.cert), Some(&files.key), None),
        Some(Tls::Acme(acme)) => (None, None, Some(acme)),
        None => (None, None, None),
    };
    let mut values = vec![
        ("listen-addr-port", Some(listening(settings))),
        ("boot-peer-addr-port", Some(list(settings.bootstrap.iter().map(ToString::to_string).collect()))),
        ("public-key", settings.owner.map(|owner| text(&owner.to_npub()))),
        ("writable", Some(settings.writable.to_string())),
        ("debug", Some(settings.debug.to_string())),
        ("ssl", Some(settings.tls.is_some().to_string())),
        ("tls-cert", cert.map(|path| path_text(path))),
        ("tls-key", key.map(|path| path_text(path))),
    ];
    values.extend(acme.into_iter().flat_map(|acme| {
        [
            ("acme-domain", Some(list(acme.domains.clone()))),
            ("acme-email", acme.email.as_deref().map(text)),
            ("acme-directory", acme.directory.as_deref().map(text)),
        ]
    }));
    values.extend(settings.reach.lines(list, text));
    values.extend(settings.home.lines(text));
    values.extend(storage::lines(&settings.retention, settings.cache));
    values.extend([
        ("allow-host", Some(list(settings.allow_hosts.iter().map(ToString::to_string).collect()))),
        ("allow-origin", settings.pages.line().map(list)),
        ("legacy-rest", Some(settings.legacy_rest.to_string())),
        ("open-relay", Some(settings.open_relay.to_string())),
    ]);
    values.extend(inbox::lines(settings, list));
    values.extend([
        ("public-replies", Some(settings.public_replies.to_string())),
        ("mirror", Some(list(settings.mirrors.clone()))),
        ("mirror-lists", Some(settings.mirror_lists.to_string())),
        ("mirror-ca", settings.mirror_ca.as_deref().map(path_text)),
        ("public-read", Some(settings.public_read.to_string())),
        ("claim-minutes", Some((settings.claim_seconds / 60).to_string())),
        ("no-qr", Some((!settings.qr).to_string())),
    ]);
    let origin = |name: &str| match (said(name), file.contains_key(name)) {
        (Some(how), _) => how.to_owned(),
        (None, true) => format!("from {}", path.display()),
        (None, false) => "the default".to_owned(),
    };
    let mut lines = vec![format!(
        "# data-dir = {}  # {}",
        path_text(&settings.data_dir),
        said("data-dir").unwrap_or("the default")
    )];
    lines.extend(
        values
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name} = {}  # {}", value?, origin(name)))),
    );
    lines.join("\n")
}

/// One address as a text, several as a list.
fn listening(settings: &Settings) -> String {
    let first = settings.listen.to_string();
    if settings.listen_also.is_empty() {
        return serde_json::Value::from(first).to_string();
    }
    let also = settings.listen_also.iter().map(|(nodes, _)| nodes.to_string());
    serde_json::Value::from(std::iter::once(first).chain(also).collect::<Vec<_>>()).to_string()
}
