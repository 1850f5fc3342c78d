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
    LANGUAGE_AUTO: "As the browser", "ブラウザーに合わせる";
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
    KEYS_HELP: "Keyboard: n writes, j and k move between posts, r replies, l likes, Escape closes.", "キーボード：n で書く、j と k で投稿を移動、r で返信、l でいいね、Escape で閉じる。";

    UPDATE_READY: "A new version of this page is ready.", "新しいバージョンの準備ができました。";
    UPDATE_NOW: "Reload", "再読み込み";
    STORAGE_TROUBLE: "The browser does not let this page store anything: posts that are not sent yet are lost when you close it.", "ブラウザーがこのページの保存を許可していません。閉じると、未送信の投稿は失われます。";
    CRASHED: "Something went wrong on this page. Reload it; what you wrote is stored.", "このページで問題が起きました。再読み込みしてください。書いたものは保存されています。";
}

/// The themes as they are offered.
pub const THEMES: [super::Words; 3] = [THEME_AUTO, THEME_LIGHT, THEME_DARK];
