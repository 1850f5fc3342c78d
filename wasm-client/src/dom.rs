//! Puts a tree of [`crate::vdom`] on the page and keeps it up to date.
//!
//! Only what differs is touched, so focus, selection and scrolling survive. A listener reads the reaction of the
//! latest tree from a slot, so it is registered once; it is removed when its element goes.

use std::{cell::RefCell, rc::Rc};

use gloo_events::{EventListener, EventListenerOptions};
use gloo_timers::callback::Timeout;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    Document, Event, HtmlElement, HtmlInputElement, HtmlTextAreaElement, KeyboardEvent, MouseEvent,
};

use crate::{
    sorted_map::SortedMap,
    vdom::{
        Element, KeyPress, On, Text, Trigger, VNode,
        diff::{self, AttributeChange, ElementIdentity},
    },
};

const SVG: &str = "http://www.w3.org/2000/svg";
/// How many pictures are kept to be copied: all icons, and the patterns of more people than one page shows. A guess.
const MAX_PICTURES: usize = 200;

/// How long a second click may take, in milliseconds: what most systems have.
const DOUBLE_CLICK_MS: u32 = 300;
/// The `keyCode` of a key that an input method took (UI Events, 8.3.3).
const INPUT_METHOD: u32 = 229;

/// Takes what the person did to where messages are handled.
pub type Dispatch<M> = Rc<dyn Fn(M)>;

/// A part of the page that shows a tree.
pub struct Page<M> {
    document: Document,
    place: web_sys::Element,
    shown: Vec<Mounted<M>>,
    dispatch: Dispatch<M>,
    /// Pictures that were put together, to be copied.
    pictures: RefCell<SortedMap<Text, web_sys::Element>>,
}

/// A node of the tree together with the node of the page that shows it.
struct Mounted<M> {
    node: web_sys::Node,
    content: Content<M>,
}

enum Content<M> {
    Text(Text),
    Element(Box<MountedElement<M>>),
}

struct MountedElement<M> {
    element: web_sys::Element,
    identity: ElementIdentity,
    attributes: Vec<(&'static str, Text)>,
    listeners: Vec<Listener<M>>,
    children: Vec<Mounted<M>>,
    /// The tree that is shown, if it is a shared one.
    shared: Option<Rc<Element<M>>>,
    /// Whether it is a picture, in which nothing ever changes.
    picture: bool,
}

struct Listener<M> {
    trigger: Trigger,
    reaction: Rc<RefCell<On<M>>>,
    _registered: Vec<EventListener>,
}

impl<M: Clone + 'static> Page<M> {
    /// Takes over an element of the page; what is in it goes with the first tree.
    pub fn new(document: Document, place: web_sys::Element, dispatch: Dispatch<M>) -> Self {
        Self { document, place, shown: Vec::new(), dispatch, pictures: RefCell::default() }
    }

    /// Shows this tree in place of the one before.
    ///
    /// # Errors
    /// When the browser refuses a change, which it does not for trees made of literals.
    pub fn show(&mut self, tree: Element<M>) -> Result<(), JsValue> {
        if self.shown.is_empty() {
            self.place.set_text_content(None);
        }
        let place = self.place.clone();
        let shown = std::mem::take(&mut self.shown);
        self.shown = self.children(&place, shown, vec![tree.into()])?;
        Ok(())
    }

    fn children(
        &self,
        parent: &web_sys::Node,
        old: Vec<Mounted<M>>,
        new: Vec<VNode<M>>,
    ) -> Result<Vec<Mounted<M>>, JsValue> {
        let before: Vec<ElementIdentity> = old.iter().map(Mounted::identity).collect();
        let after: Vec<ElementIdentity> = new.iter().map(ElementIdentity::of).collect();
        let mut old: Vec<Option<Mounted<M>>> = old.into_iter().map(Some).collect();
        let plan = diff::children(&before, &after);
        for index in plan.removed {
            if let Some(gone) = old.get_mut(index).and_then(Option::take) {
                parent.remove_child(&gone.node)?;
            }
        }
        // From the last to the first, so that what follows is always in place already.
        let mut follower: Option<web_sys::Node> = None;
        let mut mounted = Vec::with_capacity(new.len());
        for ((node, reused), stays) in new.into_iter().zip(plan.reused).zip(plan.stays).rev() {
            let reused = reused.and_then(|index| old.get_mut(index).and_then(Option::take));
            let child = match reused {
                Some(reused) => self.patch(reused, node)?,
                None => self.mount(node)?,
            };
            if !stays {
                parent.insert_before(&child.node, follower.as_ref())?;
            }
            follower = Some(child.node.clone());
            mounted.push(child);
        }
        mounted.reverse();
        Ok(mounted)
    }

