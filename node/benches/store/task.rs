//! Processes of this program that do one thing each, so that what they use is what that thing costs.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use nostrp2p_node::store::{CacheSize, Retention, Store, Writer};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::runtime::Runtime;

use super::{filling, operations, queries, sweeping};

const ARGUMENT: &str = "--task";

/// What such a process does.
#[derive(Debug, Serialize, Deserialize)]
pub enum Task {
    Fill(filling::Fill),
    Query(queries::Ask),
    Start(PathBuf),
    Kill(PathBuf),
    Sync(PathBuf),
    Export(PathBuf),
    SweepByNumber(PathBuf),
    SweepByAge(PathBuf),
}

impl Task {
    /// Does it in a process of its own.
    pub fn run<T: DeserializeOwned>(&self) -> T {
        let mut program = Command::new(std::env::current_exe().unwrap());
        program.args(["--bench", ARGUMENT, &serde_json::to_string(self).unwrap()]);
        let output = program.stderr(Stdio::inherit()).output().unwrap();
        assert!(output.status.success(), "{self:?} failed");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn carry_out(&self) -> serde_json::Value {
        match self {
            Self::Fill(fill) => serde_json::to_value(filling::fill(fill)),
            Self::Query(ask) => serde_json::to_value(queries::ask(ask)),
            Self::Start(directory) => serde_json::to_value(operations::start(directory)),
            Self::Kill(directory) => {
                operations::kill(directory);
                Ok(serde_json::Value::Null)
            }
            Self::Sync(directory) => serde_json::to_value(operations::sync(directory)),
            Self::Export(directory) => serde_json::to_value(operations::export(directory)),
            Self::SweepByNumber(directory) => serde_json::to_value(sweeping::by_number(directory)),
            Self::SweepByAge(directory) => serde_json::to_value(sweeping::by_age(directory)),
        }
        .unwrap()
    }
}

/// Does what another process of this program has asked for, if one has.
pub fn run_if_asked() -> bool {
    let mut arguments = std::env::args().skip_while(|word| word != ARGUMENT).skip(1);
    let Some(task) = arguments.next() else { return false };
    let task: Task = serde_json::from_str(&task).unwrap();
    println!("{}", task.carry_out());
    // As a kill would: nothing is closed.
    if matches!(task, Task::Kill(_)) {
        std::process::exit(0);
    }
    true
}

/// Far more than there is, so that only a sweep that is measured drops anything.
pub const KEEP: Retention =
    Retention { events: 1_000_000_000, seconds: 20 * 365 * 86_400, mail_bytes: 1 << 50, disk_bytes: 1 << 50 };

/// Opens a store with the cache that is asked for.
pub fn open(directory: &Path, retention: Retention) -> (Store, Writer) {
    let cache = crate::number("BENCH_CACHE_MIB");
    let cache = cache.map_or(CacheSize::SMALL, |mib| CacheSize::of_mib(u64::try_from(mib).unwrap()));
    Store::open_with(directory, retention, cache).unwrap()
}

pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

/// Bytes of the store's files.
pub fn bytes_of(directory: &Path) -> u64 {
    let length = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().metadata().unwrap().len();
    std::fs::read_dir(directory).unwrap().map(length).sum()
}
