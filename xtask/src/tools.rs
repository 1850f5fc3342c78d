//! External tools: found if they are installed, fetched if possible, and named otherwise.

use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The version that is built where the machine has none; a newer one is entered by hand, after a try.
const NEXTEST_VERSION: &str = "0.9.143";
const MUTANTS_VERSION: &str = "27.1.0";
const DEB_VERSION: &str = "3.8.0";
const RPM_VERSION: &str = "0.21.1";

/// The accessibility checker. Newer versions find other things, so they are taken by hand.
pub const AXE: (&str, &str) = ("axe-core", "4.14.1");

const BROWSER_NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const DRIVER_NAMES: [&str; 2] = ["chromedriver", "chromium.chromedriver"];

/// Adds rustc's target for browsers if it is missing.
pub fn ensure_wasm_target() -> Result<()> {
    ensure_rust_target("wasm32-unknown-unknown")
}

/// Adds a target of rustc if it is missing.
pub fn ensure_rust_target(target: &str) -> Result<()> {
    let probe = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", target])
        .output()
        .context("rustc could not be started; install Rust from https://rustup.rs")?;
    if Path::new(String::from_utf8_lossy(&probe.stdout).trim()).is_dir() {
        return Ok(());
    }
    println!("               adding the target {target}");
    match Command::new("rustup").args(["target", "add", target]).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => bail!("`rustup target add {target}` failed; what it says above tells why"),
        Err(_) => bail!(
            "this Rust cannot compile for {target} and was not installed by rustup, which could change that: install \
             rustup (https://rustup.rs), or your system's package with that target"
        ),
    }
}

/// The folder of finished tools, each by its version, so that another clone finds them: below the user's cache folder,
/// or below `target` where there is none.
pub fn cache(workspace: &Workspace) -> PathBuf {
    dirs::cache_dir().map_or_else(|| workspace.path("target/tools"), |cache| cache.join("nostrp2p/tools"))
}

/// Everything that tests need and that is not part of a system, so that its time is known apart.
pub fn ensure_all(workspace: &Workspace) -> Result<()> {
    ensure_wasm_target()?;
    ensure_nextest(workspace)?;
    ensure_wasm_runner(workspace)?;
    ensure_browser()?;
    ensure_laboratory()?;
    prepare_nginx();
    ensure_npm_package(workspace, AXE.0, AXE.1)?;
    ensure_packagers(workspace)?;
    ensure_clients(workspace).map(drop)
}

/// Builds the test runner of wasm-bindgen at the version of Cargo.lock, which is the only one that fits.
pub fn ensure_wasm_runner(workspace: &Workspace) -> Result<PathBuf> {
    let bindgen = workspace.locked_version("wasm-bindgen")?;
    Ok(ensure_crate(workspace, "wasm-bindgen-cli", &bindgen)?.join(program("wasm-bindgen-test-runner")))
}

/// Builds cargo-nextest where there is none.
pub fn ensure_nextest(workspace: &Workspace) -> Result<()> {
    ensure_subcommand(workspace, "nextest", NEXTEST_VERSION)
}

/// Builds cargo-mutants where there is none.
pub fn ensure_mutants(workspace: &Workspace) -> Result<()> {
    ensure_subcommand(workspace, "mutants", MUTANTS_VERSION)
}

/// Builds cargo-deb and cargo-generate-rpm where they are missing; gives a PATH with both.
pub fn ensure_packagers(workspace: &Workspace) -> Result<OsString> {
    let deb = ensure_crate(workspace, "cargo-deb", DEB_VERSION)?;
    let rpm = ensure_crate(workspace, "cargo-generate-rpm", RPM_VERSION)?;
    let inherited = env::var_os("PATH").unwrap_or_default();
    Ok(env::join_paths([deb, rpm].into_iter().chain(env::split_paths(&inherited)))?)
}

/// A subcommand of cargo: any version that the machine has, or else this one. Cargo finds it in the cache, because
/// [`cargo_path`] is the PATH of every cargo.
fn ensure_subcommand(workspace: &Workspace, name: &str, version: &str) -> Result<()> {
    if has_cargo_subcommand(workspace, name) {
        return Ok(());
    }
    ensure_crate(workspace, &format!("cargo-{name}"), version).map(drop)
}

