//! At the page, in a real browser: what strangers write, what other sites try, and what a poisoned update leaves.

use std::{collections::BTreeMap, sync::Arc};

use nostrp2p_protocol::{EventTemplate, Kind, SecretKey, Tag};
use nostrp2p_tests::{Attacker, Browser, Node, Size, get, held, now, random_key};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

/// A server that answers every request by what this says of its path: content type and body.
struct Impostor(JoinHandle<()>);

impl Impostor {
    async fn start(
        port: u16,
        answer: impl Fn(&str) -> (&'static str, Vec<u8>) + Send + Sync + 'static,
    ) -> Self {
        let listener =
            nostrp2p_tests::until("the port to be free", || TcpListener::bind(("127.0.0.1", port))).await;
        let answer = Arc::new(answer);
        Self(tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let answer = Arc::clone(&answer);
                tokio::spawn(async move {
                    let mut head = vec![0; 8_192];
                    let read = stream.read(&mut head).await.unwrap_or(0);
                    let head = String::from_utf8_lossy(&head[..read]).into_owned();
                    let (kind, body) = answer(head.split(' ').nth(1).unwrap_or("/"));
                    let length = body.len();
                    let head = format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
                    );
                    // A browser that goes away in the middle is no trouble of the test.
                    drop(stream.write_all(&[head.as_bytes(), &body].concat()).await);
                });
            }
        }))
    }
}

impl Drop for Impostor {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn signed(key: &SecretKey, kind: Kind, tags: Vec<Tag>, content: &str) -> nostrp2p_protocol::Event {
    EventTemplate { created_at: now(), kind, tags, content: content.into() }.sign(key, &[7; 32])
}

/// What no stranger's event may leave on the page; each line is something that is wrong.
const LOOK: &str = r#"
    const wrong = [];
    if (window.hacked !== undefined) wrong.push('a script ran: ' + window.hacked);
    for (const element of document.querySelectorAll('*')) {
        const name = element.localName;
        if (['iframe', 'object', 'embed', 'base', 'form', 'video', 'audio'].includes(name)) wrong.push('an element: ' + name);
        for (const { name: attribute, value } of element.attributes) {
            if (attribute.startsWith('on')) wrong.push('an attribute: ' + attribute);
            if (/^\s*(javascript|vbscript|data:text)/i.test(value)) wrong.push(attribute + ': ' + value.slice(0, 80));
        }
        if (name === 'img' && /^https?:/.test(element.getAttribute('src') ?? '')) wrong.push('a picture that nobody asked for');
    }
    if (document.querySelectorAll('script').length > 1) wrong.push('another script');
    const room = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth > room + 1) wrong.push('it is ' + document.documentElement.scrollWidth + ' px wide in ' + room);
    for (const post of document.querySelectorAll('[data-testid=post]')) {
        const { height } = post.getBoundingClientRect();
        if (height > 2 * innerHeight) wrong.push('a post of ' + height + ' px');
        const name = post.querySelector('[data-testid=post-name]'), time = post.querySelector('time');
        if (name && time && name.getBoundingClientRect().left > time.getBoundingClientRect().left) wrong.push('the time is before the name');
    }
    return wrong;"#;

