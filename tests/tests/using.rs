//! What people do on the page besides talking: mentions, drafts, pictures, names by a domain, the keyboard, search,
//! export; and a person who wants to break it.

use nostrp2p_protocol::{EventTemplate, Kind, Tag};
use nostrp2p_tests::{Browser, Certificate, Node, Person, Size, free_port, now, post};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// A picture of one point, as PNG.
const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// Saves a screenshot where `NOSTRP2P_PICTURES` says, if it does.
async fn picture(browser: &Browser, name: &str) {
    if let Some(folder) = std::env::var_os("NOSTRP2P_PICTURES") {
        browser.screenshot(&std::path::Path::new(&folder).join(format!("{name}.png"))).await;
    }
}

/// A web server of somebody else's, with TLS: it knows the name `ada` and has a picture. Gives its authority.
async fn a_domain(npub_hex: String) -> String {
    use base64::Engine;
    let port = free_port();
    let acceptor = Certificate::new().acceptor();
    let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("a port");
    let png = base64::engine::general_purpose::STANDARD.decode(PNG).expect("a picture");
    let names = json!({ "names": { "ada": npub_hex } }).to_string().into_bytes();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, png, names) = (acceptor.clone(), png.clone(), names.clone());
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut head = vec![0; 4_096];
                let length = stream.read(&mut head).await.unwrap_or_default();
                let picture = head.get(..length).is_some_and(|head| head.starts_with(b"GET /a.png"));
                let (sort, body) = if picture { ("image/png", png) } else { ("application/json", names) };
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: {sort}\r\nContent-Length: {}\r\nAccess-Control-Allow-Origin: *\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                drop(stream.write_all(&[head.as_bytes(), &body].concat()).await);
                drop(stream.shutdown().await);
            });
        }
    });
    format!("127.0.0.1:{port}")
}

/// Presses keys where the focus is.
async fn press(browser: &Browser, keys: &str) {
    let active = browser.driver.active_element().await.expect("a page");
    active.send_keys(keys).await.expect("a page that takes keys");
}

/// Alice, with a name; and Bob's browser, whose node knows her.
async fn alice_and_bob(size: Size) -> (Person, Browser, Node) {
    let mut alice = Person::arrive(None).await;
    let node = Node::start(&["-b", &alice.node.nodes()]).await;
    let bob = Browser::start_with(size, &["--ignore-certificate-errors"]).await;
    bob.arrive(&node, "Bob").await;
    alice.client.neighbours(1).await;
    let content = r#"{"name":"Alice Liddell"}"#.to_owned();
    let profile = EventTemplate { created_at: now(), kind: Kind::PROFILE, tags: vec![], content };
    alice.client.publish(&profile.sign(&alice.key, &[7; 32])).await;
    alice.client.publish(&post(&alice.key, "down the rabbit hole")).await;
    bob.see("post-name", "Alice Liddell").await;
    (alice, bob, node)
}

#[tokio::test]
async fn people_are_mentioned_by_name_and_what_was_begun_survives_a_reload() {
    let (_alice, bob, _node) = alice_and_bob(Size::Desktop).await;
    bob.type_into("compose-text", "Hello @ali").await;
    bob.see("name-option", "Alice Liddell").await;
    picture(&bob, "mention-desktop").await;
    // Enter takes the name, and does not break the line.
    bob.type_into("compose-text", "\u{e007}").await;
    bob.find("for-everyone").await;
    bob.press_in_post("down the rabbit hole", "reply").await;
    bob.type_into("compose-text", "An answer, begun").await;
    bob.read("Only Alice Liddell can see it").await;
    // The draft is stored a moment after the last key.
    bob.go("#/settings").await;
    bob.go("#/").await;
    bob.driver.refresh().await.expect("a page");
    bob.attribute("connection", "data-state", "connected").await;
    bob.read("Only Alice Liddell can see it").await;
    let text = bob.find("compose-text").await.prop("value").await.expect("a page");
    assert_eq!(text.as_deref(), Some("An answer, begun"));
    bob.click("compose-send").await;
    bob.see("post-text", "An answer, begun").await;
    // The post for everyone comes back, with the name in it.
    bob.find("for-everyone").await;
    bob.click("compose-send").await;
    bob.see("post-text", "Hello @Alice Liddell").await;
    bob.close().await;
}

