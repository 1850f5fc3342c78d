//! The own profile and the key.

use nostrp2p_protocol::PublicKey;

use super::{
    Html, avatar::avatar, button, icons, keyring, labelled, paragraph, person::first_profile, post, submit,
};
use crate::{
    message::{Keyring, Message, Own},
    model::{
        Model,
        signing::{For, Signer},
    },
    profile::{Profile, ProfileForm, short_npub},
    route::Route,
    texts,
    vdom::{On, VNode, element},
};
use icons::{Icon, icon};

/// Most posts of either sort that are shown here; the page of the person has all.
const POSTS: usize = 20;

/// The screen.
pub fn view(model: &Model, drawn: &mut post::Drawn) -> Html {
    let section = element("section").class("cards");
    let Some(me) = model.me else { return section };
    let head = element("div").class("me-head").child(avatar(&me)).child(
        element("div")
            .child(element("bdi").class("me-name").with("dir", "auto").text(model.name_of(&me)))
            .child(paragraph("muted", short_npub(&me))),
    );
    let section = if model.environment.wide {
        section.child(element("h1").class("column-title").text(model.say(texts::ME)))
    } else {
        section
    };
    section
        .child(head)
        .child_if(backup_missing(model))
        .child(profile(model))
        .child(public_key(model))
        .child(secret_key(model))
        .children(written(model, me, drawn))
}

/// The person's posts and likes.
fn written(model: &Model, me: PublicKey, drawn: &mut post::Drawn) -> Vec<Html> {
    let liked = model.timeline.posts().filter(|(place, _)| model.likes.is_mine(&place.id)).take(POSTS);
    let count = model.posts_of(me).take(POSTS).count();
    let mut posts = drawn.draw(model, model.posts_of(me).take(POSTS).chain(liked));
    let liked = posts.split_off(count);
    let list = |key: &'static str, title: texts::Words, posts: Vec<VNode<Message>>| {
        let feed = element("div").class("feed").with("role", "feed").with("aria-label", model.say(title));
        (!posts.is_empty()).then(|| {
            let title = element("h2").text(model.say(title));
            element("section").test_id(key).key(key).child(title).child(feed.children(posts))
        })
    };
    let all = element("a").class("button button-plain").with("href", Route::Person(me).fragment());
    let own = list("own-posts", texts::YOUR_POSTS, posts)
        .map(|list| list.child(all.text(model.say(texts::ALL_POSTS))));
    own.into_iter().chain(list("own-likes", texts::YOUR_LIKES, liked)).collect()
}

fn backup_missing(model: &Model) -> Option<Html> {
    let open = model.revealed.is_some() || model.signing.form.is_some();
    let elsewhere = model.signing.signer == Signer::Extension;
    (!model.backed_up && !open && !elsewhere).then(|| {
        element("div")
            .class("banner banner-warn")
            .key("backup")
            .child(element("span").text(model.say(texts::BACKUP_MISSING)))
            .child(button("plain", model.say(texts::BACKUP_NOW), Keyring::Choose(For::Backup)))
    })
}

fn profile(model: &Model) -> Html {
    let form = &model.profile_form;
    let present = present(model);
    let of = |typed: &Option<String>, present: Option<String>| typed.clone().or(present).unwrap_or_default();
    let name = of(&form.name, present.name);
    let about = of(&form.about, present.about);
    let nip05 = of(&form.nip05, present.nip05);
    let typed = [&form.name, &form.about, &form.picture, &form.nip05];
    let changed = typed.into_iter().any(Option::is_some);
    let loaded = model.people.own_is_loaded;
    element("form")
        .class("card")
        .key("profile")
        .on(On::Submit(Message::Own(Own::ProfileSubmitted)))
        .child(element("h2").text(model.say(texts::PROFILE_TITLE)))
        .child(
            labelled(model.say(texts::NAME_LABEL), "name").child(
                element("input")
                    .with("id", "name")
                    .with("dir", "auto")
                    .with("maxlength", "100")
                    .with("autocomplete", "nickname")
                    .with("placeholder", model.say(texts::NAME_EXAMPLE))
                    .test_id("name-input")
                    .with("value", name)
                    .on(On::Input(|text| Message::Own(Own::NameTyped(text)))),
            ),
        )
        .child(
            labelled(model.say(texts::ABOUT_LABEL), "about").child(
                element("textarea")
                    .with("id", "about")
                    .with("rows", "3")
                    .with("dir", "auto")
                    .with("placeholder", model.say(texts::ABOUT_EXAMPLE))
                    .with("value", about)
                    .on(On::Input(|text| Message::Own(Own::AboutTyped(text)))),
            ),
        )
        .child(picture(model))
        .child(line(
            model.say(texts::NIP05_LABEL),
            "nip05-input",
            model.say(texts::NIP05_EXAMPLE),
            nip05,
            |text| Message::Own(Own::Nip05Typed(text)),
        ))
        .child_if((!loaded).then(|| paragraph("muted", model.say(texts::PROFILE_LOADING))))
        .child_if(first_profile(model))
        .child(
            element("div")
                .class("row")
                .child(
                    submit(model.say(texts::PROFILE_SAVE))
                        .test_id("profile-save")
                        .with_if(!changed || !loaded, "disabled"),
                )
                .child_if(changed.then(|| {
                    button("quiet", model.say(texts::CANCEL), Own::ProfileDropped).test_id("profile-cancel")
                })),
        )
}

