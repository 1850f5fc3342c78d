//! Pictures of the people one follows, loaded as they come into sight, if one wants that.

use super::Effect;
use crate::{
    model::{Model, Picture, Tab, timeline::Post},
    richtext::{self, Span},
    route::Route,
    storage::{Media, Pace},
    view::media::is_picture,
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
        Post::Written(unsigned) if model.lists.follows(&unsigned.pubkey) => Some(unsigned.content.as_str()),
        _ => None,
    });
    let spans = followed.filter(|text| text.contains("://")).flat_map(richtext::spans);
    let addresses = spans.filter_map(|span| match span {
        Span::Link(address) if is_picture(&address) => Some(address),
        _ => None,
    });
    addresses.into_iter().find(|address| model.pictures.get(address).is_none())
}
