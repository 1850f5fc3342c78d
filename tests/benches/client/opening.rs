//! How long it takes until the first post can be read.

use std::time::Duration;

use nostrp2p_protocol::SecretKey;
use nostrp2p_tests::{Browser, Node, Size, history, random_key, until};
use serde_json::{Value, json};

/// How often each opening is measured.
const ROUNDS: usize = 5;
/// Most events that a client catches up with one by one, with room to spare: more is fetched anew, and not cached.
const PORTION: usize = 4_000;

/// Notes when the first post is on the page and could be painted, from the beginning of the navigation on.
const WATCH: &str = "
    new MutationObserver((_, observer) => {
        if (!document.querySelector('[data-testid=post]')) return;
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(() => { window.firstPost = performance.now(); }));
    }).observe(document, { childList: true, subtree: true });";

/// Forgets all that was fetched, but not the key: files, events and how far they go.
const FORGET: &str = "
    const done = arguments[arguments.length - 1];
    (async () => {
        for (const worker of await navigator.serviceWorker.getRegistrations()) await worker.unregister();
        for (const name of await caches.keys()) await caches.delete(name);
        const database = await new Promise(found => {
            const request = indexedDB.open('nostrp2p');
            request.onsuccess = () => found(request.result);
        });
        const stores = Array.from(database.objectStoreNames).filter(name => name !== 'vault');
        const transaction = database.transaction(stores, 'readwrite');
        for (const name of stores) transaction.objectStore(name).clear();
        await new Promise(over => { transaction.oncomplete = over; });
        database.close();
    })().then(() => done(true), error => done(String(error)));";

/// A browser whose cache is full, at its node.
pub struct Reader {
    /// The node.
    pub node: Node,
    /// The browser.
    pub browser: Browser,
}

/// Fills a cache, and measures.
pub async fn measure(posts: usize) {
    let mut reader = Reader::with_cache(posts).await;
    reader.browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": WATCH })).await;
    reader.browser.be_as_slow_as_a_phone().await;
    let cached = reader.rounds(false).await;
    reader.node = reader.node.stop().await.start().await;
    println!("first post from the cache                   {}", shown(&cached));
    let cold = reader.rounds(true).await;
    println!("first post from cold, over loopback         {}", shown(&cold));
    // What DevTools call slow 4G: the way to a phone with a weak connection.
    let slow = json!({ "offline": false, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 90_000 });
    reader.browser.devtools("Network.enable", json!({})).await;
    reader.browser.devtools("Network.emulateNetworkConditions", slow).await;
    let slow = reader.rounds(true).await;
    println!("first post from cold, 1.6 Mbit/s and 150 ms {}", shown(&slow));
    reader.browser.close().await;
}

impl Reader {
    /// A browser that was there when all these posts came, so that it has them.
    pub async fn with_cache(posts: usize) -> Self {
        let key: SecretKey = random_key();
        let mut node = Node::start(&["-p", &key.public_key().to_npub()]).await;
        let browser = Browser::start(Size::Phone).await;
        browser.sign_in(&node, &key.to_nsec()).await;
        let history = history(posts);
        for portion in history.chunks(PORTION) {
            let stopped = node.stop().await;
            stopped.import(portion);
            node = stopped.start().await;
            // The page comes back by itself; as if the network were there again, it does so at once.
            browser.run("dispatchEvent(new Event('online'))").await;
            browser.attribute("connection", "data-state", "connected").await;
            let last =
                portion.last().map(|event| event.content.split(':').next().unwrap_or_default().to_owned());
            browser.see("post-text", &last.unwrap_or_default()).await;
        }
        let wanted = u64::try_from(posts).unwrap_or(u64::MAX);
        until("all posts in the cache", || async {
            match browser.cached().await {
                cached if cached >= wanted => Ok(()),
                cached => Err(cached),
            }
        })
        .await;
        Self { node, browser }
    }

    async fn rounds(&self, cold: bool) -> Vec<Duration> {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            if cold {
                let forgotten = self.browser.driver.execute_async(FORGET, vec![]).await.expect("a page");
                assert_eq!(forgotten, json!(true));
                self.browser.devtools("Network.clearBrowserCache", json!({})).await;
            }
            self.browser.driver.refresh().await.expect("a page");
            let milliseconds = until("the first post", || async {
                match self.browser.run("return Math.round(window.firstPost ?? 0)").await.as_u64() {
                    Some(0) | None => Err("no post yet"),
                    Some(milliseconds) => Ok(milliseconds),
                }
            });
            times.push(Duration::from_millis(milliseconds.await));
            // The next round begins with what this one leaves.
            self.browser.attribute("connection", "data-state", "connected").await;
        }
        times.sort_unstable();
        times
    }
}

/// The cache of a page.
trait Cache {
    async fn cached(&self) -> u64;
}

impl Cache for Browser {
    /// How many events IndexedDB holds.
    async fn cached(&self) -> u64 {
        let count = "
            const done = arguments[arguments.length - 1];
            const request = indexedDB.open('nostrp2p');
            request.onsuccess = () => {
                const database = request.result;
                const count = database.transaction('events').objectStore('events').count();
                count.onsuccess = () => { database.close(); done(count.result); };
            };";
        self.driver.execute_async(count, vec![]).await.ok().as_ref().and_then(Value::as_u64).unwrap_or(0)
    }
}

fn shown(times: &[Duration]) -> String {
    let at = |index: usize| times.get(index).copied().unwrap_or_default();
    format!(
        "median {:?}, worst {:?} of {}",
        at(times.len() / 2),
        at(times.len().saturating_sub(1)),
        times.len()
    )
}
