//! What people do on the page, in words of what they do.

use fantoccini::Locator;
use serde_json::json;

use crate::{Browser, Node, until};

impl Browser {
    /// Opens the claim link, makes a key and chooses a name.
    ///
    /// # Panics
    /// When the node has an owner already.
    pub async fn arrive(&self, node: &Node, name: &str) {
        self.open(node.claim_link.as_ref().expect("a node without an owner")).await;
        self.find("welcome").await;
        self.become_somebody(name).await;
    }

    /// Goes on where a node has been found: makes a key, takes this name, and waits until the page is connected.
    pub async fn become_somebody(&self, name: &str) {
        self.click("next").await;
        self.click("key-create").await;
        self.click("backup-later").await;
        self.type_into("name-input", name).await;
        self.click("next").await;
        self.attribute("connection", "data-state", "connected").await;
    }

    /// Writes a post and sends it.
    pub async fn write(&self, text: &str) {
        if self.driver.find(Locator::Css("[data-testid=\"compose-text\"]")).await.is_err() {
            self.click("compose-open").await;
        }
        self.type_into("compose-text", text).await;
        self.click("compose-send").await;
    }

    /// Goes to a screen by its fragment.
    ///
    /// # Panics
    /// When the page is gone.
    pub async fn go(&self, fragment: &str) {
        self.driver.execute("location.hash = arguments[0]", vec![json!(fragment)]).await.expect("a page");
    }

    /// The own public key, as the page shows it on Me.
    ///
    /// # Panics
    /// When the page is gone.
    pub async fn npub(&self) -> String {
        self.go("#/me").await;
        let npub = self.find("npub").await.attr("data-npub").await.expect("a page").expect("a key");
        self.go("#/").await;
        npub
    }

    /// The own secret key, as the page shows it on Me.
    ///
    /// # Panics
    /// When the page is gone.
    pub async fn nsec(&self) -> String {
        self.go("#/me").await;
        self.click("key-reveal").await;
        let nsec = self.find("nsec").await.text().await.expect("a page");
        self.go("#/").await;
        nsec
    }

    /// Signs in at a node that has an owner, with the owner's key.
    pub async fn sign_in(&self, node: &Node, nsec: &str) {
        self.sign_in_at(&node.clients(), nsec).await;
    }

    /// The same where something stands before the node.
    pub async fn sign_in_at(&self, authority: &str, nsec: &str) {
        self.open(&format!("http://{authority}/")).await;
        self.find("welcome").await;
        self.click("next").await;
        self.click("key-import").await;
        self.type_into("nsec-input", nsec).await;
        self.click("next").await;
        self.attribute("connection", "data-state", "connected").await;
    }

    /// Waits until there is no element with this `data-testid`.
    pub async fn see_no(&self, id: &str) {
        let selector = format!("[data-testid=\"{id}\"]");
        until(&format!("{id} to be gone"), || async {
            match self.driver.find_all(Locator::Css(&selector)).await {
                Ok(found) if found.is_empty() => Ok(()),
                other => Err(format!("{:?}", other.map(|found| found.len()))),
            }
        })
        .await;
    }

    /// Waits until no own post is in this state any more.
    pub async fn see_no_state(&self, state: &str) {
        let selector = format!("[data-testid=\"post-state\"][data-state=\"{state}\"]");
        until(&format!("no post to be {state}"), || async {
            match self.driver.find_all(Locator::Css(&selector)).await {
                Ok(found) if found.is_empty() => Ok(()),
                other => Err(format!("{:?}", other.map(|found| found.len()))),
            }
        })
        .await;
    }

    /// Presses a button by its `data-testid` inside the post with this text, as soon as both are there.
    pub async fn press_in_post(&self, text: &str, id: &str) {
        let script = "
            const posts = Array.from(document.querySelectorAll('[data-testid=post]'));
            // Its own words first: an answer says on one line what it answers.
            const own = post => post.querySelector('[data-testid=post-text]')?.textContent ?? '';
            const says = words => posts.find(post => words(post).includes(arguments[0]));
            const post = says(own) ?? says(post => post.textContent);
            const button = post?.querySelector(`[data-testid=\"${arguments[1]}\"]`);
            button?.click();
            return Boolean(button);";
        until(&format!("{id} in the post {text:?}"), || async {
            match self.driver.execute(script, vec![json!(text), json!(id)]).await {
                Ok(serde_json::Value::Bool(true)) => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
    }

    /// Waits until no post contains a text any more.
    pub async fn see_gone(&self, text: &str) {
        let script =
            "return Array.from(document.querySelectorAll('[data-testid=post]')).map(e => e.textContent)";
        until(&format!("{text:?} to be gone"), || async {
            let seen = self.driver.execute(script, vec![]).await.map_err(|error| error.to_string())?;
            let texts: Vec<String> = serde_json::from_value(seen).unwrap_or_default();
            if texts.iter().any(|seen| seen.contains(text)) { Err(format!("{texts:?}")) } else { Ok(()) }
        })
        .await;
    }
}
