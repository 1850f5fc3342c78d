//! `cargo xtask fuzz`: gives every decoder to libFuzzer, on the stable toolchain.
//!
//! A wrapper around rustc compiles the counters that guide libFuzzer into the crates of this workspace alone, so that
//! their dependencies are not built a second time. Generic code of dependencies, such as serde, is compiled where it
//! is used, so it is counted as well. There is no address sanitizer, which needs nightly: the workspace has no unsafe
//! code, and the faults to find are panics, hangs and too much memory.

use crate::{
    report::seconds,
    test::capture::{self, Captured},
    tools,
    workspace::Workspace,
};
use anyhow::{Context, Result, bail};
use clap::value_parser;
use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

/// Tells this program that it stands between cargo and rustc.
pub const WRAPPER: &str = "NOSTRP2P_XTASK_WRAPS_RUSTC";
/// Compiler options for libFuzzer: a counter for each edge, and traces of comparisons.
const COVERAGE: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg=fuzzing",
];
/// How long each target runs if nothing is said.
const SECONDS: u64 = 60;
/// An input that takes longer, in seconds, is a fault.
const SLOWEST_INPUT: u64 = 10;
/// A target that takes more memory, in MB, is a fault.
const MOST_MEMORY: u64 = 1_024;
/// Longest input in bytes: above the longest frame of a client, and it fits the most that a tag may have.
const LONGEST_INPUT: u64 = 140_000;
/// Lines of a fault that are shown.
const SHOWN_LINES: usize = 30;
/// How much longer than asked for a target may take: reading its corpus, and ending.
const GRACE: Duration = Duration::from_secs(60);

/// The target, and how long to fuzz it.
#[derive(Debug, clap::Args)]
pub struct FuzzOptions {
    /// Only this target, such as json or packet
    pub target: Option<String>,
    /// How long each target is fuzzed
    #[arg(long, value_name = "N", default_value_t = SECONDS, value_parser = value_parser!(u64).range(1..))]
    pub seconds: u64,
    /// Give the same inputs each time; without it chance, and on top of what was found
    #[arg(long, value_name = "N")]
    pub seed: Option<u32>,
}

/// Calls rustc as cargo asked for, with counters unless it is a program that cargo itself runs. Gives its status.
pub fn wrap_rustc() -> Result<ExitCode> {
    let mut words = env::args_os().skip(1);
    let rustc = words.next().context("cargo names rustc first")?;
    let words: Vec<_> = words.collect();
    let name = words.iter().position(|word| word == "--crate-name").and_then(|place| words.get(place + 1));
    let counted = name.is_some_and(|name| name != "build_script_build" && name != "___");
    let mut command = Command::new(rustc);
    command.args(&words);
    if counted {
        command.args(COVERAGE);
    }
    let status = command.status().context("rustc could not be started")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The command: builds the targets and runs them, as many at a time as there are processors.
///
/// # Errors
/// When something is missing, or a target has found an input that it does not stand.
pub fn run(workspace: &Workspace, options: &FuzzOptions) -> Result<ExitCode> {
    tools::require_cxx()?;
    let programs = build(workspace, &targets(workspace, options)?)?;
    let started = Instant::now();
    let waiting = Mutex::new(programs.into_iter().collect::<Vec<_>>());
    let faults = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().ok().and_then(|mut waiting| waiting.pop());
                    let Some((target, program)) = next else { break };
                    if let Err(fault) = run_target(workspace, &target, &program, options) {
                        println!("{target:<14} {fault:#}");
                        faults.lock().map(|mut faults| faults.push(target)).unwrap_or_default();
                    }
                }
            });
        }
    });
    println!("fuzz: {} in all", seconds(started.elapsed()));
    let faults = faults.into_inner().unwrap_or_default();
    if faults.is_empty() { Ok(ExitCode::SUCCESS) } else { bail!("faults in {}", faults.join(", ")) }
}

/// The names of the targets that were asked for.
fn targets(workspace: &Workspace, options: &FuzzOptions) -> Result<Vec<String>> {
    let folder = workspace.path("fuzz/fuzz_targets");
    let mut all = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        let path = entry?.path();
        all.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    // From the end, because they are taken from there.
    all.sort_unstable_by(|one, other| other.cmp(one));
    match &options.target {
        None => Ok(all),
        Some(target) if all.contains(target) => Ok(vec![target.clone()]),
        Some(target) => {
            all.reverse();
            bail!("there is no target `{target}`; there are {}", all.join(", "))
        }
    }
}

