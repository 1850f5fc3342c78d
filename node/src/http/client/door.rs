//! The address by which a client has come: its login must name that address, and it must be one of the node's own.
//!
//! An attacker who forwards everything between a client and its node is dialled by another address than the node's,
//! and a login names the address that the client dialled.

use nostrp2p_protocol::Authority;

use super::super::{App, named::Named};

/// The address by which a client has come.
pub(super) enum Door {
    /// Its request named this `Host`.
    Host(Named),
    /// Inside of a channel, whose key stands in a login where otherwise the address does; by which name, if the client
    /// has come to this node itself and not through a helper.
    Channel(String, Option<Named>),
}

impl Door {
    /// Whether the address by which the client has come is one of the node's own.
    pub(super) fn is_own_name(&self, app: &App) -> bool {
        match self {
            Self::Host(named) => app.names.is_own(&named.authority, named.ends.as_ref()),
            Self::Channel(..) => true,
        }
    }

    /// What a login must name.
    ///
    /// # Errors
    /// One sentence that says why no login is taken here.
    pub(super) fn authority(&self, app: &App) -> Result<String, String> {
        match self {
            Self::Host(named) if self.is_own_name(app) => Ok(named.authority.to_string()),
            Self::Host(named) => {
                let authority = &named.authority;
                Err(format!(
                    "{authority} is not an address of this node, so no login is taken there; reload the page"
                ))
            }
            Self::Channel(key, _) => Ok(key.clone()),
        }
    }

    /// Whether a name is one of the node's own for the connection by which the client has come.
    pub(super) fn knows(&self, app: &App, name: &Authority) -> bool {
        let (Self::Host(named) | Self::Channel(_, Some(named))) = self else {
            return app.names.is_own(name, None);
        };
        app.names.is_own(name, named.ends.as_ref())
    }
}
