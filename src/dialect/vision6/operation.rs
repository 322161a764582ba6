//! Methods and their parameters ↔ commands.

use std::fmt::{Display, Write as _};

use super::arguments::Arguments;
use super::details::unsupported;
use super::request::Asked;
use super::wire::{self, Method};
use super::{details, native, search, value};
use crate::command::query::UserQuery;
use crate::command::user::UserRef;
use crate::command::{AccountId, Command, Id};
use crate::error::Error;
use crate::framing::json::{Json, write_integer};
use crate::framing::json_rpc::Params;
use crate::route::Policy;

/// Reads the parameters behind the key: the account, where the method names one, and the command.
pub(super) fn decode(
    method: Method,
    params: Params<'_>,
) -> Result<(Option<AccountId>, Command), Error> {
    let mut arguments = Arguments::new(method, params)?;
    if method == Method::GetTimezoneList {
        return Ok((None, Command::ListTimezones));
    }
    let account = AccountId::new(value::id(&arguments.next(), wire::ACCOUNT_ID)?);
    let command = match method {
        Method::AddUser => decode_add(arguments.next())?,
        Method::EditUser => decode_edit(arguments.next())?,
        Method::DeleteUser => Command::DeleteUser(decode_user(&arguments.next())?),
        Method::GetUserById => Command::ReadUser(decode_user(&arguments.next())?),
        Method::SearchUsers => Command::ListUsers(decode_query(arguments)?),
        Method::CountUsers => Command::CountUsers(decode_query(arguments)?),
        Method::GetTimezoneList => Command::ListTimezones,
    };
    Ok((Some(account), command))
}

fn decode_user(value: &Json<'_>) -> Result<UserRef, Error> {
    value::id(value, wire::USER_ID).map(UserRef::Id)
}

fn decode_add(value: Json<'_>) -> Result<Command, Error> {
    let details = details::decode(value)?;
    if details.id.is_some() {
        return Err(Error::invalid(
            "id",
            "is chosen by the server; leave it out",
        ));
    }
    if details.change.username.is_none() {
        return Err(Error::missing("username"));
    }
    Ok(Command::CreateUser(details.change))
}

fn decode_edit(value: Json<'_>) -> Result<Command, Error> {
    let details = details::decode(value)?;
    let id = details.id.ok_or_else(|| Error::missing("id"))?;
    Ok(Command::UpdateUser(UserRef::Id(id), details.change))
}

/// `countUsers` has only the first of these parameters; the others are then left out.
fn decode_query(mut arguments: Arguments<'_>) -> Result<UserQuery, Error> {
    let criteria = search::decode(arguments.next())?;
    let limit = value::count(&arguments.next(), wire::LIMIT)?;
    let offset = value::count(&arguments.next(), wire::OFFSET)?;
    let sort = search::decode_sort(arguments.next(), arguments.next())?;
    Ok(UserQuery {
        criteria,
        sort,
        offset,
        limit: (limit > 0).then_some(limit),
    })
}

/// The method of a command.
pub(super) fn method(command: &Command) -> Result<&str, Error> {
    let method = match command {
        Command::CreateUser(_) => Method::AddUser,
        Command::UpdateUser(..) => Method::EditUser,
        Command::ReadUser(_) => Method::GetUserById,
        Command::ListUsers(_) => Method::SearchUsers,
        Command::CountUsers(_) => Method::CountUsers,
        Command::DeleteUser(_) => Method::DeleteUser,
        Command::ListTimezones => Method::GetTimezoneList,
        Command::Native(native) => return Ok(native.operation.as_str()),
        Command::CreateGroup(_)
        | Command::UpdateGroup(..)
        | Command::ReadGroup(_)
        | Command::ListGroups
        | Command::DeleteGroup(_)
        | Command::AddMember(..)
        | Command::RemoveMember(_)
        | Command::SetMemberRole(..)
        | Command::BanMember(..)
        | Command::UnbanMember(_) => return Err(unsupported("a group or a member")),
    };
    Ok(method.name())
}

/// Writes `params`, the key first.
pub(super) fn encode(out: &mut String, asked: Asked<'_>, policy: &Policy) -> Result<(), Error> {
    let Asked {
        credentials,
        account,
        command,
    } = asked;
    if let Command::Native(native) = command {
        return native::encode(out, native, credentials);
    }
    out.push('[');
    native::write_key(out, credentials)?;
    if *command != Command::ListTimezones {
        let account = account.ok_or_else(|| Error::missing(wire::ACCOUNT_ID))?;
        out.push(',');
        write_integer(out, account.id().value());
        out.push(',');
        encode_command(out, command, policy)?;
    }
    out.push(']');
    Ok(())
}

fn encode_command(out: &mut String, command: &Command, policy: &Policy) -> Result<(), Error> {
    match command {
        Command::CreateUser(change) if change.username.is_none() => Err(Error::missing("username")),
        Command::CreateUser(change) => details::encode(out, None, change, &policy.json),
        Command::UpdateUser(user, change) => {
            details::encode(out, Some(id(user)?), change, &policy.json)
        }
        Command::ReadUser(user) | Command::DeleteUser(user) => {
            write_integer(out, id(user)?.value());
            Ok(())
        }
        Command::ListUsers(query) => encode_query(out, query),
        Command::CountUsers(query) => search::encode(out, &query.criteria),
        Command::ListTimezones | Command::Native(_) => Ok(()),
        Command::CreateGroup(_)
        | Command::UpdateGroup(..)
        | Command::ReadGroup(_)
        | Command::ListGroups
        | Command::DeleteGroup(_)
        | Command::AddMember(..)
        | Command::RemoveMember(_)
        | Command::SetMemberRole(..)
        | Command::BanMember(..)
        | Command::UnbanMember(_) => Err(unsupported("a group or a member")),
    }
}

fn encode_query(out: &mut String, query: &UserQuery) -> Result<(), Error> {
    search::encode(out, &query.criteria)?;
    if query.limit == Some(0) {
        return Err(unsupported("a list of at most 0 users"));
    }
    push(out, query.limit.unwrap_or(0));
    push(out, query.offset);
    out.push(',');
    search::encode_sort(out, query.sort.as_ref())
}

fn push(out: &mut String, number: impl Display) {
    // Writing to a String cannot fail.
    let _ = write!(out, ",{number}");
}

fn id(user: &UserRef) -> Result<Id, Error> {
    match user {
        UserRef::Id(id) => Ok(*id),
        UserRef::Username(_) | UserRef::Email(_) | UserRef::UsernameOrEmail(_) => {
            Err(unsupported("a user named by anything but the id"))
        }
    }
}
