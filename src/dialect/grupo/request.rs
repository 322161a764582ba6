//! Requests: decode and encode.

use std::borrow::Cow;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Request};

use super::envelope::{self, Envelope};
use super::fields::Fields;
use super::operation::Operation;
use super::pairs::Pairs;
use super::response::ReplyTo;
use super::wire::KEY;
use super::{group, member, native, reference, user};
use crate::auth::{Call, Credentials, Unread};
use crate::command::Command;
use crate::dialect::{Decoded, post};
use crate::error::{Error, Kind};
use crate::framing::form::Form;
use crate::route::Policy;
use crate::secret::Secret;

/// Reads a request.
pub(super) fn decode(head: &Parts, body: &[u8], policy: &Policy) -> Decoded<ReplyTo> {
    let envelope = match envelope::open(head, body, policy) {
        Ok(Some(envelope)) => envelope,
        Ok(None) => return Decoded::NotOurs(Kind::Unauthenticated.into(), ReplyTo::UNREAD),
        Err(unread) => return Decoded::Calls(vec![Err(unread)], ReplyTo::UNREAD),
    };
    let Envelope { key, mut form } = envelope;
    let credentials = Credentials::Key(key);
    let (operation, name) = match find_operation(&mut form) {
        Ok(found) => found,
        Err(error) => {
            let unread = Unread::new(credentials, error);
            return Decoded::Calls(vec![Err(unread)], ReplyTo::UNREAD);
        }
    };
    let reply_to = ReplyTo::to(operation.action());
    let mut fields = Fields::new(form, name.clone());
    let commands = decode_commands(operation, &name, &mut fields, policy);
    let calls = match fields.finish(commands) {
        Ok(Commands::One(command)) => {
            let call = |command| Ok(Call::new(credentials, None, command));
            command.map(call).into_iter().collect()
        }
        Ok(Commands::Each(commands)) => {
            let call = |command| Ok(Call::new(credentials.clone(), None, command));
            commands.into_iter().map(call).collect()
        }
        Err(error) => vec![Err(Unread::new(credentials, error))],
    };
    Decoded::Calls(calls, reply_to)
}

/// Writes a request towards an upstream.
pub(super) fn encode(call: &Call, policy: &Policy) -> Result<Request<Bytes>, Error> {
    let Credentials::Key(key) = &call.credentials else {
        let message = "a Grupo system takes API keys only; give the upstream one";
        return Err(Error::new(Kind::Unsupported, message));
    };
    if call.account.is_some() {
        let message = "a Grupo system has one account only; leave the account out";
        return Err(Error::new(Kind::Unsupported, message));
    }
    let (content_type, body) = encode_body(&call.command, key, policy)?;
    post([&*policy.base_path, "/"].concat(), content_type, body)
}

/// The `Content-Type`, and the body. Only files need more than the shorter of the two forms.
fn encode_body(
    command: &Command,
    key: &Secret,
    policy: &Policy,
) -> Result<(HeaderValue, Bytes), Error> {
    if let Command::Native(native) = command
        && !native.files.is_empty()
    {
        return native::encode_with_files(native, key);
    }
    let mut pairs = Pairs::new();
    pairs.add(KEY, key.reveal());
    encode_command(command, policy, &mut pairs)?;
    let content_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    Ok((content_type, Bytes::from(pairs.into_text())))
}

fn find_operation(form: &mut Form<'_>) -> Result<(Operation, Cow<'static, str>), Error> {
    let (verb, target) = envelope::take_verb(form)?;
    Operation::find(verb, &target).ok_or_else(|| {
        let message = format!("{verb} names no operation; check its value");
        Error::new(Kind::UnknownOperation, message)
    })
}

/// What a call asks for.
enum Commands {
    /// Nothing only beside a fault.
    One(Option<Command>),
    /// One for each user or group that is to be removed.
    Each(Vec<Command>),
}

