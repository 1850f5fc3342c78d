//! Settings, and the words of the frame around every screen.

#![expect(missing_docs, reason = "each constant is its own documentation")]

use super::words;

words! {
    table SETTINGS_TABLE;

    APP: "NostrP2P", "NostrP2P";
    HOME: "Home", "ホーム";
    WRITE: "Write", "書く";
    NETWORK: "Network", "ネットワーク";
    ME: "Me", "自分";
    SETTINGS: "Settings", "設定";
    MAIN_NAVIGATION: "Main", "メイン";
    BACK: "Back", "戻る";
    CONTINUE: "Continue", "次へ";
    CANCEL: "Cancel", "キャンセル";
    CLOSE: "Close", "閉じる";
    COPY: "Copy", "コピー";
    COPIED: "Copied.", "コピーしました。";
    NOT_COPIED: "The browser did not allow copying. Select the text and copy it by hand.", "ブラウザーがコピーを許可しませんでした。文字を選択して手動でコピーしてください。";
    TRY_AGAIN: "Try again", "もう一度試す";
    TRY_NOW: "Try now", "今すぐ試す";

    THEME: "Colours", "配色";
    THEME_AUTO: "Automatic", "自動";
    THEME_LIGHT: "Light", "ライト";
    THEME_DARK: "Dark", "ダーク";
    LANGUAGE: "Language", "言語";
    LANGUAGE_AUTO: "Automatic", "自動";
    NODE_SETTING: "Node", "ノード";
    NODE_SETTING_WHY: "The node that this page talks to.", "このページが通信するノードです。";
    NODE_CHANGE: "Set up again", "設定し直す";
    LIST_TITLE: "People you follow", "フォロー中の人";
    LIST_WHY: "Earlier lists are kept on this device, in case one goes wrong.", "万一に備えて、以前の一覧をこの端末に残しています。";
    LIST_RESTORE: "Go back to it", "この一覧に戻す";
    LIST_RESTORED: "You follow the people of that day again.", "その日のフォロー一覧に戻しました。";
    LIST_PRESENT: "now", "現在";
    FORGET: "Sign out and forget the key", "ログアウトして鍵を消去";
    FORGET_WHY: "Removes your key, your drafts and all cached posts from this device. Your node keeps your posts.", "鍵、下書き、保存された投稿をこの端末から消去します。投稿はノードに残ります。";
    FORGET_ASK: "Really forget it?", "本当に消去しますか。";
    FORGET_UNSAVED: "You have not saved a copy of this key. Without one nobody, not even you, can ever write under this name again.", "この鍵の控えが保存されていません。控えがなければ、あなた自身を含め、誰も二度とこの名前で書き込めなくなります。";
    FORGET_YES: "Forget the key", "鍵を消去する";
    ABOUT_PAGE: "About", "このページについて";
    VERSION: concat!("Version ", env!("CARGO_PKG_VERSION")), concat!("バージョン ", env!("CARGO_PKG_VERSION"));
    KEYBOARD: "Keyboard", "キーボード";
    KEY_NEW: "Write a new post", "新しい投稿を書く";
    KEY_NEXT: "To the next post", "次の投稿へ";
    KEY_PREVIOUS: "To the previous post", "前の投稿へ";
    KEY_OPEN: "Open the conversation", "会話を開く";
    KEY_REPLY: "Reply", "返信する";
    KEY_LIKE: "Like", "いいねする";
    KEY_FIND: "Search", "検索する";
    KEY_CLOSE: "Close what is open", "開いているものを閉じる";
    KEY_HELP: "This help", "このヘルプ";
    KEY_SEND: "Send what is written", "書いたものを送る";

    MEDIA: "Pictures in posts", "投稿の画像";
    MEDIA_WHY: "Whoever keeps a picture sees the internet address of everybody who loads it.", "画像を置いている相手には、読み込んだ人のインターネット上のアドレスが伝わります。";
    MEDIA_ASK: "After a tap", "タップしたとき";
    MEDIA_FOLLOWED: "From people I follow", "フォロー中の人は自動";
    MEDIA_NEVER: "Never", "表示しない";
    PACE: "Data and battery", "通信量と電池";
    PACE_WHY: "How long your node may gather news before it wakes this device.", "この端末を起こす前に、ノードが新着をまとめて待つ時間です。";
    PACE_QUICK: "At once", "すぐに届ける";
    PACE_SAVER: "Save", "節約する";
    EXPORT: "Take everything with you", "データの書き出し";
    EXPORT_WHY: "A file with every post, profile and list that this device holds: one line of JSON each, as other programs of this sort read them.", "この端末にあるすべての投稿、プロフィール、一覧を一つのファイルにまとめます。1行に1件のJSON形式で、同種のプログラムで読み込めます。";
    EXPORT_SAVE: "Save as file", "ファイルに保存";
    INSTALL: "Install as an app", "アプリとしてインストール";
    INSTALL_WHY: "It then opens from your home screen, and the browser does not clear away what is stored here.", "ホーム画面から開けるようになり、保存されたものがブラウザーに消されません。";
    GROUP_READING: "Reading", "表示";
    GROUP_KEY: "Your key", "あなたの鍵";
    GROUP_NODE: "Your node", "あなたのノード";
    GROUP_DATA: "What is stored here", "この端末のデータ";

    UPDATE_READY: "A new version of this page is ready.", "新しいバージョンの準備ができました。";
    UPDATE_NOW: "Reload", "再読み込み";
    STORAGE_TROUBLE: "The browser does not let this page store anything: posts that are not sent yet are lost when you close it.", "ブラウザーがこのページの保存を許可していません。閉じると、未送信の投稿は失われます。";
    CRASHED: "Something went wrong on this page. Reload it; what you wrote is stored.", "このページで問題が起きました。再読み込みしてください。書いたものは保存されています。";
}

/// The themes as they are offered.
pub const THEMES: [super::Words; 3] = [THEME_AUTO, THEME_LIGHT, THEME_DARK];
