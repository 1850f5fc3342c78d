//! Keys in a real browser: an extension that signs, a passphrase on the key, and a backup that brings it back.

use nostrp2p_protocol::{EventTemplate, Kind, SecretKey, Tag, nip44::ConversationKey};
use nostrp2p_tests::{Browser, Client, EXTENSION_KEY, Node, Relay, Size, now, random_key, until};
use serde_json::{Value, json};

const PASSPHRASE: &str = "correct horse battery";

async fn run(browser: &Browser, script: &str) -> Value {
    browser.driver.execute(script, vec![]).await.expect("a page")
}

/// The kinds that the extension was asked to sign since the page was opened.
async fn signed(browser: &Browser) -> String {
    let said = run(browser, "return document.documentElement.dataset.signed ?? ''").await;
    said.as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn an_extension_signs_and_a_no_is_not_asked_about_again() {
    let node = Node::start(&[]).await;
    let alice = Browser::start_with_extension(Size::Phone).await;
    alice.open(node.claim_link.as_ref().expect("a claim link")).await;
    alice.click("next").await;
    // It comes late, and is offered as soon as it is there.
    alice.click("key-extension").await;
    alice.type_into("name-input", "Alice").await;
    alice.click("next").await;
    // The key was not made here, so there may be a profile elsewhere.
    alice.click("begin-list").await;
    alice.attribute("connection", "data-state", "connected").await;
    alice.write("signed by the extension").await;
    alice.attribute("post-state", "data-state", "sent").await;
    // The claim, the word that the node acts for her, the name, the post; each once.
    let mut kinds: Vec<String> = signed(&alice).await.split(' ').map(str::to_owned).collect();
    kinds.sort();
    assert_eq!(kinds, ["0", "1", "22242", "30078"]);
    let mut key = [0; 32];
    key[31] = EXTENSION_KEY;
    let key = SecretKey::from_bytes(key).expect("a key");
    assert_eq!(alice.npub().await, key.public_key().to_npub());

    // Another account is active in it: that is said, and nothing is sent.
    let another = "
        const own = window.nostr.signEvent;
        window.nostr.signEvent = async event => ({ ...event, pubkey: '1'.repeat(64), sig: '0'.repeat(128) });
        window.ownAgain = () => { window.nostr.signEvent = own; };";
    run(&alice, another).await;
    alice.write("by another account").await;
    alice.see("notice", "another account is active in your browser extension").await;
    run(&alice, "window.ownAgain()").await;
    // The words are still there to be sent when she has chosen the right account.
    alice.click("compose-send").await;
    alice.see("post-text", "by another account").await;

    // She says no to the next login: the page asks once, shows what it holds, and waits for her.
    // Said before the page is there, which signs in at once.
    let no = "new MutationObserver((_, observer) => {
        if (document.documentElement) { document.documentElement.dataset.refuse = ''; observer.disconnect(); }
    }).observe(document, { childList: true });";
    alice.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": no })).await;
    alice.driver.refresh().await.expect("a page");
    alice.attribute("connection", "data-state", "offline").await;
    alice.see("post-text", "signed by the extension").await;
    alice.go("#/network").await;
    alice.read("was not signed").await;
    assert_eq!(signed(&alice).await, "22242");
    run(&alice, "delete document.documentElement.dataset.refuse").await;
    alice.click("try-now").await;
    alice.attribute("connection", "data-state", "connected").await;
    alice.close().await;
}

