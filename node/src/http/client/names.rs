//! The node's names: the owner lists, confirms and removes them.

use nostrp2p_protocol::{
    Authority,
    frame::{MAX_NAMES, NodeFrame, Refusal, RefusalCode, RequestId},
};

use super::{Gone, Session};
use crate::{driver::Command, store::MetaWrite};

impl Session {
    /// Changes what the owner wants changed, and tells how it stands then.
    pub(super) async fn on_names(
        &mut self,
        request: RequestId,
        name: &str,
        change: Option<bool>,
    ) -> Result<(), Gone> {
        let name = name.parse::<Authority>().ok();
        if let Some(wanted) = change
            && let Err(refusal) = self.change_name(name.as_ref(), wanted).await
        {
            return self.refuse(request, refusal).await;
        }
        let own = name.is_some_and(|name| self.door.knows(&self.app, &name));
        let confirmed = self.app.names.confirmed();
        let others = self.app.names.configured();
        let others = others.difference(&confirmed).take(MAX_NAMES).map(|name| (name.to_string(), false));
        let names = confirmed.iter().map(|name| (name.to_string(), true)).chain(others).collect();
        self.send(NodeFrame::Names { request, own, names }).await
    }

    async fn change_name(&mut self, name: Option<&Authority>, wanted: bool) -> Result<(), Refusal> {
        let refused = |reason: String| Refusal::new(RefusalCode::Unwanted, reason);
        let name = name.ok_or_else(|| refused("this is no address of a node".to_owned()))?;
        let names = &self.app.names;
        let changed = if wanted {
            names.confirm(name).map_err(|not| refused(not.to_string()))?
        } else {
            names.revoke(name)
        };
        if changed {
            tracing::info!(%name, wanted, "the owner has changed the names of this node");
            drop(self.app.commands.send(Command::WriteMeta(MetaWrite::OwnName(name.clone(), wanted))).await);
        }
        Ok(())
    }
}