    fn mount(&self, node: VNode<M>) -> Result<Mounted<M>, JsValue> {
        match node {
            VNode::Text(text) => {
                let node = self.document.create_text_node(&text).into();
                Ok(Mounted { node, content: Content::Text(text) })
            }
            VNode::Element(tree) => self.mount_element(tree, None),
            VNode::Shared(tree) => self.mount_element(tree.as_ref().clone(), Some(tree)),
        }
    }

    fn mount_element(&self, tree: Element<M>, shared: Option<Rc<Element<M>>>) -> Result<Mounted<M>, JsValue> {
        match &tree.key {
            Some(which) if tree.picture => {
                let (which, identity) = (which.clone(), ElementIdentity::Element(tree.tag, tree.key.clone()));
                let copied = self.copied(&which)?;
                let element = match copied {
                    Some(element) => element,
                    None => self.drawn(which, tree)?,
                };
                let (attributes, listeners, children) = (Vec::new(), Vec::new(), Vec::new());
                let node = element.clone().into();
                let mounted = MountedElement {
                    element,
                    identity,
                    attributes,
                    listeners,
                    children,
                    shared,
                    picture: true,
                };
                Ok(Mounted { node, content: Content::Element(Box::new(mounted)) })
            }
            _ => self.assembled(tree, shared),
        }
    }

    /// A copy of a picture that was put together before.
    fn copied(&self, which: &Text) -> Result<Option<web_sys::Element>, JsValue> {
        let pictures = self.pictures.borrow();
        let copy = pictures.get(which).map(|picture| picture.clone_node_with_deep(true));
        Ok(copy.transpose()?.and_then(|copy| copy.dyn_into().ok()))
    }

    /// Puts a picture together, and keeps it to be copied.
    fn drawn(&self, which: Text, tree: Element<M>) -> Result<web_sys::Element, JsValue> {
        let picture = self.assembled(tree, None)?.node;
        let element: web_sys::Element = picture.clone_node_with_deep(true)?.dyn_into()?;
        let mut pictures = self.pictures.borrow_mut();
        if pictures.len() >= MAX_PICTURES {
            pictures.clear();
        }
        pictures.insert(which, picture.dyn_into()?);
        Ok(element)
    }

    fn assembled(&self, tree: Element<M>, shared: Option<Rc<Element<M>>>) -> Result<Mounted<M>, JsValue> {
        let tree = tree.into_parts();
        let identity = ElementIdentity::Element(tree.tag, tree.key);
        let element = if tree.svg {
            self.document.create_element_ns(Some(SVG), tree.tag)?
        } else {
            self.document.create_element(tree.tag)?
        };
        let children = self.children(&element, Vec::new(), tree.children)?;
        // After the children, and a value last: what it may be can hang on both.
        for change in diff::attributes(&[], &tree.attributes) {
            apply(&element, change)?;
        }
        let listeners = tree.reactions.into_iter().map(|on| self.listen(&element, tree.svg, on)).collect();
        let attributes = tree.attributes;
        let node = element.clone().into();
        let mounted =
            MountedElement { element, identity, attributes, listeners, children, shared, picture: false };
        Ok(Mounted { node, content: Content::Element(Box::new(mounted)) })
    }

    fn patch(&self, mounted: Mounted<M>, node: VNode<M>) -> Result<Mounted<M>, JsValue> {
        let (shown, tree, shared) = match (mounted.content, node) {
            (Content::Text(shown), VNode::Text(text)) => {
                if shown != text {
                    mounted.node.set_node_value(Some(&text));
                }
                return Ok(Mounted { node: mounted.node, content: Content::Text(text) });
            }
            (Content::Element(shown), VNode::Shared(tree)) => {
                if shown.shared.as_ref().is_some_and(|shared| Rc::ptr_eq(shared, &tree)) {
                    return Ok(Mounted { node: mounted.node, content: Content::Element(shown) });
                }
                (shown, tree.as_ref().clone(), Some(tree))
            }
            (Content::Element(shown), VNode::Element(tree)) if shown.picture && tree.picture => {
                return Ok(Mounted { node: mounted.node, content: Content::Element(shown) });
            }
            (Content::Element(shown), VNode::Element(tree)) if !shown.picture && !tree.picture => {
                (shown, tree, None)
            }
            (_, node) => return self.mount(node),
        };
        let content = Content::Element(self.patch_element(shown, tree, shared)?);
        Ok(Mounted { node: mounted.node, content })
    }

