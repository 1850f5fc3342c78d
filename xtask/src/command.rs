//! The arguments of `cargo xtask`.

use crate::{bench, dist, durability, fuzz, run, soak, test};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  cargo xtask run
  cargo xtask run --demo
  cargo xtask run -- -l 127.0.0.1:20100 --data-dir /tmp/second
  cargo xtask test --quick
  cargo xtask test disk_full
  cargo xtask test product nat --under-load

Exit status: 0 if all went well, 1 if something failed, 2 if the command was not understood;
`run` ends with the status of the node.";

/// Builds, checks, tests, measures and starts nostrp2p
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", flatten_help = true, after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

/// One command, with what was said about it.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build everything and start a node; it prints the link at which you claim it
    Run(run::RunOptions),
    /// Build the static browser client into target/web
    Web,
    /// Build what people install: archives and packages with the program, in target/dist
    Dist(dist::DistOptions),
    /// Run tests: all, some suites, or those whose name matches
    Test(test::TestOptions),
    /// Change the program in small ways and see whether the quick tests notice (cargo-mutants)
    Mutants {
        /// A module of core or protocol, such as `outbox`; without it, those that decide who gets what, and the codecs
        module: Option<String>,
    },
    /// Run many real overlay nodes in one process, with churn, loss, a split and attackers, and count
    #[command(disable_help_flag = true)]
    Sim {
        /// What goes to the simulation; `cargo xtask sim --help` lists it
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
    /// Let nodes behind every kind of router talk to each other, in network namespaces (root on Linux)
    Natlab(Build),
    /// Give every decoder to libFuzzer, a minute each
    Fuzz(fuzz::FuzzOptions),
    /// Attack real nodes in every way that SECURITY.md names, and print what each attack got
    Attack(Build),
    /// Kill a node that is being written to, again and again, and count what was acknowledged and is lost
    Durability(durability::DurabilityOptions),
    /// Let 16 real nodes run under load while some are stopped and killed; count what arrives, memory, files, errors
    Soak(soak::SoakOptions),
    /// Save a picture of every screen, light and dark, phone and desktop, and check them with axe-core
    Screenshots {
        /// Where to [default: target/screenshots]
        folder: Option<PathBuf>,
        #[command(flatten)]
        build: Build,
    },
    /// Measure, with a release build of the node, and print the figures
    Bench(bench::BenchOptions),
    /// Check everything that must hold before a change lands: format, layering, lints, docs, tests, budgets
    Ci {
        /// Run the tests beside one busy process for each processor
        #[arg(long)]
        under_load: bool,
    },
}

/// How the node is built.
#[derive(Debug, Clone, Copy, Args)]
pub struct Build {
    /// Build the node as the tests do, in less time, instead of for speed
    #[arg(long)]
    pub debug_build: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(line: &str) -> Result<Command, String> {
        let words = ["cargo xtask"].into_iter().chain(line.split_whitespace());
        Arguments::try_parse_from(words).map(|parsed| parsed.command).map_err(|error| error.to_string())
    }

    #[test]
    fn no_command_contradicts_itself() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn what_follows_two_dashes_goes_to_the_node_untouched() {
        let parsed = parse("run --demo -- -p npub1x --help --demo").unwrap();
        let Command::Run(options) = parsed else { unreachable!("{parsed:?}") };
        assert!(options.demo && !options.build.debug_build);
        assert_eq!(options.node_arguments, ["-p", "npub1x", "--help", "--demo"]);
    }

    #[test]
    fn the_simulation_gets_its_words_untouched() {
        let parsed = parse("sim --nodes 8 --help").unwrap();
        let Command::Sim { words } = parsed else { unreachable!("{parsed:?}") };
        assert_eq!(words, ["--nodes", "8", "--help"]);
    }

    #[test]
    fn the_help_names_every_command_and_what_it_takes() {
        let help = Arguments::command().render_long_help().to_string();
        for word in
            ["run", "--demo", "natlab", "--kills", "bench", "footprint", "ci", "--under-load", "Examples:"]
        {
            assert!(help.contains(word), "no {word} in the help:\n{help}");
        }
    }

    #[test]
    fn a_wrong_word_is_refused_and_named() {
        for (line, word) in [
            ("rnu", "rnu"),
            ("run -l 1:2", "-l"),
            ("ci --fast", "--fast"),
            ("test --quick outbox", "--quick"),
            ("durability --kills 0", "0"),
            ("durability --kills 1 --browser 1", "--browser"),
            ("soak --seconds", "--seconds"),
            ("fuzz --seconds 0", "0"),
            ("fuzz a b", "b"),
            ("bench everything", "everything"),
            ("screenshots a b", "b"),
            ("natlab --fast", "--fast"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(word), "{line:?}: {error}");
        }
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let parsed = parse("durability").unwrap();
        let Command::Durability(options) = parsed else { unreachable!("{parsed:?}") };
        assert_eq!((options.kills, options.browser), (1_000, None));
        let parsed = parse("fuzz json --seed 7").unwrap();
        let Command::Fuzz(options) = parsed else { unreachable!("{parsed:?}") };
        assert_eq!((options.target.as_deref(), options.seconds, options.seed), (Some("json"), 60, Some(7)));
    }
}
