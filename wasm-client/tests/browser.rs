//! What needs a real browser: the page patcher, the vault, IndexedDB. Run by `cargo xtask test browser`.

#![cfg(target_arch = "wasm32")]
#![expect(clippy::unwrap_used, reason = "what fails in a test ends the test")]

use std::{cell::RefCell, rc::Rc};

use nostrp2p_protocol::SecretKey;
use nostrp2p_wasm_client::{
    dom::Page,
    model::signing::Signer,
    secret::Secret,
    storage::{Storage, contract, indexed::IndexedStorage},
    vault::{Vault, VaultError},
    vdom::{Element, On, element, svg},
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{Document, HtmlElement, HtmlInputElement};

wasm_bindgen_test_configure!(run_in_browser);

fn document() -> Document {
    web_sys::window().unwrap().document().unwrap()
}

/// A page in a fresh element, what it said, and the element.
fn page() -> (Page<&'static str>, Rc<RefCell<Vec<&'static str>>>, web_sys::Element) {
    let place = document().create_element("div").unwrap();
    document().body().unwrap().append_child(&place).unwrap();
    let said = Rc::new(RefCell::new(Vec::new()));
    let heard = Rc::clone(&said);
    let page = Page::new(document(), place.clone(), Rc::new(move |message| heard.borrow_mut().push(message)));
    (page, said, place)
}

fn list(keys: &str) -> Element<&'static str> {
    element("ul").children(keys.chars().map(|key| element("li").key(key.to_string()).text(key.to_string())))
}

