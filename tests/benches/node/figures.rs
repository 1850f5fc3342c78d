//! What was measured: lines for people, and the same for xtask, which compares it with the baselines.

use std::io::Write as _;

use serde_json::json;

/// Which way is good.
#[derive(Debug, Clone, Copy)]
pub enum Better {
    Higher,
    Lower,
}

/// The figures of a run. Each is printed and written to the file that xtask reads as soon as it is known, so that a
/// benchmark that is stopped leaves what it has found.
pub struct Figures;

impl Figures {
    /// Notes a figure, and prints it at once. `kept` is what is compared with the baseline: a ratio or a count, which
    /// does not depend on the machine.
    pub fn add(&self, name: &str, said: &str, kept: f64, better: Better) {
        println!("{name:<44} {said}");
        let better = if matches!(better, Better::Higher) { "higher" } else { "lower" };
        let figure = json!({ "name": name, "said": said, "kept": kept, "better": better });
        let Some(path) = std::env::var_os("NOSTRP2P_FIGURES") else { return };
        let mut file = std::fs::File::options().create(true).append(true).open(path).unwrap();
        writeln!(file, "{figure}").unwrap();
    }

    /// Prints a figure that has no baseline.
    pub fn say(&self, name: &str, said: &str) {
        println!("{name:<44} {said}");
    }
}
