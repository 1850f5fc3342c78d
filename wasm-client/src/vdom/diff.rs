//! Computes changes of attributes and of the order of children. Pure, so it is tested without a browser.

use super::{Text, VNode};

/// A change of one attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeChange {
    /// Give it this value.
    Set(&'static str, Text),
    /// Take it away.
    Remove(&'static str),
}

/// Compares the attributes of an element with those it had.
pub fn attributes(old: &[(&'static str, Text)], new: &[(&'static str, Text)]) -> Vec<AttributeChange> {
    let value_in = |list: &[(&'static str, Text)], name: &str| {
        list.iter().find(|(other, _)| *other == name).map(|(_, value)| value.clone())
    };
    let gone = old.iter().filter(|(name, _)| value_in(new, name).is_none());
    let set = new.iter().filter(|(name, value)| value_in(old, name).as_ref() != Some(value));
    gone.map(|(name, _)| AttributeChange::Remove(name))
        .chain(set.map(|(name, value)| AttributeChange::Set(name, value.clone())))
        .collect()
}

/// What makes two nodes "the same one, changed": sort, name and key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ElementIdentity {
    /// Any text.
    Text,
    /// An element of this name with this key.
    Element(&'static str, Option<Text>),
}

impl ElementIdentity {
    /// The identity of a node.
    pub fn of<M>(node: &VNode<M>) -> Self {
        match node {
            VNode::Text(_) => Self::Text,
            VNode::Element(element) => Self::Element(element.tag, element.key.clone()),
            VNode::Shared(element) => Self::Element(element.tag, element.key.clone()),
        }
    }
}

/// How to come from the old children to the new ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// For each new child the index of the old one that becomes it, if any.
    pub reused: Vec<Option<usize>>,
    /// For each new child whether it stays where it is in the page. All others are put in place.
    pub stays: Vec<bool>,
    /// Old children that are taken away.
    pub removed: Vec<usize>,
}

/// Plans the way from the old children to the new ones with the fewest moves.
///
/// Children without a key are matched in order among those of the same name. What stays in place keeps
/// focus, text selection and scroll position, because the page is not touched there. Costs n log n
/// comparisons.
pub fn children(old: &[ElementIdentity], new: &[ElementIdentity]) -> Plan {
    // By insertion: a sorting of the library would cost the first load a kilobyte or two.
    let mut sorted: Vec<(&ElementIdentity, usize)> = Vec::with_capacity(old.len());
    for row in old.iter().zip(0..) {
        let at = sorted.partition_point(|other| *other < row);
        sorted.insert(at, row);
    }
    // How many of each identity are taken, at the place in `sorted` where it begins.
    let mut taken = vec![0; sorted.len()];
    let mut free = vec![true; old.len()];
    let mut take = |identity: &ElementIdentity| {
        let begin = sorted.partition_point(|(other, _)| *other < identity);
        let taken = taken.get_mut(begin)?;
        let (_, index) = sorted.get(begin + *taken).filter(|(other, _)| *other == identity)?;
        *taken += 1;
        *free.get_mut(*index)? = false;
        Some(*index)
    };
    let reused: Vec<Option<usize>> = new.iter().map(&mut take).collect();
    let removed = free.iter().zip(0..).filter(|(free, _)| **free).map(|(_, index)| index).collect();
    let stays = longest_rising(&reused);
    Plan { reused, stays, removed }
}

/// Marks the members of a longest rising subsequence: those children need not move.
fn longest_rising(values: &[Option<usize>]) -> Vec<bool> {
    // `tails[n]` is the position of the smallest value that ends a rising run of length n + 1.
    let mut tails: Vec<(usize, usize)> = Vec::new();
    let mut before: Vec<Option<usize>> = vec![None; values.len()];
    for (position, value) in values.iter().enumerate() {
        let Some(value) = *value else { continue };
        let run = tails.partition_point(|(tail, _)| *tail < value);
        let previous = run.checked_sub(1).and_then(|run| tails.get(run)).map(|(_, position)| *position);
        if let Some(slot) = before.get_mut(position) {
            *slot = previous;
        }
        match tails.get_mut(run) {
            Some(tail) => *tail = (value, position),
            None => tails.push((value, position)),
        }
    }
    let mut stays = vec![false; values.len()];
    let mut position = tails.last().map(|(_, position)| *position);
    while let Some(at) = position {
        if let Some(slot) = stays.get_mut(at) {
            *slot = true;
        }
        position = before.get(at).copied().flatten();
    }
    stays
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyed(keys: &str) -> Vec<ElementIdentity> {
        keys.chars().map(|key| ElementIdentity::Element("li", Some(key.to_string().into()))).collect()
    }

    /// Applies a plan the way `dom` does, and counts what had to be put in place.
    fn apply(old: &str, new: &str) -> (String, usize) {
        let (old_list, new_list) = (keyed(old), keyed(new));
        let plan = children(&old_list, &new_list);
        let mut page: Vec<Option<usize>> = (0..old_list.len()).map(Some).collect();
        page.retain(|index| !index.is_some_and(|index| plan.removed.contains(&index)));
        let mut puts = 0;
        let mut result: Vec<(usize, Option<usize>)> = Vec::new();
        let mut anchor = page.len();
        for (index, stays) in plan.stays.iter().enumerate().rev() {
            let reused = plan.reused[index];
            if *stays {
                anchor = page.iter().position(|entry| *entry == reused).unwrap();
            } else {
                puts += 1;
                if let Some(at) = reused.and_then(|old| page.iter().position(|entry| *entry == Some(old))) {
                    page.remove(at);
                    if at < anchor {
                        anchor -= 1;
                    }
                }
                page.insert(anchor, reused);
            }
            result.push((index, reused));
        }
        assert_eq!(page.len(), new_list.len());
        result.reverse();
        let text = result
            .into_iter()
            .zip(page)
            .map(|((index, reused), entry)| {
                assert_eq!(reused, entry, "{old} -> {new} at {index}");
                new.chars().nth(index).unwrap()
            })
            .collect();
        (text, puts)
    }

    #[track_caller]
    fn check(old: &str, new: &str, puts: usize) {
        assert_eq!(apply(old, new), (new.to_owned(), puts), "{old} -> {new}");
    }

    #[test]
    fn children_come_into_order_with_the_fewest_moves() {
        check("", "", 0);
        check("", "abc", 3);
        check("abc", "", 0);
        check("abc", "abc", 0);
        check("abc", "xabc", 1);
        check("abc", "abxc", 1);
        check("abc", "ac", 0);
        check("abcde", "eabcd", 1);
        check("abcde", "bcdea", 1);
        check("abc", "cba", 2);
        check("abcdef", "fxbad", 3);
    }

    #[test]
    fn every_small_rearrangement_ends_in_the_wanted_order() {
        let mut lists = vec![String::new()];
        for length in 0..4 {
            let longest: Vec<String> = lists.iter().filter(|list| list.len() == length).cloned().collect();
            for list in longest {
                lists.extend(
                    "abcde".chars().filter(|key| !list.contains(*key)).map(|key| format!("{list}{key}")),
                );
            }
        }
        for old in &lists {
            for new in &lists {
                assert_eq!(apply(old, new).0, *new, "{old} -> {new}");
            }
        }
    }

    #[test]
    fn children_without_keys_are_matched_by_name_in_order() {
        let old =
            [ElementIdentity::Text, ElementIdentity::Element("p", None), ElementIdentity::Element("b", None)];
        let new =
            [ElementIdentity::Element("p", None), ElementIdentity::Element("p", None), ElementIdentity::Text];
        let plan = children(&old, &new);
        assert_eq!(plan.reused, [Some(1), None, Some(0)]);
        assert_eq!(plan.removed, [2]);
    }

    #[test]
    fn only_changed_attributes_are_touched() {
        let old = [("class", "a".into()), ("title", "t".into()), ("id", "i".into())];
        let new = [("class", "b".into()), ("id", "i".into()), ("lang", "en".into())];
        assert_eq!(
            attributes(&old, &new),
            [
                AttributeChange::Remove("title"),
                AttributeChange::Set("class", "b".into()),
                AttributeChange::Set("lang", "en".into()),
            ]
        );
        assert_eq!(attributes(&new, &new), []);
    }
}
