//! Tools that a fresh machine lacks: found if they are there, fetched if they can be, named if not.

use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A crate whose newer versions are taken by hand, after trying them.
const WASM_PACK_VERSION: &str = "0.15.1";

const BROWSER_NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const DRIVER_NAMES: [&str; 2] = ["chromedriver", "chromium.chromedriver"];

/// Adds rustc's target for browsers if it is missing.
pub fn ensure_wasm_target() -> Result<()> {
    let probe = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", "wasm32-unknown-unknown"])
        .output()
        .context("rustc could not be started; install Rust from https://rustup.rs")?;
    if Path::new(String::from_utf8_lossy(&probe.stdout).trim()).is_dir() {
        return Ok(());
    }
    println!("               adding the target wasm32-unknown-unknown");
    match Command::new("rustup").args(["target", "add", "wasm32-unknown-unknown"]).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => bail!("`rustup target add wasm32-unknown-unknown` failed; what it says above tells why"),
        Err(_) => bail!(
            "this Rust cannot compile for browsers and was not installed by rustup, which could change that: install \
             rustup (https://rustup.rs), or your system's package with the target wasm32-unknown-unknown"
        ),
    }
}

/// Makes `wasm-pack` and the test runner of wasm-bindgen, at the version of Cargo.lock, and gives a PATH on which
/// they come first.
pub fn ensure_wasm_pack(workspace: &Workspace) -> Result<OsString> {
    let bindgen = workspace.locked_version("wasm-bindgen")?;
    ensure_crate(workspace, "wasm-bindgen-cli", "wasm-bindgen", &bindgen)?;
    ensure_crate(workspace, "wasm-pack", "wasm-pack", WASM_PACK_VERSION)?;
    let inherited = env::var_os("PATH").unwrap_or_default();
    let folders = [workspace.path("target/tools/bin")].into_iter().chain(env::split_paths(&inherited));
    env::join_paths(folders).context("target/tools/bin cannot be put on the PATH")
}

fn ensure_crate(workspace: &Workspace, package: &str, binary: &str, version: &str) -> Result<()> {
    let installed = workspace.path("target/tools/bin").join(format!("{binary}{}", env::consts::EXE_SUFFIX));
    if version_of(&installed).is_some_and(|found| found == version) {
        return Ok(());
    }
    println!("installing {package} {version} into target/tools (once; takes a minute or two)");
    // The versions that its author locked are the ones known to work. A registry may not have one of them; then
    // the newest compatible ones must do.
    if install(workspace, package, version, &["--locked"])? || install(workspace, package, version, &[])? {
        return Ok(());
    }
    bail!("`cargo install {package}` failed; what it says above tells why");
}

fn install(workspace: &Workspace, package: &str, version: &str, how: &[&str]) -> Result<bool> {
    let status = workspace
        .cargo(["install", "--force", "--root", "target/tools"])
        .args(how)
        .args([package, "--version", &format!("={version}")])
        .env("CARGO_TARGET_DIR", workspace.path("target/tools/build"))
        // They run for less than a second each: what the compiler would take to make them fast never comes back.
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "256")
        .status()
        .context("cargo could not be started")?;
    Ok(status.success())
}

/// The last word of what `--version` says in its first line.
fn version_of(binary: &Path) -> Option<String> {
    let output = Command::new(binary).arg("--version").stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().next()?.split_whitespace().last().map(String::from)
}

/// Says so when there is no C++ compiler, which libFuzzer is built with.
pub fn require_cxx() -> Result<()> {
    if env::var_os("CXX").is_some() || ["c++", "g++", "clang++"].iter().any(|name| on_path(name).is_some()) {
        return Ok(());
    }
    bail!(
        "fuzzing needs a C++ compiler, for libFuzzer is built with it (Debian and Ubuntu: apt-get install g++)"
    )
}

/// Fetches a package of npm into `target/tools`, exactly this version and nothing that it would run, and gives its
/// folder; none on a machine without npm or without a way to its registry, where the tests do without.
pub fn ensure_npm_package(workspace: &Workspace, package: &str, version: &str) -> Result<Option<PathBuf>> {
    let home = workspace.path("target/tools/npm");
    let folder = home.join("node_modules").join(package);
    let installed = fs::read_to_string(folder.join("package.json")).unwrap_or_default();
    if installed.contains(&format!("\"version\": \"{version}\"")) {
        return Ok(Some(folder));
    }
    let Some(npm) = on_path("npm") else {
        println!("npm is not here, so the tests do without {package}");
        return Ok(None);
    };
    fs::create_dir_all(&home).with_context(|| format!("cannot make {}", home.display()))?;
    let status = Command::new(npm)
        .args(["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", "--prefix"])
        .arg(&home)
        .arg(format!("{package}@{version}"))
        .stdin(Stdio::null())
        .status()
        .context("npm could not be started")?;
    if !status.success() {
        println!("npm could not fetch {package} {version}, so the tests do without it");
        return Ok(None);
    }
    Ok(Some(folder))
}

