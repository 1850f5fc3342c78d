//! Packages for Debian (cargo-deb) and Fedora (cargo-generate-rpm), from what is in the archives. What goes where stands in
//! `node/Cargo.toml`.

use super::{
    DistTarget,
    archive::Effort,
    contents::{ArchiveFile, Tree},
};
use crate::{report::Steps, tools, workspace::Workspace};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// In `node/Cargo.toml`.
const STAGE: &str = "target/dist/stage";
/// Where the unit for people without a package has the program, and where a package has it.
const LOCAL: &str = "/usr/local/bin/nostrp2p server --no-qr";
const PACKAGED: &str = "/usr/bin/nostrp2p server --no-qr --settings /etc/nostrp2p.toml";
/// Its sentence on where settings are, and that of a package.
const LOCAL_SETTINGS: &str = "# Settings stand in /var/lib/nostrp2p/nostrp2p.toml";
const PACKAGED_SETTINGS: &str = "# Settings stand in /etc/nostrp2p.toml";

/// Makes the packages of those targets that have some; gives their files.
pub fn make(
    workspace: &Workspace,
    staged: &[(&DistTarget, Tree)],
    folder: &Path,
    effort: Effort,
    epoch: u64,
    steps: &Steps,
) -> Result<Vec<PathBuf>> {
    let mut made = Vec::new();
    let with: Vec<_> =
        staged.iter().filter_map(|(target, tree)| Some((target, tree, target.packages?))).collect();
    if with.is_empty() {
        steps.detail("none for these targets");
        return Ok(made);
    }
    let path = tools::ensure_packagers(workspace)?;
    let version = workspace.locked_version("nostrp2p-node")?;
    for (target, tree, (debian, fedora)) in with {
        stage(&workspace.path(STAGE), tree)?;
        let deb = folder.join(format!("nostrp2p_{version}_{debian}.deb"));
        let mut command = workspace.cargo(["deb", "--no-build", "--no-strip", "--package", "nostrp2p-node"]);
        command.args(["--target", target.triple, "--deb-revision", "", "--output"]).arg(&deb);
        if effort == Effort::Least {
            command.arg("--fast");
        }
        run(command, &path, epoch, "cargo deb")?;
        let rpm = folder.join(format!("nostrp2p-{version}-1.{fedora}.rpm"));
        let mut command = workspace.cargo(["generate-rpm", "--package", "node", "--target", target.triple]);
        let compression = if effort == Effort::Least { "none" } else { "xz" };
        command.args(["--payload-compress", compression, "--source-date", &epoch.to_string()]);
        command.arg("--output").arg(&rpm);
        run(command, &path, epoch, "cargo generate-rpm")?;
        made.extend([deb, rpm]);
    }
    fs::remove_dir_all(workspace.path(STAGE)).context("the stage of the packages cannot be removed")?;
    Ok(made)
}

fn run(mut command: Command, path: &std::ffi::OsStr, epoch: u64, what: &str) -> Result<()> {
    command.env("PATH", path).env("SOURCE_DATE_EPOCH", epoch.to_string());
    super::succeed(&mut command, &format!("`{what}`"))
}

/// Lays out what the packages hold.
fn stage(folder: &Path, tree: &Tree) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("{} cannot be emptied", folder.display()))?;
    }
    for (name, ArchiveFile { bytes, .. }) in tree {
        let place = match name.as_str() {
            "nostrp2p" | "nostrp2p.toml" => name.clone(),
            "dist/nostrp2p.service" => "nostrp2p.service".to_owned(),
            _ if name.starts_with("man/") || name.starts_with("completions/") => {
                name.rsplit('/').next().unwrap_or(name).to_owned()
            }
            _ if name.contains('/') => continue,
            _ => format!("doc/{name}"),
        };
        let path = folder.join(&place);
        if let Some(above) = path.parent() {
            fs::create_dir_all(above)?;
        }
        let content = if place == "nostrp2p.service" { packaged_unit(bytes)? } else { bytes.clone() };
        fs::write(&path, content).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

/// The unit as a package has it.
fn packaged_unit(unit: &[u8]) -> Result<Vec<u8>> {
    let unit = std::str::from_utf8(unit)?;
    if !unit.contains(LOCAL) || !unit.contains(LOCAL_SETTINGS) {
        bail!(
            "dist/nostrp2p.service does not have the lines that a package replaces; see xtask/src/dist/packages.rs"
        );
    }
    Ok(unit.replace(LOCAL, PACKAGED).replace(LOCAL_SETTINGS, PACKAGED_SETTINGS).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_of_a_package_runs_the_program_of_the_package_with_its_settings() {
        let unit = fs::read(Workspace::locate().unwrap().path("dist/nostrp2p.service")).unwrap();
        let unit = String::from_utf8(packaged_unit(&unit).unwrap()).unwrap();
        let command = "ExecStart=/usr/bin/nostrp2p server --no-qr --settings /etc/nostrp2p.toml --data-dir";
        assert!(unit.contains(command) && !unit.contains("/usr/local"), "{unit}");
    }
}
