//! People: finding them, their pages, following, notifications, and one's own profile.

#![expect(missing_docs, reason = "each constant is its own documentation")]

use super::{Language, count, other_people, words};
use crate::model::notices::What;

words! {
    table PEOPLE_TABLE;

    FIND: "Search", "検索";
    FIND_LABEL: "Search people and posts", "人と投稿を検索";
    FIND_EXAMPLE: "Name, words, public key, or ada@example.org", "名前、言葉、公開鍵、または ada@example.org";
    FIND_OPEN: "Open", "開く";
    FIND_PEOPLE: "Find people", "人を探す";
    FIND_LEAD: "Paste somebody’s public key (npub1…) here, or search for a name or for words in posts.", "公開鍵（npub1…）を貼り付けるか、名前や投稿の言葉で検索してください。";
    FIND_NOTHING: "Your node holds nothing of that.", "ノードにある投稿の中には見つかりませんでした。";
    FIND_LOADING: "Searching your node…", "ノードの中を検索しています…";
    PEOPLE: "People", "人";
    AROUND: "Around you", "近くの人";

    NOTIFICATIONS: "Notifications", "通知";
    NOTIFICATIONS_SHORT: "News", "通知";
    NOTIFICATIONS_EMPTY: "Nothing yet", "まだ通知はありません";
    NOTIFICATIONS_EMPTY_LEAD: "Answers, mentions, likes and reposts of your posts appear here.", "あなたの投稿への返信、言及、いいね、リポストがここに表示されます。";
    UNREAD: " unread", "件の未読";
    REPLIED: "{0} replied", "{0}が返信しました";
    MENTIONED: "{0} mentioned you", "{0}があなたに言及しました";
    QUOTED: "{0} quoted you", "{0}があなたの投稿を引用しました";
    REPOSTED_YOURS: "{0} reposted your post", "{0}があなたの投稿をリポストしました";
    LIKES_YOURS: "{0} likes your post", "{0}があなたの投稿に「いいね」しました";
    LIKE_YOURS: "{0} like your post", "{0}があなたの投稿に「いいね」しました";
    FOLLOWS_YOU: "{0} follows you", "{0}があなたをフォローしました";
    FOLLOWER_KNOWN: "1 follower known", "知られているフォロワー1人";
    FOLLOWERS_KNOWN: "{0} followers known", "知られているフォロワー{0}人";
    NAME_AND: "{0} and {1}", "{0}と{1}";

    FOLLOW: "Follow", "フォローする";
    FOLLOWED: "Following", "フォロー中";
    UNFOLLOW: "Do not follow any more", "フォローをやめる";
    FOLLOWS_PERSON: "follows 1 person", "1人をフォロー中";
    FOLLOWS_PEOPLE: "follows {0} people", "{0}人をフォロー中";
    MUTE: "Mute", "ミュート";
    UNMUTE: "Unmute", "ミュートを解除";
    MUTED: "People you muted", "ミュート中の人";
    MUTE_WHY: "You do not see what a muted person writes. Your list of muted people is not passed on.", "ミュートした人の投稿は表示されません。ミュートの一覧がほかの人に渡ることはありません。";
    LIST_AWAITED: "This is done as soon as your node has shown your present list.", "ノードから現在の一覧が届きしだい実行します。";
    FIRST_LIST: "Begin a new list?", "新しい一覧を始めますか。";
    FIRST_LIST_WHY: "Your node knows of no list of yours. If you have one elsewhere, a new one would take its place.", "ノードにあなたの一覧がありません。ほかの場所に一覧がある場合、新しいものに置き換わります。";
    FIRST_LIST_YES: "Begin a new list", "新しい一覧を始める";
    COPY_KEY: "Copy key", "鍵をコピー";
    NIP05_CHECK: "Check", "確認する";
    NIP05_ASKING: "Asking the domain…", "ドメインに問い合わせています…";
    NIP05_RIGHT: "The domain says the same.", "ドメインの情報と一致しています。";
    NIP05_WRONG: "The domain says otherwise.", "ドメインの情報と一致しません。";
    NIP05_FAILED: "The domain could not be asked.", "ドメインに問い合わせできませんでした。";
    NAME_LOOK_UP: "Look up", "調べる";
    NAME_UNKNOWN: "{0} is not known there.", "{0} は見つかりませんでした。";
    NAME_NOT_ASKED: "{0} could not be asked. Is it written correctly? Some domains let no web page ask.", "{0} に問い合わせできませんでした。綴りは正しいですか。ウェブページからの問い合わせを認めないドメインもあります。";
    NIP05_UNCHECKED: "This is what this person says; it was not checked.", "本人の申告です。確認はされていません。";
    PICTURE_OF: "Picture of {0}", "{0}の画像";
    PICTURE_FROM: "{0} will see your address on the internet.", "{0} に、あなたのインターネット上のアドレスが伝わります。";
    PICTURE_SHOW: "Show picture", "画像を表示";
    PICTURE_LOADING: "Loading the picture…", "画像を読み込んでいます…";
    PICTURE_FAILED: "The picture could not be loaded. It is at", "画像を読み込めませんでした。画像の場所：";

    PROFILE_EDIT: "Edit profile", "プロフィールを編集";
    PROFILE_TITLE: "Profile", "プロフィール";
    ABOUT_LABEL: "About you", "自己紹介";
    ABOUT_EXAMPLE: "A sentence or two", "ひとことふたこと";
    PICTURE_LABEL: "Picture (address on the web)", "画像（ウェブ上のアドレス）";
    PICTURE_EXAMPLE: "https://example.org/me.jpg", "https://example.org/me.jpg";
    NIP05_LABEL: "Name by your domain", "ドメインによる名前";
    NIP05_EXAMPLE: "ada@example.org", "ada@example.org";
    PROFILE_SAVE: "Save profile", "プロフィールを保存";
    PROFILE_LOADING: "Your profile can be changed once your node has shown the present one.", "ノードから現在のプロフィールが届くと、変更できるようになります。";
    PROFILE_SAVED: "Profile saved.", "プロフィールを保存しました。";
    PUBLIC_KEY: "Public key", "公開鍵";
    PUBLIC_KEY_WHY: "Give this to people who want to find you.", "あなたを見つけたい人に、これを伝えてください。";
    SECRET_KEY: "Secret key", "秘密鍵";
    SECRET_KEY_WHY: "Whoever has it can write as you. Show it to nobody; keep a copy where you keep passwords.", "これを持つ人は誰でも、あなたとして書き込めます。誰にも見せず、控えをパスワードと同じ場所に保管してください。";
    KEY_SHOW: "Show and save", "表示して保存";
    KEY_HIDE: "Hide", "隠す";
    BACKUP_MISSING: "There is no copy of your key yet. If this device breaks, your name here is lost with it.", "鍵の控えがまだありません。この端末が壊れると、ここでのあなたの名前も失われます。";
    BACKUP_NOW: "Save a copy", "控えを保存";
}

