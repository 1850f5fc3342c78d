//! Passphrases, backups, and signing by an extension.

#![expect(missing_docs, reason = "each constant is its own documentation")]

use nostrp2p_protocol::PublicKey;

use super::{Language, words};
use crate::{
    model::signing::{NotOpened, Unfit},
    secret::Secret,
};

words! {
    table KEYS_TABLE, after 0;

    PASSPHRASE: "Passphrase";
    PASSPHRASE_NEW: "New passphrase";
    PASSPHRASE_AGAIN: "The same once more";
    PASSPHRASE_SHORT: "Take at least 8 characters; four or five words that do not belong together are better.";
    PASSPHRASE_DIFFERENT: "The two are not the same. Type them again.";
    PASSPHRASE_WRONG: "This passphrase does not fit. Try again.";
    PASSPHRASE_HARD: "This key asks for more memory than a browser gives. Open it with the program that made it, and bring it as nsec.";
    PASSPHRASE_BROKEN: "This is not a whole key: a character is missing or mistyped.";
    PASSPHRASE_BROWSER: "The browser could not do it. Reload the page and try again.";
    SEALING: "Encrypting…";

    BACKUP_LEAD: "The file holds your key under a passphrase. Whoever has both can write as you. Without the passphrase the file is worth nothing, and nobody can reset it: write it down, apart from the file.";
    BACKUP_SAVE: "Save the file";
    BACKUP_SAVED: "Saved. Keep the file and its passphrase in different places.";
    BACKUP_FILE: "Key of {0}, under a passphrase\n\n{1}\n\nTo use it, choose “I have a key” in NostrP2P, paste the line that begins with ncryptsec1, and enter the passphrase.\nWhoever has this file and the passphrase can write as you. Without the passphrase it is worth nothing.\n";

    SIGNER: "Lock";
    SIGNER_EXTENSION: "An extension of this browser holds your key and signs for you. The key never comes to this page: back it up and lock it there.";
    KEY_IN_EXTENSION: "It is in the extension of your browser, not here.";
    LOCK_WHY: "Whoever holds this device unlocked can write as you. With a passphrase they cannot: it is asked for when the page is opened and after the page was out of sight for 15 minutes.";
    LOCK_CHOOSE: "Set a passphrase";
    LOCK_LEAD: "Without this passphrase the key on this device cannot be used, and nobody can reset it. Keep a backup of the key besides.";
    LOCK_SET: "Lock with it";
    LOCK_PUT_ON: "Your key is under the passphrase now.";
    LOCK_ON: "Your key is under a passphrase.";
    LOCK_NOW: "Lock now";
    LOCK_OFF: "Take the passphrase off";
    LOCK_TAKEN_OFF: "The key is under no passphrase any more.";
    UNLOCK: "Unlock";
    UNLOCKING: "Unlocking…";
    UNLOCK_TITLE: "Your key is locked";
    UNLOCK_LEAD: "Your passphrase lets this page sign for you. Without it you can read what is stored here.";
    KEY_IS_LOCKED: "your key is locked.";

    KEY_EXTENSION: "Use my browser extension";
    KEY_EXTENSION_WHY: "It holds my key and signs for me";
    KEY_OPENING: "Opening your key…";
    KEY_PASSPHRASE: "Its passphrase";
    PROVING_EXTENSION: "Your browser extension asks you to sign in. Say yes there.";
}

/// Why a key under a passphrase did not open, or could not be put there.
pub fn not_opened(language: Language, reason: NotOpened) -> &'static str {
    match reason {
        NotOpened::Passphrase => PASSPHRASE_WRONG,
        NotOpened::TooHard => PASSPHRASE_HARD,
        NotOpened::Broken => PASSPHRASE_BROKEN,
        NotOpened::Browser => PASSPHRASE_BROWSER,
    }
    .say(language)
}

/// Why a new passphrase cannot be used.
pub fn unfit(language: Language, unfit: Unfit) -> &'static str {
    match unfit {
        Unfit::Short => PASSPHRASE_SHORT.say(language),
        Unfit::Different => PASSPHRASE_DIFFERENT.say(language),
        Unfit::NotDone(reason) => not_opened(language, reason),
    }
}

/// Name and content of the file that backs up a key.
pub fn backup_file(language: Language, owner: Option<PublicKey>, ncryptsec: &Secret) -> (String, Secret) {
    let npub = owner.map(|owner| owner.to_npub()).unwrap_or_default();
    let text = BACKUP_FILE.fill(language, &[&npub, ncryptsec.reveal()]);
    let name = npub.get(..12).unwrap_or("key");
    (format!("nostrp2p-{name}.txt"), Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_holds_the_key_and_is_named_after_the_public_one() {
        let owner = PublicKey::from_bytes([1; 32]);
        for language in Language::ALL {
            let (name, text) = backup_file(language, Some(owner), &Secret::new("ncryptsec1xyz".to_owned()));
            assert!(name.starts_with("nostrp2p-npub1") && name.ends_with(".txt"), "{name}");
            assert!(text.reveal().lines().any(|line| line == "ncryptsec1xyz"), "it can be pasted whole");
            assert!(text.reveal().contains(&owner.to_npub()));
        }
    }
}
