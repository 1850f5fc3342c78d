//! A reader for the Markdown of articles (NIP-23), as far as most of them use it: headings, paragraphs, quotes,
//! lists, code, rules; emphasis and links. HTML is text, pictures are links, and deep nesting is flattened.
//!
//! Two flat passes without recursion, so no nesting can overflow the stack.

/// Most blocks of an article; what follows is left as one paragraph. A guess.
const MAX_BLOCKS: usize = 2_000;
/// Most stretches of a block. A guess.
const MAX_PIECES: usize = 500;
/// Longest address of a link with its title, in characters. A guess.
const MAX_ADDRESS: usize = 2_000;
/// Deepest quote that is told apart.
pub const MAX_DEPTH: usize = 3;

/// The kind of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockKind {
    /// Words.
    Paragraph,
    /// A heading of this rank, from 1 on.
    Heading(usize),
    /// An entry of a list.
    Item {
        /// Whether the list is numbered.
        ordered: bool,
    },
    /// Code, line by line.
    Code,
    /// A line between parts.
    Rule,
}

/// A block of an article.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Its kind.
    pub kind: BlockKind,
    /// The number of quotes around it, at most [`MAX_DEPTH`].
    pub depth: usize,
    /// Its text, in which [`pieces`] finds emphasis and links; of code the text itself.
    pub text: String,
}

/// A stretch of a block.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Piece {
    /// The text to read.
    pub text: String,
    /// Whether it is important.
    pub strong: bool,
    /// Whether it is stressed.
    pub emphasis: bool,
    /// Whether it is code.
    pub code: bool,
    /// The address of its link.
    pub link: Option<String>,
}

/// The blocks of an article.
pub fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    // Whether the last block goes on with the next line.
    let mut open = false;
    let mut fence: Option<&str> = None;
    for line in text.lines() {
        let (depth, line) = unquoted(line);
        let (words, same) = (line.trim(), blocks.last().is_some_and(|last| last.depth == depth));
        if let Some(mark) = fence {
            if words == mark {
                fence = None;
            } else if let Some(last) = blocks.last_mut() {
                last.text.push_str(line);
                last.text.push('\n');
            }
            continue;
        }
        let full = blocks.len() >= MAX_BLOCKS;
        if words.is_empty() {
            open &= full;
            continue;
        }
        let (kind, rest) = kind_of(words);
        if let (Some(last), true) =
            (blocks.last_mut(), full || (open && same && kind == BlockKind::Paragraph))
        {
            last.text.push(' ');
            last.text.push_str(words);
            continue;
        }
        if kind == BlockKind::Code {
            fence = words.get(..3);
        }
        open = matches!(kind, BlockKind::Paragraph | BlockKind::Item { .. });
        blocks.push(Block { kind, depth, text: rest.to_owned() });
    }
    blocks
}

/// A line without the marks of quotes, and how many there were.
fn unquoted(line: &str) -> (usize, &str) {
    let rest = line.trim_start_matches([' ', '>']);
    let marks = line.get(..line.len() - rest.len()).unwrap_or_default();
    match marks.matches('>').count() {
        0 => (0, line),
        depth => (depth.min(MAX_DEPTH), rest),
    }
}

/// The kind of block that a line begins, and its text behind the mark.
fn kind_of(words: &str) -> (BlockKind, &str) {
    let rest = words.trim_start_matches('#');
    let rank = words.len() - rest.len();
    if (1..=6).contains(&rank) && (rest.is_empty() || rest.starts_with(' ')) {
        return (BlockKind::Heading(rank), rest.trim().trim_end_matches('#').trim_end());
    }
    if words.starts_with("```") || words.starts_with("~~~") {
        return (BlockKind::Code, "");
    }
    if ["---", "***", "___"].contains(&words) {
        return (BlockKind::Rule, "");
    }
    for mark in ["- ", "* ", "+ "] {
        if let Some(rest) = words.strip_prefix(mark) {
            return (BlockKind::Item { ordered: false }, rest.trim_start());
        }
    }
    let rest = words.trim_start_matches(|c: char| c.is_ascii_digit());
    match rest.strip_prefix(". ").filter(|_| (1..=9).contains(&(words.len() - rest.len()))) {
        Some(rest) => (BlockKind::Item { ordered: true }, rest.trim_start()),
        None => (BlockKind::Paragraph, words),
    }
}

/// The stretches of a text. A mark without its counterpart changes the rest of the block.
pub fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut piece = Piece::default();
    // Up to where the text has been read, and whether a letter stands before.
    let (mut read, mut inside) = (0, false);
    for (at, c) in text.char_indices() {
        if at < read {
            continue;
        }
        let special = matches!(c, '\\' | '`' | '*' | '_' | '[' | '!') && pieces.len() < MAX_PIECES;
        let (found, length) = match text.get(at..) {
            Some(rest) if special => mark(rest, inside),
            _ => (Mark::Plain(c), c.len_utf8()),
        };
        (read, inside) = (at + length, c.is_alphanumeric());
        if let Mark::Plain(c) = found {
            piece.text.push(c);
            continue;
        }
        let Piece { strong, emphasis, .. } = piece;
        if !piece.text.is_empty() {
            pieces.push(piece);
        }
        piece = Piece { strong, emphasis, ..Piece::default() };
        match found {
            Mark::Strong => piece.strong = !strong,
            Mark::Emphasis => piece.emphasis = !emphasis,
            Mark::Whole(text, link) => {
                let link = link.map(str::to_owned);
                pieces.push(Piece { text: text.to_owned(), code: link.is_none(), link, ..piece });
                piece = Piece { strong, emphasis, ..Piece::default() };
            }
            Mark::Plain(_) => {}
        }
    }
    if !piece.text.is_empty() {
        pieces.push(piece);
    }
    pieces
}