    fn patch_element(
        &self,
        mut shown: Box<MountedElement<M>>,
        tree: Element<M>,
        shared: Option<Rc<Element<M>>>,
    ) -> Result<Box<MountedElement<M>>, JsValue> {
        let tree = tree.into_parts();
        shown.children = self.children(&shown.element, std::mem::take(&mut shown.children), tree.children)?;
        for change in diff::attributes(&shown.attributes, &tree.attributes) {
            apply(&shown.element, change)?;
        }
        // What the person typed is not in the old tree, so a field is compared with itself.
        if let Some((_, value)) = tree.attributes.iter().find(|(name, _)| *name == "value") {
            set_value(&shown.element, value)?;
        }
        shown.attributes = tree.attributes;
        shown.shared = shared;
        self.relisten(&mut shown, tree.svg, tree.reactions);
        Ok(shown)
    }

    fn relisten(&self, shown: &mut MountedElement<M>, svg: bool, reactions: Vec<On<M>>) {
        shown.listeners.retain(|listener| reactions.iter().any(|on| on.trigger() == listener.trigger));
        for on in reactions {
            match shown.listeners.iter().find(|listener| listener.trigger == on.trigger()) {
                Some(listener) => drop(listener.reaction.replace(on)),
                None => shown.listeners.push(self.listen(&shown.element, svg, on)),
            }
        }
    }

    fn listen(&self, element: &web_sys::Element, svg: bool, on: On<M>) -> Listener<M> {
        let trigger = on.trigger();
        let reaction = Rc::new(RefCell::new(on));
        let mut names = vec![trigger.event_name()];
        // A drawing that acts as a button must do it by keyboard too.
        if svg && trigger == Trigger::Click || trigger == Trigger::Tap {
            names.push("keydown");
        }
        if trigger == Trigger::Tap {
            names.push("auxclick");
        }
        let register = |name: &'static str| {
            let (reaction, dispatch) = (Rc::clone(&reaction), Rc::clone(&self.dispatch));
            let options = EventListenerOptions::enable_prevent_default();
            EventListener::new_with_options(element, name, options, move |event| {
                let message = react(&reaction.borrow(), event);
                let waits = trigger == Trigger::Tap && may_be_doubled(event);
                match message {
                    Some(message) if waits => {
                        let dispatch = Rc::clone(&dispatch);
                        wait_for_a_second(Some(Timeout::new(DOUBLE_CLICK_MS, move || dispatch(message))));
                    }
                    Some(message) => dispatch(message),
                    None => {}
                }
            })
        };
        let registered = names.into_iter().map(register).collect();
        Listener { trigger, reaction, _registered: registered }
    }
}

impl<M> Mounted<M> {
    fn identity(&self) -> ElementIdentity {
        match &self.content {
            Content::Text(_) => ElementIdentity::Text,
            Content::Element(element) => element.identity.clone(),
        }
    }
}

