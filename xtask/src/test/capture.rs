//! Running a program with its output both on the screen and in memory, within a time limit.

use crate::signals;
use anyhow::{Context, Result};
use std::{
    io::{self, BufRead, BufReader, IsTerminal, Read, Write},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

/// How long output may stay open after the program has ended, held by something that it left running.
const LEFTOVER_LIMIT: Duration = Duration::from_secs(5);
/// Between the request to stop and the kill.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// How a program ended and all that it printed.
pub struct Captured {
    pub success: bool,
    pub timed_out: bool,
    pub text: String,
}

/// Runs the program to its end, or stops it at the limit; shows what it prints.
pub fn run(command: Command, limit: Duration) -> Result<Captured> {
    run_and(command, limit, show)
}

/// As [`run`], but shows nothing.
pub fn run_quietly(command: Command, limit: Duration) -> Result<Captured> {
    run_and(command, limit, |_, _| Ok(()))
}

fn run_and(
    mut command: Command,
    limit: Duration,
    show: impl Fn(&[u8], bool) -> io::Result<()>,
) -> Result<Captured> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if io::stdout().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let mut child = command.spawn().with_context(|| format!("{name} could not be started"))?;
    let (lines, inbox) = mpsc::channel();
    read_lines(child.stdout.take().context("a program has no output")?, lines.clone(), false);
    read_lines(child.stderr.take().context("a program has no error output")?, lines, true);

    let started = Instant::now();
    let mut ended_at = None;
    let mut timed_out = false;
    let mut bytes = Vec::new();
    loop {
        match inbox.recv_timeout(Duration::from_millis(100)) {
            Ok((line, is_error)) => {
                show(&line, is_error)?;
                bytes.extend(line);
            }
            Err(RecvTimeoutError::Disconnected) if ended_at.is_some() => break,
            Err(RecvTimeoutError::Disconnected) => thread::sleep(Duration::from_millis(20)),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if ended_at.is_none() && child.try_wait()?.is_some() {
            ended_at = Some(Instant::now());
        }
        if ended_at.is_none() && !timed_out && started.elapsed() > limit {
            timed_out = true;
            stop(&mut child)?;
        }
        if ended_at.is_some_and(|ended| ended.elapsed() > LEFTOVER_LIMIT) {
            println!("{name} left something running that still holds its output");
            break;
        }
    }
    let success = child.wait()?.success() && !timed_out;
    Ok(Captured { success, timed_out, text: String::from_utf8_lossy(&bytes).into_owned() })
}

fn read_lines(output: impl Read + Send + 'static, lines: Sender<(Vec<u8>, bool)>, is_error: bool) {
    thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while output.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            if lines.send((std::mem::take(&mut line), is_error)).is_err() {
                return;
            }
        }
    });
}

fn show(line: &[u8], is_error: bool) -> io::Result<()> {
    if is_error { io::stderr().write_all(line) } else { io::stdout().write_all(line) }
}

/// Asks the program to end, so that it can end what it started, and kills it if it does not.
fn stop(child: &mut Child) -> Result<()> {
    let deadline = Instant::now() + STOP_LIMIT;
    let asked = signals::ask_to_end(child);
    while asked && Instant::now() < deadline {
        if child.try_wait()?.is_some() {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(50));
    }
    child.kill().context("a program that took too long cannot be killed")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn both_outputs_and_the_status_are_captured() {
        let captured =
            run(shell("echo out; echo err >&2; printf end; exit 3"), Duration::from_secs(60)).unwrap();
        assert!(!captured.success && !captured.timed_out);
        for part in ["out\n", "err\n", "end"] {
            assert!(captured.text.contains(part), "{:?} lacks {part:?}", captured.text);
        }
        assert!(run(shell("true"), Duration::from_secs(60)).unwrap().success);
    }

    #[test]
    fn a_program_that_takes_too_long_is_stopped() {
        let started = Instant::now();
        let captured = run(shell("echo begun; exec sleep 60"), Duration::from_millis(200)).unwrap();
        assert!(captured.timed_out && !captured.success);
        assert!(captured.text.contains("begun"));
        assert!(started.elapsed() < Duration::from_secs(30));
    }
}