/// The PATH on which cargo finds its subcommands: what the person has, and then the finished tools.
pub fn cargo_path(workspace: &Workspace) -> Option<OsString> {
    let inherited = env::var_os("PATH").unwrap_or_default();
    let ours = [("cargo-nextest", NEXTEST_VERSION), ("cargo-mutants", MUTANTS_VERSION)];
    let ours = ours.map(|(package, version)| finished(workspace, package, version).join("bin"));
    env::join_paths(env::split_paths(&inherited).chain(ours)).ok()
}

/// The path of a tool of this version, once it is built.
fn finished(workspace: &Workspace, package: &str, version: &str) -> PathBuf {
    cache(workspace).join(format!("{package}-{version}"))
}

/// Builds a tool unless it is in the cache; gives the folder of its programs. It moves there when it is finished, so
/// what is there is whole, also when another clone builds the same at the same time.
fn ensure_crate(workspace: &Workspace, package: &str, version: &str) -> Result<PathBuf> {
    let home = finished(workspace, package, version);
    if home.join("bin").is_dir() {
        return Ok(home.join("bin"));
    }
    println!("building {package} {version} into {} (once; takes some minutes)", home.display());
    let unfinished = cache(workspace).join(format!("unfinished-{}", std::process::id()));
    fs::create_dir_all(&unfinished).with_context(|| format!("cannot make {}", unfinished.display()))?;
    // The versions that its author locked are the ones known to work. A registry may not have one of them; then
    // the newest compatible ones must do.
    let built = install(workspace, package, version, &unfinished, &["--locked"])?
        || install(workspace, package, version, &unfinished, &[])?;
    drop(fs::remove_dir_all(unfinished.join("build")));
    if built && fs::rename(&unfinished, &home).is_err() && !home.join("bin").is_dir() {
        bail!("{} cannot be made out of {}", home.display(), unfinished.display());
    }
    drop(fs::remove_dir_all(&unfinished));
    if built {
        Ok(home.join("bin"))
    } else {
        bail!("`cargo install {package}` failed; what it says above tells why")
    }
}

fn install(workspace: &Workspace, package: &str, version: &str, home: &Path, how: &[&str]) -> Result<bool> {
    let status = workspace
        .cargo(["install", "--force", "--root"])
        .arg(home)
        .args(how)
        .args([package, "--version", &format!("={version}")])
        .env("CARGO_TARGET_DIR", home.join("build"))
        // They run for less than a second each: what the compiler would take to make them fast never comes back.
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "256")
        .status()
        .context("cargo could not be started")?;
    Ok(status.success())
}

