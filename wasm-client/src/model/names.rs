//! Names at a domain (NIP-05) that the person looked up.

use nostrp2p_protocol::PublicKey;

use crate::{nip05::DomainName, sorted_map::SortedMap};

/// Most names that are remembered; beyond it the first goes. People look up a few.
const MAX_NAMES: usize = 100;

/// A domain's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameAnswer {
    /// Nothing yet.
    Awaited,
    /// This is who has the name.
    Person(PublicKey),
    /// It does not know the name.
    Nobody,
    /// It could not be asked, or lets no page ask.
    Failed,
}

/// The answers of domains.
#[derive(Debug, Clone, Default)]
pub struct Names {
    answers: SortedMap<DomainName, NameAnswer>,
    /// The name whose page is to be opened once its domain has answered.
    pub opening: Option<DomainName>,
}

impl Names {
    /// Notes what a domain said, or that it is being asked.
    pub fn put(&mut self, name: DomainName, answer: NameAnswer) {
        if self.answers.len() >= MAX_NAMES && !self.answers.contains_key(&name) {
            self.answers.pop_first();
        }
        self.answers.insert(name, answer);
    }

    /// The domain's answer, if it was asked.
    pub fn get(&self, name: &DomainName) -> Option<NameAnswer> {
        self.answers.get(name).copied()
    }
}
