//! Finds the end of a web link as people see it, whatever text, markup or script is around it.

use super::Span;

/// Characters that end an address anywhere: no address contains them unescaped.
const NEVER_WITHIN: &str =
    "<>\"`\\|^“”„‟‘’‚‛«»‹›、。，．：；！？（）［］｛｝【】《》〈〉「」『』〔〕〖〗｡､､｢｣，؟،؛।॥…·";
/// Characters that belong to the sentence when they stand at the end of an address.
const CLOSING: &str = ".,;:!?'";
/// Markup characters around an address.
const MARKS: &str = "*_~";
/// Pairs of brackets.
const BRACKETS: [(char, char); 3] = [('(', ')'), ('[', ']'), ('{', '}')];

/// Reads a link at the beginning of a text, with what stands before it. Its scheme comes out in lower case.
pub(super) fn read(before: &str, text: &str) -> Option<(Span, usize)> {
    let scheme = ["https://", "http://"]
        .into_iter()
        .find(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))?;
    let previous = before.chars().next_back();
    let rest = text.get(scheme.len()..)?;
    let rest = rest.get(..rest.find(ends).unwrap_or(rest.len()))?;
    let rest = trimmed(before_another(within_brackets(rest, previous)), before);
    let host = rest.chars().next()?;
    let address = format!("{scheme}{rest}");
    (host.is_ascii_alphanumeric() || !host.is_ascii())
        .then(|| (Span::Link(address), scheme.len() + rest.len()))
}

/// Whether a character turns the direction of what follows.
pub(super) const fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a character ends an address or a hashtag wherever it stands.
pub(super) fn ends(c: char) -> bool {
    c.is_control() || c.is_whitespace() || turns(c) || is_unseen(c) || NEVER_WITHIN.contains(c)
}

/// Marks of direction and spaces without width, which programs put around what they paste.
const fn is_unseen(c: char) -> bool {
    matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{2060}' | '\u{feff}')
}

/// Behind an opening bracket, markup or text closes it: the address ends before.
fn within_brackets(text: &str, previous: Option<char>) -> &str {
    let Some((open, close)) = BRACKETS.into_iter().find(|(open, _)| previous == Some(*open)) else {
        return text;
    };
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        if c == open {
            depth += 1;
        } else if c == close {
            match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return text.get(..at).unwrap_or(text),
            }
        }
    }
    text
}

/// Two addresses are written in one word with a comma or semicolon between them.
fn before_another(text: &str) -> &str {
    let next = text.char_indices().find(|(at, c)| {
        let rest = text.get(at + 1..).unwrap_or_default().get(..4);
        matches!(c, ',' | ';') && rest.is_some_and(|rest| rest.eq_ignore_ascii_case("http"))
    });
    next.and_then(|(at, _)| text.get(..at)).unwrap_or(text)
}

