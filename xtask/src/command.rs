//! What may be typed after `cargo xtask`.

use crate::{bench, fuzz, test::Suite};
use std::path::PathBuf;

/// The text of `cargo xtask --help`.
pub const HELP: &str = "\
Usage: cargo xtask <command>

Commands:
  run    Build everything and start a node; it prints the link at which you claim it
           --demo          three nodes joined to each other on this machine, and three links
           --debug-build   build the node quickly instead of for speed
           -- ARGS         everything after -- goes to `nostrp2p server` (with --demo: to each of the three)
  web    Build the static browser client into target/web
  test   Run every test there is, after fetching the tools that are missing
           rust doc browser product nat   only these suites
  sim    Run many real overlay nodes in one process, with churn, loss, a split and attackers, and count
           --nodes N       how many, and much more: cargo xtask sim --help
  natlab Let nodes behind every kind of router talk to each other, in network namespaces (root on Linux)
           --debug-build   build the node quickly instead of for speed
  fuzz   Give every decoder to libFuzzer, a minute each
           TARGET          only this one, such as json or packet
           --seconds N     how long each
           --seed N        the same inputs each time, as ci does; without it chance, and on top of what was found
  attack Attack real nodes in every way that SECURITY.md names, and print what each attack got
           --debug-build   build the node quickly instead of for speed
  durability   Kill a node that is being written to, again and again, and count what was acknowledged and is lost
           --kills N       how often (1000)
           --browser N     kill the browser instead, while the page writes, so often
  soak   Let 16 real nodes run under load while some are stopped and killed; count what arrives, memory, files, errors
           --seconds N     how long (600), --nodes N, --seed N
  screenshots   Save a picture of every screen, light and dark, phone and desktop, and check them with axe-core
           FOLDER          where to (target/screenshots)
           --debug-build   as with run
  bench  Measure, with a release build of the node, and print the figures
           client          the page on a phone's processor: opening, scrolling 10,000 posts, an hour of traffic
           node            the node as a whole, which is these five, each of which can be named alone:
             ingest        a new node takes 100,000 events of a neighbour, beside pure signature checks
             publish       the owner's events a second, by WebSocket and REST, with 1 and 8 connections
             query         50, 1,000 and 10,000 of 100,000 events: time and bytes
             wire          bytes between nodes: idle and for a post, in networks of 2 to 128 (Linux)
             footprint     start, memory, disk, size of the program
           hot             the functions that are called most, as multiples of a signature check (criterion)
           relay           events and requests a second, beside nostr-rs-relay if that is installed
           filters         compare the filter engine with its definition: 100,000 events, 10,000 filters
           --save          keep the figures as the baseline; without it they are compared with it, and the status
                           is 1 when one is more than 30 % worse
  ci     Everything that must hold before a change lands: format, layering, lints, docs, tests, budgets
  help   This text

Examples:
  cargo xtask run
  cargo xtask run --demo
  cargo xtask run -- -l 127.0.0.1:20100 --data-dir /tmp/second
  cargo xtask test rust

Exit status: 0 if all went well, 1 if something failed, 2 if the command was not understood;
`run` ends with the status of the node.
";

/// One command, with what was said about it.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    Help,
    Web,
    Run(RunOptions),
    /// The suites asked for, in the order in which they run.
    Test(Vec<Suite>),
    /// Whether to build the node quickly.
    Natlab(bool),
    /// Whether to build the node quickly.
    Attack(bool),
    /// The words for the soak.
    Soak(Vec<String>),
    /// What is killed, and how often.
    Durability(Killed, u64),
    /// The words for the simulation.
    Sim(Vec<String>),
    Fuzz(fuzz::Options),
    Screenshots {
        /// Where to; `target/screenshots` if nothing is said.
        folder: Option<PathBuf>,
        /// Cargo's dev profile instead of release.
        debug_build: bool,
    },
    /// What to measure.
    Bench(bench::Options),
    Ci,
}

/// What `durability` kills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Killed {
    Node,
    Browser,
}

/// How to build and start the node.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RunOptions {
    /// Three nodes joined to each other instead of one.
    pub demo: bool,
    /// Cargo's dev profile instead of release.
    pub debug_build: bool,
    /// What goes to the node as it is.
    pub node_arguments: Vec<String>,
}

