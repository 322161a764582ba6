//! One command at a Grupo system.
//!
//! One request each: the vendor looks users and groups up by what clients call them. It reads
//! nothing, so that nobody can be looked up beforehand and no answer can be checked.

use std::sync::Arc;

use http::response::Parts;

use super::{normalise, reference, request, response};
use crate::auth::Call;
use crate::command::extension::ExtensionEdit;
use crate::command::group::GroupRef;
use crate::command::member::Membership;
use crate::command::text::Text;
use crate::command::user::{UserChange, UserRef};
use crate::command::{Command, Dialect, Id};
use crate::dialect::exchange::{
    Effect, Failure, Known, Learnt, Step, Terms, subject, take_account,
};
use crate::error::Error;

/// The flag that an update resets whenever it is not sent.
const RESET: &str = "disable_private_messages";

/// A command on its way.
#[derive(Debug)]
pub struct Exchange {
    command: Command,
    terms: Arc<Terms>,
    learnt: Learnt,
}

impl Exchange {
    /// Writes the request.
    pub(in crate::dialect) fn start(
        mut call: Call,
        known: &Known,
        terms: Arc<Terms>,
    ) -> Result<(Self, Step), Failure> {
        take_account(&mut call, &terms)?;
        let by_number = takes_numbers_only(&call.command);
        // It shows nobody, so that a doubtful number stays one.
        let id = known.user.filter(|_| !known.is_doubtful);
        if let (Some(id), Some(user)) = (id, subject(&mut call.command)) {
            name_user(user, id, by_number);
        }
        if let (Some(id), Some(group)) = (known.group, group(&mut call.command)) {
            name_group(group, id);
        }
        let mut learnt = Learnt::default();
        if let Command::UpdateUser(_, change) = &mut call.command
            && !keep_flag(change, &known.kept)
        {
            learnt.risk(vec![RESET], terms.unknown)?;
        }
        call.command.user_change().map_or(Ok(()), check_names)?;
        let request = request::encode(&call, &terms.policy)?;
        let exchange = Self {
            command: call.command,
            terms,
            learnt,
        };
        let effect = Effect::Write;
        let request = Box::new(request);
        Ok((exchange, Step::Send { request, effect }))
    }

    /// Reads the answer.
    pub(in crate::dialect) fn next(&mut self, head: &Parts, body: &[u8]) -> Result<Step, Failure> {
        response::decode(&self.command, head, body, &self.terms.policy)
            .map(Step::Done)
            .map_err(|refusal| refusal.into_failure(Effect::Write, head.status))
    }

    /// What was found out.
    pub(in crate::dialect) const fn learnt(&self) -> &Learnt {
        &self.learnt
    }
}

/// Whether the vendor takes a number for the user, and no name.
const fn takes_numbers_only(command: &Command) -> bool {
    matches!(command, Command::BanMember(..) | Command::UnbanMember(_))
}

/// A name is what the vendor looks up first, and what it misses if there is nobody; by a number it
/// removes nobody and reports success. So a name stays, unless it cannot be sent.
fn name_user(user: &mut UserRef, id: Id, by_number: bool) {
    if by_number || matches!(user, UserRef::Id(_)) || !reference::can_name(user) {
        *user = UserRef::Id(id);
    }
}

fn name_group(group: &mut GroupRef, id: Id) {
    if matches!(group, GroupRef::Id(_)) || !reference::can_name_group(group) {
        *group = GroupRef::Id(id);
    }
}

/// The group that a command is about, where it is about one that is there already.
const fn group(command: &mut Command) -> Option<&mut GroupRef> {
    match command {
        Command::UpdateGroup(group, _)
        | Command::ReadGroup(group)
        | Command::DeleteGroup(group)
        | Command::AddMember(Membership { group, .. }, _)
        | Command::RemoveMember(Membership { group, .. })
        | Command::SetMemberRole(Membership { group, .. }, _)
        | Command::BanMember(Membership { group, .. }, _)
        | Command::UnbanMember(Membership { group, .. }) => Some(group),
        Command::CreateUser(_)
        | Command::UpdateUser(..)
        | Command::ReadUser(_)
        | Command::ListUsers(_)
        | Command::CountUsers(_)
        | Command::DeleteUser(_)
        | Command::CreateGroup(_)
        | Command::ListGroups
        | Command::ListTimezones
        | Command::Native(_) => None,
    }
}

/// Names are stored without their tags, and nobody hears of it.
fn check_names(change: &UserChange) -> Result<(), Error> {
    let names = [
        ("display_name", &change.display_name),
        ("given_name", &change.given_name),
        ("family_name", &change.family_name),
    ];
    for (attribute, name) in names {
        let name = name.value().map(Text::as_str).unwrap_or_default();
        if !normalise::keeps_name(name) {
            let must = "must have no tags, which a Grupo system takes away; leave them out";
            return Err(Error::invalid(attribute, must));
        }
    }
    Ok(())
}

/// Sends the flag again as it is known to be; whether it is sent, or known to be off.
fn keep_flag(change: &mut UserChange, kept: &UserChange) -> bool {
    let is_flag =
        |edit: &&ExtensionEdit| edit.dialect == Dialect::Grupo && edit.field.as_str() == RESET;
    if change.extensions.iter().any(|edit| is_flag(&edit)) {
        return true;
    }
    let Some(known) = kept.extensions.iter().find(is_flag) else {
        return false;
    };
    if known.value.is_some() {
        change.extensions.push(known.clone());
    }
    true
}