fn decode_commands(
    operation: Operation,
    name: &str,
    fields: &mut Fields<'_>,
    policy: &Policy,
) -> Commands {
    let command = match operation {
        Operation::AddUser => {
            let change = user::decode(fields, policy, true);
            Some(Command::CreateUser(change))
        }
        Operation::UpdateUser => {
            let user = reference::user(fields);
            let change = user::decode(fields, policy, false);
            user.map(|user| Command::UpdateUser(user, change))
        }
        Operation::AddGroup => {
            let change = group::decode(fields, policy, true);
            Some(Command::CreateGroup(Box::new(change)))
        }
        Operation::UpdateGroup => {
            let group = reference::group(fields);
            let change = group::decode(fields, policy, false);
            group.map(|group| Command::UpdateGroup(group, Box::new(change)))
        }
        Operation::RemoveUser => {
            let users = whole(fields, reference::users);
            return Commands::Each(users.into_iter().map(Command::DeleteUser).collect());
        }
        Operation::RemoveGroup => {
            let groups = whole(fields, reference::groups);
            return Commands::Each(groups.into_iter().map(Command::DeleteGroup).collect());
        }
        Operation::AddMember => whole(fields, |fields| member::decode_add(fields, policy)),
        Operation::RemoveMember => whole(fields, member::decode_remove),
        Operation::ChangeMember => whole(fields, |fields| member::decode_change(fields, policy)),
        Operation::OpenSession | Operation::CloseSessions | Operation::Native => {
            native::decode(operation, name, fields, policy.form.files)
        }
    };
    Commands::One(command)
}

/// Reads an operation that has no home for fields it does not know.
fn whole<T>(fields: &mut Fields<'_>, read: impl FnOnce(&mut Fields<'_>) -> T) -> T {
    let command = read(fields);
    // What was given up half-way has left fields over that are not at fault.
    if fields.faults() == 0 {
        fields.nothing_left();
    }
    command
}

fn encode_command(command: &Command, policy: &Policy, pairs: &mut Pairs) -> Result<(), Error> {
    match command {
        Command::CreateUser(change) => {
            pairs.add("add", "site_users");
            user::encode(change, true, policy, pairs)
        }
        Command::UpdateUser(user, change) => {
            pairs.add("update", "site_users");
            reference::write_user(user, pairs)?;
            user::encode(change, false, policy, pairs)
        }
        Command::DeleteUser(user) => {
            pairs.add("remove", "site_users");
            reference::write_user(user, pairs)
        }
        Command::CreateGroup(change) => {
            pairs.add("add", "groups");
            group::encode(change, true, policy, pairs)
        }
        Command::UpdateGroup(group, change) => {
            pairs.add("update", "groups");
            reference::write_group(group, pairs)?;
            group::encode(change, false, policy, pairs)
        }
        Command::DeleteGroup(group) => {
            pairs.add("remove", "groups");
            reference::write_group(group, pairs)
        }
        Command::AddMember(membership, role) => {
            pairs.add("add", "group_members");
            member::encode_add(membership, *role, policy, pairs)
        }
        Command::RemoveMember(membership) => {
            pairs.add("remove", "group_members");
            member::encode(membership, pairs)
        }
        Command::SetMemberRole(membership, role) => {
            pairs.add("update", "group_user_role");
            member::encode_add(membership, Some(*role), policy, pairs)
        }
        Command::BanMember(membership, end) => {
            pairs.add("update", "group_user_role");
            member::encode_ban(membership, end, pairs)
        }
        Command::UnbanMember(membership) => {
            pairs.add("update", "group_user_role");
            member::encode_unban(membership, pairs)
        }
        Command::Native(native) => native::encode(native, pairs),
        Command::ReadUser(_)
        | Command::ListUsers(_)
        | Command::CountUsers(_)
        | Command::ReadGroup(_)
        | Command::ListGroups
        | Command::ListTimezones => {
            let operation = command.action().name();
            let message = format!("a Grupo system has no operation for {operation}");
            Err(Error::new(Kind::Unsupported, message))
        }
    }
}
