//! Who and which group a call is about, and how that is written.

use std::borrow::Cow;

use super::fields::Fields;
use super::pairs::Pairs;
use super::wire::is_missing;
use crate::command::Id;
use crate::command::group::GroupRef;
use crate::command::name::{Slug, Username};
use crate::command::user::UserRef;
use crate::error::{Error, Kind};

/// More than one user or group is named by few callers, and never by many.
const MOST: usize = 20;

const MUST_BE_ID: &str = "must be a positive whole number; correct it";

/// The user of `user` (username or e-mail address, looked up as it was sent) or `user_id`.
pub(super) fn user(fields: &mut Fields<'_>) -> Option<UserRef> {
    let (name, ids) = name_or_ids("user", "user_id", fields)?;
    match name {
        Some(name) => named(&name, fields),
        None => only("user", ids, fields).map(UserRef::Id),
    }
}

/// The users of `user`, `user_id` or `user_id[]`: at least one, or a fault.
pub(super) fn users(fields: &mut Fields<'_>) -> Vec<UserRef> {
    let Some((name, ids)) = name_or_ids("user", "user_id", fields) else {
        return Vec::new();
    };
    let Some(name) = name else {
        return ids.into_iter().map(UserRef::Id).collect();
    };
    named(&name, fields).into_iter().collect()
}

fn named(name: &str, fields: &mut Fields<'_>) -> Option<UserRef> {
    match named_user(name) {
        Ok(user) => Some(user),
        Err(error) => {
            fields.fault(error);
            None
        }
    }
}

/// The group of `group` (number or slug) or `group_id`.
pub(super) fn group(fields: &mut Fields<'_>) -> Option<GroupRef> {
    only("group", groups(fields), fields)
}

/// The groups of `group`, `group_id` or `group_id[]`: at least one, or a fault.
pub(super) fn groups(fields: &mut Fields<'_>) -> Vec<GroupRef> {
    let Some((name, ids)) = name_or_ids("group", "group_id", fields) else {
        return Vec::new();
    };
    let Some(name) = name else {
        return ids.into_iter().map(GroupRef::Id).collect();
    };
    let group = named_group(&name);
    if group.is_none() {
        fields.fault(Kind::GroupNotFound.into());
    }
    group.into_iter().collect()
}

/// A username or e-mail address, as it was sent. What neither can be belongs to nobody.
pub(super) fn named_user(name: &str) -> Result<UserRef, Error> {
    Username::parse(name)
        .map(UserRef::UsernameOrEmail)
        .ok_or_else(|| Kind::UserNotFound.into())
}

/// A user who is named by a number only.
pub(super) fn user_by_id(name: &'static str, fields: &mut Fields<'_>) -> Option<UserRef> {
    let text = fields.present(name)?;
    fields
        .parse(name, &text, MUST_BE_ID, Id::parse)
        .map(UserRef::Id)
}

/// Writes a user the way `user` and `user_id` are read.
pub(super) fn write_user(user: &UserRef, pairs: &mut Pairs) -> Result<(), Error> {
    let name = match user {
        UserRef::Id(id) => {
            pairs.add("user_id", id.to_string());
            return Ok(());
        }
        UserRef::Email(email) => email.as_str(),
        // An address at Grupo is never a username, and a look-up by an address finds its owner.
        UserRef::Username(name) if name.as_str().contains('@') => {
            return Err(unsupported("the username holds an @"));
        }
        UserRef::Username(name) | UserRef::UsernameOrEmail(name) => name.as_str(),
    };
    if is_missing(name) {
        return Err(unsupported("the username is blank or 0"));
    }
    pairs.add("user", name);
    Ok(())
}

/// Whether the user can be named as it is.
pub(super) fn can_name(user: &UserRef) -> bool {
    write_user(user, &mut Pairs::new()).is_ok()
}

/// Whether the group can be named as it is.
pub(super) fn can_name_group(group: &GroupRef) -> bool {
    write_group(group, &mut Pairs::new()).is_ok()
}

/// Writes a group the way `group` and `group_id` are read.
pub(super) fn write_group(group: &GroupRef, pairs: &mut Pairs) -> Result<(), Error> {
    match group {
        GroupRef::Id(id) => pairs.add("group_id", id.to_string()),
        GroupRef::Slug(slug) if is_missing(slug.as_str()) || reads_as_number(slug.as_str()) => {
            return Err(unsupported("the group's slug begins like a number"));
        }
        GroupRef::Slug(slug) => pairs.add("group", slug.as_str()),
    }
    Ok(())
}

/// The number of a user, for the operations that take nothing else.
pub(super) fn id_of(user: &UserRef) -> Result<Id, Error> {
    match user {
        UserRef::Id(id) => Ok(*id),
        UserRef::Username(_) | UserRef::Email(_) | UserRef::UsernameOrEmail(_) => {
            Err(unsupported("a ban needs the user's number, not its name"))
        }
    }
}

/// The vendor compares `group` with the number column too, and its database takes `12abc` for 12.
fn reads_as_number(slug: &str) -> bool {
    let slug = slug.trim_start();
    slug.strip_prefix('+')
        .unwrap_or(slug)
        .starts_with(|first: char| first.is_ascii_digit())
}

fn named_group(name: &str) -> Option<GroupRef> {
    if let Some(id) = Id::parse(name) {
        return Some(GroupRef::Id(id));
    }
    Slug::parse(name).map(GroupRef::Slug)
}

fn only<T>(name: &'static str, found: Vec<T>, fields: &mut Fields<'_>) -> Option<T> {
    if found.len() > 1 {
        let must = "names several at once; send a call for each";
        fields.fault(Error::invalid(name, must));
    }
    found.into_iter().next()
}

/// What the two fields hold, of which one must be there, and only one.
fn name_or_ids<'a>(
    name: &'static str,
    number: &'static str,
    fields: &mut Fields<'a>,
) -> Option<(Option<Cow<'a, str>>, Vec<Id>)> {
    let faults = fields.faults();
    let named = fields.present(name);
    let ids = ids(number, fields);
    if named.is_some() && !ids.is_empty() {
        let must = format!("and {name} are both present; send one of them");
        fields.fault(Error::invalid(number, must));
    } else if named.is_none() && ids.is_empty() && fields.faults() == faults {
        fields.fault(Error::missing(name));
    }
    (fields.faults() == faults).then_some((named, ids))
}

fn ids(name: &'static str, fields: &mut Fields<'_>) -> Vec<Id> {
    let texts = fields.list(name);
    if texts.len() > MOST {
        fields.fault(Error::invalid(
            name,
            format_args!("names more than {MOST} at once; send several calls"),
        ));
        return Vec::new();
    }
    let read = |text: Cow<'_, str>| fields.parse(name, &text, MUST_BE_ID, Id::parse);
    texts.into_iter().filter_map(read).collect()
}

fn unsupported(why: &str) -> Error {
    let message = format!("{why}, which a Grupo system cannot be told; name it by another way");
    Error::new(Kind::Unsupported, message)
}
