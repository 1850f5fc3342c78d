//! The targets for which there are archives, and whether this machine can build for them.

use super::DistOptions;
use anyhow::{Result, bail};
use std::env::consts::{ARCH, OS};

/// One target of rustc.
#[derive(Debug, PartialEq, Eq)]
pub struct DistTarget {
    /// As rustc calls it.
    pub triple: &'static str,
    /// The C compiler and linker.
    pub linker: Linker,
    /// The form of its archive.
    pub packing: Packing,
    /// The names of its processor in Debian's and Fedora's packages, where it has such packages.
    pub packages: Option<(&'static str, &'static str)>,
}

/// A C compiler and linker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linker {
    /// Zig, by cargo-zigbuild; fetched from Python's registry.
    Zig,
    /// A cross compiler of Debian: its package, and its program.
    Cross { package: &'static str, program: &'static str },
    /// Only the system itself has what is needed: its name as [`OS`] has it.
    Own(&'static str),
}

impl Linker {
    /// `build`, or the subcommand of cargo that stands for it.
    pub fn subcommand(self) -> &'static str {
        match self {
            Self::Zig => "zigbuild",
            Self::Cross { .. } | Self::Own(_) => "build",
        }
    }
}

/// The form of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    TarXz,
    Zip,
}

const AARCH64_GCC: Linker =
    Linker::Cross { package: "gcc-aarch64-linux-gnu", program: "aarch64-linux-gnu-gcc" };
const MINGW: Linker = Linker::Cross { package: "gcc-mingw-w64-x86-64", program: "x86_64-w64-mingw32-gcc" };

/// All of them. The static programs come first: the one for this machine says what stands in every manual page.
pub const TARGETS: [DistTarget; 7] = [
    DistTarget {
        triple: "x86_64-unknown-linux-musl",
        linker: Linker::Zig,
        packing: Packing::TarXz,
        packages: Some(("amd64", "x86_64")),
    },
    DistTarget {
        triple: "aarch64-unknown-linux-musl",
        linker: Linker::Zig,
        packing: Packing::TarXz,
        packages: Some(("arm64", "aarch64")),
    },
    DistTarget {
        triple: "aarch64-unknown-linux-gnu",
        linker: AARCH64_GCC,
        packing: Packing::TarXz,
        packages: None,
    },
    DistTarget { triple: "x86_64-pc-windows-gnu", linker: MINGW, packing: Packing::Zip, packages: None },
    DistTarget {
        triple: "x86_64-pc-windows-msvc",
        linker: Linker::Own("windows"),
        packing: Packing::Zip,
        packages: None,
    },
    DistTarget {
        triple: "aarch64-apple-darwin",
        linker: Linker::Own("macos"),
        packing: Packing::TarXz,
        packages: None,
    },
    DistTarget {
        triple: "x86_64-apple-darwin",
        linker: Linker::Own("macos"),
        packing: Packing::TarXz,
        packages: None,
    },
];

/// What the tests build, of which `ci` makes an archive and packages.
pub const OF_TESTS: DistTarget = DistTarget {
    triple: "x86_64-unknown-linux-gnu",
    linker: Linker::Own("linux"),
    packing: Packing::TarXz,
    packages: Some(("amd64", "x86_64")),
};

impl DistTarget {
    /// The name of the program for it.
    pub fn program(&self) -> &'static str {
        if self.triple.contains("windows") { "nostrp2p.exe" } else { "nostrp2p" }
    }

    /// Whether this machine can run its program without help.
    pub fn runs_here(&self) -> bool {
        let system = if OS == "macos" { "apple" } else { OS };
        self.triple.starts_with(ARCH) && self.triple.contains(system)
    }

    /// Why this machine cannot build for it.
    fn obstacle(&self) -> Option<String> {
        match self.linker {
            Linker::Own(system) if system == OS => None,
            Linker::Own("macos") => Some("its frameworks are only on a Mac; run this there".to_owned()),
            Linker::Own(system) => Some(format!("it is built on {system} alone; run this there")),
            Linker::Zig | Linker::Cross { .. } if OS == "linux" => None,
            Linker::Zig | Linker::Cross { .. } => Some("it is built on Linux; run this there".to_owned()),
        }
    }
}

/// Targets that are built at once.
pub fn groups<'a>(targets: &[&'a DistTarget]) -> Vec<Vec<&'a DistTarget>> {
    let mut groups: Vec<Vec<&DistTarget>> = Vec::new();
    for target in targets {
        let subcommand = target.linker.subcommand();
        match groups.iter_mut().find(|group| group[0].linker.subcommand() == subcommand) {
            Some(group) => group.push(target),
            None => groups.push(vec![target]),
        }
    }
    groups
}

/// The targets to build.
pub fn chosen(options: &DistOptions) -> Result<Vec<&'static DistTarget>> {
    if options.all {
        return Ok(TARGETS.iter().filter(|target| target.obstacle().is_none()).collect());
    }
    if options.target.is_empty() {
        let own = TARGETS.iter().find(|target| target.runs_here() && target.obstacle().is_none());
        return own.map(|target| vec![target]).ok_or_else(|| {
            anyhow::anyhow!("there is no archive for this machine ({ARCH}, {OS}); choose one with --target")
        });
    }
    let mut targets = Vec::new();
    for given in &options.target {
        let Some(target) = TARGETS.iter().find(|target| target.triple == given) else {
            let known: Vec<&str> = TARGETS.iter().map(|target| target.triple).collect();
            bail!("there is no archive for {given}; there are those for {}", known.join(", "));
        };
        if let Some(obstacle) = target.obstacle() {
            bail!("{given} cannot be built here: {obstacle}");
        }
        targets.push(target);
    }
    Ok(targets)
}

/// The targets that `--all` leaves out here, and why.
pub fn impossible() -> Vec<(&'static DistTarget, String)> {
    TARGETS.iter().filter_map(|target| Some((target, target.obstacle()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn triples(target: &[&str], all: bool) -> Result<Vec<&'static str>, String> {
        let target = target.iter().map(|triple| (*triple).to_owned()).collect();
        let options = DistOptions { target, all, ..DistOptions::default() };
        let chosen = chosen(&options).map_err(|error| error.to_string())?;
        Ok(chosen.into_iter().map(|target| target.triple).collect())
    }

    #[test]
    fn each_target_is_built_or_named_as_impossible() {
        let built = triples(&[], true).unwrap();
        assert_eq!(built.len() + impossible().len(), TARGETS.len());
        assert!(impossible().iter().all(|(_, reason)| reason.contains("run this there")));
    }

    #[test]
    fn targets_of_one_subcommand_are_built_at_once() {
        let groups = groups(&TARGETS[..4].iter().collect::<Vec<_>>());
        let sizes: Vec<(&str, usize)> =
            groups.iter().map(|group| (group[0].linker.subcommand(), group.len())).collect();
        assert_eq!(sizes, [("zigbuild", 2), ("build", 2)]);
    }

    #[test]
    fn without_a_choice_the_program_is_for_this_machine() {
        if let Ok(own) = triples(&[], false) {
            let [own] = own[..] else { unreachable!("{own:?}") };
            assert!(own.starts_with(ARCH), "{own}");
        }
    }

    #[test]
    fn an_unknown_target_is_refused_with_those_there_are() {
        let refused = triples(&["sparc-sun-solaris"], false).unwrap_err();
        assert!(refused.contains("sparc-sun-solaris") && refused.contains("aarch64-unknown-linux-musl"));
    }
}
