//! Setting up: node, key, name.

#![expect(missing_docs, reason = "each constant is its own documentation")]

use super::{Language, words};

words! {
    table WELCOME_TABLE;

    STEP_NODE: "Your node", "あなたのノード";
    STEP_KEY: "Your key", "あなたの鍵";
    STEP_NAME: "Your name", "あなたの名前";
    STEP_OF: "Step {0} of 3", "3ステップ中の{0}";

    NODE_TITLE: "Your node", "あなたのノード";
    NODE_LEAD: "A small program of your own carries your posts to other people’s nodes. This page talks to it and to nobody else.", "あなた専用の小さなプログラムが、投稿をほかの人のノードへ届けます。このページが通信する相手は、そのノードだけです。";
    NODE_LOOKING: "Looking for your node…", "ノードを探しています…";
    NODE_FOUND_FREE: "Found your node. It has no owner yet, and your link lets you become it.", "ノードが見つかりました。まだ持ち主がいません。このリンクで、あなたが持ち主になれます。";
    NODE_FOUND_TOKENLESS: "Found a node that has no owner yet. To show that it is yours, open the claim link that it printed when it started, or paste the link here.", "まだ持ち主のいないノードが見つかりました。自分のノードであることを示すには、起動時に表示された登録リンクを開くか、ここに貼り付けてください。";
    NODE_ADDRESS: "Address of your node, or its claim link", "ノードのアドレス、または登録リンク";
    NODE_ADDRESS_EXAMPLE: "127.0.0.1:20001", "127.0.0.1:20001";
    CLAIM_LINK: "Claim link", "登録リンク";
    CLAIM_LINK_EXAMPLE: "http://127.0.0.1:20001/#claim=…", "http://127.0.0.1:20001/#claim=…";
    NODE_CONNECT: "Connect", "接続する";
    NODE_OTHER: "Use another node", "別のノードを使う";
    NODE_ID: "Node", "ノード";
    NOT_NOW: "Not now", "今はしない";
    NODE_BELONGS_TO: "Found the node of {0}. Sign in with that person’s key.", "{0}さんのノードが見つかりました。その人の鍵でログインしてください。";

    KEY_TITLE: "Your key", "あなたの鍵";
    KEY_LEAD: "Your key is your name and your signature in one: whoever has it can write as you. It is made on this device, stays on it, and nobody can give you a new one if you lose it.", "鍵は、あなたの名前と署名を兼ねたものです。これを持つ人は誰でも、あなたとして書き込めます。鍵はこの端末で作られ、外に出ることはありません。なくしても、再発行は誰にもできません。";
    KEY_MAKE: "Make a new key", "新しい鍵を作る";
    KEY_MAKE_WHY: "I am new here", "はじめて使う";
    KEY_IMPORT: "I have a key", "鍵を持っている";
    KEY_IMPORT_WHY: "It begins with nsec1 or ncryptsec1", "nsec1 または ncryptsec1 で始まる文字列です";
    KEY_USE_HERE_WHY: "The key on this device", "この端末にある鍵";
    KEY_OWNER_TITLE: "Sign in", "ログイン";
    KEY_OWNER_LEAD: "This node belongs to {0}. To use it, show that you have the key.", "このノードの持ち主は{0}さんです。使うには、その鍵を持っていることを示してください。";
    CONTINUE_AS: "Continue as {0}", "{0}として続ける";
    KEY_MADE_TITLE: "Keep a copy", "控えを取っておく";
    KEY_MADE_LEAD: "This is your key. Save it where you keep passwords, before anything happens to this device.", "これがあなたの鍵です。この端末に何かが起こる前に、パスワードと同じ場所に保存してください。";
    KEY_DOWNLOAD: "Save as file", "ファイルに保存";
    KEY_LATER: "Later", "あとで";
    KEY_SAVED: "I have saved it", "保存しました";
    KEY_SHOW_LABEL: "Secret key", "秘密鍵";
    NSEC_LABEL: "Your secret key", "あなたの秘密鍵";
    NSEC_EMPTY: "Paste your secret key here. It begins with nsec1.", "秘密鍵をここに貼り付けてください。nsec1 で始まる文字列です。";
    KEY_USE: "Use this key", "この鍵を使う";
    KEY_PROVING: "Showing your node that it is you…", "あなたであることをノードに示しています…";
    KEY_WAITING: "Your key is ready. Waiting for your node…", "鍵の準備ができました。ノードを待っています…";
    NO_SAFE_PLACE: "This page came over an unencrypted address, and here the browser gives it no safe place for your key: it will be gone when you close the page. Open your node at http://localhost:20001, by “tailscale serve”, or over https.", "このページは暗号化されていないアドレスから読み込まれたため、ブラウザーに鍵を安全に保管する場所がありません。ページを閉じると鍵は消えます。http://localhost:20001、“tailscale serve”、または https でノードを開いてください。";

    NAME_TITLE: "Your name", "あなたの名前";
    NAME_LEAD: "What should people call you? You can change it at any time.", "何と呼ばれたいですか。あとからいつでも変更できます。";
    NAME_LABEL: "Name", "名前";
    NAME_EXAMPLE: "Ada", "はなこ";
    NAME_DONE: "Done", "完了";
    NAME_SKIP: "Skip", "スキップ";
}

pub fn step_of(language: Language, number: usize) -> String {
    STEP_OF.fill(language, &[&number.to_string()])
}

pub fn node_belongs_to(language: Language, name: &str) -> String {
    NODE_BELONGS_TO.fill(language, &[name])
}

pub fn continue_as(language: Language, name: &str) -> String {
    CONTINUE_AS.fill(language, &[name])
}

pub fn key_owner_lead(language: Language, name: &str) -> String {
    KEY_OWNER_LEAD.fill(language, &[name])
}
