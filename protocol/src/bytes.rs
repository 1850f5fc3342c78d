//! The three fixed-size values of NIP-01: public key, event id, signature.

use crate::Malformed;
use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Why a text is not the hex form of a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be {digits} lower-case hexadecimal digits")]
pub struct InvalidHex {
    what: &'static str,
    digits: usize,
}

macro_rules! fixed_bytes {
    ($(#[$doc:meta])* $name:ident, $len:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// Wraps the bytes, whatever they are.
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The bytes, in the order of the hex form.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = InvalidHex;

            fn try_from(bytes: &[u8]) -> Result<Self, InvalidHex> {
                bytes.try_into().map(Self).map_err(|_| InvalidHex { what: $what, digits: $len * 2 })
            }
        }

        impl FromStr for $name {
            type Err = InvalidHex;

            fn from_str(text: &str) -> Result<Self, InvalidHex> {
                let invalid = InvalidHex { what: $what, digits: $len * 2 };
                if !is_lower_hex(text, $len * 2) {
                    return Err(invalid);
                }
                let mut bytes = [0; $len];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| invalid)?;
                Ok(Self(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }

        /// As hex, for JSON; in our own messages it is binary (`msgpack`).
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    };
}

fixed_bytes! {
    /// A person's public key: the x coordinate of a secp256k1 point (BIP-340).
    ///
    /// Any 32 bytes can be held; whether they are on the curve shows when a signature is checked.
    PublicKey, 32, "a public key"
}

fixed_bytes! {
    /// The id of an event: SHA-256 of its canonical serialisation (NIP-01).
    EventId, 32, "an event id"
}

fixed_bytes! {
    /// A BIP-340 Schnorr signature over an event id.
    Signature, 64, "a signature"
}

impl PublicKey {
    /// The lower 64 bits in hex, as the original shows a node. For eyes only: never a key of a table.
    pub fn short(&self) -> String {
        hex::encode(&self.0[24..])
    }

    /// Keys one after another, as several of them travel.
    pub(crate) fn joined(people: &[Self]) -> Vec<u8> {
        people.iter().flat_map(|person| person.0).collect()
    }

    /// Reads [`PublicKey::joined`]: at most `most` keys.
    pub(crate) fn split(bytes: &[u8], most: usize) -> Result<Vec<Self>, Malformed> {
        let (people, rest) = bytes.as_chunks::<{ Self::LEN }>();
        if !rest.is_empty() || people.len() > most {
            return Err(Malformed::Encoding(format!("not at most {most} public keys")));
        }
        Ok(people.iter().map(|person| Self(*person)).collect())
    }
}

/// Whether the text is exactly `digits` of `0-9a-f`.
pub(crate) fn is_lower_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lower_case_hex_of_the_right_length_is_taken() {
        let good = "ab".repeat(32);
        assert_eq!(good.parse::<EventId>().unwrap().to_string(), good);
        for bad in ["", "ab", &"AB".repeat(32), &"ab".repeat(33), &"zz".repeat(32), &"é".repeat(32)] {
            let error = bad.parse::<EventId>().unwrap_err();
            assert_eq!(error.to_string(), "an event id must be 64 lower-case hexadecimal digits");
        }
    }
}
