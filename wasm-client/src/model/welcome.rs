//! Setting up: node, key, name.

use crate::{address::ClaimToken, secret::Secret};

/// How far setting up has come.
#[derive(Debug, Clone, Default)]
pub struct Onboarding {
    /// Which of the three steps.
    pub step: WelcomeStep,
    /// The typed address or claim link.
    pub address: String,
    /// The right to become the node's owner.
    pub token: Option<ClaimToken>,
    /// The error, in words.
    pub error: Option<String>,
    /// Whether this device holds somebody's key and node already, to which one can go back.
    pub was_in_use: bool,
}

/// Which of the three steps.
#[derive(Debug, Clone, Default)]
pub enum WelcomeStep {
    /// 1: which node is yours.
    #[default]
    Node,
    /// 2: your key.
    Key(KeyStep),
    /// 3: your name.
    Name,
}

/// How far the key is.
#[derive(Debug, Clone, Default)]
pub enum KeyStep {
    /// Make, import, or use the one that is here.
    #[default]
    Choose,
    /// A new one is there and should be written down.
    Made {
        /// The new key.
        nsec: Secret,
        /// Whether it was copied or downloaded.
        saved: bool,
    },
    /// An existing one is typed or pasted.
    Import {
        /// The typed key.
        nsec: Secret,
        /// The passphrase, where the key is under one.
        passphrase: Secret,
        /// Whether it is being taken out from under it.
        opening: bool,
        /// Whether the person was told that it is in hex, and takes it for a secret key by going on.
        told_hex: bool,
    },
    /// The node is being shown that the key is the owner's.
    Proving,
}

impl KeyStep {
    /// The step in which an existing key is typed, with nothing in it.
    pub fn import() -> Self {
        let (nsec, passphrase) = (Secret::default(), Secret::default());
        Self::Import { nsec, passphrase, opening: false, told_hex: false }
    }
}

impl Onboarding {
    /// 1, 2 or 3.
    pub const fn number(&self) -> usize {
        match self.step {
            WelcomeStep::Node => 1,
            WelcomeStep::Key(_) => 2,
            WelcomeStep::Name => 3,
        }
    }
}