/// The form's initial content.
pub fn present(model: &Model) -> ProfileForm {
    let known = model.me.as_ref().and_then(|me| model.people.profile(me));
    known.map(Profile::form).unwrap_or_default()
}

/// The field for the address of one's picture.
pub fn picture(model: &Model) -> Html {
    let present = present(model).picture;
    line(
        model.say(texts::PICTURE_LABEL),
        "picture-input",
        model.say(texts::PICTURE_EXAMPLE),
        model.profile_form.picture.clone().or(present).unwrap_or_default(),
        |text| Message::Own(Own::PictureTyped(text)),
    )
}

/// A labelled field of one line.
fn line(
    label: &'static str,
    id: &'static str,
    example: &'static str,
    value: String,
    typed: fn(String) -> Message,
) -> Html {
    let input = element("input")
        .with("id", id)
        .with("maxlength", "1000")
        .with("autocomplete", "off")
        .with("spellcheck", "false")
        .with("placeholder", example)
        .test_id(id)
        .with("value", value)
        .on(On::Input(typed));
    labelled(label, id).child(input)
}

fn public_key(model: &Model) -> Html {
    let npub = model.me.map(|me| me.to_npub()).unwrap_or_default();
    element("div")
        .class("card")
        .key("public")
        .child(element("h2").text(model.say(texts::PUBLIC_KEY)))
        .child(paragraph("muted", model.say(texts::PUBLIC_KEY_WHY)))
        .child(element("code").class("code").test_id("npub").with("data-npub", npub.clone()).text(npub))
        .child(element("div").class("row").child(copy(model, Message::Own(Own::CopyNpub))))
}

fn secret_key(model: &Model) -> Html {
    if model.signing.signer == Signer::Extension {
        return element("div")
            .class("card")
            .key("secret")
            .child(element("h2").text(model.say(texts::SECRET_KEY)))
            .child(paragraph("muted", model.say(texts::KEY_IN_EXTENSION)));
    }
    let card = element("div")
        .class("card")
        .key("secret")
        .child(element("h2").text(model.say(texts::SECRET_KEY)))
        .child(paragraph("muted", model.say(texts::SECRET_KEY_WHY)));
    if let Some(form) = keyring::form(model, For::Backup) {
        return card.child(form);
    }
    let file = download(model, Keyring::Choose(For::Backup).into()).test_id("backup-download");
    match &model.revealed {
        Some(nsec) => {
            card.child(element("code").class("code").test_id("nsec").text(nsec.reveal().to_owned())).child(
                element("div")
                    .class("row")
                    .child(copy(model, Message::Own(Own::CopyKey)))
                    .child(file)
                    .child(button("quiet", model.say(texts::KEY_HIDE), Message::Own(Own::HideKey))),
            )
        }
        None => card.child(element("div").class("row").child(file).child(
            button("quiet", model.say(texts::KEY_SHOW), Message::Own(Own::RevealKey)).test_id("key-reveal"),
        )),
    }
}

/// The button that copies.
pub fn copy(model: &Model, message: Message) -> Html {
    with_icon(Icon::Copy, model.say(texts::COPY), message)
}

/// The button that saves a file.
pub fn download(model: &Model, message: Message) -> Html {
    with_icon(Icon::Download, model.say(texts::KEY_DOWNLOAD), message)
}

fn with_icon(image: Icon, label: &'static str, message: Message) -> Html {
    element("button")
        .class("button button-plain")
        .with("type", "button")
        .on(On::Click(message))
        .child(icon(image))
        .text(label)
}