/// The meaning of a mark.
enum Mark<'a> {
    /// None: it is this letter.
    Plain(char),
    Strong,
    Emphasis,
    /// Code, or a label and where it leads.
    Whole(&'a str, Option<&'a str>),
}

/// The mark at the beginning of the text, and its length in bytes. `inside` says whether a letter stands before it.
fn mark(text: &str, inside: bool) -> (Mark<'_>, usize) {
    let mut characters = text.chars();
    let (first, next) = (characters.next().unwrap_or_default(), characters.next().unwrap_or(' '));
    let double = matches!(first, '*' | '_') && next == first;
    match first {
        '\\' if next.is_ascii_punctuation() => return (Mark::Plain(next), 2),
        '`' => {
            if let Some((code, _)) = text.get(1..).and_then(|rest| rest.split_once('`'))
                && !code.is_empty()
            {
                return (Mark::Whole(code, None), code.len() + 2);
            }
        }
        // In the middle of a word it is a part of it, as in `snake_case`; between blanks it is itself.
        '_' if inside && next.is_alphanumeric() => {}
        _ if double => return (Mark::Strong, 2),
        '*' | '_' if inside || !next.is_whitespace() => return (Mark::Emphasis, 1),
        '!' if next != '[' => {}
        '[' | '!' => {
            let skipped = usize::from(first == '!') + 1;
            if let Some((mark, length)) = text.get(skipped..).and_then(link) {
                return (mark, skipped + length);
            }
        }
        _ => {}
    }
    (Mark::Plain(first), 1)
}

/// A link behind its opening bracket. Brackets in its label make it none, so that each is looked at once.
fn link(text: &str) -> Option<(Mark<'_>, usize)> {
    let (label, rest) = text.split_at_checked(text.find(['[', ']'])?)?;
    let rest = rest.strip_prefix("](")?;
    let (end, _) = rest.char_indices().take(MAX_ADDRESS).find(|(_, c)| *c == ')')?;
    let address = rest.get(..end)?.split_whitespace().next()?;
    let length = label.len() + 2 + end + 1;
    Some((Mark::Whole(if label.trim().is_empty() { address } else { label }, Some(address)), length))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each block as its kind, its depth and its text.
    #[track_caller]
    fn check(text: &str, expected: &[(BlockKind, usize, &str)]) {
        let blocks = blocks(text);
        let read: Vec<_> =
            blocks.iter().map(|block| (block.kind, block.depth, block.text.as_str())).collect();
        assert_eq!(read, expected);
    }

    /// The stretches as `text`, with `**`, `_`, `` ` `` around them and `<where it leads>` behind them.
    #[track_caller]
    fn check_pieces(text: &str, expected: &[&str]) {
        let shown = |piece: &Piece| {
            let around = [(piece.strong, "**"), (piece.emphasis, "_"), (piece.code, "`")];
            let marks: String = around.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark).collect();
            let link = piece.link.as_ref().map(|link| format!("<{link}>")).unwrap_or_default();
            format!("{marks}{}{link}", piece.text)
        };
        assert_eq!(pieces(text).iter().map(shown).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn blocks_are_told_by_how_they_begin() {
        use BlockKind::{Code, Heading, Item, Paragraph, Rule};
        let item = |ordered| Item { ordered };
        check(
            "# On Rust #\n\nOne line\nand the next.\n\n- a\n  still a\n* b\n1. one\n\n---\n```rust\nlet x = 1;\n\n# no\n```\nend",
            &[
                (Heading(1), 0, "On Rust"),
                (Paragraph, 0, "One line and the next."),
                (item(false), 0, "a still a"),
                (item(false), 0, "b"),
                (item(true), 0, "one"),
                (Rule, 0, ""),
                (Code, 0, "let x = 1;\n\n# no\n"),
                (Paragraph, 0, "end"),
            ],
        );
        check("> said\n> so\nnot so", &[(Paragraph, 1, "said so"), (Paragraph, 0, "not so")]);
        check("####### no\n#no\n10.5 no", &[(Paragraph, 0, "####### no #no 10.5 no")]);
        check("```\nnever closed", &[(Code, 0, "never closed\n")]);
    }

    #[test]
    fn emphasis_code_and_links_are_found() {
        check_pieces("a **b _c_** d", &["a ", "**b ", "**_c", " d"]);
        check_pieces("`a*b*` and \\*c\\*", &["`a*b*", " and *c*"]);
        check_pieces("snake_case 2 * 3 * 4 `", &["snake_case 2 * 3 * 4 `"]);
        check_pieces(
            "see [this](https://a.example/x \"title\").",
            &["see ", "this<https://a.example/x>", "."],
        );
        check_pieces("![A lake](https://a.example/l.jpg)", &["A lake<https://a.example/l.jpg>"]);
        check_pieces("![](https://a.example/l.jpg)", &["https://a.example/l.jpg<https://a.example/l.jpg>"]);
        check_pieces("[no link] and [none](", &["[no link] and [none]("]);
        check_pieces("<b>text</b>", &["<b>text</b>"]);
    }

    #[test]
    fn ten_thousand_deep_is_read_as_three_and_breaks_nothing() {
        let quotes = format!("{}deep", "> ".repeat(10_000));
        check(&quotes, &[(BlockKind::Paragraph, MAX_DEPTH, "deep")]);
        for mark in ["[", "*", "**", "_", "`", "![", "](", "\\", "[a](", "> "] {
            let text = mark.repeat(10_000);
            assert!(pieces(&text).len() <= MAX_PIECES + 2, "{mark}");
            blocks(&text);
        }
        assert_eq!(blocks(&"- x\n".repeat(10_000)).len(), MAX_BLOCKS);
    }
}
