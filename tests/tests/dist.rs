//! What `cargo xtask dist` made, run as somebody runs it who has installed it: `cargo xtask test dist`.
//!
//! Each archive is unpacked into an empty directory. The node in it joins one of this machine's own build, and a post in
//! both directions, a private reply and the page come through. An archive that was not made is a test that is skipped.
//! `ci` gives them an archive and packages of the node of the tests, which is no static program.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod container;
mod fedora;
mod packages;
mod phone;
mod windows;

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use nostrp2p_protocol::{SecretKey, frame::Delivery};
use nostrp2p_tests::{
    Client, InstalledNode, Person, free_port, get, is_on_path, post, random_key, reply, skip_optional,
};
use tempfile::TempDir;
use tokio::process::Command;

const X86: &str = "x86_64-unknown-linux-musl";
/// The node of the tests.
const X86_GLIBC: &str = "x86_64-unknown-linux-gnu";
const ARM: &str = "aarch64-unknown-linux-musl";
const ARM_GLIBC: &str = "aarch64-unknown-linux-gnu";
const WINDOWS: &str = "x86_64-pc-windows-gnu";

/// Where `chroot` is, and what a system has by itself.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// Where the archives and packages under test are: where `cargo xtask dist` puts them, unless xtask says something else.
fn folder() -> PathBuf {
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/dist");
    std::env::var_os("NOSTRP2P_DIST").map_or(made, PathBuf::from)
}

/// A file in that folder by the end of its name; says that the test is skipped when there is none.
fn made(ending: &str) -> Option<PathBuf> {
    let found = find(ending);
    if found.is_none() {
        skip_optional(&format!("there is no archive {ending}; `cargo xtask dist --all` makes it"));
    }
    found
}

fn find(ending: &str) -> Option<PathBuf> {
    let files = fs::read_dir(folder()).into_iter().flatten().flatten().map(|entry| entry.path());
    files.into_iter().find(|path| path.to_string_lossy().ends_with(ending))
}

/// The archive of a target, unpacked into an empty directory: that directory, and the one folder in it.
async fn unpacked(target: &str) -> Option<(TempDir, PathBuf)> {
    let archive = made(&format!("{target}.tar.xz"))?;
    Some(unpack(&archive).await)
}

/// The same for this machine.
async fn unpacked_here() -> Option<(TempDir, PathBuf)> {
    let archive = find(&format!("{X86_GLIBC}.tar.xz")).or_else(|| made(&format!("{X86}.tar.xz")))?;
    Some(unpack(&archive).await)
}

async fn unpack(archive: &Path) -> (TempDir, PathBuf) {
    let empty = tempfile::tempdir().unwrap();
    let mut tar = Command::new("tar");
    let done = tar.arg("-xJf").arg(archive).arg("-C").arg(empty.path()).status().await;
    assert!(done.unwrap().success(), "{} is no archive", archive.display());
    let mut folders = fs::read_dir(empty.path()).unwrap();
    let root = folders.next().unwrap().unwrap().path();
    assert!(folders.next().is_none(), "an archive holds one folder");
    (empty, root)
}

/// A directory that holds the program of an archive and nothing else, and what runs the program as if that were all of the
/// machine. A program that is not static brings along its libraries.
async fn cell() -> Option<(TempDir, Command)> {
    let (_empty, root) = unpacked_here().await?;
    if !(cfg!(target_arch = "x86_64") && is_on_path("chroot") && is_root().await) {
        skip_optional("a chroot needs root and this processor");
        return None;
    }
    let cell = tempfile::tempdir().unwrap();
    let program = root.join("nostrp2p");
    fs::copy(&program, cell.path().join("nostrp2p")).unwrap();
    if root.to_string_lossy().ends_with(X86_GLIBC) {
        bring_libraries(&program, cell.path()).await;
    }
    let mut command = Command::new("chroot");
    command.arg(cell.path()).arg("/nostrp2p").env_clear().env("PATH", PATH);
    Some((cell, command))
}

/// Copies the libraries that a program asks for to where it looks for them in a root directory.
async fn bring_libraries(program: &Path, root: &Path) {
    let output = Command::new("ldd").arg(program).output().await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    for library in said.split_whitespace().filter(|word| word.starts_with('/')) {
        let inside = root.join(library.trim_start_matches('/'));
        fs::create_dir_all(inside.parent().unwrap()).unwrap();
        fs::copy(library, inside).unwrap();
    }
}

/// The names in a directory, sorted.
fn names(directory: &Path) -> Vec<OsString> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    names
}

/// Lets the owner of an installed node and Alice talk: in public both ways, in private, and looks at the page.
async fn talks(alice: &mut Person, node: &InstalledNode) -> SecretKey {
    let bob = random_key();
    let mut client = Client::claim(&node.clients(), node.token(), &bob).await;
    client.delegate(&bob).await;
    client.neighbours(1).await;
    client.watch(0).await;
    alice.client.watch(0).await;
    client.publish(&post(&bob, "installed without compiling")).await;
    alice.client.hear("installed without compiling").await;
    alice.client.publish(&post(&alice.key, "welcome")).await;
    client.hear("welcome").await;
    let private = reply(&alice.key, "for you alone", &[&bob]);
    alice.client.publish(&private).await;
    alice.client.delivery(&private, &bob, Delivery::Delivered).await;
    client.hear("for you alone").await;
    let (status, head, page) = get(&node.clients(), "/", &[]).await;
    let page = String::from_utf8_lossy(&page).into_owned();
    assert!(
        status == 200 && head.contains("text/html") && page.contains("<script"),
        "{status} {head} {page}"
    );
    bob
}