/// A browser and the program that steers it.
pub struct Browser {
    pub chromium: PathBuf,
    pub driver: PathBuf,
}

/// Finds Chromium and ChromeDriver, or installs them where that can be done without asking.
pub fn ensure_browser() -> Result<Browser> {
    if let Some(browser) = find_browser() {
        return Ok(browser);
    }
    if !(is_root() && on_path("apt-get").is_some()) {
        bail!(
            "the browser tests need Chromium and ChromeDriver on the PATH (Debian and Ubuntu: \
             apt-get install chromium chromium-driver)"
        );
    }
    println!("installing Chromium and ChromeDriver with apt-get");
    apt_get(&["update"])?;
    apt_get(&[
        "install",
        "--yes",
        "--no-install-recommends",
        "chromium",
        "chromium-driver",
        "fonts-liberation",
    ])?;
    find_browser().context("apt-get installed chromium and chromium-driver, but they are not on the PATH")
}

/// Installs `ip` and `nft` where that can be done without asking. The laboratory itself says what is missing elsewhere.
pub fn ensure_laboratory() -> Result<()> {
    let missing = ["ip", "nft"].into_iter().any(|name| on_path(name).is_none());
    if missing && is_root() && on_path("apt-get").is_some() {
        println!("installing iproute2 and nftables with apt-get");
        apt_get(&["update"])?;
        apt_get(&["install", "--yes", "--no-install-recommends", "iproute2", "nftables"])?;
    }
    Ok(())
}

/// Installs nginx for the test behind a reverse proxy where that can be done without asking; where it cannot, the test
/// says that it was not run.
pub fn prepare_nginx() {
    if on_path("nginx").is_some() || Path::new("/usr/sbin/nginx").is_file() {
        return;
    }
    let can = is_root() && on_path("apt-get").is_some();
    println!("nginx is missing{}", if can { "; installing it with apt-get" } else { "" });
    let installed = can
        && apt_get(&["update"])
            .and_then(|()| apt_get(&["install", "--yes", "--no-install-recommends", "nginx-light"]))
            .is_ok();
    if !installed {
        println!(
            "the test behind a reverse proxy will not be run (Debian and Ubuntu: apt-get install nginx-light)"
        );
    }
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let status = Command::new("apt-get")
        .arg("-qq")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .status()
        .context("apt-get could not be started")?;
    if !status.success() {
        bail!("`apt-get {}` failed; what it says above tells why", arguments.join(" "));
    }
    Ok(())
}

fn find_browser() -> Option<Browser> {
    let first = |names: &[&str]| names.iter().find_map(|name| on_path(name));
    Some(Browser { chromium: first(&BROWSER_NAMES)?, driver: first(&DRIVER_NAMES)? })
}

fn on_path(name: &str) -> Option<PathBuf> {
    let name = format!("{name}{}", env::consts::EXE_SUFFIX);
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders).map(|folder| folder.join(&name)).find(|path| path.is_file())
}

/// Puts the scripts of `tests/clients` into `target/clients`, with the libraries from npm that they need.
pub fn ensure_clients(workspace: &Workspace) -> Result<PathBuf> {
    ensure_node()?;
    let (from, to) = (workspace.path("tests/clients"), workspace.path("target/clients"));
    fs::create_dir_all(&to)?;
    let wanted = fs::read(from.join("package.json"))?;
    let installed = fs::read(to.join("installed.json")).is_ok_and(|installed| installed == wanted);
    for entry in fs::read_dir(&from)? {
        let path = entry?.path();
        if let Some(name) = path.file_name() {
            fs::copy(&path, to.join(name))?;
        }
    }
    if !installed {
        println!("installing the Nostr libraries of tests/clients from npm into target/clients");
        // The versions stand in package.json; a lockfile would name the registry of this machine.
        let status = Command::new("npm")
            .args(["install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"])
            .current_dir(&to)
            .status()
            .context("npm could not be started")?;
        if !status.success() {
            bail!("`npm install` failed; what it says above tells why");
        }
        fs::write(to.join("installed.json"), wanted)?;
    }
    Ok(to)
}

/// Finds Node.js and npm, or installs them where that can be done without asking.
fn ensure_node() -> Result<()> {
    let there = || on_path("node").is_some() && on_path("npm").is_some();
    if there() {
        return Ok(());
    }
    if !(is_root() && on_path("apt-get").is_some()) {
        bail!("the tests with Nostr libraries need Node.js 20 or later and npm on the PATH");
    }
    println!("installing Node.js and npm with apt-get");
    apt_get(&["update"])?;
    apt_get(&["install", "--yes", "--no-install-recommends", "nodejs", "npm"])?;
    if there() { Ok(()) } else { bail!("apt-get installed nodejs and npm, but they are not on the PATH") }
}

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

/// Whether cargo knows this subcommand, as in `cargo nextest`.
pub fn has_cargo_subcommand(workspace: &Workspace, name: &str) -> bool {
    let mut probe = workspace.cargo([name, "--version"]);
    probe.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
