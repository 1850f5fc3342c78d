//! The page as a value: a small tree of elements and texts.
//!
//! The view makes it, [`diff`] compares it with the one before, and `dom` changes the page accordingly. It cannot
//! hold markup: a text is a text, an attribute is an attribute, and names are literals.

pub mod diff;

use std::{borrow::Cow, ops::Deref, rc::Rc};

/// A text of the tree: a literal, or made for the moment.
pub type Text = Cow<'static, str>;

/// One node of the tree.
#[derive(Debug, Clone)]
pub enum VNode<M> {
    /// An element.
    Element(Element<M>),
    /// A text node.
    Text(Text),
    /// An element that was drawn before: while it is the very same one, nothing in it is compared.
    Shared(Rc<Element<M>>),
}

/// An element with its attributes, what it reacts to, and its children.
///
/// Boxed, because it is handed from one builder to the next: a pointer is moved in one instruction, while copies of
/// the parts were a fifth of the client's drawing code.
#[derive(Debug, Clone)]
pub struct Element<M>(Box<Parts<M>>);

/// The parts of an element.
#[derive(Debug, Clone)]
pub struct Parts<M> {
    /// Name of the element, lower case.
    pub tag: &'static str,
    /// Whether it belongs to SVG.
    pub svg: bool,
    /// Tells siblings apart, so that a moved one is moved and not rewritten.
    pub key: Option<Text>,
    /// Attributes; `value` and `checked` are set as properties.
    pub attributes: Vec<(&'static str, Text)>,
    /// Its reactions; at most one of each kind.
    pub reactions: Vec<On<M>>,
    /// Children in order.
    pub children: Vec<VNode<M>>,
    /// Whether it is a picture: all with the same key are the same with everything in them, and nothing in them reacts.
    /// So it is put together once and copied from then on.
    pub picture: bool,
}

/// A reaction to what the person does.
#[derive(Debug, Clone)]
pub enum On<M> {
    /// A press by pointer or keyboard.
    Click(M),
    /// A press on something that holds other things to press: theirs do not count, nor does the end of a selection.
    Tap(M),
    /// A form that is sent; the browser's own sending is prevented.
    Submit(M),
    /// A field whose text changed.
    Input(fn(String) -> M),
    /// A field whose text changed, with the place of the caret in UTF-16 units, and whether the browser undid or redid
    /// something by it.
    Edit(fn(String, usize, bool) -> M),
    /// A key that goes down; what the function takes, the browser does not see.
    Key(fn(&KeyPress) -> Option<M>),
}

/// A key that went down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPress {
    /// The browser's name of the key, for instance `Enter`.
    pub key: String,
    /// Whether Ctrl or Cmd is held.
    pub command: bool,
    /// Whether Alt is held.
    pub alt: bool,
    /// Whether an input method is composing: its Enter ends a word and nothing else.
    pub composing: bool,
    /// Whether the person is typing into a field.
    pub typing: bool,
}

impl KeyPress {
    /// The name of a key as shortcuts know it. On a layout of other letters than Latin ones it is told by its place
    /// (`code`, as on a keyboard for English): the person who sees `?` on it means the same key.
    pub fn name(key: &str, code: &str, shift: bool) -> String {
        let mut characters = key.chars();
        let foreign = characters.next().is_some_and(|c| !c.is_ascii()) && characters.next().is_none();
        match code.strip_prefix("Key") {
            Some(letter) if foreign => letter.to_ascii_lowercase(),
            None if foreign && code == "Slash" => if shift { "?" } else { "/" }.to_owned(),
            _ => key.to_owned(),
        }
    }
}

/// The sorts of reaction, to tell listeners apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// See [`On::Click`].
    Click,
    /// See [`On::Tap`].
    Tap,
    /// See [`On::Submit`].
    Submit,
    /// See [`On::Input`].
    Input,
    /// See [`On::Key`].
    Key,
}

impl Trigger {
    /// The browser's name of the event.
    pub const fn event_name(self) -> &'static str {
        match self {
            Self::Click | Self::Tap => "click",
            Self::Submit => "submit",
            Self::Input => "input",
            Self::Key => "keydown",
        }
    }
}

impl<M> On<M> {
    /// Which sort of reaction it is.
    pub const fn trigger(&self) -> Trigger {
        match self {
            Self::Click(_) => Trigger::Click,
            Self::Tap(_) => Trigger::Tap,
            Self::Submit(_) => Trigger::Submit,
            Self::Input(_) | Self::Edit(_) => Trigger::Input,
            Self::Key(_) => Trigger::Key,
        }
    }
}

