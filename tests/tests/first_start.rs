//! The first start without a terminal (`nostrp2p open`, which a double click does), and starts by the system
//! (`nostrp2p service`).
//!
//! The browser is a script that notes what it is given, by the variable that names a person's browser.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
};

use nostrp2p_tests::{Client, binary, free_port, is_on_path, random_key, skip, until};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

/// A person's folder, with spaces and letters outside of ASCII in its name, and a browser in it.
struct Home {
    folder: TempDir,
    port: u16,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("Zoë's \"home\" 家 ").tempdir().unwrap();
        let browser = folder.path().join("browser");
        fs::write(&browser, "#!/bin/sh\nprintf '%s\\n' \"$1\" >> \"$(dirname \"$0\")/visited\"\n").unwrap();
        fs::set_permissions(&browser, fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder, port: free_port() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(words).env("HOME", self.folder.path()).env("BROWSER", self.path("browser"));
        command.env_remove("XDG_DATA_HOME").stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// A double click.
    fn open(&self) -> Child {
        let listen = format!("127.0.0.1:{}", self.port);
        let mut command = self.command(&["open", "--no-qr", "-l", &listen, "--data-dir"]);
        command.arg(self.path("data")).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// What the browser was given, once it was given so much.
    async fn visited(&self, count: usize) -> Vec<String> {
        until(&format!("{count} pages in the browser"), || async {
            let text = fs::read_to_string(self.path("visited")).unwrap_or_default();
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            if lines.len() >= count { Ok(lines) } else { Err(lines) }
        })
        .await
    }
}

/// What a program said that has ended, and whether it was content.
async fn said(child: Child) -> (bool, String) {
    let output = tokio::time::timeout(nostrp2p_tests::PATIENCE, child.wait_with_output()).await;
    let output = output.expect("it ends").unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (output.status.success(), text)
}

#[tokio::test]
async fn a_double_click_opens_the_claim_link_and_the_next_one_the_page_of_the_running_node() {
    let home = Home::new();
    let mut node = home.open();
    let visited = home.visited(1).await;
    let (page, rest) = visited[0].split_once("/#claim=").expect("the claim link");
    assert_eq!(page, format!("http://127.0.0.1:{}", home.port + 1));
    let token = hex::decode(rest.split('&').next().unwrap()).unwrap().try_into().unwrap();
    Client::claim(&format!("127.0.0.1:{}", home.port + 1), token, &random_key()).await;
    let (fine, text) = said(home.open()).await;
    assert!(fine && text.contains("is open in the browser"), "{text}");
    assert_eq!(home.visited(2).await[1], page, "the link was opened once; now it is the page");
    assert!(node.try_wait().unwrap().is_none(), "the node goes on");
}

#[tokio::test]
async fn two_double_clicks_in_one_instant_start_one_node_and_fail_neither() {
    let home = Home::new();
    let mut clicks = [home.open(), home.open()];
    home.visited(2).await;
    let ended = until("one of the two has ended", async || {
        let running: Vec<bool> = clicks.iter_mut().map(|child| child.try_wait().unwrap().is_none()).collect();
        running.iter().position(|running| !running).ok_or(running)
    })
    .await;
    let [first, second] = clicks;
    let (other, mut node) = if ended == 0 { (first, second) } else { (second, first) };
    let (fine, text) = said(other).await;
    assert!(fine && text.contains("is open in the browser") && !text.contains("error"), "{text}");
    assert!(node.try_wait().unwrap().is_none(), "the other one is the node");
}

#[tokio::test]
async fn a_double_click_without_a_browser_says_what_to_open_and_the_node_runs() {
    let home = Home::new();
    let listen = format!("127.0.0.1:{}", home.port);
    let mut command = home.command(&["open", "--no-qr", "-l", &listen, "--data-dir"]);
    command.arg(home.path("data")).env("BROWSER", "/nowhere/browser").env("PATH", "/nowhere");
    let mut node = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(node.stderr.take().unwrap()).lines();
    let told = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains("no browser could be started") {
                return line;
            }
        }
        String::new()
    };
    let line = tokio::time::timeout(nostrp2p_tests::PATIENCE, told).await.expect("it says so");
    assert!(line.contains(&format!("open http://127.0.0.1:{}/#claim=", home.port + 1)), "{line}");
    assert!(node.try_wait().unwrap().is_none(), "the node goes on");
}

