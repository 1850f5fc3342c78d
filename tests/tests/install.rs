//! What docs/install.md tells people to install is what it says.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use nostrp2p_tests::{binary, skip};

/// Exposure that systemd may find, in tenths of its points: 10 is "OK", and other network programs have 96.
const MOST_EXPOSURE: u32 = 20;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn systemd_analyze(arguments: &[&str]) -> Option<Output> {
    let output = Command::new("systemd-analyze").args(arguments).output().ok();
    if output.is_none() {
        skip("there is no systemd-analyze");
    }
    output
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

#[test]
fn systemd_takes_the_unit_and_finds_it_hardened() {
    let folder = tempfile::tempdir().unwrap();
    let unit = fs::read_to_string(root().join("dist/nostrp2p.service")).unwrap();
    // It is not installed here, so the program is the one under test.
    let installed = "/usr/local/bin/nostrp2p";
    assert!(unit.contains(installed));
    let path = folder.path().join("nostrp2p.service");
    fs::write(&path, unit.replace(installed, binary().to_str().unwrap())).unwrap();
    let path = path.to_str().unwrap();
    let Some(verified) = systemd_analyze(&["verify", "--man=no", path]) else { return };
    let text = said(&verified);
    let about_it: Vec<&str> = text.lines().filter(|line| line.contains("nostrp2p")).collect();
    assert_eq!(about_it, [""; 0], "systemd complains about the unit");
    let threshold = format!("--threshold={MOST_EXPOSURE}");
    if let Some(judged) = systemd_analyze(&["security", "--offline=true", &threshold, path]) {
        assert!(judged.status.success(), "{}", said(&judged));
    }
}

/// The words after `nostrp2p` in a text of commands, wherever they stand.
fn commands(text: &str) -> Vec<Vec<String>> {
    let lines =
        text.lines().flat_map(|line| line.split('|')).map(|part| part.trim().trim_start_matches("sudo "));
    let ours = lines.filter_map(|line| line.strip_prefix("nostrp2p "));
    ours.map(|words| words.split_whitespace().map(String::from).collect()).collect()
}

#[test]
fn every_command_in_the_guide_is_one_that_the_program_has() {
    let guide = fs::read_to_string(root().join("docs/install.md")).unwrap();
    let commands = commands(&guide);
    assert!(commands.len() > 4, "{commands:?}");
    for words in commands {
        let has_commands = words.first().is_some_and(|word| ["owner", "service"].contains(&word.as_str()));
        let command = words.get(..if has_commands { 2 } else { 1 }).unwrap_or(&words);
        let help = Command::new(binary()).args(command).arg("--help").output().unwrap();
        let command = command.join(" ");
        assert!(help.status.success(), "nostrp2p {command}: {}", said(&help));
        for flag in words.iter().filter(|word| word.starts_with("--")) {
            assert!(said(&help).contains(flag.as_str()), "nostrp2p {command} has no {flag}");
        }
    }
}

#[test]
fn every_settings_file_in_the_guide_can_be_used() {
    let guide = fs::read_to_string(root().join("docs/install.md")).unwrap();
    let blocks: Vec<&str> =
        guide.split("```toml\n").skip(1).filter_map(|block| block.split("```").next()).collect();
    assert!(blocks.len() >= 3, "{blocks:?}");
    for block in blocks {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("nostrp2p.toml"), block).unwrap();
        let mut printed = Command::new(binary());
        printed.args(["server", "--print-settings", "--data-dir"]).arg(folder.path());
        let printed = printed.output().unwrap();
        assert!(printed.status.success(), "{block}\n{}", said(&printed));
        for key in block.lines().filter_map(|line| line.split(" = ").next()) {
            let line = said(&printed).lines().find(|line| line.starts_with(key)).map(String::from);
            assert!(line.as_ref().is_some_and(|line| line.contains("# from ")), "{key}: {line:?}");
        }
    }
}
