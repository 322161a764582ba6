//! An upstream as one caller sees it, whom it judges itself.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::own_credentials::OwnCredentials;
use super::upstream::Upstream;
use crate::auth::{Context, PassedOn};
use crate::command::Command;
use crate::command::user::UserChange;
use crate::error::Error;
use crate::secret::Secret;

/// The upstream as the caller sees it. It must speak the caller's dialect: the configuration has
/// checked that, and what a caller presents is worth checking twice.
pub(super) fn enter(
    upstream: &Upstream,
    passed_on: PassedOn,
    context: &Context,
) -> Result<Arc<Upstream>, Error> {
    let dialect = context.route.as_ref().map(|route| route.dialect);
    if dialect != Some(upstream.dialect) {
        return Err(Error::internal(OtherDialect));
    }
    Ok(Arc::new(upstream.of_caller(passed_on)))
}

/// The configuration has checked every route whose upstream judges callers.
#[derive(Debug, thiserror::Error)]
#[error("credentials of a caller were on their way to an upstream of another dialect")]
struct OtherDialect;

impl Upstream {
    /// The upstream for one call under the caller's own credentials. It has nothing of the gateway's:
    /// neither its session nor what became of its login; and what the call learns of the caller's
    /// session goes with it.
    fn of_caller(&self, passed_on: PassedOn) -> Self {
        Self {
            made_of: Arc::clone(&self.made_of),
            name: self.name.clone(),
            dialect: self.dialect,
            endpoints: Arc::clone(&self.endpoints),
            is_watched: AtomicBool::default(),
            again: Arc::clone(&self.again),
            terms: Arc::clone(&self.terms),
            hold: None,
            keeps_host: self.keeps_host,
            own: Arc::new(OwnCredentials::new(passed_on.reveal(), None)),
            crosswalk: Arc::clone(&self.crosswalk),
            total: self.total,
            users: Arc::clone(&self.users),
            writes: Arc::clone(&self.writes),
            session: Arc::default(),
            lost: Arc::clone(&self.lost),
        }
    }
}

/// Takes the password out that the caller sent as a proof.
pub(super) fn proof(command: &mut Command) -> Option<Secret> {
    change(command)?.current_password.take()
}

/// Puts the proof where it was.
pub(super) fn put_back(command: &mut Command, proof: Option<Secret>) {
    if let (Some(change), Some(proof)) = (change(command), proof) {
        change.current_password = Some(proof);
    }
}

fn change(command: &mut Command) -> Option<&mut UserChange> {
    if let Command::CreateUser(change) | Command::UpdateUser(_, change) = command {
        return Some(change);
    }
    None
}
