//! Redacts secret keys: when somebody gives one where none belongs, no message repeats it, and so no log and no
//! screenshot of the terminal shows it.

/// The replacement of a redacted value.
const HIDDEN: &str = "(not shown)";

/// How the text forms of secret keys begin (NIP-19, NIP-49).
const SECRET_PREFIXES: [&str; 2] = ["nsec1", "ncryptsec1"];

/// The text without what may be a secret key: a word that holds one in its text form, or 64 hexadecimal digits, which
/// may be a key of either sort.
pub fn without_secrets(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|char: char| !char.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        shown.push_str(if may_be_secret(word) { HIDDEN } else { word });
        let next = after.find(|char: char| char.is_ascii_alphanumeric()).unwrap_or(after.len());
        let (between, after) = after.split_at(next);
        shown.push_str(between);
        rest = after;
    }
    shown
}

fn may_be_secret(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    SECRET_PREFIXES.iter().any(|prefix| word.contains(prefix))
        || word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_keys_are_hidden_in_every_form_and_place() {
        let hex = "67dea2ed018072d675f5415ecfaed7d2597555e202d85b3d65ea4e58d2d92ffa";
        for secret in [
            "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5",
            "NSEC1VL029MGPSPEDVA04G90VLTKH6FVH240ZQTV9K0T9AF8935KE9LAQSNLFE5",
            "nsec1short",
            "ncryptsec1qgg9947rlpvqu76pj5ecreduf9jxhselq2nae2kghhvd5g7dgjtcxfqtd67p9m0w57lspw8gsq6yphnm8623nsl8xn9j4jdzz84zm3frztj3z7s35vpzmqf6ksu8r89qk5z2zxfmu5gv8th8wclt0h4p",
            hex,
            &hex.to_uppercase(),
        ] {
            for text in [
                format!("invalid value '{secret}' for '-p'"),
                secret.to_owned(),
                format!("--public-key={secret}\n"),
                format!("nostr:{secret}?x"),
                format!("é{secret}é"),
            ] {
                let shown = without_secrets(&text);
                assert!(!shown.contains(secret) && shown.contains(HIDDEN), "{shown}");
            }
        }
    }

    #[test]
    fn everything_else_stays() {
        for text in [
            "",
            "the value of -p is npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg, é!",
            "an nsec is a secret key",
            &"ab".repeat(31),
            &"ab".repeat(33),
        ] {
            assert_eq!(without_secrets(text), text);
        }
    }
}
