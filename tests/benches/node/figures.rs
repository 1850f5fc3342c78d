//! What was measured: lines for people, and the same for xtask, which compares it with the baselines.

use std::io::Write as _;

use serde_json::json;

/// Which way is good.
#[derive(Debug, Clone, Copy)]
pub enum Better {
    Higher,
    Lower,
}

/// All figures of a run.
#[derive(Default)]
pub struct Figures(Vec<serde_json::Value>);

impl Figures {
    /// Notes a figure, and prints it at once. `kept` is what is compared with the baseline: a ratio or a count, which
    /// does not depend on the machine.
    pub fn add(&mut self, name: &str, said: &str, kept: f64, better: Better) {
        println!("{name:<44} {said}");
        let better = if matches!(better, Better::Higher) { "higher" } else { "lower" };
        self.0.push(json!({ "name": name, "said": said, "kept": kept, "better": better }));
    }

    /// Prints a figure that has no baseline.
    pub fn say(&self, name: &str, said: &str) {
        println!("{name:<44} {said}");
    }

    /// Adds them to the file that xtask reads, a line each.
    pub fn write(&self) {
        let Some(path) = std::env::var_os("NOSTRP2P_FIGURES") else { return };
        let mut file = std::fs::File::options().create(true).append(true).open(path).unwrap();
        for figure in &self.0 {
            writeln!(file, "{figure}").unwrap();
        }
    }
}
