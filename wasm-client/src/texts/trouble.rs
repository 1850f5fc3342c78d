//! What went wrong, why, and what to do.

#![expect(missing_docs, reason = "each constant is its own documentation")]

use nostrp2p_protocol::{
    InvalidNip19,
    frame::{Refusal, RefusalCode},
};

use super::{Language, words};
use crate::{address::InvalidAddress, model::connection::Trouble};

words! {
    table TROUBLE_TABLE;

    KEY_INCOMPLETE: "This is not a whole {0}: a character is missing or mistyped.", "{0} として不完全です。文字が欠けているか、間違っています。";
    KEY_OTHER: "This begins with {1}, but {0} is needed here.", "{1} で始まっていますが、ここで必要なのは {0} です。";
    KEY_EMPTY: "This {0} holds no valid value.", "この {0} には有効な値が入っていません。";
    KEY_NOT_KEPT: "The key could not be stored on this device ({0}). Nothing was changed; try again or use another browser.", "鍵をこの端末に保存できませんでした（{0}）。何も変更されていません。もう一度試すか、別のブラウザーを使ってください。";

    ADDRESS_EMPTY: "Enter the address that your node shows when it starts, for instance 127.0.0.1:20001.", "ノードの起動時に表示されるアドレスを入力してください（例：127.0.0.1:20001）。";
    ADDRESS_FORM: "This is not an address. It should look like 127.0.0.1:20001 or https://node.example.", "アドレスの形式ではありません。127.0.0.1:20001 や https://node.example のように入力してください。";
    ADDRESS_PORT: "The port behind the colon must be a number from 1 to 65535, for instance 20001.", "コロンの後のポートは 1 から 65535 までの数字です（例：20001）。";
    CLAIM_INCOMPLETE: "This claim link is not whole: 32 digits must follow “#claim=”. Copy it again from your node.", "この登録リンクは不完全です。“#claim=” の後に32桁が必要です。ノードからもう一度コピーしてください。";

    NO_ANSWER_LOOPBACK: "No node answers at {0}. Is it running? If the browser asked whether this page may reach devices on your network, it needs a yes.", "{0} のノードから応答がありません。起動していますか。ネットワーク上の機器への接続をブラウザーに尋ねられた場合は、許可してください。";
    NO_ANSWER: "No node answers at {0}. Is it running, and is this its address? Start it, then try again.", "{0} のノードから応答がありません。起動していて、アドレスは正しいですか。起動してから、もう一度試してください。";
    NO_ANSWER_TLS: "No node answers at {0}. It may be off, the port may be another one, or its certificate is not valid for this name: browsers do not say which. Open https://{0}/ in a new tab; if the browser warns there, it is the certificate.", "{0} のノードから応答がありません。停止しているか、ポートが違うか、証明書がこの名前に対して有効でない可能性があります（ブラウザーは区別を示しません）。新しいタブで https://{0}/ を開き、警告が出れば証明書の問題です。";
    NODE_CLOSED: "The node at {0} ended the conversation. It may be restarting; this page tries again by itself.", "{0} のノードが接続を終了しました。再起動中かもしれません。このページが自動的に再接続します。";
    NODE_SILENT: "{0} does not answer. Is your node running, and is the network good enough?", "{0} から応答がありません。ノードは起動していて、通信状態は良好ですか。";
    NODE_FOREIGN: "Something answers at {0}, but not a node of this network. Check address and port.", "{0} から応答がありますが、このネットワークのノードではありません。アドレスとポートを確認してください。";
    OTHER_NODE: "A node answers at {0}, but it is not yours.", "{0} から応答したノードは、あなたのものではありません。";
    IMPOSTOR: "What answers through the helper {0} is not your node: it does not hold your node’s key. Nothing was said to it. This page tries other ways; if it happens again, get a fresh link from your node.", "中継役 {0} の先で応答したのは、あなたのノードではありません（鍵が一致しません）。何も伝えていません。このページは別の経路を試します。繰り返す場合は、ノードから新しいリンクを取得してください。";
    WAY_INCOMPLETE: "This link is not whole: what it says of the way to your node is cut off. Copy it again from your node.", "このリンクは不完全です。ノードへの経路が途中で切れています。ノードからもう一度コピーしてください。";
    MIXED_CONTENT: "This page came over https, so the browser lets it talk to {0} only over https too. Open the page of the node itself, or give the node a certificate (“tailscale serve” does).", "このページは https で開かれたため、ブラウザーは {0} とも https でしか通信できません。ノード自身のページを開くか、ノードに証明書を設定してください（“tailscale serve” で設定できます）。";

    NOT_SIGNED_IN: "The login at {0} was not signed, so this page shows what is stored on this device. Try again whenever you like.", "{0} へのログインが署名されなかったため、この端末に保存されたものを表示しています。いつでもやり直せます。";

    REFUSED_VERSION: "Your node and this page are of different versions. Reload the page; if that does not help, update your node.", "ノードとこのページのバージョンが異なります。ページを再読み込みし、それでも直らない場合はノードを更新してください。";
    REFUSED_CHALLENGE: "The login came too late or to another address than this page shows. If it happens again, check the clock of this device and open the page at the address that your node shows.", "ログインが遅すぎたか、表示とは別のアドレスに届きました。繰り返す場合は、この端末の時計を確認し、ノードが示すアドレスでページを開いてください。";
    REFUSED_NOT_OWNER: "This key is not the owner’s key of this node. Use the key with which the node was set up.", "この鍵は、このノードの持ち主の鍵ではありません。ノードを設定したときの鍵を使ってください。";
    REFUSED_NO_OWNER: "This node has no owner yet. Open the claim link that it printed when it started.", "このノードにはまだ持ち主がいません。起動時に表示された登録リンクを開いてください。";
    REFUSED_CLAIMED: "This node has an owner already. If that is you, sign in with the key with which you claimed it.", "このノードにはすでに持ち主がいます。あなたの場合は、登録に使った鍵でログインしてください。";
    REFUSED_WRONG_TOKEN: "This claim link is not the one of this node. Start the node again and open the link that it shows then.", "この登録リンクは、このノードのものではありません。ノードを起動し直し、表示されたリンクを開いてください。";
    REFUSED_OLD_TOKEN: "This claim link is too old. Start the node again and open the new link that it shows.", "この登録リンクは期限切れです。ノードを起動し直し、新しいリンクを開いてください。";
    REFUSED_TIME: "The clock of this device and the clock of your node are too far apart. Set the one that is wrong, then try again.", "この端末とノードの時計が大きくずれています。間違っているほうを直してから、もう一度試してください。";
    REFUSED_TOO_LARGE: "It is too long. Shorten it.", "長すぎます。短くしてください。";
    REFUSED_READ_ONLY: "Your node takes no posts at the moment: it was started with writing switched off.", "ノードは現在、投稿を受け付けていません。書き込みを無効にして起動されています。";
    REFUSED_FORGED: "Your node could not confirm the signature. Try again; if it happens again, set up your key anew.", "ノードが署名を確認できませんでした。もう一度試し、繰り返す場合は鍵を設定し直してください。";
    REFUSED_AUTHOR: "It is signed with another key than the owner’s of this node.", "このノードの持ち主とは別の鍵で署名されています。";
    REFUSED_BUSY: "Your node is busy. It is tried again in a moment.", "ノードが混み合っています。まもなく再試行します。";
    REFUSED_SILENTLY: "Your node said no, without saying why. Its log may know more.", "ノードが理由を示さずに拒否しました。ノードのログに手がかりがあるかもしれません。";
    REFUSED_BECAUSE: "Your node said no: {0}", "ノードが拒否しました：{0}";
}

