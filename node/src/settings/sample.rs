//! `nostrp2p server --sample-settings`: a settings file in which everything is explained and nothing is set.

use std::collections::BTreeMap;

use clap::Args as _;

use super::{Flags, Settings, explain};

/// Settings of the command line that a file cannot have.
const NOT_IN_A_FILE: [&str; 2] = ["data-dir", "settings"];
/// How long a line of explanation is.
const WIDTH: usize = 100;

/// The file: for each setting its help text and its default, all of it as comments. `defaults` are the settings of nothing
/// said.
pub fn sample(defaults: &Settings) -> String {
    let values = explain(defaults, &Flags::default(), |_| None);
    let values: BTreeMap<&str, &str> = values
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .filter_map(|(name, rest)| Some((name, rest.rsplit_once("  # ")?.0)))
        .collect();
    let mut text = String::from(
        "# Settings of a nostrp2p node. What begins with `#` is the default, or an example in angle brackets.\n\
         # Take the `#` away, set the value, and restart the node. `nostrp2p server --print-settings` shows what holds.\n",
    );
    for argument in Flags::augment_args(clap::Command::new("nostrp2p")).get_arguments() {
        let Some(name) = argument.get_long().filter(|name| !NOT_IN_A_FILE.contains(name)) else { continue };
        let help = argument.get_long_help().or(argument.get_help()).map(ToString::to_string);
        text.push('\n');
        for line in wrapped(&help.unwrap_or_default()) {
            text.push_str(&format!("# {line}\n"));
        }
        let example =
            argument.get_value_names().and_then(|names| names.first()).map(|name| format!("<{name}>"));
        let value = values.get(name).map(|value| (*value).to_owned()).or(example).unwrap_or_default();
        text.push_str(&format!("#{name} = {value}\n"));
    }
    text
}

/// The words of a text in lines of at most [`WIDTH`] letters.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let fits = lines.last().is_some_and(|line| line.chars().count() + 1 + word.chars().count() <= WIDTH);
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if fits => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::decode_file;

    #[test]
    fn each_default_of_the_sample_can_be_set_and_changes_nothing() {
        let defaults = decode_file("").unwrap();
        let sample = sample(&defaults);
        assert!(decode_file(&sample).is_ok(), "as it is, it sets nothing");
        let lines = sample.lines().filter_map(|line| line.strip_prefix('#'));
        let set: Vec<&str> = lines.filter(|line| !line.starts_with(' ') && !line.contains("= <")).collect();
        assert!(set.len() > 25, "{set:?}");
        let all = decode_file(&set.join("\n")).unwrap();
        let explained = |settings: &Settings| explain(settings, &Flags::default(), |_| None);
        assert_eq!(explained(&all), explained(&defaults));
    }

    #[test]
    fn long_explanations_are_wrapped_at_words() {
        let lines = wrapped(&"word ".repeat(60));
        assert!(lines.len() == 3 && lines.iter().all(|line| line.chars().count() <= WIDTH), "{lines:?}");
    }
}