#[tokio::test]
async fn the_program_needs_nothing_but_itself() {
    let Some((cell, command)) = cell().await else { return };
    let mut before = names(cell.path());
    let mut alice = Person::arrive(None).await;
    let joined = alice.node.nodes();
    let node = InstalledNode::start(command, free_port(), Path::new("/data"), &["-b", &joined]).await;
    talks(&mut alice, &node).await;
    node.stop().await;
    before.insert(0, "data".into());
    assert_eq!(names(cell.path()), before, "its data and nothing else came to it");
}

async fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().await;
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Runs a program for another processor of ARM.
fn emulated(program: &Path, libraries: Option<&str>) -> Option<Command> {
    let Some(emulator) = ["qemu-aarch64-static", "qemu-aarch64"].into_iter().find(|name| is_on_path(name))
    else {
        skip_optional("there is no qemu-aarch64 (Debian and Ubuntu: apt-get install qemu-user-static)");
        return None;
    };
    let mut command = Command::new(emulator);
    if let Some(libraries) = libraries {
        if !Path::new(libraries).is_dir() {
            skip_optional(
                "there is no C library of ARM (Debian and Ubuntu: apt-get install libc6-dev-arm64-cross)",
            );
            return None;
        }
        command.args(["-L", libraries]);
    }
    command.arg(program);
    Some(command)
}

async fn talks_from_arm(target: &str, libraries: Option<&str>) {
    let Some((empty, root)) = unpacked(target).await else { return };
    let Some(command) = emulated(&root.join("nostrp2p"), libraries) else { return };
    let mut alice = Person::arrive(None).await;
    let data = empty.path().join("data");
    let joined = alice.node.nodes();
    let node = InstalledNode::start(command, free_port(), &data, &["-b", &joined]).await;
    talks(&mut alice, &node).await;
    node.stop().await;
}

#[tokio::test]
async fn the_static_program_for_arm_talks_to_this_machine() {
    talks_from_arm(ARM, None).await;
}

#[tokio::test]
async fn the_program_for_arm_with_glibc_talks_to_this_machine() {
    talks_from_arm(ARM_GLIBC, Some("/usr/aarch64-linux-gnu")).await;
}

/// A store moves from this processor to another one and back: nothing of it depends on the processor. Spaces and letters
/// outside of ASCII in its path do no harm.
#[tokio::test]
async fn a_data_directory_moves_between_processors() {
    let Some((empty, root)) = unpacked(ARM).await else { return };
    let program = root.join("nostrp2p");
    let Some(arm) = emulated(&program, None) else { return };
    let data = empty.path().join("Zoë's data 数据");
    moves(arm, &data, &data, InstalledNode::stop).await;
}

/// Lets a node of this machine, the one that is started by a command, and again one of this machine have a data directory
/// one after the other. `seen` is the directory as the other one sees it.
async fn moves(other: Command, data: &Path, seen: &Path, end: impl AsyncFnOnce(InstalledNode)) {
    let key = random_key();
    let here = || Command::new(nostrp2p_tests::binary());
    let node = InstalledNode::start(here(), free_port(), data, &[]).await;
    let mut client = Client::claim(&node.clients(), node.token(), &key).await;
    client.publish(&post(&key, "written here")).await;
    node.stop().await;
    let node = InstalledNode::start(other, free_port(), seen, &[]).await;
    let mut client = Client::login(&node.clients(), &key).await;
    assert_eq!(client.everything().await, ["written here"]);
    client.publish(&post(&key, "written elsewhere")).await;
    end(node).await;
    let node = InstalledNode::start(here(), free_port(), data, &[]).await;
    let mut texts = Client::login(&node.clients(), &key).await.everything().await;
    texts.sort();
    assert_eq!(texts, ["written elsewhere", "written here"]);
    node.stop().await;
}

#[tokio::test]
async fn an_archive_holds_what_belongs_to_the_program() {
    let Some((_empty, root)) = unpacked_here().await else { return };
    for file in [
        "README.md",
        "CHANGELOG.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "THIRD-PARTY.txt",
        "docs/install.md",
        "dist/nostrp2p.service",
        "nostrp2p.toml",
        "completions/nostrp2p.bash",
        "completions/_nostrp2p",
        "completions/nostrp2p.fish",
        "completions/nostrp2p.ps1",
    ] {
        assert!(fs::metadata(root.join(file)).is_ok_and(|file| file.len() > 100), "{file}");
    }
    let manual = fs::read_to_string(root.join("man/nostrp2p.1")).unwrap();
    assert!(manual.contains(".SH \"NOSTRP2P SERVER\""), "{manual}");
    let bill: serde_json::Value =
        serde_json::from_slice(&fs::read(root.join("sbom.cdx.json")).unwrap()).unwrap();
    assert_eq!((&bill["bomFormat"], &bill["specVersion"]), (&"CycloneDX".into(), &"1.5".into()));
    assert!(bill["components"].as_array().is_some_and(|components| components.len() > 200));
    if root.to_string_lossy().ends_with(X86_GLIBC) {
        return;
    }
    let program = fs::read(root.join("nostrp2p")).unwrap();
    for secret in [env!("CARGO_MANIFEST_DIR").trim_end_matches("/tests"), "/.cargo/registry"] {
        let found = program.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "the program names a path of the machine that built it: {secret}");
    }
}

#[tokio::test]
async fn the_sums_are_those_of_the_files() {
    if !folder().join("SHA256SUMS").is_file() {
        return skip_optional("nothing was made; `cargo xtask dist --all` does");
    }
    let mut check = Command::new("sha256sum");
    let output = check.args(["--check", "SHA256SUMS"]).current_dir(folder()).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