fn program(name: &str) -> String {
    format!("{name}{}", env::consts::EXE_SUFFIX)
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

/// Fetches a package of npm into the cache, exactly this version and nothing that it would run, and gives its folder;
/// none on a machine without npm or without a way to its registry, where the tests do without.
pub fn ensure_npm_package(workspace: &Workspace, package: &str, version: &str) -> Result<Option<PathBuf>> {
    let home = cache(workspace).join(format!("npm-{package}-{version}"));
    let manifest = format!("{{\"dependencies\":{{\"{package}\":\"{version}\"}}}}");
    match ensure_npm(&home, &manifest) {
        Ok(()) => Ok(Some(home.join("node_modules").join(package))),
        Err(error) => {
            println!("{error:#}, so the tests do without {package}");
            Ok(None)
        }
    }
}

/// Fetches what a package.json names into the `node_modules` of a folder, unless it is there. It is fetched elsewhere and
/// moves there when it is whole.
fn ensure_npm(home: &Path, manifest: &str) -> Result<()> {
    if home.join("node_modules").is_dir() {
        return Ok(());
    }
    let npm = on_path("npm").context("npm is not here")?;
    let unfinished = home.with_extension(format!("unfinished-{}", std::process::id()));
    fs::create_dir_all(&unfinished).with_context(|| format!("cannot make {}", unfinished.display()))?;
    fs::write(unfinished.join("package.json"), manifest)?;
    println!("fetching {} by npm", home.display());
    // The versions stand in package.json; a lockfile would name the registry of this machine.
    let status = Command::new(npm)
        .args(["install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"])
        .current_dir(&unfinished)
        .stdin(Stdio::null())
        .status()
        .context("npm could not be started")?;
    let moved = status.success() && fs::rename(&unfinished, home).is_ok();
    drop(fs::remove_dir_all(&unfinished));
    if moved || home.join("node_modules").is_dir() { Ok(()) } else { bail!("`npm install` failed") }
}

/// A browser and the program that steers it.
pub struct BrowserTools {
    pub chromium: PathBuf,
    pub driver: PathBuf,
}

/// Finds Chromium and ChromeDriver, or installs them where that can be done without asking.
pub fn ensure_browser() -> Result<BrowserTools> {
    if let Some(browser) = find_browser() {
        return Ok(browser);
    }
    if !can_install() {
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
    if missing && can_install() {
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
    let can = can_install();
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

/// Installs the program of a package of Debian where it is missing and that can be done without asking.
pub fn ensure_program(program: &str, package: &str) -> Result<()> {
    if on_path(program).is_some() {
        return Ok(());
    }
    if !can_install() {
        bail!("{program} is not on the PATH (Debian and Ubuntu: apt-get install {package})");
    }
    println!("               installing {package} with apt-get");
    apt_get(&["update"])?;
    apt_get(&["install", "--yes", package])?;
    if on_path(program).is_some() {
        Ok(())
    } else {
        bail!("apt-get installed {package}, but {program} is not on the PATH")
    }
}

/// Whether packages of Debian can be installed without asking: by root, and on a machine of CI by whoever becomes root there
/// without a password.
fn can_install() -> bool {
    on_path("apt-get").is_some() && (is_root() || (env::var_os("CI").is_some() && on_path("sudo").is_some()))
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let become_root: &[&str] = if is_root() { &[] } else { &["sudo", "--non-interactive"] };
    let words = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"];
    let mut words = become_root.iter().chain(&words).chain(arguments);
    let program = words.next().context("there is a program")?;
    let status = Command::new(program)
        .args(words)
        .stdin(Stdio::null())
        .status()
        .context("apt-get could not be started")?;
    if !status.success() {
        bail!("`apt-get {}` failed; what it says above tells why", arguments.join(" "));
    }
    Ok(())
}

fn find_browser() -> Option<BrowserTools> {
    let first = |names: &[&str]| names.iter().find_map(|name| on_path(name));
    Some(BrowserTools { chromium: first(&BROWSER_NAMES)?, driver: first(&DRIVER_NAMES)? })
}

fn on_path(name: &str) -> Option<PathBuf> {
    let name = program(name);
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders).map(|folder| folder.join(&name)).find(|path| path.is_file())
}

/// Puts the scripts of `tests/clients` into `target/clients`, beside a link to the libraries from npm that they need.
pub fn ensure_clients(workspace: &Workspace) -> Result<PathBuf> {
    ensure_node()?;
    let from = workspace.path("tests/clients");
    let manifest = fs::read_to_string(from.join("package.json")).context("tests/clients/package.json")?;
    let digest: String = Sha256::digest(&manifest).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let libraries = cache(workspace).join(format!("npm-clients-{digest}"));
    ensure_npm(&libraries, &manifest).context("the libraries of tests/clients cannot be had")?;
    let to = workspace.path("target/clients");
    if to.exists() {
        fs::remove_dir_all(&to).with_context(|| format!("{} cannot be emptied", to.display()))?;
    }
    fs::create_dir_all(&to)?;
    for entry in fs::read_dir(&from)? {
        let path = entry?.path();
        if let Some(name) = path.file_name() {
            fs::copy(&path, to.join(name))?;
        }
    }
    link(&libraries.join("node_modules"), &to.join("node_modules"))
        .with_context(|| format!("{} cannot lead to its libraries", to.display()))?;
    Ok(to)
}

#[cfg(unix)]
fn link(to: &Path, at: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(to, at)
}

#[cfg(windows)]
fn link(to: &Path, at: &Path) -> std::io::Result<()> {
    std::os::windows::fs::symlink_dir(to, at)
}

/// Finds Node.js and npm, or installs them where that can be done without asking.
fn ensure_node() -> Result<()> {
    let there = || on_path("node").is_some() && on_path("npm").is_some();
    if there() {
        return Ok(());
    }
    if !can_install() {
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
