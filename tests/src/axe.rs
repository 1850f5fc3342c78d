//! axe-core, the accessibility checker, run within the page that a browser shows.

use serde::Deserialize;
use serde_json::json;

use crate::Browser;

/// The file of axe-core, as `cargo xtask` fetched it.
const SOURCE: &str = "NOSTRP2P_AXE";

/// Something that keeps people out.
#[derive(Debug, Deserialize)]
struct Finding {
    /// The rule, such as `color-contrast`.
    id: String,
    impact: Option<String>,
    /// The beginnings of the elements it is about.
    elements: Vec<String>,
}

/// The source of axe-core; none where npm could not fetch it, and then nothing is checked.
///
/// # Panics
/// When the file that is named cannot be read.
pub fn axe() -> Option<String> {
    let path = std::env::var_os(SOURCE)?;
    Some(std::fs::read_to_string(path).expect("the file of axe-core can be read"))
}

impl Browser {
    /// Checks what the page shows now, and says what is wrong: each finding that axe-core calls serious or critical.
    ///
    /// # Panics
    /// When the page is gone.
    pub async fn findings(&self, axe: &str) -> Vec<String> {
        let loaded = self.driver.execute("return Boolean(window.axe)", vec![]).await.expect("a page");
        if loaded != json!(true) {
            self.driver.execute(axe, vec![]).await.expect("axe-core runs");
        }
        let check = "
            const done = arguments[arguments.length - 1];
            window.axe.run(document, { resultTypes: ['violations'] }).then(
                found => done(found.violations.map(one => ({
                    id: one.id, impact: one.impact, elements: one.nodes.map(node => node.html.slice(0, 160)),
                }))),
                error => done([{ id: String(error), impact: 'critical', elements: [] }]),
            );";
        let found = self.driver.execute_async(check, vec![]).await.expect("a page");
        let found: Vec<Finding> = serde_json::from_value(found).expect("findings");
        let grave = |finding: &Finding| matches!(finding.impact.as_deref(), Some("serious" | "critical"));
        found
            .into_iter()
            .filter(grave)
            .map(|Finding { id, elements, .. }| format!("{id}: {}", elements.join(" | ")))
            .collect()
    }
}