#[tokio::test]
async fn what_strangers_write_is_text_and_nothing_else_on_the_page() {
    let node = Node::start(&[]).await;
    let alice = Browser::start(Size::Phone).await;
    alice.arrive(&node, "Alice").await;
    // As many as the page draws at first.
    let posts = [
        ("markup and links", "marker-markup <script>window.hacked=1</script><img src=x onerror=window.hacked=2><svg onload=window.hacked=3></svg><iframe src=javascript:parent.hacked=4></iframe> javascript:window.hacked=5 [x](javascript:window.hacked=6) https://evil.example/\"onmouseover=\"window.hacked=7 data:text/html,<script>hacked=8</script> https://user:pass@evil.example/".to_owned()),
        ("bidi", format!("marker-bidi {}", "\u{202e}\u{2067}\u{202d}\u{200f}reversed\u{2066}".repeat(800))),
        ("one long word", format!("marker-word{}", "W".repeat(60_000))),
        ("many lines", format!("marker-lines{}", "\n.".repeat(20_000))),
        ("marks upon marks", format!("marker-zalgo Z{}", "\u{0351}\u{0489}".repeat(10_000))),
        ("many links", format!("marker-many {}", "https://a.example/x ".repeat(2_500))),
        ("many mentions", format!("marker-mentions {}", "nostr:npub1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq #tag @x ".repeat(500))),
        ("controls", "marker-controls \u{0}\u{7}\u{1b}[31m\u{feff}\u{fffe}\u{e0001}".to_owned()),
    ];
    let mut attackers = Vec::new();
    for (number, (_, content)) in posts.iter().enumerate() {
        // Each through a neighbour of its own: strangers who come through one share a budget.
        let attacker = Attacker::join(&node).await;
        let key = random_key();
        let name = format!("\u{202e}<b onclick=hacked=9>Admin {number}</b>{}", "\u{0489}".repeat(300));
        let profile = json!({ "name": name, "about": "<img src=x onerror=hacked=10>", "picture": "javascript:window.hacked=11", "nip05": "\u{202e}moc.elpmaxe@x", "website": "javascript:hacked=12" });
        attacker.shout(signed(&key, Kind::PROFILE, vec![], &profile.to_string())).await;
        let tags = vec![
            Tag::new(["subject", "<script>hacked=13</script>"]),
            Tag::new(["e", "not an id"]),
            Tag::new(["q", ""]),
        ];
        attacker.shout(signed(&key, Kind::POST, tags, content)).await;
        attackers.push(attacker);
    }
    for (what, content) in &posts {
        let marker: String =
            content.chars().take_while(|char| *char == '-' || char.is_ascii_lowercase()).collect();
        alice.see("post-text", &marker).await;
        println!("{what}: it is shown");
    }
    let wrong: Value = alice.driver.execute(LOOK, vec![]).await.unwrap();
    assert_eq!(wrong, json!([]));
    // Unfolded, it may be long, but it is still text, and the page still works.
    let unfold = "document.querySelectorAll('[data-testid=post] [aria-expanded=false].button-link').forEach(button => button.click())";
    alice.driver.execute(unfold, vec![]).await.unwrap();
    alice.find_css("[data-testid=post] .button-link[aria-expanded=true]").await;
    let wrong = alice.driver.execute(LOOK, vec![]).await.unwrap();
    let wrong: Vec<String> = serde_json::from_value(wrong).unwrap();
    assert!(wrong.iter().all(|line| line.starts_with("a post of")), "{wrong:?}");
    if let Some(folder) = std::env::var_os("NOSTRP2P_PICTURES") {
        alice.screenshot(&std::path::Path::new(&folder).join("hostile.png")).await;
    }
    alice.write("I am still here").await;
    alice.see("post-text", "I am still here").await;
    alice.close().await;
    held(
        "hostile events in the page",
        &format!(
            "{} posts and profiles: markup, links that run, bidi, 60,000 letters without a space, marks upon marks",
            posts.len()
        ),
        "all shown as text, folded, within the screen; no script ran; the page works on",
    );
}

