//! Handling and sending termination signals on Unix. Elsewhere the console does both.

use anyhow::Result;
use std::process::Child;

/// Calls `on_signal` for every signal that would otherwise end this program.
#[cfg(unix)]
pub fn watch(mut on_signal: impl FnMut() + Send + 'static) -> Result<()> {
    use anyhow::Context;
    use signal_hook::{
        consts::{SIGHUP, SIGINT, SIGTERM},
        iterator::Signals,
    };
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("signals cannot be watched")?;
    std::thread::spawn(move || signals.forever().for_each(|_| on_signal()));
    Ok(())
}

#[cfg(not(unix))]
pub fn watch(_: impl FnMut() + Send + 'static) -> Result<()> {
    Ok(())
}

/// Asks a child to end, as Ctrl-C does. Gives whether it can be expected to.
#[cfg(unix)]
pub fn ask_to_end(child: &Child) -> bool {
    use rustix::process::{Pid, Signal, kill_process};
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    id.is_some_and(|id| kill_process(id, Signal::INT).is_ok())
}

#[cfg(not(unix))]
pub fn ask_to_end(_: &Child) -> bool {
    false
}
