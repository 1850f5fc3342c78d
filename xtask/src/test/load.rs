//! One busy process for each processor, to run tests under load.

use anyhow::{Context, Result};
use std::{
    env,
    io::Read,
    process::{Child, Command, ExitCode, Stdio},
    thread,
};

/// Tells this program that it is to be busy.
pub const BUSY: &str = "NOSTRP2P_XTASK_IS_BUSY";

/// The busy processes. They end when this is dropped, and also when this program dies.
pub struct Load(Vec<Child>);

impl Load {
    pub fn start() -> Result<Self> {
        let program = env::current_exe().context("this program has no path")?;
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let mut load = Self(Vec::new());
        for _ in 0..processors {
            let busy = Command::new(&program).env(BUSY, "yes").stdin(Stdio::piped()).spawn();
            load.0.push(busy.context("a busy process could not be started")?);
        }
        println!("{processors} busy processes run beside the tests");
        Ok(load)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for busy in &mut self.0 {
            drop(busy.kill());
            drop(busy.wait());
        }
    }
}

/// Computes until the other end of its input is closed, which is when its parent has ended.
pub fn be_busy() -> ExitCode {
    thread::spawn(|| {
        let mut number = 1_u64;
        loop {
            number = std::hint::black_box(number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        }
    });
    let mut input = Vec::new();
    match std::io::stdin().read_to_end(&mut input) {
        Ok(_) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