#[tokio::test]
async fn a_picture_and_a_domain_are_asked_only_when_somebody_wants_it() {
    let (mut alice, bob, _node) = alice_and_bob(Size::Phone).await;
    let domain = a_domain(alice.key.public_key().to_string()).await;
    alice.client.publish(&post(&alice.key, &format!("look https://{domain}/a.png"))).await;
    bob.find("media-show").await;
    picture(&bob, "media-ask-phone").await;
    let loaded = "return document.images.length + performance.getEntriesByType('resource')
        .filter(entry => entry.name.includes(arguments[0])).length";
    let before = bob.driver.execute(loaded, vec![json!(domain)]).await.expect("a page");
    assert_eq!(before, json!(0), "nothing is loaded from a stranger's address");
    bob.click("media-show").await;
    bob.find("media").await;
    picture(&bob, "media-phone").await;

    bob.go("#/find").await;
    bob.type_into("search", &format!("ada@{domain}")).await;
    picture(&bob, "name-phone").await;
    bob.click("name-look-up").await;
    bob.see("person-name", "Alice Liddell").await;
    bob.close().await;
}

#[tokio::test]
async fn the_keyboard_leads_everywhere_and_back() {
    let (mut alice, bob, _node) = alice_and_bob(Size::Desktop).await;
    alice.client.publish(&post(&alice.key, "the second post")).await;
    bob.see("post-text", "the second post").await;
    bob.write("written by hand").await;
    bob.see("post-text", "written by hand").await;
    // The button that was pressed cannot be used any more, and must not swallow the next key.
    press(&bob, "j").await;
    bob.find_css("[data-testid=\"post\"]:focus").await;
    press(&bob, "?").await;
    bob.find("help").await;
    bob.find_css("[data-testid=\"help-close\"]:focus").await;
    picture(&bob, "help-desktop").await;
    press(&bob, "\u{e00c}").await;
    bob.see_no("help").await;
    bob.find_css("[data-testid=\"post\"]:focus").await;
    press(&bob, "j\u{e007}").await;
    bob.find("thread").await;
    bob.driver.back().await.expect("a page");
    bob.find_css("[data-testid=\"post\"]:focus").await;
    press(&bob, "/").await;
    bob.find_css("[data-testid=\"search\"]:focus").await;
    bob.type_into("search", "rabbit").await;
    bob.see("post-text", "down the rabbit hole").await;
    picture(&bob, "search-desktop").await;
    bob.go("#/settings").await;
    bob.find("export").await;
    picture(&bob, "settings-desktop").await;
    bob.close().await;
}

#[tokio::test]
async fn somebody_who_wants_to_break_the_page_does_not() {
    let (mut alice, bob, _node) = alice_and_bob(Size::Phone).await;
    let tags = |count: usize| (0..count).map(|n| Tag::new(["t".to_owned(), n.to_string()])).collect();
    let nasty = "<img src=x onerror=\"window.broken = 1\"><script>window.broken = 1</script>\u{202e}\u{0} javascript:window.broken=1";
    let posts = [
        (nasty.to_owned(), tags(0)),
        ("W".repeat(50_000), tags(0)),
        ("\u{202e}\u{2067}right to left for ever".repeat(200), tags(0)),
        ("many tags".to_owned(), tags(1_500)),
        ("https://127.0.0.1:1/%00\"onerror=\".png".to_owned(), tags(0)),
        ("a\u{0301}\u{0489}\u{0489}\u{0489}\u{0489}".repeat(2_000), tags(0)),
    ];
    for (content, tags) in posts {
        let draft = EventTemplate { created_at: now(), kind: Kind::POST, tags, content };
        alice.client.publish(&draft.sign(&alice.key, &[7; 32])).await;
    }
    alice.client.publish(&post(&alice.key, "the last of them")).await;
    bob.see("post-text", "the last of them").await;
    picture(&bob, "hostile-phone").await;
    let check = "return [window.broken === undefined,
        document.documentElement.scrollWidth <= document.documentElement.clientWidth,
        document.querySelectorAll('script:not([src]), #app img').length]";
    let seen = bob.driver.execute(check, vec![]).await.expect("a page");
    assert_eq!(seen, json!([true, true, 0]));
    bob.write("still here").await;
    bob.see("post-text", "still here").await;
    bob.close().await;
}
