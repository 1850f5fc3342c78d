//! Finds settings whose later values are ignored because there are too many.

use nostrp2p_overlay::{MAX_BOOTSTRAP, MAX_EXTERNAL};

use super::Settings;

impl Settings {
    /// One sentence for each setting of which not all values are used.
    pub(crate) fn unused(&self) -> Vec<String> {
        let lists = [
            ("-b", self.bootstrap.len(), MAX_BOOTSTRAP),
            ("--external-addr", self.reach.external.len(), MAX_EXTERNAL),
        ];
        let too_many = lists.into_iter().filter(|(_, given, most)| given > most);
        let sentence = |(flag, given, most): (&str, usize, usize)| {
            format!(
                "{flag} names {given} addresses, and the node uses the first {most}; leave out {} of them",
                given - most
            )
        };
        too_many.map(sentence).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::settings;

    #[test]
    fn addresses_beyond_the_limit_are_named() {
        let unused = |bootstrap: usize, external: usize| {
            let list = |count: usize, host: fn(usize) -> String| {
                (0..count).map(|number| format!("'{}'", host(number))).collect::<Vec<_>>().join(", ")
            };
            let file = format!(
                "boot-peer-addr-port = [{}]\nexternal-addr = [{}]",
                list(bootstrap, |number| format!("node{number}.example:1")),
                list(external, |number| format!("192.0.2.{number}:1"))
            );
            settings(&[], &file).unwrap().unused()
        };
        assert_eq!(unused(1_000, 8), Vec::<String>::new());
        let [addresses] = &unused(1_003, 0)[..] else { panic!("one sentence") };
        assert!(
            addresses.contains("-b names 1003 addresses") && addresses.contains("leave out 3"),
            "{addresses}"
        );
        assert_eq!(unused(1_001, 9).len(), 2);
    }
}
