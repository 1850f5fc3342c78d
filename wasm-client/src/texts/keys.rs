//! Passphrases, backups, and signing by an extension.

#![expect(missing_docs, reason = "each constant is its own documentation")]

use nostrp2p_protocol::PublicKey;

use super::{Language, words};
use crate::{
    model::signing::{NotOpened, Unfit},
    secret::Secret,
};

words! {
    table KEYS_TABLE;

    PASSPHRASE: "Passphrase", "パスフレーズ";
    PASSPHRASE_NEW: "New passphrase", "新しいパスフレーズ";
    PASSPHRASE_AGAIN: "The same once more", "もう一度同じもの";
    PASSPHRASE_SHORT: "Take at least 8 characters; four or five words that do not belong together are better.", "8文字以上にしてください。互いに関係のない単語を四つか五つ並べるとより安全です。";
    PASSPHRASE_DIFFERENT: "The two are not the same. Type them again.", "二つが一致しません。もう一度入力してください。";
    PASSPHRASE_WRONG: "This passphrase does not fit. Try again.", "パスフレーズが違います。もう一度試してください。";
    PASSPHRASE_HARD: "This key asks for more memory than a browser gives. Open it with the program that made it, and bring it as nsec.", "この鍵を開くには、ブラウザーでは足りないほどのメモリーが必要です。作成したプログラムで開き、nsec の形で持ってきてください。";
    PASSPHRASE_BROKEN: "This is not a whole key: a character is missing or mistyped.", "鍵として不完全です。文字が欠けているか、間違っています。";
    PASSPHRASE_BROWSER: "The browser could not do it. Reload the page and try again.", "ブラウザーで処理できませんでした。ページを再読み込みして、もう一度試してください。";
    SEALING: "Encrypting…", "暗号化しています…";

    BACKUP_LEAD: "The file holds your key under a passphrase. Whoever has both can write as you. Without the passphrase the file is worth nothing, and nobody can reset it: write it down, apart from the file.", "ファイルにはパスフレーズで守られた鍵が入ります。両方を手に入れた人は、あなたとして投稿できます。パスフレーズがなければファイルは役に立たず、だれも再設定できません。ファイルとは別の場所に書き留めてください。";
    BACKUP_SAVE: "Save the file", "ファイルを保存";
    BACKUP_SAVED: "Saved. Keep the file and its passphrase in different places.", "保存しました。ファイルとパスフレーズは別々の場所に保管してください。";
    BACKUP_FILE: "Key of {0}, under a passphrase\n\n{1}\n\nTo use it, choose “I have a key” in NostrP2P, paste the line that begins with ncryptsec1, and enter the passphrase.\nWhoever has this file and the passphrase can write as you. Without the passphrase it is worth nothing.\n", "{0} の鍵（パスフレーズで保護）\n\n{1}\n\n使うには、NostrP2P で「鍵を持っています」を選び、ncryptsec1 で始まる行を貼り付けて、パスフレーズを入力してください。\nこのファイルとパスフレーズの両方を持つ人は、あなたとして投稿できます。パスフレーズがなければ、このファイルは役に立ちません。\n";

    SIGNER: "Lock", "ロック";
    SIGNER_EXTENSION: "An extension of this browser holds your key and signs for you. The key never comes to this page: back it up and lock it there.", "このブラウザーの拡張機能が鍵を持ち、署名します。鍵がこのページに渡ることはありません。バックアップとロックは拡張機能で行ってください。";
    KEY_IN_EXTENSION: "It is in the extension of your browser, not here.", "鍵はここではなく、ブラウザーの拡張機能にあります。";
    LOCK_WHY: "Whoever holds this device unlocked can write as you. With a passphrase they cannot: it is asked for when the page is opened and after the page was out of sight for 15 minutes.", "ロックされていないこの端末を手にした人は、あなたとして投稿できます。パスフレーズを設定すると防げます。ページを開いたとき、および15分間表示されなかったあとに尋ねられます。";
    LOCK_CHOOSE: "Set a passphrase", "パスフレーズを設定";
    LOCK_LEAD: "Without this passphrase the key on this device cannot be used, and nobody can reset it. Keep a backup of the key besides.", "このパスフレーズがなければ、この端末の鍵は使えません。だれも再設定できないので、鍵のバックアップも取っておいてください。";
    LOCK_SET: "Lock with it", "設定する";
    LOCK_PUT_ON: "Your key is under the passphrase now.", "鍵をパスフレーズで保護しました。";
    LOCK_ON: "Your key is under a passphrase.", "鍵はパスフレーズで保護されています。";
    LOCK_NOW: "Lock now", "今すぐロック";
    LOCK_OFF: "Take the passphrase off", "パスフレーズを外す";
    LOCK_TAKEN_OFF: "The key is under no passphrase any more.", "パスフレーズを外しました。";
    UNLOCK: "Unlock", "ロックを解除";
    UNLOCKING: "Unlocking…", "解除しています…";
    UNLOCK_TITLE: "Your key is locked", "鍵がロックされています";
    UNLOCK_LEAD: "Your passphrase lets this page sign for you. Without it you can read what is stored here.", "パスフレーズを入力すると、このページがあなたの代わりに署名できます。入力しなくても、ここに保存されたものは読めます。";
    KEY_IS_LOCKED: "your key is locked.", "鍵がロックされています。";

    KEY_EXTENSION: "Use my browser extension", "ブラウザーの拡張機能を使う";
    KEY_EXTENSION_WHY: "It holds my key and signs for me", "拡張機能が鍵を持ち、署名します";
    KEY_OPENING: "Opening your key…", "鍵を開いています…";
    KEY_PASSPHRASE: "Its passphrase", "そのパスフレーズ";
    PROVING_EXTENSION: "Your browser extension asks you to sign in. Say yes there.", "ブラウザーの拡張機能がログインの確認を求めています。そこで許可してください。";
}

/// Why a key under a passphrase did not open, or could not be put there.
pub const fn not_opened(language: Language, reason: NotOpened) -> &'static str {
    match reason {
        NotOpened::Passphrase => PASSPHRASE_WRONG,
        NotOpened::TooHard => PASSPHRASE_HARD,
        NotOpened::Broken => PASSPHRASE_BROKEN,
        NotOpened::Browser => PASSPHRASE_BROWSER,
    }
    .say(language)
}

/// What is wrong with a new passphrase.
pub const fn unfit(language: Language, unfit: Unfit) -> &'static str {
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
