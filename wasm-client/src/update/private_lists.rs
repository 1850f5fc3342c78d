//! The private parts of own lists (NIP-51).

use super::Effect;
use crate::model::Model;

/// Has the private parts of own lists decrypted that were not read yet. A locked key is not asked for by that alone.
pub fn open(model: &mut Model, out: &mut Vec<Effect>) {
    while model.me.is_some()
        && !model.signing.locked
        && let Some((version, content)) = model.lists.to_open()
    {
        out.push(Effect::OpenList(version, content));
    }
}
