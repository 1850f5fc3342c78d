//! `nostrp2p genkey`: a new key pair, in the lines that users of the original know.

use nostrp2p_protocol::SecretKey;
use zeroize::Zeroizing;

/// Makes a key and describes it, as text or as one line of JSON.
///
/// # Errors
/// When the system has no random numbers.
pub fn genkey(json: bool) -> anyhow::Result<Zeroizing<String>> {
    let key = random_key()?;
    let public = key.public_key();
    let (nsec, npub) = (key.to_nsec(), public.to_npub());
    let secret = Zeroizing::new(hex::encode(key.to_bytes().as_slice()));
    let text = if json {
        let value = serde_json::json!({
            "nsec": nsec.as_str(),
            "secret_key": secret.as_str(),
            "npub": npub,
            "public_key": public,
        });
        format!("{value}\n")
    } else {
        format!(
            "Secret Key:\n{}\nSecret Key (In Hex Representation): \n{}\nPublic Key:\n{npub}\n\
             Public key (In Hex Representation): \n{public}\n\n\
             Please keep the secret key secret.\nThe key is used only at NostrP2P client as your identity.\n",
            nsec.as_str(),
            secret.as_str()
        )
    };
    Ok(Zeroizing::new(text))
}

fn random_key() -> anyhow::Result<SecretKey> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut_slice())
        .map_err(|error| anyhow::anyhow!("the system has no random numbers: {error}"))?;
    Ok(SecretKey::from_bytes(*bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_lines_are_one_key() {
        let text = genkey(false).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let key = SecretKey::from_nsec(lines[1]).unwrap();
        assert_eq!(lines[3], hex::encode(key.to_bytes().as_slice()));
        assert_eq!(
            (lines[5], lines[7]),
            (key.public_key().to_npub().as_str(), key.public_key().to_string().as_str())
        );
    }

    #[test]
    fn json_holds_the_same() {
        let value: serde_json::Value = serde_json::from_str(&genkey(true).unwrap()).unwrap();
        let key = SecretKey::from_nsec(value["nsec"].as_str().unwrap()).unwrap();
        assert_eq!(value["public_key"].as_str().unwrap(), key.public_key().to_string());
    }
}
