//! `nostrp2p service`: starts the node with the session of its user, without root.
//!
//! For each system a pure function makes a [`ServicePlan`], the file to write and the commands to run; the rest
//! carries it out. None of it touches the data directory. The unit for a whole machine is `dist/nostrp2p.service`,
//! which the packages install.

mod launchd;
mod systemd;
mod termux;
mod windows;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail};
use clap::ValueEnum;

/// The service manager of a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ServiceSystem {
    /// A unit of the user's own systemd (Linux)
    Systemd,
    /// A launch agent (macOS)
    Launchd,
    /// A task at logon (Windows)
    Windows,
    /// A script of Termux:Boot (Android)
    Termux,
}

/// The paths of this user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePaths {
    /// The user's home directory.
    pub home: PathBuf,
    /// This program.
    pub program: PathBuf,
    /// Arguments after `nostrp2p server`.
    pub arguments: Vec<String>,
    /// The user's number, by which launchd names a session.
    pub user: u32,
    /// The user's name as Windows has it, with the domain before it.
    pub account: String,
}

/// The actions of `install`, `uninstall` and `status` on one system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePlan {
    /// The one file that is written.
    pub file: PathBuf,
    /// Its bytes.
    pub content: Vec<u8>,
    /// Whether it must be executable.
    pub executable: bool,
    /// Run after the file is written.
    pub start: Vec<Vec<String>>,
    /// Run before the file is replaced or removed. They may fail: what they end may have ended.
    pub stop: Vec<Vec<String>>,
    /// Succeeds while the node runs; none where the system does not tell.
    pub is_running: Option<Vec<String>>,
    /// Advice for the person.
    pub advice: &'static str,
}

impl ServicePaths {
    /// The command that starts the node: this program and its arguments.
    fn command(&self) -> impl Iterator<Item = String> {
        let program = self.program.display().to_string();
        [program, "server".into(), "--no-qr".into()].into_iter().chain(self.arguments.iter().cloned())
    }
}

impl ServicePlan {
    /// The plan for this system.
    pub fn of(system: ServiceSystem, paths: &ServicePaths) -> Self {
        match system {
            ServiceSystem::Systemd => systemd::plan(paths),
            ServiceSystem::Launchd => launchd::plan(paths),
            ServiceSystem::Windows => windows::plan(paths),
            ServiceSystem::Termux => termux::plan(paths),
        }
    }

    /// The output of `install --dry-run`: each command, and the file as it would be written.
    pub fn describe(&self) -> String {
        let mut text = format!("Would write {}:\n\n{}", self.file.display(), shown(&self.content));
        for command in &self.start {
            text.push_str(&format!("\nWould run: {}", command.join(" ")));
        }
        text
    }
}

/// The text of a file, which Windows wants in UTF-16.
fn shown(content: &[u8]) -> String {
    match content {
        [0xff, 0xfe, units @ ..] => {
            let units = units.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        text => String::from_utf8_lossy(text).into_owned(),
    }
}

/// What starts programs here.
///
/// # Errors
/// When it is none that is known.
pub fn detect() -> anyhow::Result<ServiceSystem> {
    if cfg!(windows) {
        Ok(ServiceSystem::Windows)
    } else if cfg!(target_os = "macos") {
        Ok(ServiceSystem::Launchd)
    } else if std::env::var_os("TERMUX_VERSION").is_some() {
        Ok(ServiceSystem::Termux)
    } else if Path::new("/run/systemd/system").is_dir() {
        Ok(ServiceSystem::Systemd)
    } else {
        bail!(
            "this system has none of systemd, launchd, Windows' tasks and Termux, so nothing was changed; let whatever \
             starts programs here run `nostrp2p server`, or say with --system what it has"
        )
    }
}

/// Where things are for this user. `arguments` go behind `nostrp2p server`.
///
/// # Errors
/// When the user has no home directory, or this program cannot find itself.
pub fn paths(arguments: Vec<String>) -> anyhow::Result<ServicePaths> {
    let home = dirs::home_dir().filter(|home| home.is_dir());
    let home = home.context(
        "this user has no home directory, where service files of a user stand; set HOME, or use the unit for the whole \
         machine (docs/install.md)",
    )?;
    let program = std::env::current_exe().context("the program cannot tell where it is")?;
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let account = format!("{}\\{}", variable("USERDOMAIN"), variable("USERNAME"));
    Ok(ServicePaths { home, program, arguments, user: user(), account })
}

#[cfg(unix)]
fn user() -> u32 {
    rustix::process::getuid().as_raw()
}

#[cfg(not(unix))]
fn user() -> u32 {
    0
}

/// Writes the file and starts the node; what an earlier installation started is ended first. Returns what was done and how
/// to undo it.
///
/// # Errors
/// When the file cannot be written, or the system does not start it; what was written stays then, and the error says so.
pub fn install(plan: &ServicePlan) -> anyhow::Result<String> {
    let file = &plan.file;
    if file.exists() {
        end(plan);
    }
    let write = || {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(file, &plan.content)?;
        set_executable(file, plan.executable)
    };
    write().with_context(|| format!("{} cannot be written; nothing was started", file.display()))?;
    for command in &plan.start {
        run(command).with_context(|| {
            format!(
                "{} was written, but the node was not started; `nostrp2p service uninstall` takes it away",
                file.display()
            )
        })?;
    }
    let advice = plan.advice;
    Ok(format!("Written: {}\n{advice}\nTo undo it: nostrp2p service uninstall", file.display()))
}

/// Stops the node and takes the file away. The data stay.
///
/// # Errors
/// When the file cannot be removed.
pub fn uninstall(plan: &ServicePlan) -> anyhow::Result<String> {
    if !plan.file.exists() {
        return Ok(format!("There is no {}, so nothing was changed.", plan.file.display()));
    }
    end(plan);
    fs::remove_file(&plan.file).with_context(|| format!("{} cannot be removed", plan.file.display()))?;
    Ok(format!("Removed: {}. The data of the node are where they were.", plan.file.display()))
}

/// Ends the node and takes it out of the system's list, so far as it is in there.
fn end(plan: &ServicePlan) {
    for command in &plan.stop {
        drop(run(command));
    }
}

/// Whether it is installed, and runs.
pub fn status(plan: &ServicePlan) -> String {
    if !plan.file.exists() {
        return "The node is not started by the system; `nostrp2p service install` changes that.".to_owned();
    }
    let runs = match &plan.is_running {
        None => "`nostrp2p status` tells whether it runs",
        Some(command) if run(command).is_ok() => "it runs",
        Some(_) => "it does not run now",
    };
    format!("The node is started by the system ({}); {runs}.", plan.file.display())
}

fn run(command: &[String]) -> anyhow::Result<()> {
    let Some((program, arguments)) = command.split_first() else { return Ok(()) };
    let output = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("`{program}` could not be started"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed: {}", command.join(" "), said.trim());
    }
    Ok(())
}

#[cfg(unix)]
fn set_executable(file: &Path, executable: bool) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file, fs::Permissions::from_mode(if executable { 0o700 } else { 0o600 }))
}

