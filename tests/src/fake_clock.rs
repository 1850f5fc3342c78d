//! The time of day of a process that libfaketime makes, and that can be set while the process runs.

use std::path::{Path, PathBuf};

/// Where Debian and Fedora put the library.
const PLACES: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib64/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
];

/// Such a clock. What a process measures durations with stays true.
pub struct FakeClock {
    library: &'static str,
    file: PathBuf,
}

impl FakeClock {
    /// A clock that is right; None where libfaketime is not installed. Its file is in `folder`.
    pub fn new(folder: &Path) -> Option<Self> {
        let library = PLACES.into_iter().find(|place| Path::new(place).exists())?;
        let clock = Self { library, file: folder.join("clock") };
        clock.set("+0");
        Some(clock)
    }

    /// Sets it ahead or back, such as `+3600` (seconds) or `-32d`.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn set(&self, offset: &str) {
        let beside = self.file.with_extension("new");
        std::fs::write(&beside, offset).expect("a file");
        std::fs::rename(&beside, &self.file).expect("in its place");
    }

    /// What a process needs in its environment to go by it.
    pub fn environment(&self) -> Vec<(String, String)> {
        let file = self.file.to_string_lossy().into_owned();
        let variables = [
            ("LD_PRELOAD", self.library),
            ("FAKETIME_TIMESTAMP_FILE", &file),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("DONT_FAKE_MONOTONIC", "1"),
        ];
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }
}
