//! Settings of the inbox, and of names at the node's domain (NIP-05).

use nostrp2p_core::InboxTerms;

use super::{Flags, Settings, SettingsFile, Unusable, values::checked_work};

/// The name that stands for the domain itself.
const DOMAIN: &str = "_";
/// Longest name, in characters.
const MAX_NAME: usize = 64;
/// Most names.
const MAX_NAMES: usize = 100;

/// Flags and environment before file before defaults.
///
/// No work is demanded by default: few programs do it, so with any of it direct messages of strangers would not come.
pub(super) fn merge(flags: &Flags, file: &SettingsFile) -> Result<Option<InboxTerms>, Unusable> {
    let in_file = file.inbox_work.map(checked_work).transpose();
    let in_file = in_file.map_err(|reason| Unusable::InFile(format!("inbox-work: {reason}")))?;
    let on = flags.inbox.or(file.inbox).unwrap_or(false);
    Ok(on.then(|| InboxTerms { work: flags.inbox_work.or(in_file).unwrap_or(0) }))
}

/// The names of the owner.
pub(super) fn names(flags: &Flags, file: &SettingsFile) -> Result<Vec<String>, Unusable> {
    let given = if flags.nip05_name.is_empty() { &file.nip05_name } else { &flags.nip05_name };
    let names: Vec<String> = given.iter().map(|name| name.trim().to_ascii_lowercase()).collect();
    if let Some(wrong) = names.iter().find(|name| !is_name(name)) {
        let reason = format!("nip05-name: {wrong:?} is no name; use a-z, 0-9, -, _ and . (NIP-05)");
        return Err(Unusable::InFile(reason));
    }
    if names.len() > MAX_NAMES {
        return Err(Unusable::InFile(format!("nip05-name: give at most {MAX_NAMES}")));
    }
    Ok(if names.is_empty() { vec![DOMAIN.to_owned()] } else { names })
}

/// The lines of a settings file that says the same.
pub(super) fn lines(
    settings: &Settings,
    list: impl Fn(Vec<String>) -> String,
) -> [(&'static str, Option<String>); 3] {
    [
        ("inbox", Some(settings.inbox.is_some().to_string())),
        ("inbox-work", settings.inbox.map(|terms| terms.work.to_string())),
        ("nip05-name", Some(list(settings.person_names.clone()))),
    ]
}

fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;

    #[test]
    fn the_inbox_is_off_until_it_is_switched_on_and_then_demands_no_work() {
        let inbox = |arguments: &[&str], file: &str| settings(arguments, file).unwrap().inbox;
        assert_eq!(inbox(&[], ""), None);
        assert_eq!(inbox(&["--inbox"], ""), Some(InboxTerms { work: 0 }));
        assert_eq!(inbox(&["--inbox-work", "20"], ""), None);
        assert_eq!(inbox(&["--inbox-work", "20"], "inbox = true"), Some(InboxTerms { work: 20 }));
        assert_eq!(inbox(&["--inbox", "false"], "inbox = true\ninbox-work = 3"), None);
        assert_eq!(inbox(&[], "inbox = true\ninbox-work = 3"), Some(InboxTerms { work: 3 }));
        assert!(settings(&["--inbox-work", "41"], "").is_err() && settings(&[], "inbox-work = 41").is_err());
    }

    #[test]
    fn the_owner_is_called_like_the_domain_until_other_names_are_given() {
        let names = |arguments: &[&str]| settings(arguments, "").unwrap().person_names;
        assert_eq!(names(&[]), ["_"]);
        assert_eq!(names(&["--nip05-name", "Bob,_"]), ["bob", "_"]);
        for wrong in ["", "b b", "bob@node.example", &"x".repeat(65)] {
            let reason = settings(&["--nip05-name", wrong], "").unwrap_err();
            assert!(matches!(&reason, Unusable::InFile(text) if text.contains("nip05-name")), "{reason:?}");
        }
    }
}