impl Command {
    /// Reads the words after `cargo xtask`; the error is one sentence for the person who typed them.
    pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut words = words.into_iter();
        let name = words.next().unwrap_or_else(|| "help".into());
        let rest: Vec<String> = words.collect();
        if name == "sim" {
            // The simulation knows its own words, and helps with them.
            return Ok(Self::Sim(rest));
        }
        if rest.iter().take_while(|word| *word != "--").any(|word| word == "--help" || word == "-h") {
            return Ok(Self::Help);
        }
        match name.as_str() {
            "help" | "--help" | "-h" => Ok(Self::Help),
            "run" => parse_run(rest).map(Self::Run),
            "test" => parse_suites(&rest).map(Self::Test),
            "natlab" => parse_debug_build(&name, &rest).map(Self::Natlab),
            "soak" => parse_soak(rest).map(Self::Soak),
            "durability" => parse_kills(&rest).map(|(killed, times)| Self::Durability(killed, times)),
            "attack" => parse_debug_build(&name, &rest).map(Self::Attack),
            "web" => alone(&name, &rest, Self::Web),
            "fuzz" => parse_fuzz(rest).map(Self::Fuzz),
            "screenshots" => parse_screenshots(&rest),
            "bench" => parse_bench(&rest).map(Self::Bench),
            "ci" => alone(&name, &rest, Self::Ci),
            _ => Err(format!(
                "there is no command `{name}`; there are run, web, test, sim, natlab, fuzz, attack, durability, soak, screenshots, bench, ci and help"
            )),
        }
    }
}

fn parse_run(words: Vec<String>) -> Result<RunOptions, String> {
    let mut options = RunOptions::default();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--demo" => options.demo = true,
            "--debug-build" => options.debug_build = true,
            "--" => {
                options.node_arguments = words.collect();
                break;
            }
            _ => {
                return Err(format!(
                    "`run` does not know `{word}`; what is meant for the node goes after --, as in: cargo xtask run -- {word}"
                ));
            }
        }
    }
    Ok(options)
}

fn parse_suites(words: &[String]) -> Result<Vec<Suite>, String> {
    if words.is_empty() {
        return Ok(Suite::ALL.to_vec());
    }
    let unknown = words.iter().find(|word| !Suite::ALL.iter().any(|suite| suite.name() == word.as_str()));
    if let Some(word) = unknown {
        return Err(format!("there is no suite `{word}`; there are rust, doc, browser, product and nat"));
    }
    Ok(Suite::ALL.into_iter().filter(|suite| words.iter().any(|word| word == suite.name())).collect())
}

fn parse_fuzz(words: Vec<String>) -> Result<fuzz::Options, String> {
    let mut options = fuzz::Options { target: None, seconds: fuzz::SECONDS, seed: None };
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        if word == "--seconds" {
            let seconds =
                words.next().and_then(|seconds| seconds.parse().ok()).filter(|seconds| *seconds > 0);
            options.seconds = seconds.ok_or("--seconds wants a number above 0")?;
        } else if word == "--seed" {
            let seed = words.next().and_then(|seed| seed.parse().ok());
            options.seed = Some(seed.ok_or("--seed wants a number")?);
        } else if options.target.is_none() && !word.starts_with('-') {
            options.target = Some(word);
        } else {
            return Err(format!("`fuzz` takes one target, --seconds N and --seed N, but was given `{word}`"));
        }
    }
    Ok(options)
}

fn parse_screenshots(words: &[String]) -> Result<Command, String> {
    let (flags, folders): (Vec<&String>, Vec<&String>) = words.iter().partition(|word| word.starts_with('-'));
    match (flags.as_slice(), folders.as_slice()) {
        ([], folders @ ([] | [_])) => Ok(screenshots(folders, false)),
        ([flag], folders @ ([] | [_])) if *flag == "--debug-build" => Ok(screenshots(folders, true)),
        _ => Err("`screenshots` takes one folder and --debug-build".into()),
    }
}

fn screenshots(folders: &[&String], debug_build: bool) -> Command {
    Command::Screenshots { folder: folders.first().map(PathBuf::from), debug_build }
}

fn parse_bench(words: &[String]) -> Result<bench::Options, String> {
    let (flags, names): (Vec<&String>, Vec<&String>) = words.iter().partition(|word| word.starts_with('-'));
    let save = match flags.as_slice() {
        [] => false,
        [flag] if *flag == "--save" => true,
        _ => return Err("`bench` takes one name and --save".into()),
    };
    let subject = match names.as_slice() {
        [name] => bench::Subject::named(name),
        _ => None,
    };
    let subject = subject.ok_or_else(|| {
        let parts = bench::PARTS.join(", ");
        format!(
            "`bench` wants the name of one benchmark; there are client, node (or one of {parts}), hot, relay and filters"
        )
    })?;
    Ok(bench::Options { subject, save })
}

fn parse_soak(words: Vec<String>) -> Result<Vec<String>, String> {
    let pairs = words.chunks(2).all(|pair| match pair {
        [name, number] => {
            ["--seconds", "--nodes", "--seed"].contains(&name.as_str()) && number.parse::<u64>().is_ok()
        }
        _ => false,
    });
    if pairs {
        Ok(words)
    } else {
        Err("`soak` takes --seconds, --nodes and --seed, each with a number".to_owned())
    }
}

