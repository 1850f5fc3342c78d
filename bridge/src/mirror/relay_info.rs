//! What a relay says of itself, as far as it matters to a mirror (NIP-11).

use serde::Deserialize;
use serde_json::Value;

/// The NIP of catching up by negentropy.
const COMPARING: u64 = 77;

/// The abilities and demands of a relay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terms {
    /// Whether it compares sets of events (NIP-77); None when it does not say, so that trying shows it.
    pub compares: Option<bool>,
    /// Bits of work that it demands of each event (NIP-13).
    pub work: u8,
    /// Longest message that it takes, in bytes. This and what follows is None when it does not say.
    pub message_bytes: Option<u32>,
    /// Subscriptions that it allows on one connection.
    pub subscriptions: Option<u32>,
    /// Filters of one subscription.
    pub filters: Option<u32>,
    /// Events that it gives in one answer.
    pub limit: Option<u32>,
}

impl Terms {
    /// Reads the document of NIP-11. What cannot be read is as if the relay did not say it.
    pub fn read(document: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Document {
            supported_nips: Option<Value>,
            limitation: Option<Value>,
        }
        let Ok(document) = serde_json::from_slice::<Document>(document) else { return Self::default() };
        let nips = document.supported_nips.as_ref().and_then(Value::as_array);
        let compares = nips.map(|nips| nips.iter().any(|nip| nip.as_u64() == Some(COMPARING)));
        let said = |name: &str| document.limitation.as_ref()?.get(name)?.as_u64();
        let most = |name: &str| said(name).map(|number| u32::try_from(number).unwrap_or(u32::MAX));
        Self {
            compares,
            work: said("min_pow_difficulty").map_or(0, |bits| u8::try_from(bits).unwrap_or(u8::MAX)),
            message_bytes: most("max_message_length"),
            subscriptions: most("max_subscriptions"),
            filters: most("max_filters"),
            limit: most("max_limit"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_as_far_as_it_goes() {
        let check = |document: &str, compares, work| {
            let Terms { compares: compared, work: demanded, .. } = Terms::read(document.as_bytes());
            assert_eq!((compared, demanded), (compares, work), "{document}");
        };
        check(r#"{"supported_nips":[1,11,77],"limitation":{"min_pow_difficulty":20}}"#, Some(true), 20);
        check(r#"{"name":"x","supported_nips":[1,"x",null],"limitation":null}"#, Some(false), 0);
        check(r#"{"limitation":{"min_pow_difficulty":1000,"max_limit":5}}"#, None, 255);
        check(r#"{"limitation":{"min_pow_difficulty":-1}}"#, None, 0);
        for nothing in ["", "[]", "<html>", "{}", r#"{"supported_nips":{},"limitation":[]}"#] {
            check(nothing, None, 0);
        }
        let own = crate::Information::new(None, crate::Policy { open: true, ..crate::Policy::default() });
        let own = serde_json::to_vec(&own).unwrap();
        let of_a_node = Terms {
            compares: Some(true),
            work: 0,
            message_bytes: Some(1_280 * 1024),
            subscriptions: Some(200),
            filters: Some(20),
            limit: Some(500),
        };
        assert_eq!(Terms::read(&own), of_a_node);
        let odd =
            br#"{"limitation":{"max_message_length":99999999999,"max_subscriptions":"20","max_limit":-1}}"#;
        assert_eq!(Terms::read(odd), Terms { message_bytes: Some(u32::MAX), ..Terms::default() });
    }
}