#[tokio::test]
async fn an_extension_that_cannot_encrypt_changes_no_private_part_of_a_list_and_the_page_says_so() {
    let mut secret = [0; 32];
    secret[31] = EXTENSION_KEY;
    let key = SecretKey::from_bytes(secret).expect("a key");
    let node = Node::start(&["-p", &key.public_key().to_npub()]).await;
    // What another program has written; this page cannot read what is private in it.
    let conversation = ConversationKey::new(&key, &key.public_key()).expect("a key fits itself");
    let sealed = conversation.seal(r#"[["word","snakes"]]"#, &[3; 32]).expect("it is short");
    let somebody = Tag::new(["p", &random_key().public_key().to_string()]);
    let template = EventTemplate {
        created_at: now() - 60,
        kind: Kind(10_000),
        tags: vec![somebody.clone()],
        content: sealed.clone(),
    };
    let muted = template.sign(&key, &[7; 32]);
    let mut client = Client::login(&node.clients(), &key).await;
    client.delegate(&key).await;
    client.publish(&muted).await;

    let alice = Browser::start_with_extension(Size::Phone).await;
    alice.open(&format!("http://{}/", node.clients())).await;
    alice.click("next").await;
    alice.click("key-extension").await;
    alice.attribute("connection", "data-state", "connected").await;
    alice.go("#/settings").await;
    alice.type_into("muted-word", "Spider").await;
    alice.click("mute-word").await;
    alice.see("notice", "a private part that cannot be read here").await;
    // A list without a private part gets none either.
    let post = EventTemplate { created_at: now(), kind: Kind::POST, tags: vec![], content: "keep me".into() };
    client.publish(&post.sign(&key, &[7; 32])).await;
    alice.go("#/").await;
    alice.press_in_post("keep me", "more").await;
    alice.click("bookmark").await;
    alice.click("begin-list").await;
    alice.see("notice", "cannot encrypt").await;

    let mut program = Relay::login(&node.clients(), &key).await;
    let lists = program.ask(&[json!({ "kinds": [10_000, 10_003] })]).await;
    assert_eq!(lists.len(), 1, "{lists:?}");
    assert_eq!((&lists[0]["content"], &lists[0]["tags"][0]), (&json!(sealed), &json!(somebody.elements())));
    assert!(!signed(&alice).await.split(' ').any(|kind| matches!(kind, "10000" | "10003")));
    alice.close().await;
}

#[tokio::test]
async fn a_locked_key_signs_nothing_until_its_passphrase_is_given() {
    let node = Node::start(&[]).await;
    let alice = Browser::start(Size::Desktop).await;
    alice.arrive(&node, "Alice").await;
    alice.go("#/settings").await;
    alice.click("lock-choose").await;
    alice.type_into("passphrase", PASSPHRASE).await;
    alice.type_into("passphrase-again", PASSPHRASE).await;
    alice.click("passphrase-done").await;
    alice.find("lock-now").await;
    // What is stored is nothing else than the key under the passphrase.
    let stored = run(
        &alice,
        "return new Promise(give => { indexedDB.open('nostrp2p').onsuccess = opened => {
        const database = opened.target.result;
        const found = database.transaction('vault').objectStore('vault').getAll();
        found.onsuccess = () => { database.close(); give(JSON.stringify(found.result)); };
    }; })",
    )
    .await;
    assert!(stored.as_str().is_some_and(|stored| stored.contains("ncryptsec1")), "{stored}");

    alice.driver.refresh().await.expect("a page");
    alice.type_into("unlock-passphrase", "something else").await;
    alice.click("unlock-try").await;
    alice.read("does not fit").await;
    alice.type_into("unlock-passphrase", PASSPHRASE).await;
    alice.click("unlock-try").await;
    alice.see_no("unlock").await;
    alice.attribute("connection", "data-state", "connected").await;

    alice.go("#/settings").await;
    alice.click("lock-now").await;
    alice.go("#/").await;
    alice.write("only with the passphrase").await;
    alice.find("unlock").await;
    alice.find_css("[data-testid=\"unlock-passphrase\"]:focus").await;
    alice.click("unlock-cancel").await;
    let text = alice.find("compose-text").await.prop("value").await.expect("a page");
    assert_eq!(text.as_deref(), Some("only with the passphrase"));
    alice.click("compose-send").await;
    alice.type_into("unlock-passphrase", PASSPHRASE).await;
    alice.find("unlock-passphrase").await.send_keys("\u{e007}").await.expect("a field");
    alice.see("post-text", "only with the passphrase").await;
    alice.close().await;
}

#[tokio::test]
async fn a_backup_file_and_its_passphrase_bring_the_key_to_another_device() {
    let node = Node::start(&[]).await;
    let alice = Browser::start(Size::Phone).await;
    alice.open(node.claim_link.as_ref().expect("a claim link")).await;
    alice.click("next").await;
    alice.click("key-create").await;
    // What would become a file, for a headless browser has no place for it.
    run(&alice, "const make = URL.createObjectURL;
        URL.createObjectURL = blob => { blob.text().then(text => { window.saved = text; }); return make(blob); };").await;
    alice.click("backup-download").await;
    alice.type_into("passphrase", PASSPHRASE).await;
    alice.type_into("passphrase-again", PASSPHRASE).await;
    alice.click("passphrase-done").await;
    alice.click("backup-done").await;
    alice.type_into("name-input", "Alice").await;
    alice.click("next").await;
    alice.attribute("connection", "data-state", "connected").await;
    let file = run(&alice, "return window.saved").await;
    let file = file.as_str().expect("a file").to_owned();
    assert!(file.contains("ncryptsec1") && !file.contains("nsec1q"), "{file}");
    let npub = alice.npub().await;

    let other = Browser::start(Size::Desktop).await;
    other.open(&format!("http://{}/", node.clients())).await;
    other.click("next").await;
    other.click("key-import").await;
    let field = other.find("nsec-input").await;
    let paste = "const field = arguments[0]; field.value = arguments[1];
        field.dispatchEvent(new Event('input', { bubbles: true }));";
    let field = serde_json::to_value(field).expect("an element");
    other.driver.execute(paste, vec![field, json!(file)]).await.expect("a page");
    other.type_into("passphrase-input", "a wrong one").await;
    other.click("next").await;
    other.read("does not fit").await;
    other.type_into("passphrase-input", PASSPHRASE).await;
    other.click("next").await;
    other.attribute("connection", "data-state", "connected").await;
    assert_eq!(other.npub().await, npub);
    let nothing_left = || async {
        let saved = run(&other, "return document.body.textContent.includes('ncryptsec1')").await;
        if saved == json!(false) { Ok(()) } else { Err(saved) }
    };
    until("the key to be gone from the page", nothing_left).await;
    tokio::join!(alice.close(), other.close());
}
