//! How values are read that several settings share.

/// Reads a yes or no as people write it; nothing is no.
pub(super) fn boolish(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" | "" => Ok(false),
        _ => Err("say true or false".to_owned()),
    }
}
