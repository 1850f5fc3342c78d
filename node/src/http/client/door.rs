//! By what address a client has come: its login must name that address, and it must be one of the node's own.
//!
//! Somebody who passes on everything between a client and its node is dialled by another address than the node, and a
//! login names the address that the client dialled.

use super::super::{App, guard};

/// By what address a client has come.
pub(super) enum Door {
    /// Its request named this `Host`, in lower case.
    Host(String),
    /// Inside of a channel, whose key stands in a login where otherwise the address does.
    Channel(String),
}

impl Door {
    /// Whether the address by which the client has come is one of the node's own.
    pub(super) fn is_own_name(&self, app: &App) -> bool {
        match self {
            Self::Host(host) => guard::is_own(app, host),
            Self::Channel(_) => true,
        }
    }

    /// Whether a login may name this authority.
    ///
    /// # Errors
    /// One sentence that says what is wrong.
    pub(super) fn takes(&self, app: &App, named: &str) -> Result<(), String> {
        let own = match self {
            Self::Host(host) => named.eq_ignore_ascii_case(host) && guard::is_own(app, named),
            Self::Channel(key) => named == key,
        };
        if own {
            return Ok(());
        }
        let named: String = named.chars().take(100).collect();
        Err(format!("the login was signed for {named:?}, which is not an address of this node"))
    }
}