/// Without what ends the sentence, the markup or the bracket around it.
fn trimmed<'a>(mut text: &'a str, before: &str) -> &'a str {
    let previous = before.chars().next_back();
    // Markup may have begun some words before the address.
    let opened = before.matches('*').count() % 2 == 1;
    let mut run = None;
    while let Some(last) = text.chars().next_back() {
        let open = match last {
            ')' => '(',
            ']' => '[',
            '}' => '{',
            _ => last,
        };
        let count = |wanted: char| text.matches(wanted).count();
        let closes = open != last && count(last) > count(open);
        let doubled = || text.chars().rev().nth(1) == Some(last);
        let marks = previous == Some(last) || opened && last == '*' || run == Some(last) || doubled();
        let mark = MARKS.contains(last) && marks;
        run = Some(last).filter(|_| mark);
        let goes = closes || CLOSING.contains(last) || mark;
        if !goes {
            break;
        }
        text = text.get(..text.len() - last.len_utf8()).unwrap_or_default();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::{Span, spans};

    /// Texts, and the links that people see in them, as widely used clients make them.
    const TABLE: &[(&str, &[&str])] = &[
        ("https://x.example/a", &["https://x.example/a"]),
        ("see https://x.example/a", &["https://x.example/a"]),
        ("see https://x.example/a.", &["https://x.example/a"]),
        ("https://x.example/a, and", &["https://x.example/a"]),
        ("https://x.example/a; and", &["https://x.example/a"]),
        ("https://x.example/a: yes", &["https://x.example/a"]),
        ("https://x.example/a!", &["https://x.example/a"]),
        ("https://x.example/a?", &["https://x.example/a"]),
        ("https://x.example/a?!", &["https://x.example/a"]),
        ("https://x.example/a...", &["https://x.example/a"]),
        ("https://x.example/a…", &["https://x.example/a"]),
        ("'https://x.example/a'", &["https://x.example/a"]),
        ("\"https://x.example/a\"", &["https://x.example/a"]),
        ("(https://x.example/a)", &["https://x.example/a"]),
        ("(see https://x.example/a)", &["https://x.example/a"]),
        ("(see https://x.example/a).", &["https://x.example/a"]),
        ("[https://x.example/a]", &["https://x.example/a"]),
        ("{https://x.example/a}", &["https://x.example/a"]),
        ("<https://x.example/a>", &["https://x.example/a"]),
        ("“https://x.example/a”", &["https://x.example/a"]),
        ("‘https://x.example/a’", &["https://x.example/a"]),
        ("«https://x.example/a»", &["https://x.example/a"]),
        ("„https://x.example/a“", &["https://x.example/a"]),
        ("‹https://x.example/a›", &["https://x.example/a"]),
        ("`https://x.example/a`", &["https://x.example/a"]),
        ("**https://x.example/a**", &["https://x.example/a"]),
        ("*https://x.example/a*", &["https://x.example/a"]),
        ("_https://x.example/a_", &["https://x.example/a"]),
        ("__https://x.example/a__", &["https://x.example/a"]),
        ("~~https://x.example/a~~", &["https://x.example/a"]),
        ("**see https://x.example/a**", &["https://x.example/a"]),
        ("*see https://x.example/a*.", &["https://x.example/a"]),
        ("~~see https://x.example/a~~", &["https://x.example/a"]),
        ("https://x.example/a\u{200e} b", &["https://x.example/a"]),
        ("https://x.example/a\u{200b}b", &["https://x.example/a"]),
        ("[text](https://x.example/a)", &["https://x.example/a"]),
        ("[text](https://x.example/a) end", &["https://x.example/a"]),
        ("![alt](https://x.example/a)", &["https://x.example/a"]),
        ("https://x.example/a、そして", &["https://x.example/a"]),
        ("https://x.example/a。", &["https://x.example/a"]),
        ("これはhttps://x.example/a です", &["https://x.example/a"]),
        ("https://x.example/a，然后", &["https://x.example/a"]),
        ("https://x.example/a；", &["https://x.example/a"]),
        ("https://x.example/a：", &["https://x.example/a"]),
        ("https://x.example/a！", &["https://x.example/a"]),
        ("https://x.example/a？", &["https://x.example/a"]),
        ("「https://x.example/a」", &["https://x.example/a"]),
        ("『https://x.example/a』", &["https://x.example/a"]),
        ("（https://x.example/a）", &["https://x.example/a"]),
        ("【https://x.example/a】", &["https://x.example/a"]),
        ("《https://x.example/a》", &["https://x.example/a"]),
        ("〈https://x.example/a〉", &["https://x.example/a"]),
        ("https://x.example/a؟", &["https://x.example/a"]),
        ("https://x.example/a، ثم", &["https://x.example/a"]),
        ("https://x.example/a।", &["https://x.example/a"]),
        ("https://x.example/a\nnext", &["https://x.example/a"]),
        ("\thttps://x.example/a\t", &["https://x.example/a"]),
        ("https://x.example/a\u{202e}gpj", &["https://x.example/a"]),
        ("\u{2066}https://x.example/a\u{2069}", &["https://x.example/a"]),
        ("https://x.example/a|b", &["https://x.example/a"]),
        ("| https://x.example/a |", &["https://x.example/a"]),
        ("a:https://x.example/a", &["https://x.example/a"]),
        ("link=https://x.example/a", &["https://x.example/a"]),
        ("https://x.example/a')", &["https://x.example/a"]),
        ("(\"https://x.example/a\")", &["https://x.example/a"]),
        ("- https://x.example/a\n- b", &["https://x.example/a"]),
        ("see https://en.example.org/wiki/Foo_(bar)", &["https://en.example.org/wiki/Foo_(bar)"]),
        ("(see https://en.example.org/wiki/Foo_(bar))", &["https://en.example.org/wiki/Foo_(bar)"]),
        ("[text](https://x.example/a_(b)) end", &["https://x.example/a_(b)"]),
        ("https://x.example/a_(b)_(c)", &["https://x.example/a_(b)_(c)"]),
        ("https://x.example/(a)/b", &["https://x.example/(a)/b"]),
        ("https://x.example/?q[]=1", &["https://x.example/?q[]=1"]),
        ("https://x.example/?q[]=1]", &["https://x.example/?q[]=1"]),
        ("“https://x.example/q”", &["https://x.example/q"]),
        ("https://x.example/c，然后", &["https://x.example/c"]),
        ("**https://x.example/b**", &["https://x.example/b"]),
        ("https://a.example/1,https://b.example/2", &["https://a.example/1", "https://b.example/2"]),
        ("https://a.example/1;http://b.example/2", &["https://a.example/1", "http://b.example/2"]),
        (
            "[a](https://a.example/1),[b](https://b.example/2)",
            &["https://a.example/1", "https://b.example/2"],
        ),
        ("https://a.example/1 https://b.example/2", &["https://a.example/1", "https://b.example/2"]),
        ("HTTPS://X.example/Upper", &["https://X.example/Upper"]),
        ("Http://x.example", &["http://x.example"]),
        ("https://x.example/", &["https://x.example/"]),
        ("https://x.example/a,b;c:d", &["https://x.example/a,b;c:d"]),
        ("https://x.example/a.b!c?d=e&f='g'h#i", &["https://x.example/a.b!c?d=e&f='g'h#i"]),
        ("https://x.example/*", &["https://x.example/*"]),
        ("https://x.example/a_", &["https://x.example/a_"]),
        ("https://x.example/~me", &["https://x.example/~me"]),
        ("https://web.example/2020/https://y.example/", &["https://web.example/2020/https://y.example/"]),
        ("https://x.example/日本", &["https://x.example/日本"]),
        ("https://x.example/日本。次", &["https://x.example/日本"]),
        ("https://日本.example/a", &["https://日本.example/a"]),
        ("https://user@x.example:8443/a", &["https://user@x.example:8443/a"]),
        ("これはhttps://x.example。", &["https://x.example"]),
        ("https://x.example/a\u{202e}b", &["https://x.example/a"]),
        ("https://x\"onclick=\"y", &["https://x"]),
        ("https://x.example/%E2%80%9C", &["https://x.example/%E2%80%9C"]),
        ("https://x.example/a@b", &["https://x.example/a@b"]),
        ("https://x.example/#/b", &["https://x.example/#/b"]),
        ("https://", &[]),
        ("https://.", &[]),
        ("http:///", &[]),
        ("https:// x.example", &[]),
        ("https://)", &[]),
        ("javascript:alert(1)", &[]),
        ("ftp://x.example", &[]),
        ("hxxps://x.example", &[]),
    ];

    #[test]
    fn links_end_where_people_see_their_end() {
        assert!(TABLE.len() >= 80, "{}", TABLE.len());
        for (text, expected) in TABLE {
            let spans = spans(text);
            let links: Vec<&str> = spans
                .iter()
                .filter_map(|span| if let Span::Link(link) = span { Some(link.as_str()) } else { None })
                .collect();
            assert_eq!(&links, expected, "{text}");
        }
    }

    #[test]
    fn nothing_of_the_text_around_a_link_is_lost() {
        for (text, _) in TABLE {
            let mut whole = String::new();
            for span in spans(text) {
                match span {
                    Span::Text(text) | Span::Link(text) => whole.push_str(&text),
                    Span::Hashtag(tag) => whole.push_str(&format!("#{tag}")),
                    other => panic!("{other:?}"),
                }
            }
            let seen: String = text.chars().filter(|c| !super::turns(*c)).collect();
            assert_eq!(whole.to_lowercase(), seen.to_lowercase());
        }
    }
}