fn build(workspace: &Workspace, targets: &[String]) -> Result<BTreeMap<String, PathBuf>> {
    let mut build = workspace.cargo(["build", "--workspace", "--features", "nostrp2p-fuzz/libfuzzer"]);
    for target in targets {
        build.args(["--bin", target]);
    }
    build.env("RUSTC_WORKSPACE_WRAPPER", env::current_exe().context("this program has no path")?);
    build.env(WRAPPER, "yes");
    let made = workspace.build(build, env::consts::EXE_SUFFIX)?;
    let mut programs = BTreeMap::new();
    for target in targets {
        let name = format!("{target}{}", env::consts::EXE_SUFFIX);
        let program = made.iter().find(|path| path.file_name().is_some_and(|found| *found == *name));
        let program = program.with_context(|| format!("cargo made no program {name}"))?;
        programs.insert(target.clone(), program.clone());
    }
    Ok(programs)
}

/// Runs one target over its corpus. What is found goes to `target/fuzz/corpus`, and the next run builds on it; with a
/// seed it goes to a folder that is empty at the beginning, because earlier findings would change what comes.
fn run_target(workspace: &Workspace, target: &str, program: &Path, options: &FuzzOptions) -> Result<()> {
    let seconds = options.seconds;
    // libFuzzer writes into the first folder that it is given, so that must not be the one in the tree.
    let found =
        workspace.path(if options.seed.is_some() { "target/fuzz/seeded" } else { "target/fuzz/corpus" });
    let found = found.join(target);
    let faults = workspace.path("target/fuzz/faults").join(target);
    if options.seed.is_some() && found.exists() {
        fs::remove_dir_all(&found).with_context(|| format!("{} cannot be emptied", found.display()))?;
    }
    for folder in [&found, &faults] {
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    let mut command = Command::new(program);
    command.arg(format!("-max_total_time={seconds}"));
    command.arg(format!("-timeout={SLOWEST_INPUT}"));
    command.arg(format!("-rss_limit_mb={MOST_MEMORY}"));
    command.arg(format!("-max_len={LONGEST_INPUT}"));
    command.arg(format!("-artifact_prefix={}/", faults.display()));
    command.args(options.seed.map(|seed| format!("-seed={seed}")));
    command.arg(&found).arg(workspace.path("fuzz/corpus").join(target));
    let captured = capture::run_quietly(command, Duration::from_secs(seconds) + GRACE)?;
    if captured.success {
        println!("{target:<14} {}", last_words(&captured.text));
        return Ok(());
    }
    bail!("{}", fault(program, &captured))
}

/// libFuzzer's last line, `#1234 DONE cov: 5 ft: 6 corp: 7/8b ...`, in short.
fn last_words(text: &str) -> String {
    let Some(line) = text.lines().rev().find(|line| line.contains("DONE")) else { return "done".into() };
    let after = |name: &str| {
        let mut words = line.split_whitespace().skip_while(|word| *word != name);
        words.nth(1).unwrap_or("?").to_owned()
    };
    let runs = line.split_whitespace().next().unwrap_or("?").trim_start_matches('#').to_owned();
    format!("{runs} inputs, {} edges, corpus {}", after("cov:"), after("corp:"))
}

/// The failure, how to reproduce it, and the end of libFuzzer's output.
fn fault(program: &Path, captured: &Captured) -> String {
    let told = |mark: &str| captured.text.lines().find(|line| line.contains(mark)).map(str::trim);
    let what = told("panicked at").or_else(|| told("ERROR: libFuzzer")).unwrap_or("ended with an error");
    let input = told("Test unit written to").and_then(|line| line.rsplit(' ').next());
    let again =
        input.map_or_else(String::new, |input| format!("; once more with: {} {input}", program.display()));
    let lines: Vec<&str> = captured.text.lines().collect();
    let end = lines.get(lines.len().saturating_sub(SHOWN_LINES)..).unwrap_or_default();
    format!("{what}{again}\n{}", end.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_of_libfuzzer_are_told_in_short() {
        let text = "INFO: Seed: 1\n#2048\tDONE   cov: 812 ft: 2409 corp: 199/12Kb lim: 61 exec/s: 0 rss: 61Mb\n\
                    Done 2048 runs in 2 second(s)\n";
        assert_eq!(last_words(text), "2048 inputs, 812 edges, corpus 199/12Kb");
        assert_eq!(last_words(""), "done");
    }

    #[test]
    fn a_fault_names_the_input_that_brought_it_about() {
        let text = "thread '<unnamed>' panicked at fuzz/src/lib.rs:1:\nTest unit written to faults/crash-1\n";
        let captured = Captured { success: false, timed_out: false, text: text.into() };
        let fault = fault(Path::new("target/json"), &captured);
        assert!(fault.starts_with("thread '<unnamed>' panicked at fuzz/src/lib.rs:1:"), "{fault}");
        assert!(fault.contains("target/json faults/crash-1"), "{fault}");
    }
}
