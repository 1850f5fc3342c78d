//! Toolchains for cross-compilation: found if they are installed, fetched if possible.

use super::{DistTarget, succeed, targets::Linker};
use crate::{tools, workspace::Workspace};
use anyhow::{Context, Result, bail};
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Newer versions are taken by hand, after trying them.
const ZIG: &str = "0.17.1";
const ZIGBUILD: &str = "0.24.1";

/// Variables of a build.
pub type BuildVariables = Vec<(String, OsString)>;

/// Sees to it that this machine can compile for a target; gives what its build is called with.
pub fn ensure(workspace: &Workspace, target: &DistTarget) -> Result<BuildVariables> {
    match target.linker {
        Linker::Zig => with_zig(workspace, target.triple),
        Linker::Own(_) => {
            tools::ensure_rust_target(target.triple)?;
            Ok(Vec::new())
        }
        Linker::Cross { package, program } => {
            tools::ensure_rust_target(target.triple)?;
            tools::ensure_program(program, package)?;
            let triple = target.triple.replace('-', "_");
            let linker = format!("CARGO_TARGET_{}_LINKER", triple.to_uppercase());
            Ok(vec![(linker, program.into()), (format!("CC_{triple}"), program.into())])
        }
    }
}

/// Zig compiles C and links, whatever the target.
pub fn with_zig(workspace: &Workspace, triple: &str) -> Result<BuildVariables> {
    tools::ensure_rust_target(triple)?;
    let home = ensure_zig(workspace)?;
    let inherited = tools::cargo_path(workspace).unwrap_or_default();
    let folders = std::iter::once(home.join("bin")).chain(std::env::split_paths(&inherited));
    let path = std::env::join_paths(folders)?;
    let zig = zig_of(&home).with_context(|| format!("{} holds no zig", home.display()))?;
    Ok(vec![("PATH".to_owned(), path), ("CARGO_ZIGBUILD_ZIG_PATH".to_owned(), zig.into())])
}

/// Zig and cargo-zigbuild, in a virtual environment of Python in the cache. It is made elsewhere and moves there when it is
/// whole; nothing in it that is used here knows where it was made.
fn ensure_zig(workspace: &Workspace) -> Result<PathBuf> {
    let home = tools::cache(workspace).join(format!("zig-{ZIG}-{ZIGBUILD}"));
    if home.is_dir() {
        return Ok(home);
    }
    println!("               fetching zig {ZIG} and cargo-zigbuild {ZIGBUILD} by pip (once, 100 MB)");
    tools::ensure_program("python3", "python3-venv")?;
    let unfinished = home.with_extension(format!("unfinished-{}", std::process::id()));
    if let Some(above) = unfinished.parent() {
        fs::create_dir_all(above).with_context(|| format!("cannot make {}", above.display()))?;
    }
    let fetched = fetch(&unfinished);
    let moved = fetched.is_ok() && fs::rename(&unfinished, &home).is_ok();
    drop(fs::remove_dir_all(&unfinished));
    fetched?;
    if !moved && !home.is_dir() {
        bail!("{} cannot be made", home.display());
    }
    Ok(home)
}

fn fetch(environment: &Path) -> Result<()> {
    succeed(
        Command::new("python3").args(["-m", "venv"]).arg(environment),
        "`python3 -m venv` (Debian and Ubuntu: apt-get install python3-venv)",
    )?;
    succeed(
        Command::new(environment.join("bin/pip"))
            .args(["install", "--quiet", "--disable-pip-version-check"])
            .args([format!("ziglang=={ZIG}"), format!("cargo-zigbuild=={ZIGBUILD}")]),
        "`pip install ziglang cargo-zigbuild`",
    )
}

/// The compiler itself, without the script that Python puts before it.
fn zig_of(home: &Path) -> Option<PathBuf> {
    let versions = fs::read_dir(home.join("lib")).ok()?;
    let zig = |version: PathBuf| version.join("site-packages/ziglang/zig");
    versions.flatten().map(|version| zig(version.path())).find(|path| path.is_file())
}
