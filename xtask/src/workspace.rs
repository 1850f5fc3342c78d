//! Paths of the workspace, and calls of cargo.

use crate::tools;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The name of cargo's folder in what people are given.
pub const CARGO_HOME: &str = "/cargo";
/// The separator of flags in `CARGO_ENCODED_RUSTFLAGS`, where flags may contain spaces.
pub const FLAG_SEPARATOR: &str = "\u{1f}";

/// The work tree this xtask was started in.
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Finds the top folder: the one above xtask's own.
    pub fn locate() -> Result<Self> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest).parent().context("xtask's folder has no folder above it")?;
        if !root.join("Cargo.lock").is_file() {
            bail!("{} is not the top of nostrp2p: it has no Cargo.lock", root.display());
        }
        Ok(Self { root: root.to_path_buf() })
    }

    /// A path below the top folder.
    pub fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    /// The cargo that runs this xtask, started in the top folder.
    pub fn cargo<const N: usize>(&self, arguments: [&str; N]) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(&self.root).args(arguments);
        command.envs(tools::cargo_path(self).map(|path| ("PATH", path)));
        for (name, _) in env::vars_os() {
            let ours = name.to_string_lossy();
            if ours.starts_with("CARGO_PKG_") || ours.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&name);
            }
        }
        command
    }

    /// Flags for rustc by which no path of this machine gets into what people are given: neither that of the clone, nor those
    /// of cargo's registry and of the standard library.
    pub fn remapped_paths(&self) -> Vec<String> {
        let home = env::var_os("CARGO_HOME").map(PathBuf::from);
        let home = home.or_else(|| Some(dirs::home_dir()?.join(".cargo")));
        let folders = [
            Some((self.root.clone(), "/nostrp2p")),
            home.map(|home| (home, CARGO_HOME)),
            sysroot().map(|root| (root.join("lib/rustlib/src/rust"), "/rustc")),
        ];
        folders.into_iter().flatten().map(|(folder, name)| remapped(&folder, name)).collect()
    }

    /// Runs `cargo build` with its own progress on the screen and gives the files it made whose name ends in
    /// `suffix`, and those it made as executables.
    pub fn build(&self, mut build: Command, suffix: &str) -> Result<Vec<PathBuf>> {
        build.arg("--message-format=json-render-diagnostics").stdout(Stdio::piped());
        let mut child = build.spawn().context("cargo could not be started")?;
        let output = child.stdout.take().context("cargo has no output")?;
        let mut made = Vec::new();
        for line in BufReader::new(output).lines() {
            let message: Value = serde_json::from_str(&line?).unwrap_or_default();
            if message["reason"] != "compiler-artifact" {
                continue;
            }
            let files = message["filenames"].as_array().into_iter().flatten();
            let paths = files.chain([&message["executable"]]).filter_map(Value::as_str);
            made.extend(paths.filter(|path| path.ends_with(suffix)).map(PathBuf::from));
        }
        let status = child.wait()?;
        if !status.success() {
            bail!("cargo build failed; what it says above tells why");
        }
        made.dedup();
        Ok(made)
    }

    /// Builds a program of the package nostrp2p-tests. The whole workspace is chosen, tests too, as the test runner
    /// does: with another choice cargo unites the features in another way, and builds the large dependencies once more.
    pub fn build_test_program(&self, name: &str) -> Result<PathBuf> {
        let build = self.cargo(["build", "--workspace", "--tests", "--bin", name]);
        let made = self.build(build, &format!("{name}{}", env::consts::EXE_SUFFIX))?;
        made.into_iter().next().with_context(|| format!("cargo built no binary {name}"))
    }

    /// The version of a crate in Cargo.lock, if exactly one is there.
    pub fn locked_version(&self, package: &str) -> Result<String> {
        let lock = fs::read_to_string(self.path("Cargo.lock")).context("Cargo.lock cannot be read")?;
        locked_version(&lock, package)
            .with_context(|| format!("Cargo.lock has no crate {package}, or several versions of it"))
    }
}

fn remapped(folder: &Path, name: &str) -> String {
    let folder = folder.display().to_string();
    format!("--remap-path-prefix={}={name}", folder.trim_end_matches(['/', '\\']))
}

fn sysroot() -> Option<PathBuf> {
    let output = Command::new("rustc").args(["--print", "sysroot"]).output().ok()?;
    Some(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

fn locked_version(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines();
    let mut found = None;
    while let Some(line) = lines.next() {
        if line != name {
            continue;
        }
        let version = lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')?;
        if found.replace(version.to_string()).is_some() {
            return None;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_remapped_without_the_slash_at_its_end() {
        assert_eq!(remapped(Path::new("/a b/c/"), "/nostrp2p"), "--remap-path-prefix=/a b/c=/nostrp2p");
    }

    #[test]
    fn a_locked_version_is_given_only_if_it_is_the_only_one() {
        let lock = "[[package]]\nname = \"a\"\nversion = \"1.2.3\"\n\n[[package]]\nname = \"b\"\nversion = \"1.0.0\"\n\n\
                    [[package]]\nname = \"b\"\nversion = \"2.0.0\"\n";
        assert_eq!(locked_version(lock, "a").as_deref(), Some("1.2.3"));
        assert_eq!(locked_version(lock, "b"), None);
        assert_eq!(locked_version(lock, "c"), None);
    }
}
