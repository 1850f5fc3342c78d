//! The address of a replaceable or addressable event: `kind:pubkey:d` in `a` tags (NIP-01).

use crate::{Kind, PublicKey, UnsignedEvent};

/// Under which the versions of an event replace each other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventAddress {
    /// The author of the versions.
    pub author: PublicKey,
    /// Replaceable or addressable.
    pub kind: Kind,
    /// The value of the `d` tag; empty for replaceable events.
    pub identifier: String,
}

impl EventAddress {
    /// Reads `kind:pubkey:d`; None unless events of that kind are replaced under such an address (NIP-01).
    pub fn parse(value: &str) -> Option<Self> {
        let mut parts = value.splitn(3, ':');
        let kind = Kind(parts.next()?.parse().ok()?);
        let author = parts.next()?.parse().ok()?;
        let identifier = parts.next().unwrap_or_default().to_owned();
        let names = kind.is_addressable() || (kind.is_replaceable() && identifier.is_empty());
        names.then_some(Self { author, kind, identifier })
    }
}

/// The address of an event; None if nothing replaces it.
pub fn address_of(unsigned: &UnsignedEvent) -> Option<EventAddress> {
    let identifier = match unsigned.kind {
        kind if kind.is_addressable() => unsigned.tag_values("d").next().unwrap_or_default().to_owned(),
        kind if kind.is_replaceable() => String::new(),
        _ => return None,
    };
    Some(EventAddress { author: unsigned.pubkey, kind: unsigned.kind, identifier })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_replaced_has_an_address() {
        let key = PublicKey::from_bytes([0xa1; 32]);
        let parsed =
            |kind: &str, identifier: &str| EventAddress::parse(&format!("{kind}:{key}:{identifier}"));
        let address = |kind, identifier: &str| {
            Some(EventAddress { author: key, kind: Kind(kind), identifier: identifier.into() })
        };
        assert_eq!(parsed("30023", "a:b"), address(30_023, "a:b"));
        assert_eq!((parsed("0", ""), parsed("0", "x")), (address(0, ""), None));
        assert_eq!(EventAddress::parse(&format!("10002:{key}")), address(10_002, ""));
        for broken in ["", "1", "x:y:z", "30023", "30023:npub1", "70000:::"] {
            assert_eq!(EventAddress::parse(broken), None, "{broken}");
        }
        assert_eq!((parsed("1", ""), parsed("20001", "")), (None, None));
    }
}