pub fn invalid_nsec(language: Language, error: &InvalidNip19) -> String {
    match error {
        InvalidNip19::Checksum { expected } => KEY_INCOMPLETE.fill(language, &[expected]),
        InvalidNip19::Prefix { expected, found } => KEY_OTHER.fill(language, &[expected, found]),
        InvalidNip19::Content { expected } => KEY_EMPTY.fill(language, &[expected]),
    }
}

pub fn invalid_address(language: Language, error: InvalidAddress) -> String {
    let words = match error {
        InvalidAddress::Empty => ADDRESS_EMPTY,
        InvalidAddress::Form => ADDRESS_FORM,
        InvalidAddress::Port => ADDRESS_PORT,
        InvalidAddress::Token => CLAIM_INCOMPLETE,
        InvalidAddress::Way => WAY_INCOMPLETE,
    };
    words.say(language).to_owned()
}

pub fn key_not_kept(language: Language, reason: &str) -> String {
    KEY_NOT_KEPT.fill(language, &[reason])
}

/// Why the node cannot be reached, and what to do.
pub fn trouble(
    language: Language,
    trouble: Trouble,
    address: &str,
    page_is_secure: bool,
    loopback: bool,
    secure: bool,
) -> String {
    let words = match trouble {
        Trouble::NoAnswer if page_is_secure && loopback => NO_ANSWER_LOOPBACK,
        Trouble::NoAnswer if secure => NO_ANSWER_TLS,
        Trouble::NoAnswer => NO_ANSWER,
        Trouble::Closed => NODE_CLOSED,
        Trouble::Silent => NODE_SILENT,
        Trouble::Foreign => NODE_FOREIGN,
        Trouble::OtherNode => OTHER_NODE,
        Trouble::Impostor => IMPOSTOR,
        Trouble::MixedContent => MIXED_CONTENT,
        Trouble::NotSigned => NOT_SIGNED_IN,
    };
    words.fill(language, &[address])
}

/// What a refusal means, and what to do.
pub fn refusal(language: Language, refusal: &Refusal) -> String {
    let words = match refusal.code {
        RefusalCode::Version => REFUSED_VERSION,
        RefusalCode::WrongChallenge => REFUSED_CHALLENGE,
        RefusalCode::NotOwner => REFUSED_NOT_OWNER,
        RefusalCode::NoOwner => REFUSED_NO_OWNER,
        RefusalCode::AlreadyClaimed => REFUSED_CLAIMED,
        RefusalCode::WrongToken => REFUSED_WRONG_TOKEN,
        RefusalCode::ExpiredToken => REFUSED_OLD_TOKEN,
        RefusalCode::WrongTime => REFUSED_TIME,
        RefusalCode::TooLarge => REFUSED_TOO_LARGE,
        RefusalCode::ReadOnly => REFUSED_READ_ONLY,
        RefusalCode::Forged => REFUSED_FORGED,
        RefusalCode::ForeignAuthor => REFUSED_AUTHOR,
        RefusalCode::Busy => REFUSED_BUSY,
        _ if refusal.reason.is_empty() => REFUSED_SILENTLY,
        // In the words of the node, which speaks English.
        _ => return REFUSED_BECAUSE.fill(language, &[&refusal.reason]),
    };
    words.say(language).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_key_is_explained_in_a_sentence() {
        let error = nostrp2p_protocol::SecretKey::from_nsec("npub1").unwrap_err();
        let english = invalid_nsec(Language::English, &error);
        assert_eq!(english, "This is not a whole nsec: a character is missing or mistyped.");
    }
}
