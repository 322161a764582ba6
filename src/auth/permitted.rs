//! What may be carried out.

use std::sync::Arc;

use super::call::Context;
use super::passed_on::PassedOn;
use super::principal::Principal;
use crate::command::{AccountId, Command};
use crate::journal::once::Held;

/// A command that its principal may have carried out, in the account it was found to mean.
#[derive(Clone, Debug)]
pub struct Permitted {
    principal: Principal,
    account: AccountId,
    command: Command,
    context: Context,
    passed_on: Option<PassedOn>,
    once: Option<Arc<Held>>,
}

impl Permitted {
    /// For authorization alone: nothing outside can make one.
    pub(super) const fn new(
        principal: Principal,
        account: AccountId,
        command: Command,
        context: Context,
        passed_on: Option<PassedOn>,
    ) -> Self {
        Self {
            principal,
            account,
            command,
            context,
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
        &self.command
    }

    /// What surrounds it.
    pub const fn context(&self) -> &Context {
        &self.context
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
        (self.principal, self.account, self.command, self.context)
    }
}
