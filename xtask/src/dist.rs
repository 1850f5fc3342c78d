//! `cargo xtask dist`: the files that people install, in `target/dist`.
//!
//! For each target it makes an archive with the program and all that belongs to it, `SHA256SUMS`, and packages for
//! Debian and Fedora. Two runs over one commit give the same bytes: paths are remapped, times are those of the
//! commit, and entries are sorted. All logic of a release is here; `.github/workflows/release.yml` only calls it.

mod archive;
mod bill;
mod compile;
mod contents;
mod packages;
mod targets;
mod toolchain;

use crate::{
    command::Build,
    report::{Steps, seconds},
    run::build_node,
    web,
    workspace::Workspace,
};
use anyhow::{Context, Result, bail};
use archive::Effort;
use sha2::{Digest, Sha256};
use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

pub use targets::DistTarget;

/// For which machines.
#[derive(Debug, Default, clap::Args)]
pub struct DistOptions {
    /// A target of rustc, such as aarch64-unknown-linux-musl; several may be given
    /// [default: the static program for this machine, or what its system is]
    #[arg(long, value_name = "TARGET", conflicts_with = "all")]
    pub target: Vec<String>,
    /// Every target that this machine can build for
    #[arg(long)]
    pub all: bool,
    /// Build nothing, but see whether the program compiles for Windows and macOS; no linker is needed for that
    #[arg(long, conflicts_with_all = ["target", "all"])]
    pub check: bool,
    /// Archives alone, without packages for Debian and Fedora
    #[arg(long)]
    pub no_packages: bool,
}

/// One finished file.
struct Made {
    path: PathBuf,
    bytes: u64,
    hash: String,
}

/// The command: builds the page once, then the programs, packs them, and ends with sizes and hashes.
pub fn run(workspace: &Workspace, options: &DistOptions) -> Result<ExitCode> {
    if options.check {
        return compile::check(workspace).map(|()| ExitCode::SUCCESS);
    }
    let targets = targets::chosen(options)?;
    let groups = targets::groups(&targets);
    let epoch = compile::source_date(workspace)?;
    let start = Instant::now();
    let packing = targets.len() + usize::from(!options.no_packages);
    let mut steps = Steps::new(web::STEPS + groups.len() + packing);
    web::build(workspace, &mut steps)?;
    let mut programs = Vec::new();
    for group in groups {
        let names: Vec<&str> = group.iter().map(|target| target.triple).collect();
        steps.begin(&format!("compile for {} (some minutes)", names.join(" and ")));
        programs.extend(group.iter().copied().zip(compile::programs(workspace, &group, epoch)?));
    }
    let own = programs.iter().find(|(target, _)| target.runs_here()).map(|(_, path)| path.clone());
    let speaker = match own {
        Some(program) => program,
        None => build_node(workspace, &mut Steps::new(1), Build { debug_build: true })?,
    };
    let folder = workspace.path("target/dist");
    let pack = Pack { programs, speaker, folder: &folder, effort: Effort::Most, epoch };
    let made = pack.write(workspace, &mut steps, !options.no_packages)?;
    println!("\n{:<64} {:>9}  sha256", "target/dist", "MB");
    for Made { path, bytes, hash } in &made {
        #[expect(clippy::cast_precision_loss, reason = "a size for people")]
        let megabytes = *bytes as f64 / 1e6;
        println!("{:<64} {megabytes:>9.1}  {hash}", name(path));
    }
    if options.all {
        for (target, reason) in targets::impossible() {
            println!("not built: {}, {reason}", target.triple);
        }
    }
    println!("done in {}", seconds(start.elapsed()));
    Ok(ExitCode::SUCCESS)
}

/// Packs the node that the tests have built as [`run`] packs a small one, in little time; gives the folder.
pub fn of_tests(workspace: &Workspace, node: &Path) -> Result<PathBuf> {
    let folder = workspace.path("target/dist-of-tests");
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let program = compile::program_of_tests(node, &folder)?;
    let pack = Pack {
        programs: vec![(&targets::OF_TESTS, program.clone())],
        speaker: program,
        folder: &folder,
        effort: Effort::Least,
        epoch: compile::source_date(workspace)?,
    };
    pack.write(workspace, &mut Steps::new(2), true)?;
    Ok(folder)
}

/// What becomes archives and packages.
struct Pack<'a> {
    programs: Vec<(&'a DistTarget, PathBuf)>,
    /// A program of the same source that runs on this machine.
    speaker: PathBuf,
    /// Where to.
    folder: &'a Path,
    effort: Effort,
    /// The time of everything in them.
    epoch: u64,
}

impl Pack<'_> {
    fn write(&self, workspace: &Workspace, steps: &mut Steps, packages: bool) -> Result<Vec<Made>> {
        let Self { folder, effort, epoch, .. } = *self;
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let mut made = Vec::new();
        let mut staged = Vec::new();
        for (target, program) in &self.programs {
            steps.begin(&format!("{}: archive", target.triple));
            let tree = contents::of(workspace, target, program, &self.speaker, epoch)?;
            let path = folder.join(archive::file_name(workspace, target)?);
            let root = archive::root(workspace, target)?;
            archive::write(&path, target.packing, effort, &root, &tree, epoch)?;
            made.push(measure(path)?);
            staged.push((*target, tree));
        }
        if packages {
            steps.begin("packages for Debian and Fedora");
            for path in packages::make(workspace, &staged, folder, effort, epoch, steps)? {
                made.push(measure(path)?);
            }
        }
        sums(folder, &made)?;
        Ok(made)
    }
}

fn measure(path: PathBuf) -> Result<Made> {
    let content = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let hash = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Made { path, bytes: content.len() as u64, hash })
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Writes `SHA256SUMS` as `sha256sum --check` reads it. Files of earlier runs of the same version keep their lines while
/// they are there.
fn sums(folder: &Path, made: &[Made]) -> Result<()> {
    let path = folder.join("SHA256SUMS");
    let before = fs::read_to_string(&path).unwrap_or_default();
    let text = merged_sums(&before, made, |name| folder.join(name).is_file());
    fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))
}

fn merged_sums(before: &str, made: &[Made], exists: impl Fn(&str) -> bool) -> String {
    let kept = before.lines().filter_map(|line| line.split_once("  "));
    let kept = kept.filter(|(_, file)| exists(file) && !made.iter().any(|made| name(&made.path) == *file));
    let mut lines: Vec<(String, String)> =
        kept.map(|(hash, file)| (file.to_owned(), hash.to_owned())).collect();
    lines.extend(made.iter().map(|made| (name(&made.path), made.hash.clone())));
    lines.sort();
    lines.into_iter().map(|(file, hash)| format!("{hash}  {file}\n")).collect()
}

/// Runs a command of another program and says what failed.
fn succeed(command: &mut std::process::Command, what: &str) -> Result<()> {
    let status = command.status().with_context(|| format!("{what} could not be started"))?;
    if !status.success() {
        bail!("{what} failed; what it says above tells why");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_sorted_and_keep_what_is_still_there() {
        let made = [Made { path: "x/b.deb".into(), bytes: 1, hash: "22".into() }];
        let before = "11  a.tar.xz\n00  b.deb\n33  gone.zip\n";
        let text = merged_sums(before, &made, |file| file != "gone.zip");
        assert_eq!(text, "11  a.tar.xz\n22  b.deb\n");
    }
}
