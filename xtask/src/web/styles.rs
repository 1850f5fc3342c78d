//! Joins the style sheets that a page links into one: they are written apart to be read, and joined to be fetched.
//! Compression finds more in one file than in six. Comments are removed.

use super::Tree;
use anyhow::{Context, Result, bail};

/// The name of the joined sheet.
const JOINED: &str = "style.css";
const LINK: &str = "<link rel=\"stylesheet\" href=\"./";

/// Puts the sheets that `index.html` links, in their order, into one.
pub fn join(tree: &mut Tree) -> Result<()> {
    let page = tree.get("index.html").context("there is no index.html")?;
    let page = String::from_utf8(page.clone()).context("www/index.html is not UTF-8")?;
    let (mut sheet, mut kept, mut joined) = (String::new(), Vec::new(), false);
    for line in page.lines() {
        let Some((before, rest)) = line.split_once(LINK) else {
            kept.push(line.to_owned());
            continue;
        };
        let (name, after) = rest.split_once('"').context("a link to a style sheet has no end")?;
        let bytes = tree.remove(name).with_context(|| format!("www/{name} is linked and not there"))?;
        sheet.push_str(&shortened(std::str::from_utf8(&bytes).context("a style sheet is not UTF-8")?));
        if !std::mem::replace(&mut joined, true) {
            kept.push(format!("{before}{LINK}{JOINED}\"{after}"));
        }
    }
    if !joined {
        return Ok(());
    }
    if tree.insert(JOINED.to_owned(), sheet.into_bytes()).is_some() {
        bail!("www/{JOINED} has the name of the joined style sheet; rename it");
    }
    tree.insert("index.html".to_owned(), (kept.join("\n") + "\n").into_bytes());
    Ok(())
}

/// The same rules without comments and without the white space that means nothing. Quoted texts stay as they are.
fn shortened(css: &str) -> String {
    let mut short = String::with_capacity(css.len());
    let mut rest = css;
    while let Some(char) = rest.chars().next() {
        let taken = match char {
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '"' | '\'' => {
                let end = rest.get(1..).and_then(|inner| inner.find(char));
                let quoted = rest.get(..end.map_or(rest.len(), |end| end + 2)).unwrap_or(rest);
                short.push_str(quoted);
                quoted.len()
            }
            _ if char.is_whitespace() => {
                // After a colon it means nothing in a declaration, and a selector has none there.
                if !short.ends_with(['{', '}', ';', ',', ':', ' ']) && !short.is_empty() {
                    short.push(' ');
                }
                char.len_utf8()
            }
            '{' | '}' | ';' | ',' => {
                if short.ends_with(' ') {
                    short.pop();
                }
                if char == '}' && short.ends_with(';') {
                    short.pop();
                }
                short.push(char);
                1
            }
            _ => {
                short.push(char);
                char.len_utf8()
            }
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_stays_and_the_rest_goes() {
        for (long, short) in [
            ("a b > c {\n  color: red;\n}\n", "a b > c{color:red}"),
            ("/* a { } */ a::before { content: \"; /* x */  y\"; }", "a::before{content:\"; /* x */  y\"}"),
            (
                "a :hover, b:not( :focus ) { x: calc(1px + 2px) }",
                "a :hover,b:not( :focus ){x:calc(1px + 2px)}",
            ),
            ("@media (min-width: 7px) and (x) { a { b: c } }", "@media (min-width:7px) and (x){a{b:c}}"),
            ("a { --b: 'it' ; c: d, e }", "a{--b:'it';c:d,e}"),
            ("a { b: c } /* never ends", "a{b:c}"),
        ] {
            assert_eq!(shortened(long), short);
            assert_eq!(shortened(short), short, "shortening again changes nothing");
        }
    }

    #[test]
    fn the_page_links_one_sheet_that_holds_all_in_order() {
        let page = "<head>\n  <link rel=\"stylesheet\" href=\"./b.css\">\n  <link rel=\"stylesheet\" href=\"./a.css\">\n</head>\n";
        let mut tree: Tree =
            [("index.html", page), ("a.css", "a { x: y }"), ("b.css", "b { x: y }"), ("c.css", "")]
                .map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()))
                .into();
        join(&mut tree).unwrap();
        let names: Vec<&str> = tree.keys().map(String::as_str).collect();
        assert_eq!(names, ["c.css", "index.html", "style.css"]);
        assert_eq!(tree["style.css"], b"b{x:y}a{x:y}");
        assert_eq!(
            tree["index.html"],
            b"<head>\n  <link rel=\"stylesheet\" href=\"./style.css\">\n</head>\n"
        );
    }

    #[test]
    fn a_link_to_a_sheet_that_is_not_there_is_refused_by_name() {
        let page = b"<link rel=\"stylesheet\" href=\"./gone.css\">".to_vec();
        let error = join(&mut Tree::from([("index.html".to_owned(), page)])).unwrap_err();
        assert!(error.to_string().contains("gone.css"), "{error}");
    }
}
