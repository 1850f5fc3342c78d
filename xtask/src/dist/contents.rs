//! The files of an archive besides the program.

use super::{DistTarget, bill};
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::{collections::BTreeMap, fs, path::Path, process::Command};

/// Files by their path in the archive, with `/` on every system; sorted, so that the bytes do not depend on the disk.
pub type Tree = BTreeMap<String, ArchiveFile>;

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveFile {
    pub bytes: Vec<u8>,
    pub executable: bool,
}

impl ArchiveFile {
    /// The mode of Unix.
    pub fn mode(&self) -> u32 {
        if self.executable { 0o755 } else { 0o644 }
    }
}

/// Files that are copied from the top of the work tree.
const COPIED: [&str; 4] = ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"];
/// Folders of which all files are copied.
const FOLDERS: [&str; 2] = ["dist", "docs"];
/// Shells for which there are completions: as the program calls them, and the file name.
const SHELLS: [(&str, &str); 4] = [
    ("bash", "nostrp2p.bash"),
    ("zsh", "_nostrp2p"),
    ("fish", "nostrp2p.fish"),
    ("powershell", "nostrp2p.ps1"),
];

/// Everything in the archive of a target. `speaker` is a program of the same source that runs on this machine, and says what
/// stands in the manual page.
pub fn of(
    workspace: &Workspace,
    target: &DistTarget,
    program: &Path,
    speaker: &Path,
    epoch: u64,
) -> Result<Tree> {
    let mut tree = Tree::new();
    let mut add = |path: String, bytes: Vec<u8>| tree.insert(path, ArchiveFile { bytes, executable: false });
    for name in COPIED {
        add(name.to_owned(), read(&workspace.path(name))?);
    }
    for folder in FOLDERS {
        for entry in fs::read_dir(workspace.path(folder)).with_context(|| format!("{folder}/"))? {
            let path = entry?.path();
            if let (true, Some(name)) = (path.is_file(), path.file_name().and_then(|name| name.to_str())) {
                add(format!("{folder}/{name}"), read(&path)?);
            }
        }
    }
    add("man/nostrp2p.1".to_owned(), said(speaker, &["man"])?);
    add("nostrp2p.toml".to_owned(), said(speaker, &["server", "--sample-settings"])?);
    for (shell, file) in SHELLS {
        add(format!("completions/{file}"), said(speaker, &["completions", shell])?);
    }
    let components = bill::components(workspace, target)?;
    let version = workspace.locked_version("nostrp2p-node")?;
    add("THIRD-PARTY.txt".to_owned(), bill::licences(&components).into_bytes());
    add("sbom.cdx.json".to_owned(), bill::bill(&version, target, &components, epoch)?.into_bytes());
    tree.insert(target.program().to_owned(), ArchiveFile { bytes: read(program)?, executable: true });
    Ok(tree)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

fn said(program: &Path, arguments: &[&str]) -> Result<Vec<u8>> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("{} could not be started", program.display()))?;
    if !output.status.success() {
        bail!(
            "{} {} failed: {}",
            program.display(),
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(output.stdout)
}
