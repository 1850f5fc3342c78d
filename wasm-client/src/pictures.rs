//! Recognises addresses of pictures in posts. No picture is loaded before the person wants to see it, because loading
//! it would tell a stranger who reads.

use nostrp2p_protocol::UnsignedEvent;

use crate::model::{Media, Model};

/// Most emoji of one post that are shown as pictures, and places where they stand; the rest stays text.
pub const MAX_EMOJI: usize = 30;

/// The emoji of a post's own that stand in its text (NIP-30), each as `:code:` with its address; none where no pictures are
/// wanted.
pub fn emoji<'a>(model: &Model, unsigned: &'a UnsignedEvent) -> Vec<(String, &'a str)> {
    if model.media == Media::Never {
        return Vec::new();
    }
    let tags = unsigned.tags.iter().filter_map(|tag| match tag.elements() {
        [name, code, address, ..] if name == "emoji" && !code.is_empty() && is_picture(address) => {
            Some((format!(":{code}:"), address.as_str()))
        }
        _ => None,
    });
    tags.filter(|(code, _)| unsigned.content.contains(code.as_str())).take(MAX_EMOJI).collect()
}

/// Whether an address is that of a picture that the page may load: by https, and by its ending.
pub fn is_picture(address: &str) -> bool {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let ending = name.rsplit_once('.').map(|(_, ending)| ending).unwrap_or_default();
    let pictures = ["jpg", "jpeg", "png", "gif", "webp", "avif"];
    address.starts_with("https://")
        && path.split('/').count() > 3
        && pictures.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_known_by_their_ending() {
        for yes in
            ["https://x.example/a.JPG", "https://x.example/b/c.webp?w=1", "https://x.example/a.b.png#x"]
        {
            assert!(is_picture(yes), "{yes}");
        }
        for no in
            ["https://x.png", "http://x.example/a.png", "https://x.example/png", "https://x.example/.html"]
        {
            assert!(!is_picture(no), "{no}");
        }
    }
}