#[tokio::test]
async fn a_dry_run_writes_nothing_and_shows_the_file_of_each_system() {
    let home = Home::new();
    for (system, file, word) in [
        ("systemd", ".config/systemd/user/nostrp2p.service", "ExecStart="),
        ("launchd", "Library/LaunchAgents/nostrp2p.plist", "ProgramArguments"),
        ("windows", "task.xml", "LogonTrigger"),
        ("termux", ".termux/boot/nostrp2p", "termux-wake-lock"),
    ] {
        let output = home.command(&["service", "install", "--dry-run", "--system", system]).output().await;
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        assert!(text.contains(file) && text.contains(word), "{system}: {text}");
    }
    let files: Vec<_> = fs::read_dir(home.folder.path()).unwrap().flatten().collect();
    assert_eq!(files.len(), 1, "the browser alone: {files:?}");
}

#[tokio::test]
async fn what_service_install_writes_starts_the_node_and_goes_away_without_the_data() {
    let home = Home::new();
    let data = home.path("my data");
    let install = ["service", "install", "--system", "termux", "--data-dir", data.to_str().unwrap()];
    let output = home.command(&install).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("To undo it: nostrp2p service uninstall"), "{output:?}");
    let script = home.path(".termux/boot/nostrp2p");
    // The shell and the lock are those of a phone; the rest of the script runs here as it is.
    let body = fs::read_to_string(&script).unwrap().replace("termux-wake-lock\n", "");
    let port = free_port();
    let mut shell = Command::new("sh");
    shell.args(["-c", &body]).env("NOSTRP2P_LISTEN_ADDR_PORT", format!("127.0.0.1:{port}"));
    let mut node = shell.stdout(Stdio::null()).kill_on_drop(true).spawn().unwrap();
    until("the node has written its claim link", || async {
        fs::metadata(data.join("claim-link")).map_err(|error| error.to_string())
    })
    .await;
    node.kill().await.unwrap();
    let output = home.command(&["service", "uninstall", "--system", "termux"]).output().await.unwrap();
    assert!(output.status.success() && !script.exists(), "{output:?}");
    assert!(data.join("store.redb").is_file(), "the data stay");
}

#[tokio::test]
async fn systemd_takes_the_unit_of_a_user_whatever_is_in_its_paths() {
    if !is_on_path("systemd-analyze") {
        return skip("there is no systemd-analyze");
    }
    let home = Home::new();
    let data = home.path("100% $HOME \\ data");
    let words =
        ["service", "install", "--dry-run", "--system", "systemd", "--data-dir", data.to_str().unwrap()];
    let output = home.command(&words).output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let unit = text.split_once("\n\n").unwrap().1.split("\nWould run").next().unwrap();
    let path = home.path("nostrp2p.service");
    fs::write(&path, unit).unwrap();
    let mut verify = Command::new("systemd-analyze");
    let output = verify.args(["verify", "--user", "--man=no"]).arg(&path).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let about_it: Vec<&str> = said.lines().filter(|line| line.contains("nostrp2p.service")).collect();
    assert_eq!(about_it, [""; 0], "systemd complains about the unit");
}

#[tokio::test]
async fn a_user_without_a_home_gets_one_sentence() {
    let home = Home::new();
    let mut install = home.command(&["service", "install", "--system", "systemd"]);
    let output = install.env("HOME", "/nonexistent/home").output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && text.contains("has no home directory") && text.lines().count() == 1,
        "{text}"
    );
    assert!(!Path::new("/nonexistent").exists());
}
