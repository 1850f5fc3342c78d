//! `nostrp2p open`, the command of a double click: starts the node unless it runs, and opens its page in the browser.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::Context as _;

use crate::{claim, settings::Settings, status};

/// How long the node may take to get ready, with a store that has to be brought up to date.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// How often it is asked meanwhile.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// The text in the window of a node that was started by a double click.
pub const WINDOW: &str = "This window is your nostrp2p node; your browser shows its page as soon as it is ready.\n\
                          Close the window, or press Ctrl-C in it, to end the node: nothing is lost by that.\n";

/// Whether the node of these settings runs already.
pub async fn is_running(settings: &Settings) -> bool {
    status::node(settings).await.is_ok()
}

/// Waits until the node answers, and opens its page once: by the claim link while it has no owner.
///
/// # Errors
/// When it does not answer in time, or there is no browser; the sentence has the address to open by hand.
pub async fn page(settings: &Settings) -> anyhow::Result<String> {
    let deadline = Instant::now() + READY_WITHIN;
    loop {
        match status::node(settings).await {
            Ok(_) => break,
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(_) => tokio::time::sleep(ASK_EVERY).await,
        }
    }
    let address = address(settings);
    browse(&address).with_context(|| format!("no browser could be started; open {address} yourself"))?;
    // The link itself is a secret that works once, and the window of the node shows it anyhow.
    Ok("The page of your node is open in the browser.".to_owned())
}

/// The claim link, or where the page is.
fn address(settings: &Settings) -> String {
    let kept = claim::kept(&settings.data_dir);
    let link = kept.as_deref().and_then(|kept| kept.lines().next()).map(str::trim);
    link.map_or_else(|| claim::address(settings.listen_clients, settings.tls.is_some()), str::to_owned)
}

fn browse(address: &str) -> anyhow::Result<()> {
    let mut last = None;
    for (program, arguments) in openers() {
        let mut command = Command::new(&program);
        command.args(arguments).arg(address);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        match command.spawn() {
            Ok(mut child) => {
                // Some of them are the browser itself and stay; nobody waits for those.
                std::thread::spawn(move || drop(child.wait()));
                return Ok(());
            }
            Err(error) => last = Some(anyhow::Error::new(error).context(format!("`{program}`"))),
        }
    }
    Err(last.unwrap_or_else(|| anyhow::anyhow!("this system has no program for that")))
}

/// Programs that open an address in the browser, the person's own choice first.
fn openers() -> Vec<(String, Vec<&'static str>)> {
    let chosen = std::env::var("BROWSER").ok().filter(|browser| !browser.is_empty());
    let own = chosen.map(|browser| (browser, vec![]));
    let system: &[(&str, &[&'static str])] = if cfg!(windows) {
        // Not by the shell, which would take `&` in a link for its own.
        &[("rundll32", &["url.dll,FileProtocolHandler"])]
    } else if cfg!(target_os = "macos") {
        &[("open", &[])]
    } else {
        &[("termux-open-url", &[]), ("xdg-open", &[])]
    };
    own.into_iter()
        .chain(system.iter().map(|(program, arguments)| ((*program).to_owned(), arguments.to_vec())))
        .collect()
}
