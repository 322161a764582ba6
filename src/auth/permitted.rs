//! What may be carried out.

use std::sync::Arc;

use super::call::{Call, Context};
use super::passed_on::PassedOn;
use super::principal::Principal;
use crate::command::{AccountId, Command};
use crate::journal::once::Held;

/// A command that its principal may have carried out, in the account it was found to mean.
#[derive(Clone, Debug)]
pub struct Permitted {
    principal: Principal,
    account: AccountId,
    /// Large, and handed from layer to layer.
    call: Box<Call>,
    passed_on: Option<PassedOn>,
    once: Option<Arc<Held>>,
}

impl Permitted {
    /// For authorization alone: nothing outside can make one. Of the call nothing counts but its command and
    /// what surrounds that.
    pub(super) const fn new(
        principal: Principal,
        account: AccountId,
        call: Box<Call>,
        passed_on: Option<PassedOn>,
    ) -> Self {
        Self {
            principal,
            account,
            call,
            passed_on,
            once: None,
        }
    }

    /// Who asks.
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// In which account.
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// What is asked.
    pub const fn command(&self) -> &Command {
        &self.call.command
    }

    /// What surrounds it.
    pub const fn context(&self) -> &Context {
        &self.call.context
    }

    /// Takes what the caller presented out, for an upstream that judges it; nothing anywhere else.
    pub const fn take_passed_on(&mut self) -> Option<PassedOn> {
        self.passed_on.take()
    }

    /// Has it carried out once: whoever does takes note of what is claimed.
    pub fn hold(&mut self, once: Arc<Held>) {
        self.once = Some(once);
    }

    /// What is claimed of it, if anything is.
    pub const fn once(&self) -> Option<&Arc<Held>> {
        self.once.as_ref()
    }

    /// The parts, for the stage that carries it out.
    pub fn into_parts(self) -> (Principal, AccountId, Command, Context) {
        let Call {
            command, context, ..
        } = *self.call;
        (self.principal, self.account, command, context)
    }
}