pub fn follows_people(language: Language, people: usize) -> String {
    let words = if people == 1 { FOLLOWS_PERSON } else { FOLLOWS_PEOPLE };
    words.fill(language, &[&count(people as u64)])
}

pub fn notice(language: Language, what: What, name: &str, others: usize) -> String {
    let words = match what {
        What::Reply => REPLIED,
        What::Mention => MENTIONED,
        What::Quote => QUOTED,
        What::Repost => REPOSTED_YOURS,
        What::Like if others > 0 => LIKE_YOURS,
        What::Like => LIKES_YOURS,
        What::Follow => FOLLOWS_YOU,
    };
    if others == 0 {
        return words.fill(language, &[name]);
    }
    words.fill(language, &[&NAME_AND.fill(language, &[name, &other_people(language, others)])])
}

pub fn picture_of(language: Language, name: &str) -> String {
    PICTURE_OF.fill(language, &[name])
}

pub fn followers(language: Language, people: usize) -> String {
    let words = if people == 1 { FOLLOWER_KNOWN } else { FOLLOWERS_KNOWN };
    words.fill(language, &[&count(people as u64)])
}

pub fn name_unknown(language: Language, name: &str) -> String {
    NAME_UNKNOWN.fill(language, &[name])
}

pub fn name_not_asked(language: Language, domain: &str) -> String {
    NAME_NOT_ASKED.fill(language, &[domain])
}

pub fn picture_from(language: Language, host: &str) -> String {
    PICTURE_FROM.fill(language, &[host])
}