/// The key of a key press, for fields and for the page.
pub fn key_press(event: &KeyboardEvent) -> KeyPress {
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    KeyPress {
        key: KeyPress::name(&event.key(), &event.code(), event.shift_key()),
        command: event.ctrl_key() || event.meta_key(),
        alt: event.alt_key(),
        // WebKit says of the Enter that ends a word only that an input method had it.
        composing: event.is_composing() || event.key_code() == INPUT_METHOD,
        typing: target
            .is_some_and(|target| matches!(target.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT")),
    }
}

fn react<M: Clone>(on: &On<M>, event: &Event) -> Option<M> {
    match on {
        On::Click(message) => {
            if let Some(key) = event.dyn_ref::<KeyboardEvent>()
                && !matches!(key.key().as_str(), "Enter" | " ")
            {
                return None;
            }
            event.prevent_default();
            Some(message.clone())
        }
        On::Tap(message) => is_tap(event).then(|| message.clone()),
        On::Submit(message) => {
            event.prevent_default();
            Some(message.clone())
        }
        On::Input(message) => {
            let target = event.target()?;
            let value = match target.dyn_ref::<HtmlInputElement>() {
                Some(input) => input.value(),
                None => target.dyn_ref::<HtmlTextAreaElement>()?.value(),
            };
            Some(message(value))
        }
        On::Edit(message) => {
            let area: HtmlTextAreaElement = event.target()?.dyn_into().ok()?;
            let caret = area.selection_start().ok().flatten().and_then(|caret| usize::try_from(caret).ok());
            let value = area.value();
            let end = value.len();
            // `historyUndo` and `historyRedo` of Input Events Level 2.
            let sort =
                js_sys::Reflect::get(event, &"inputType".into()).ok().and_then(|sort| sort.as_string());
            let undone = sort.is_some_and(|sort| sort.starts_with("history"));
            Some(message(value, caret.unwrap_or(end), undone))
        }
        On::Key(message) => {
            let message = message(&key_press(event.dyn_ref::<KeyboardEvent>()?))?;
            event.prevent_default();
            event.stop_propagation();
            Some(message)
        }
    }
}

thread_local! {
    /// A click on words that may be the first of two.
    static FIRST_CLICK: RefCell<Option<Timeout>> = const { RefCell::new(None) };
}

/// Has a click wait for a second one, or lets one go that waits.
fn wait_for_a_second(click: Option<Timeout>) {
    drop(FIRST_CLICK.replace(click));
}

/// Whether a second click may come, which selects the word: a mouse on words. A finger selects by a long touch.
fn may_be_doubled(event: &Event) -> bool {
    let mouse = js_sys::Reflect::get(event, &"pointerType".into()).is_ok_and(|sort| sort == "mouse");
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    mouse && target.is_some_and(|target| matches!(target.closest("[dir]"), Ok(Some(_))))
}

/// Opens in another tab what a tap on this element leads to.
fn open_in_tab(event: &Event) {
    let element = event.current_target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    let link = element.and_then(|element| element.query_selector("[data-tap]").ok().flatten());
    if let (Some(href), Some(window)) = (link.and_then(|link| link.get_attribute("href")), web_sys::window())
    {
        drop(window.open_with_url_and_target(&href, "_blank"));
    }
}

/// Whether somebody meant the element itself: not a link or button in it, and not to select its text.
fn is_tap(event: &Event) -> bool {
    if event.default_prevented() {
        return false;
    }
    wait_for_a_second(None);
    if let Some(key) = event.dyn_ref::<KeyboardEvent>() {
        return key.key() == "Enter" && event.target() == event.current_target();
    }
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    let pressed =
        target.and_then(|target| target.closest("a, button, input, textarea, label").ok().flatten());
    let selection = web_sys::window().and_then(|window| window.get_selection().ok().flatten());
    let meant = pressed.is_none() && selection.is_none_or(|selection| selection.is_collapsed());
    match event.dyn_ref::<MouseEvent>() {
        Some(click) if meant && (click.button() == 1 || click.ctrl_key() || click.meta_key()) => {
            open_in_tab(event);
            false
        }
        Some(click) => meant && click.button() == 0 && click.detail() < 2,
        None => meant,
    }
}

fn apply(element: &web_sys::Element, change: AttributeChange) -> Result<(), JsValue> {
    match change {
        AttributeChange::Set("value", value) => set_value(element, &value),
        AttributeChange::Set(name, value) => {
            if name == "disabled" {
                let_go(element);
            }
            element.set_attribute(name, &value)
        }
        AttributeChange::Remove(name) => element.remove_attribute(name),
    }
}

/// Takes the focus off an element that cannot be used any more: it would swallow every key that is pressed.
fn let_go(element: &web_sys::Element) {
    let focused = element.owner_document().and_then(|document| document.active_element());
    if focused.as_ref() == Some(element)
        && let Some(element) = element.dyn_ref::<HtmlElement>()
    {
        drop(element.blur());
    }
}

/// Sets the text of a field if it is another: setting the same one would move the cursor to the end.
fn set_value(element: &web_sys::Element, value: &str) -> Result<(), JsValue> {
    if let Some(input) = element.dyn_ref::<HtmlInputElement>() {
        if input.value() != value {
            input.set_value(value);
        }
    } else if let Some(area) = element.dyn_ref::<HtmlTextAreaElement>() {
        if area.value() != value {
            area.set_value(value);
        }
    } else {
        element.set_attribute("value", value)?;
    }
    Ok(())
}