/// Makes an HTML element.
pub fn element<M>(tag: &'static str) -> Element<M> {
    Element::new(tag, false)
}

/// Makes an SVG element.
pub fn svg<M>(tag: &'static str) -> Element<M> {
    Element::new(tag, true)
}

impl<M> Element<M> {
    #[inline(never)]
    fn new(tag: &'static str, svg: bool) -> Self {
        Self(Box::new(Parts {
            tag,
            svg,
            key: None,
            attributes: Vec::new(),
            reactions: Vec::new(),
            children: Vec::new(),
            picture: false,
        }))
    }

    /// Takes it apart.
    pub fn into_parts(self) -> Parts<M> {
        *self.0
    }

    /// Sets the key.
    #[must_use]
    pub fn key(mut self, key: impl Into<Text>) -> Self {
        self.0.key = Some(key.into());
        self
    }

    /// Says that it is a picture, and which.
    #[must_use]
    pub fn picture(mut self, which: impl Into<Text>) -> Self {
        self.0.picture = true;
        self.key(which)
    }

    /// Adds an attribute.
    #[must_use]
    pub fn with(self, name: &'static str, value: impl Into<Text>) -> Self {
        self.with_text(name, value.into())
    }

    /// Adds an attribute that has no value when the condition holds.
    #[must_use]
    pub fn with_if(self, condition: bool, name: &'static str) -> Self {
        if condition { self.with(name, "") } else { self }
    }

    /// Sets the classes.
    #[must_use]
    pub fn class(self, names: impl Into<Text>) -> Self {
        self.with("class", names)
    }

    /// Sets the hook by which tests find the element.
    #[must_use]
    pub fn test_id(self, name: &'static str) -> Self {
        self.with("data-testid", name)
    }

    /// Adds a reaction.
    #[must_use]
    #[inline(never)]
    pub fn on(mut self, reaction: On<M>) -> Self {
        self.0.reactions.push(reaction);
        self
    }

    /// Adds a child.
    #[must_use]
    pub fn child(self, child: impl Into<VNode<M>>) -> Self {
        self.with_child(child.into())
    }

    /// Adds a child if there is one.
    #[must_use]
    pub fn child_if(self, child: Option<impl Into<VNode<M>>>) -> Self {
        match child {
            Some(child) => self.child(child),
            None => self,
        }
    }

    /// Adds children.
    #[must_use]
    pub fn children<N: Into<VNode<M>>>(self, children: impl IntoIterator<Item = N>) -> Self {
        let mut children = children.into_iter();
        self.with_children(&mut || children.next().map(Into::into))
    }

    /// Adds a text.
    #[must_use]
    pub fn text(self, text: impl Into<Text>) -> Self {
        self.with_child(VNode::Text(text.into()))
    }

    // Once each, and not once for each sort of text and child and again wherever it is called.

    #[inline(never)]
    fn with_text(mut self, name: &'static str, value: Text) -> Self {
        self.0.attributes.push((name, value));
        self
    }

    #[inline(never)]
    fn with_children(mut self, next: &mut dyn FnMut() -> Option<VNode<M>>) -> Self {
        while let Some(child) = next() {
            self.0.children.push(child);
        }
        self
    }

    #[inline(never)]
    fn with_child(mut self, child: VNode<M>) -> Self {
        self.0.children.push(child);
        self
    }
}

impl<M> Deref for Element<M> {
    type Target = Parts<M>;

    fn deref(&self) -> &Parts<M> {
        &self.0
    }
}

impl<M> From<Element<M>> for VNode<M> {
    fn from(element: Element<M>) -> Self {
        Self::Element(element)
    }
}

#[cfg(test)]
mod tests {
    use super::KeyPress;

    #[test]
    fn keys_are_told_by_their_place_where_the_layout_has_other_letters() {
        let check = |key: &str, code: &str, shift: bool, expected: &str| {
            assert_eq!(KeyPress::name(key, code, shift), expected, "{key} {code}");
        };
        check("j", "KeyJ", false, "j");
        // A layout of Latin letters says itself what they are: Dvorak, and AZERTY.
        check("n", "KeyL", false, "n");
        check("о", "KeyJ", false, "j");
        check("т", "KeyN", false, "n");
        check("ى", "KeyN", false, "n");
        check("。", "Slash", false, "/");
        check("؟", "Slash", true, "?");
        check(".", "Slash", false, ".");
        check("Escape", "Escape", false, "Escape");
        check("é", "Digit2", false, "é");
    }
}