fn parse_kills(words: &[String]) -> Result<(Killed, u64), String> {
    let wrong = || "`durability` takes --kills or --browser, and a number above 0".to_owned();
    let (killed, times) = match words {
        [] => return Ok((Killed::Node, 1_000)),
        [word, times] if word == "--kills" => (Killed::Node, times),
        [word, times] if word == "--browser" => (Killed::Browser, times),
        _ => return Err(wrong()),
    };
    times.parse().ok().filter(|times| *times > 0).map(|times| (killed, times)).ok_or_else(wrong)
}

fn parse_debug_build(name: &str, words: &[String]) -> Result<bool, String> {
    match words {
        [] => Ok(false),
        [word] if word == "--debug-build" => Ok(true),
        _ => Err(format!("`{name}` knows only --debug-build")),
    }
}

fn alone(name: &str, rest: &[String], command: Command) -> Result<Command, String> {
    match rest.first() {
        None => Ok(command),
        Some(word) => Err(format!("`{name}` takes no arguments, but was given `{word}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, String> {
        Command::parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn what_follows_two_dashes_goes_to_the_node_untouched() {
        let expected = RunOptions {
            demo: true,
            debug_build: false,
            node_arguments: ["-p", "npub1x", "--help", "--demo"].map(String::from).to_vec(),
        };
        assert_eq!(parse("run --demo -- -p npub1x --help --demo"), Ok(Command::Run(expected)));
    }

    #[test]
    fn nothing_and_every_spelling_of_help_give_the_help() {
        for line in ["", "help", "--help", "-h", "run --help", "ci -h"] {
            assert_eq!(parse(line), Ok(Command::Help), "{line:?}");
        }
    }

    #[test]
    fn a_wrong_word_is_named_and_so_is_the_way_out() {
        for (line, word) in
            [("rnu", "rnu"), ("run -l 1:2", "-- -l"), ("test unit", "unit"), ("ci --fast", "--fast")]
        {
            let error = parse(line).unwrap_err();
            assert!(error.contains(word), "{line:?}: {error}");
        }
    }

    #[test]
    fn the_laboratory_takes_one_word() {
        assert_eq!(parse("natlab"), Ok(Command::Natlab(false)));
        let words = ["--nodes", "8", "--help"].map(String::from).to_vec();
        assert_eq!(parse("sim --nodes 8 --help"), Ok(Command::Sim(words)));
        assert_eq!(parse("natlab --debug-build"), Ok(Command::Natlab(true)));
        assert_eq!(
            parse("soak --seconds 5"),
            Ok(Command::Soak(["--seconds", "5"].map(String::from).to_vec()))
        );
        assert!(parse("soak --seconds").is_err() && parse("soak --fast 5").is_err());
        assert_eq!(parse("durability"), Ok(Command::Durability(Killed::Node, 1_000)));
        assert_eq!(parse("durability --kills 5"), Ok(Command::Durability(Killed::Node, 5)));
        assert_eq!(parse("durability --browser 9"), Ok(Command::Durability(Killed::Browser, 9)));
        assert!(parse("durability --browser").is_err());
        assert!(parse("durability --kills 0").is_err() && parse("durability 5").is_err());
        assert_eq!(parse("attack --debug-build"), Ok(Command::Attack(true)));
        assert!(parse("natlab --fast").is_err() && parse("attack all").is_err());
    }

    #[test]
    fn one_target_is_fuzzed_or_all_and_as_long_as_asked() {
        let fuzz = |target: Option<&str>, seconds| {
            Ok(Command::Fuzz(fuzz::Options { target: target.map(String::from), seconds, seed: None }))
        };
        let seeded = fuzz::Options { target: None, seconds: fuzz::SECONDS, seed: Some(7) };
        assert_eq!(parse("fuzz --seed 7"), Ok(Command::Fuzz(seeded)));
        assert_eq!(parse("fuzz"), fuzz(None, fuzz::SECONDS));
        assert_eq!(parse("fuzz json --seconds 5"), fuzz(Some("json"), 5));
        for line in ["fuzz --seconds", "fuzz --seconds x", "fuzz --seconds 0", "fuzz a b", "fuzz --fast"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn pictures_go_where_one_says() {
        let folder = Some(PathBuf::from("x"));
        assert_eq!(
            parse("screenshots x"),
            Ok(Command::Screenshots { folder: folder.clone(), debug_build: false })
        );
        assert_eq!(
            parse("screenshots --debug-build x"),
            Ok(Command::Screenshots { folder, debug_build: true })
        );
        assert_eq!(parse("screenshots"), Ok(Command::Screenshots { folder: None, debug_build: false }));
        for line in ["screenshots a b", "screenshots --fast"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn suites_run_in_their_own_order_whatever_the_order_typed() {
        assert_eq!(parse("test product rust"), Ok(Command::Test(vec![Suite::Rust, Suite::Product])));
        assert_eq!(parse("test"), Ok(Command::Test(Suite::ALL.to_vec())));
    }
}
