//! A real browser: Chromium by ChromeDriver.

use std::{path::PathBuf, process::Stdio};

use fantoccini::{Client, ClientBuilder, Locator, elements::Element, key::Key};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{free_port, http::post_json, until};

/// The size of the window in CSS pixels.
#[derive(Debug, Clone, Copy)]
pub enum Size {
    /// 390x844
    Phone,
    /// 1280x800
    Desktop,
}

/// The secret key for which the extension of the tests signs.
pub const EXTENSION_KEY: u8 = 7;

/// A browser with a profile of its own. It ends with [`Browser::close`], or at the latest when it is dropped.
pub struct Browser {
    /// The WebDriver session, for what this type does not offer.
    pub driver: Client,
    process: Child,
    /// Where ChromeDriver listens.
    port: u16,
    profile: TempDir,
}

fn program(variable: &str, names: &[&str]) -> PathBuf {
    if let Some(path) = std::env::var_os(variable) {
        return path.into();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .flat_map(|directory| names.iter().map(move |name| directory.join(name)))
        .find(|candidate| candidate.exists());
    found.unwrap_or_else(|| panic!("{names:?} is missing; run these tests by `cargo xtask test`"))
}

impl Browser {
    /// Starts a browser.
    ///
    /// # Panics
    /// When Chromium or ChromeDriver is missing or does not start.
    pub async fn start(size: Size) -> Self {
        Self::start_with(size, &[]).await
    }

    /// Starts a browser that has the extension of the tests, which signs for the key [`EXTENSION_KEY`].
    ///
    /// # Panics
    /// As [`Browser::start`].
    pub async fn start_with_extension(size: Size) -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/extension");
        let load = format!("--load-extension={folder}");
        // Chromium 137 and later load unpacked extensions by this flag only when told so.
        Self::start_with(size, &[&load, "--disable-features=DisableLoadExtensionCommandLineSwitch"]).await
    }

    /// Starts a browser with these arguments besides.
    ///
    /// # Panics
    /// As [`Browser::start`].
    pub async fn start_with(size: Size, more: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().expect("a temporary directory"), size, more).await
    }

    /// Starts a browser again with the profile of one that was killed.
    pub async fn start_again(profile: TempDir, size: Size) -> Self {
        Self::start_in(profile, size, &[]).await
    }

    /// Kills the browser without a warning (`kill -9`, each of its processes) and gives its profile.
    ///
    /// # Panics
    /// When it is gone already.
    pub async fn kill(mut self) -> TempDir {
        let capabilities = self.driver.capabilities().expect("a session");
        let id = capabilities.get("goog:processID").and_then(Value::as_u64).expect("ChromeDriver tells it");
        // The others end with the first one, because they lose what they speak to; the driver goes last.
        let killed = Command::new("kill").args(["-9", &id.to_string()]).status().await;
        assert!(killed.expect("kill runs").success(), "the browser had ended by itself");
        drop(self.process.kill().await);
        self.profile
    }

    async fn start_in(profile: TempDir, size: Size, more: &[&str]) -> Self {
        let port = free_port();
        let process = Command::new(program("CHROMEDRIVER", &["chromedriver"]))
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("ChromeDriver starts");
        let (width, height) = match size {
            Size::Phone => (390, 844),
            Size::Desktop => (1280, 800),
        };
        let chromium = program("CHROMIUM", &["chromium", "chromium-browser", "google-chrome"]);
        let mut arguments = vec![
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--no-first-run".to_owned(),
            // What fades in would be checked and photographed half way.
            "--force-prefers-reduced-motion".to_owned(),
            format!("--window-size={width},{height}"),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        arguments.extend(more.iter().map(|&argument| argument.to_owned()));
        let options = json!({ "binary": chromium, "args": arguments });
        let capabilities = json!({ "goog:chromeOptions": options });
        let capabilities = capabilities.as_object().expect("an object").clone();
        let driver = until("ChromeDriver to answer", || async {
            let url = format!("http://127.0.0.1:{port}");
            let mut builder = ClientBuilder::new(HttpConnector::new());
            builder.capabilities(capabilities.clone()).connect(&url).await
        });
        let driver = driver.await;
        let browser = Self { driver, process, port, profile };
        browser.set_viewport(width, height).await;
        browser
    }

    /// Makes the page itself this large: a headless window's frame takes some of it otherwise.
    ///
    /// # Panics
    /// When the window cannot be sized.
    pub async fn set_viewport(&self, width: u32, height: u32) {
        let outer =
            self.driver.execute("return [outerWidth - innerWidth, outerHeight - innerHeight]", vec![]).await;
        let frame: (u32, u32) = serde_json::from_value(outer.expect("a window")).unwrap_or_default();
        self.driver
            .set_window_size(width + frame.0, height + frame.1)
            .await
            .expect("a window that can be sized");
    }

    /// Gives a command of the DevTools protocol, and returns its result.
    ///
    /// # Panics
    /// When the browser refuses.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let session = self.driver.session_id().await.expect("a session").expect("a session");
        let path = format!("/session/{session}/goog/cdp/execute");
        let body = json!({ "cmd": command, "params": parameters }).to_string();
        let authority = format!("127.0.0.1:{}", self.port);
        let (status, body) = post_json(&authority, &path, &body).await;
        let mut answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        assert_eq!(status, 200, "{command}: {answer}");
        answer["value"].take()
    }

    /// Lets the page have a fourth of the processor, about what a phone has.
    pub async fn be_as_slow_as_a_phone(&self) {
        self.devtools("Emulation.setCPUThrottlingRate", json!({ "rate": 4 })).await;
    }

    /// Runs a script in the page and gives what it returns.
    ///
    /// # Panics
    /// When it fails.
    pub async fn run(&self, script: &str) -> Value {
        self.driver.execute(script, vec![]).await.expect("a script that works")
    }

    /// Waits until a script returns this. `what` says what is awaited.
    ///
    /// # Panics
    /// When it goes on returning something else.
    pub async fn comes_to(&self, what: &str, script: &str, expected: Value) {
        until(what, || async {
            let got = self.run(script).await;
            if got == expected { Ok(()) } else { Err(got) }
        })
        .await;
    }

    /// Opens an address.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub async fn open(&self, url: &str) {
        self.driver.goto(url).await.expect("the page opens");
    }

    /// Waits for the element with this `data-testid`.
    pub async fn find(&self, id: &str) -> Element {
        self.find_css(&format!("[data-testid=\"{id}\"]")).await
    }

    /// Waits for an element.
    pub async fn find_css(&self, selector: &str) -> Element {
        until(selector, || self.driver.find(Locator::Css(selector))).await
    }

    /// Waits for the element with this `data-testid` and clicks it, as soon as that works.
    pub async fn click(&self, id: &str) {
        until(&format!("{id} to be clickable"), || async { self.find(id).await.click().await }).await;
    }

    /// Types into the element with this `data-testid`.
    pub async fn type_into(&self, id: &str, text: &str) {
        until(&format!("{id} to take text"), || async { self.find(id).await.send_keys(text).await }).await;
    }

    /// Types over what stands in a field with this `data-testid`, as people do: selects it all and types. What WebDriver
    /// calls clearing tells the page nothing, so the next time the page draws the old text would be back.
    pub async fn type_over(&self, id: &str, text: &str) {
        let (control, release) = (char::from(Key::Control), char::from(Key::Null));
        self.type_into(id, &format!("{control}a{release}{text}")).await;
    }

    /// Waits until an element with this `data-testid` contains a text.
    pub async fn see(&self, id: &str, text: &str) {
        let selector = format!("[data-testid=\"{id}\"]");
        until(&format!("{text:?} in {id}"), || self.look_for(&selector, text)).await;
    }

    async fn look_for(&self, selector: &str, text: &str) -> Result<(), String> {
        let script = "return Array.from(document.querySelectorAll(arguments[0])).map(e => e.textContent)";
        let seen =
            self.driver.execute(script, vec![json!(selector)]).await.map_err(|error| error.to_string())?;
        let texts: Vec<String> = serde_json::from_value(seen).unwrap_or_default();
        if texts.iter().any(|seen| seen.contains(text)) { Ok(()) } else { Err(format!("{texts:?}")) }
    }

    /// Waits until a text can be read somewhere on the page.
    pub async fn read(&self, text: &str) {
        until(&format!("{text:?} on the page"), || self.look_for("body", text)).await;
    }

    /// Waits until the element with this `data-testid` has an attribute with this value.
    pub async fn attribute(&self, id: &str, name: &str, value: &str) {
        self.find_css(&format!("[data-testid=\"{id}\"][{name}=\"{value}\"]")).await;
    }

    /// Saves a screenshot as PNG.
    ///
    /// # Panics
    /// When it cannot be taken or written.
    pub async fn screenshot(&self, path: &std::path::Path) {
        let png = self.driver.screenshot().await.expect("a screenshot");
        std::fs::write(path, png).expect("a folder that can be written");
    }

    /// Ends the browser.
    pub async fn close(mut self) {
        // When it does not answer any more it is killed.
        drop(self.driver.close().await);
        drop(self.process.kill().await);
    }
}
