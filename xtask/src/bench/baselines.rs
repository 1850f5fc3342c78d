//! The stored figures, so that a change that makes something slower or larger is seen.
//!
//! Only figures that are the same on every machine are stored: ratios to a signature check, and counts of bytes.

use crate::workspace::Workspace;
use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use std::{fs, path::PathBuf};

/// How much worse than its baseline a figure may be: machines are not always as quiet as one wishes.
const TOLERANCE: f64 = 1.3;

/// A figure as a benchmark notes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    pub name: String,
    /// The ratio or count.
    pub kept: f64,
    pub higher_is_better: bool,
}

impl Figure {
    /// How many times better than the baseline it is; below 1 it is worse.
    fn gain(&self, baseline: f64) -> f64 {
        if self.higher_is_better { self.kept / baseline } else { baseline / self.kept }
    }
}

/// Reads what a benchmark noted, a figure a line.
pub fn parse(lines: &str) -> Result<Vec<Figure>> {
    let parse = |line: &str| -> Option<Figure> {
        let line: Value = serde_json::from_str(line).ok()?;
        Some(Figure {
            name: line["name"].as_str()?.to_owned(),
            kept: line["kept"].as_f64().filter(|kept| *kept > 0.0)?,
            higher_is_better: line["better"] == "higher",
        })
    };
    lines.lines().map(|line| parse(line).with_context(|| format!("no figure: {line}"))).collect()
}

/// The baselines in `tests/benches/baselines.json`.
pub struct Baselines {
    path: PathBuf,
    kept: Map<String, Value>,
}

impl Baselines {
    pub fn read(workspace: &Workspace) -> Result<Self> {
        let path = workspace.path("tests/benches/baselines.json");
        let kept = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).context("tests/benches/baselines.json is damaged")?,
            Err(_) => Map::new(),
        };
        Ok(Self { path, kept })
    }

    /// Takes these figures as the baseline from now on.
    pub fn keep(&mut self, figures: &[Figure]) {
        for figure in figures {
            let rounded = (figure.kept * 1_000.0).round() / 1_000.0;
            self.kept.insert(figure.name.clone(), json!(rounded));
        }
    }

    pub fn write(&self) -> Result<()> {
        let text = serde_json::to_string_pretty(&self.kept)?;
        fs::write(&self.path, text + "\n")?;
        println!("kept as the baseline in {}", self.path.display());
        Ok(())
    }

    /// Prints how figures stand to their baselines; whether none is much worse.
    pub fn compare(&self, figures: &[Figure]) -> bool {
        if figures.is_empty() {
            return true;
        }
        println!("\n{:<56} {:>10} {:>10}", "beside the baseline", "now", "baseline");
        let mut good = true;
        for figure in figures {
            let Some(baseline) = self.kept.get(&figure.name).and_then(Value::as_f64) else {
                println!("{:<56} {:>10.3} {:>10}", figure.name, figure.kept, "none");
                continue;
            };
            let gain = figure.gain(baseline);
            let verdict = if gain * TOLERANCE < 1.0 {
                good = false;
                "  WORSE"
            } else if gain > TOLERANCE {
                "  better"
            } else {
                ""
            };
            println!("{:<56} {:>10.3} {:>10.3}{verdict}", figure.name, figure.kept, baseline);
        }
        if !good {
            println!(
                "something is more than {:.0} % worse than its baseline; measure again on a quiet machine, then mend it, or \
                 say why it is worth it and keep it with --save",
                (TOLERANCE - 1.0) * 100.0
            );
        }
        good
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(kept: f64, higher_is_better: bool) -> Figure {
        Figure { name: "it".into(), kept, higher_is_better }
    }

    fn baseline(kept: f64) -> Baselines {
        Baselines { path: PathBuf::new(), kept: [("it".to_owned(), json!(kept))].into_iter().collect() }
    }

    #[test]
    fn what_is_much_worse_is_seen_whichever_way_is_good() {
        assert!(baseline(100.0).compare(&[figure(80.0, true), figure(120.0, false)]));
        assert!(!baseline(100.0).compare(&[figure(70.0, true)]));
        assert!(!baseline(100.0).compare(&[figure(140.0, false)]));
        assert!(baseline(100.0).compare(&[figure(1_000.0, true), figure(1.0, false)]));
    }

    #[test]
    fn a_figure_is_a_line_and_anything_else_is_said() {
        let figures = parse(r#"{"name":"it","said":"2 ms","kept":2.5,"better":"lower"}"#).unwrap();
        assert_eq!(figures, [figure(2.5, false)]);
        for wrong in ["{}", "no", r#"{"name":"it","kept":0,"better":"lower"}"#] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