#[wasm_bindgen_test]
fn the_page_follows_the_tree() {
    let (mut page, _, place) = page();
    page.show(element("p").class("a").with("title", "t").text("one")).unwrap();
    assert_eq!(place.inner_html(), r#"<p class="a" title="t">one</p>"#);
    page.show(element("p").class("b").text("two").child(element("b").text("!"))).unwrap();
    assert_eq!(place.inner_html(), r#"<p class="b">two<b>!</b></p>"#);
    page.show(element("div").child(svg("svg").child(svg("path").with("d", "M0 0")))).unwrap();
    let path = place.query_selector("path").unwrap().unwrap();
    assert_eq!(path.namespace_uri().as_deref(), Some("http://www.w3.org/2000/svg"));
}

#[wasm_bindgen_test]
fn markup_in_texts_and_attributes_stays_text() {
    let (mut page, _, place) = page();
    let nasty = "<img src=x onerror=alert(1)>\"'&";
    page.show(element("p").with("title", nasty).text(nasty)).unwrap();
    assert_eq!(place.text_content().as_deref(), Some(nasty));
    assert_eq!(place.query_selector("img").unwrap(), None);
}

#[wasm_bindgen_test]
fn children_are_moved_and_not_rewritten() {
    let (mut page, _, place) = page();
    page.show(list("abcd")).unwrap();
    let node_of = |text: &str| {
        let items = place.query_selector_all("li").unwrap();
        (0..items.length())
            .filter_map(|index| items.get(index))
            .find(|node| node.text_content().as_deref() == Some(text))
    };
    let former = node_of("c").unwrap();
    for keys in ["xcab", "c", "abc", "cba"] {
        page.show(list(keys)).unwrap();
        assert_eq!(place.text_content().as_deref(), Some(keys));
        assert_eq!(node_of("c"), Some(former.clone()), "{keys}");
    }
}

#[wasm_bindgen_test]
fn a_field_keeps_focus_and_selection_while_the_page_changes_around_it() {
    let (mut page, _, place) = page();
    let tree = |posts: &str, value: &str| {
        element("div")
            .children(posts.chars().map(|key| element("p").key(key.to_string())))
            .child(element("input").key("field").with("value", value.to_owned()))
    };
    page.show(tree("", "hello")).unwrap();
    let input: HtmlInputElement = place.query_selector("input").unwrap().unwrap().unchecked_into();
    input.focus().unwrap();
    input.set_selection_range(1, 3).unwrap();
    page.show(tree("abc", "hello")).unwrap();
    page.show(tree("ca", "hello")).unwrap();
    assert_eq!(document().active_element().as_deref(), Some(input.as_ref()));
    assert_eq!((input.selection_start().unwrap(), input.selection_end().unwrap()), (Some(1), Some(3)));
    input.set_value("typed");
    page.show(tree("ca", "")).unwrap();
    assert_eq!(input.value(), "", "the model decides what stands in a field");
}

#[wasm_bindgen_test]
fn the_latest_reaction_counts_and_a_removed_element_hears_nothing() {
    let (mut page, said, place) = page();
    page.show(element("button").on(On::Click("first"))).unwrap();
    let button: HtmlElement = place.query_selector("button").unwrap().unwrap().unchecked_into();
    button.click();
    page.show(element("button").on(On::Click("second"))).unwrap();
    button.click();
    page.show(element("button")).unwrap();
    button.click();
    page.show(element("p")).unwrap();
    button.click();
    assert_eq!(*said.borrow(), ["first", "second"]);
}

async fn storage(name: &str) -> IndexedStorage {
    IndexedStorage::open(name).await.unwrap()
}

#[wasm_bindgen_test]
async fn indexeddb_keeps_the_contract_of_storage() {
    contract::check_all(&storage("contract").await).await;
}

#[wasm_bindgen_test]
async fn what_is_stored_is_there_when_it_is_opened_again() {
    use nostrp2p_wasm_client::{
        model::Theme,
        storage::{Setting, StorageChange},
    };
    let first = storage("again").await;
    first.apply(vec![StorageChange::Set(Setting::Theme(Theme::Dark))]).await.unwrap();
    let second = storage("again").await;
    assert_eq!(second.load().await.unwrap().settings.theme, Theme::Dark);
}

#[wasm_bindgen_test]
async fn a_schema_that_cannot_be_made_whole_is_not_left_half() {
    let script = "
        const make = IDBDatabase.prototype.createObjectStore;
        globalThis.mend = () => IDBDatabase.prototype.createObjectStore = make;
        IDBDatabase.prototype.createObjectStore = function (name) {
            if (name === 'lists') throw new Error('no room');
            return make.apply(this, arguments);
        };";
    js_sys::eval(script).unwrap();
    let refused = IndexedStorage::open("half").await.err();
    js_sys::eval("mend()").unwrap();
    assert!(refused.is_some(), "it opened without all of its stores");
    storage("half").await.load().await.unwrap();
}

#[wasm_bindgen_test]
async fn a_key_survives_in_the_vault_and_only_encrypted() {
    let storage = storage("vault").await;
    let key = SecretKey::from_bytes([7; 32]).unwrap();
    let vault = Vault::new(Some(storage.clone()));
    assert!(vault.keeps(), "a test page is a secure context");
    assert_eq!(vault.owner().await, Ok(None));
    assert_eq!(vault.key().await.err(), Some(VaultError::Empty));
    assert_eq!(vault.keep(key.clone()).await, Ok(key.public_key()));

    let stored = storage.vault().await.unwrap();
    let field = |name: &str| js_sys::Reflect::get(&stored, &JsValue::from_str(name)).unwrap();
    let wrapping: web_sys::CryptoKey = field("wrapping").unchecked_into();
    assert!(!wrapping.extractable());
    let ciphertext = js_sys::Uint8Array::new(&field("ciphertext")).to_vec();
    assert!(ciphertext.len() == 48 && !ciphertext.windows(8).any(|bytes| bytes == [7; 8]));

    let reopened = Vault::new(Some(storage));
    assert_eq!(reopened.owner().await, Ok(Some((key.public_key(), Signer::Device))));
    assert_eq!(reopened.key().await.unwrap().to_bytes(), key.to_bytes());
    reopened.forget().await.unwrap();
    assert_eq!(reopened.owner().await, Ok(None));
}

#[wasm_bindgen_test]
async fn a_vault_that_was_tampered_with_does_not_open() {
    let storage = storage("tampered").await;
    let vault = Vault::new(Some(storage.clone()));
    vault.keep(SecretKey::from_bytes([7; 32]).unwrap()).await.unwrap();
    let other = SecretKey::from_bytes([8; 32]).unwrap().public_key().to_string();
    let stored = storage.vault().await.unwrap();
    js_sys::Reflect::set(&stored, &"pubkey".into(), &other.into()).unwrap();
    storage.set_vault(stored).await.unwrap();
    let reopened = Vault::new(Some(storage.clone()));
    reopened.owner().await.unwrap();
    assert_eq!(reopened.key().await.err(), Some(VaultError::Damaged));
    storage.set_vault("nonsense".into()).await.unwrap();
    assert_eq!(Vault::new(Some(storage)).owner().await, Err(VaultError::Damaged));
}

#[wasm_bindgen_test]
async fn a_key_under_a_passphrase_is_locked_after_a_reload_and_stored_as_nothing_else() {
    let storage = storage("guarded").await;
    let key = SecretKey::from_bytes([7; 32]).unwrap();
    let text = nostrp2p_protocol::nip49::seal(&key, "open sesame", 4, &[1; 16], &[2; 24]).unwrap();
    let vault = Vault::new(Some(storage.clone()));
    vault.keep(key.clone()).await.unwrap();
    vault.guard(&Secret::new(text.clone())).await.unwrap();
    assert_eq!(vault.key().await.unwrap().to_bytes(), key.to_bytes(), "it stays unlocked");
    let stored: js_sys::Object = storage.vault().await.unwrap().unchecked_into();
    assert_eq!(js_sys::Object::keys(&stored).length(), 2, "the former content is gone");

    let reopened = Vault::new(Some(storage));
    assert_eq!(reopened.owner().await, Ok(Some((key.public_key(), Signer::Passphrase))));
    assert_eq!(reopened.key().await.err(), Some(VaultError::Locked));
    let other = SecretKey::from_bytes([8; 32]).unwrap();
    assert_eq!(reopened.unlock(other), Err(VaultError::Damaged));
    let text = reopened.guarded().unwrap();
    reopened.unlock(nostrp2p_protocol::nip49::open(text.reveal(), "open sesame").unwrap()).unwrap();
    assert_eq!(reopened.key().await.unwrap().to_bytes(), key.to_bytes());
    reopened.lock();
    assert_eq!(reopened.key().await.err(), Some(VaultError::Locked));
    reopened.forget().await.unwrap();
}

#[wasm_bindgen_test]
async fn whose_key_an_extension_holds_survives_and_nothing_secret_does() {
    let storage = storage("elsewhere").await;
    let pubkey = SecretKey::from_bytes([7; 32]).unwrap().public_key();
    Vault::new(Some(storage.clone())).keep_elsewhere(pubkey).await.unwrap();
    let reopened = Vault::new(Some(storage));
    assert_eq!(reopened.owner().await, Ok(Some((pubkey, Signer::Extension))));
    assert_eq!((reopened.elsewhere(), reopened.key().await.err()), (Some(pubkey), Some(VaultError::Empty)));
}

#[wasm_bindgen_test]
async fn without_a_storage_the_key_lives_as_long_as_the_page() {
    let vault = Vault::new(None);
    let key = SecretKey::from_bytes([7; 32]).unwrap();
    assert!(!vault.keeps());
    vault.keep(key.clone()).await.unwrap();
    assert_eq!(vault.owner().await, Ok(Some((key.public_key(), Signer::Device))));
    assert_eq!(vault.key().await.unwrap().to_bytes(), key.to_bytes());
}
