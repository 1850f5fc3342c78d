//! Loads pictures of followed people as they come into view, if the person wants that.

use super::Effect;
use crate::{
    model::{Media, Model, Pace, Picture, Tab, timeline::Post},
    pictures::{emoji, is_picture},
    richtext::{self, Span},
    route::Route,
};

/// Most pictures that are loaded at a time.
const AT_A_TIME: usize = 3;
/// Of how many posts at the beginning of the screen Home pictures are loaded by themselves.
const POSTS: usize = 60;

/// Has pictures loaded that are to be there without a tap.
pub fn load(model: &mut Model, out: &mut Vec<Effect>) {
    let wanted = model.media == Media::Followed && model.pace != Pace::Saver && model.environment.visible;
    if !wanted || model.route != Route::Home || model.tab != Tab::Following {
        return;
    }
    while model.pictures.loading() < AT_A_TIME {
        let Some(address) = next(model) else { return };
        out.extend(model.pictures.put(address.clone(), Picture::Loading).map(Effect::DropPicture));
        out.push(Effect::LoadPicture(address));
    }
}

fn next(model: &Model) -> Option<String> {
    let followed = model.home().take(POSTS).filter_map(|(_, post)| match post {
        Post::Written(unsigned) if model.lists.follows(&unsigned.pubkey) => Some(unsigned),
        _ => None,
    });
    followed.into_iter().find_map(|unsigned| {
        let mut new = emoji(model, unsigned).into_iter().map(|(_, address)| address.to_owned());
        let is_new = |address: &String| model.pictures.get(address).is_none();
        new.find(is_new).or_else(|| {
            let links = unsigned.content.contains("://").then(|| richtext::spans(&unsigned.content));
            links.into_iter().flatten().find_map(|span| match span {
                Span::Link(address) if is_picture(&address) && is_new(&address) => Some(address),
                _ => None,
            })
        })
    })
}