/// What a page of another site tries from inside the browser; gives one line for each thing that it got.
const CROSS_SITE: &str = r#"
    const [address, done] = [arguments[0], arguments[arguments.length - 1]];
    const got = [];
    const read = async (what, path, options) => {
        try { const answer = await fetch(`http://${address}${path}`, options); got.push(`${what}: ${answer.status}`); } catch {}
    };
    const open = (what, path) => new Promise((resolve) => {
        const socket = new WebSocket(`ws://${address}${path}`);
        socket.onopen = () => { got.push(what); socket.close(); resolve(); };
        socket.onerror = resolve;
    });
    (async () => {
        await read('node.json', '/node.json');
        await read('metrics', '/metrics');
        await read('the page', '/');
        await read('req', '/req', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' });
        await read('req as text', '/req', { method: 'POST', body: '{}' });
        await read('publish', '/publish', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}', credentials: 'include' });
        await open('the frames', '/client');
        await open('the relay', '/');
        done(got);
    })();"#;

#[tokio::test]
async fn a_page_that_the_owner_visits_reaches_the_node_in_no_way() {
    let alice = random_key();
    // The most trusting node there is.
    let node = Node::start(&["-p", &alice.public_key().to_npub(), "--legacy-rest", "--open-relay"]).await;
    let port = nostrp2p_tests::free_port();
    let site = Impostor::start(port, |_| ("text/html", b"<title>evil</title>".to_vec())).await;
    // As if the name server of evil.example said that this is its address: that is DNS rebinding.
    let browser =
        Browser::start_with(Size::Desktop, &["--host-resolver-rules=MAP evil.example 127.0.0.1"]).await;
    browser.open(&format!("http://evil.example:{port}/")).await;
    assert_eq!(browser.driver.title().await.unwrap(), "evil");
    let clients = node.clients();
    let got = browser.driver.execute_async(CROSS_SITE, vec![json!(clients)]).await.unwrap();
    assert_eq!(got, json!([]), "a page of another site got something");

    // A page of another program on the same machine is another site too.
    browser.open(&format!("http://localhost:{port}/")).await;
    assert_eq!(browser.driver.title().await.unwrap(), "evil");
    let got = browser.driver.execute_async(CROSS_SITE, vec![json!(clients)]).await.unwrap();
    assert_eq!(got, json!([]), "a page of another program on this machine got something");

    // Now the name is the node's own address, so for the browser it is one origin, and nothing is forbidden to it.
    let node_port = clients.rsplit_once(':').unwrap().1.to_owned();
    let rebound = format!("evil.example:{node_port}");
    browser.open(&format!("http://{rebound}/")).await;
    browser.read("does not answer to the name").await;
    let got = browser.driver.execute_async(CROSS_SITE, vec![json!(rebound)]).await.unwrap();
    let got: Vec<String> = serde_json::from_value(got).unwrap();
    assert!(!got.is_empty() && got.iter().all(|line| line.ends_with(": 403")), "{got:?}");
    assert_eq!(node.metric("sessions").await, 0);
    browser.close().await;
    drop(site);
    held(
        "DNS rebinding and cross-site requests",
        "a page of evil.example in Chromium, one of another port of localhost, then the first with its name pointing at the node: fetch, POST, WebSockets",
        "nothing readable across sites; 403 under the foreign name",
    );
}

/// Asks the browser for another version of the worker; gives what is kept afterwards, as names of caches and the
/// beginnings of texts.
const UPDATE: &str = r#"
    const done = arguments[arguments.length - 1];
    (async () => {
        const registration = await navigator.serviceWorker.ready;
        try { await registration.update(); } catch {}
        const next = registration.installing;
        if (next) await new Promise((resolve) => {
            const settled = () => ['installed', 'activated', 'redundant'].includes(next.state) && resolve();
            next.addEventListener('statechange', settled);
            settled();
        });
        const kept = [];
        for (const name of await caches.keys()) {
            const cache = await caches.open(name);
            for (const request of await cache.keys()) {
                const text = await (await cache.match(request)).text();
                kept.push([name, new URL(request.url).pathname, text.includes('captive portal')]);
            }
        }
        done({ waiting: Boolean(registration.waiting), kept });
    })();"#;

#[tokio::test]
async fn a_poisoned_update_of_the_worker_replaces_nothing() {
    let node = Node::start(&[]).await;
    let (clients, page) = (node.clients(), format!("http://{}/", node.clients()));
    let browser = Browser::start(Size::Desktop).await;
    browser.arrive(&node, "Alice").await;
    browser.write("before").await;
    browser.attribute("post-state", "data-state", "sent").await;
    let before = browser.driver.execute_async(UPDATE, vec![]).await.unwrap();
    assert!(before["kept"].as_array().is_some_and(|kept| kept.len() > 5), "{before}");
    let (_, _, worker) = get(&clients, "/sw.js", &[]).await;
    let worker = String::from_utf8(worker).unwrap();
    let named = worker.split('\'').chain(worker.split('"')).filter_map(|name| name.strip_prefix("./"));
    let named: Vec<String> = named.filter(|name| name.contains('.')).map(str::to_owned).collect();
    assert!(named.iter().any(|name| name.contains("client.") && name.ends_with(".wasm")), "{worker}");
    let mut files = BTreeMap::new();
    for name in named {
        let path = format!("/{name}");
        files.insert(path.clone(), get(&clients, &path, &[]).await.2);
    }

    // Somebody else answers at the node's address: first with a page for everything, as captive portals do, then with a
    // true worker of a new version and false files, then with one whose page alone is false.
    let stopped = node.stop().await;
    let port: u16 = clients.rsplit_once(':').unwrap().1.parse().unwrap();
    let portal = || ("text/html", b"<title>captive portal</title>".to_vec());
    let next = worker.replacen("const VERSION = ", "const VERSION = 'poisoned' + ", 1);
    assert_ne!(next, worker);
    // It names what a page has to name, and runs something else.
    let page_alone = format!("<title>captive portal</title>{}", files.keys().cloned().collect::<String>());
    let none = BTreeMap::new();
    for (what, worker, files) in [
        ("a page for everything", None, &none),
        ("a worker of a new version, false files", Some(next.clone()), &none),
        ("a worker of a new version, its files, and a false page", Some(next), &files),
    ] {
        let (files, page_alone) = (files.clone(), page_alone.clone());
        let impostor = Impostor::start(port, move |path| match (&worker, files.get(path)) {
            (Some(worker), _) if path == "/sw.js" => ("text/javascript", worker.clone().into_bytes()),
            (_, Some(file)) => ("application/octet-stream", file.clone()),
            _ if path == "/" && !files.is_empty() => ("text/html", page_alone.clone().into_bytes()),
            _ => portal(),
        })
        .await;
        let after = browser.driver.execute_async(UPDATE, vec![]).await.unwrap();
        assert_eq!(after, before, "{what}");
        drop(impostor);
    }

    // The page opens from what was kept, and goes on when the node is back.
    browser.open(&page).await;
    browser.see("post-text", "before").await;
    let _node = stopped.start().await;
    browser.attribute("connection", "data-state", "connected").await;
    browser.write("after").await;
    browser.attribute("post-state", "data-state", "sent").await;
    browser.close().await;
    held(
        "poisoned service-worker update",
        "a captive portal in the node's place; a true worker of a new version with false files, or with a false page alone",
        "the kept version stays whole and opens; no false file is kept",
    );
}