#[cfg(not(unix))]
fn set_executable(_file: &Path, _executable: bool) -> std::io::Result<()> {
    Ok(())
}

/// Words as one command.
fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Text between the tags of XML.
fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A home as a person may have it: spaces, quotes, letters outside of ASCII, what shells and XML read as their own.
    fn awkward() -> ServicePaths {
        ServicePaths {
            home: "/home/Zoë \"Z\" $x".into(),
            program: "/home/Zoë \"Z\" $x/bin 100%/nostrp2p".into(),
            arguments: words(&["--data-dir", "/home/Zoë \"Z\" $x/a'b & <c>"]),
            user: 501,
            account: "PC\\Zoë".into(),
        }
    }

    #[track_caller]
    fn check(system: ServiceSystem, expected: &str) {
        assert_eq!(
            ServicePlan::of(system, &awkward()).describe().replace("\r\n", "\n").trim_end(),
            expected.trim_end(),
            "{system:?}"
        );
    }

    #[test]
    fn each_system_gets_the_expected_file_and_commands() {
        check(ServiceSystem::Systemd, include_str!("service/expected/systemd.txt"));
        check(ServiceSystem::Launchd, include_str!("service/expected/launchd.txt"));
        check(ServiceSystem::Windows, include_str!("service/expected/windows.txt"));
        check(ServiceSystem::Termux, include_str!("service/expected/termux.txt"));
    }

    /// Installing writes a file, and uninstalling removes that and nothing beside it.
    #[test]
    fn what_is_installed_goes_away_and_the_data_stay() {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("data");
        fs::create_dir(&data).unwrap();
        fs::write(data.join("store.redb"), "x").unwrap();
        let plan = ServicePlan {
            file: home.path().join("deep/unit"),
            content: b"x".to_vec(),
            executable: false,
            start: vec![words(&["true"])],
            stop: vec![words(&["false"])],
            is_running: Some(words(&["true"])),
            advice: "",
        };
        assert!(status(&plan).contains("is not started by the system"));
        assert!(install(&plan).unwrap().contains("To undo it"));
        assert!(status(&plan).contains("it runs"));
        assert!(uninstall(&plan).unwrap().contains("Removed"));
        assert!(uninstall(&plan).unwrap().contains("nothing was changed"));
        assert_eq!(fs::read(data.join("store.redb")).unwrap(), b"x");
    }

    /// launchd refuses what it has already, and a node that goes on running would be the old program.
    #[test]
    fn a_second_installation_ends_what_the_first_started() {
        let home = tempfile::tempdir().unwrap();
        let runs = home.path().join("runs").display().to_string();
        let plan = ServicePlan {
            file: home.path().join("unit"),
            content: b"x".to_vec(),
            executable: false,
            start: vec![words(&["mkdir", &runs])],
            stop: vec![words(&["rmdir", &runs])],
            is_running: Some(words(&["test", "-d", &runs])),
            advice: "",
        };
        install(&plan).unwrap();
        install(&plan).unwrap();
        assert!(status(&plan).contains("it runs"));
        uninstall(&plan).unwrap();
        assert!(!Path::new(&runs).exists());
    }

    #[test]
    fn a_start_that_fails_says_what_was_done_and_how_to_undo_it() {
        let home = tempfile::tempdir().unwrap();
        let mut plan = ServicePlan::of(ServiceSystem::Termux, &awkward());
        plan.file = home.path().join("unit");
        plan.start = vec![words(&["false"])];
        let error = format!("{:#}", install(&plan).unwrap_err());
        assert!(error.contains("was written") && error.contains("service uninstall"), "{error}");
    }
}
