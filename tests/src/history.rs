//! What a network wrote in the past, and how a node comes to hold it without having been there.

use std::process::Command;

use nostrp2p_protocol::{Event, EventTemplate, Kind, SecretKey};

use crate::{binary, node::Stopped, now};

/// How many people write it.
const PEOPLE: usize = 40;
/// Seconds between two posts.
const PAUSE: u64 = 60;

/// That many posts of 40 people, one each minute up to now, the oldest first: words of several lengths, some of several
/// lines, some with an address, some in Japanese.
///
/// # Panics
/// Never: the keys are valid.
pub fn history(posts: usize) -> Vec<Event> {
    let begin = now() - u64::try_from(posts).unwrap_or_default() * PAUSE;
    let post = |number: usize| {
        let words = [
            "The quick brown fox jumps over the lazy dog. ".repeat(number % 7 + 1),
            format!(
                "Line by line\nby line\n{}",
                "and one that is longer than the others; ".repeat(number % 3)
            ),
            "いろはにほへと ちりぬるを わかよたれそ つねならむ ".repeat(number % 4 + 1),
            format!("https://example.org/a/page/{number} is worth the time"),
        ];
        let key = SecretKey::from_bytes([u8::try_from(number % PEOPLE + 1).unwrap_or(1); 32]).expect("a key");
        let created_at = begin + u64::try_from(number).unwrap_or_default() * PAUSE;
        let content = format!("No. {number}: {}", words[number % words.len()].trim_end());
        EventTemplate { created_at, kind: Kind::POST, tags: vec![], content }.sign(&key, &[7; 32])
    };
    (0..posts).map(post).collect()
}

impl Stopped {
    /// Brings events in by `nostrp2p import`.
    ///
    /// # Panics
    /// When it does not take all of them.
    pub fn import(&self, events: &[Event]) {
        let lines: Vec<String> = events
            .iter()
            .map(|event| serde_json::to_string(event).expect("events have a JSON form"))
            .collect();
        let file = self.data_dir().join("history.jsonl");
        std::fs::write(&file, lines.join("\n")).expect("a file that can be written");
        let mut import = Command::new(binary());
        let import = import.arg("import").arg(&file).arg("--data-dir").arg(self.data_dir()).output();
        let import = import.expect("the binary starts");
        let said = String::from_utf8_lossy(&import.stdout);
        let whole = said.contains(&format!("{} new events", events.len()));
        assert!(whole, "{said}{}", String::from_utf8_lossy(&import.stderr));
    }
}
