//! Memberships: `add=group_members`, `remove=group_members` and `update=group_user_role`.

use jiff::civil::Date;

use super::fields::Fields;
use super::pairs::{Pairs, cannot};
use super::reference;
use crate::command::Command;
use crate::command::member::{BanEnd, MemberRole, Membership};
use crate::command::text::Text;
use crate::command::user::UserRef;
use crate::error::{Error, Kind};
use crate::route::Policy;

const BAN: &str = "ban_user_id";
const TEMPORARY_BAN: &str = "temporary_ban_user_id";
const BAN_END: &str = "ban_till";
const UNBAN: &str = "unban_user_id";

const ROLE: &str = "group_role";
const OTHER_ROLE: &str = "group_role_id";

/// `add=group_members`
pub(super) fn decode_add(fields: &mut Fields<'_>, policy: &Policy) -> Option<Command> {
    let membership = membership(fields);
    let role = fields
        .text(ROLE)
        .and_then(|text| numbered(&text, fields, policy));
    Some(Command::AddMember(membership?, role))
}

/// `remove=group_members`
pub(super) fn decode_remove(fields: &mut Fields<'_>) -> Option<Command> {
    if !fields.list("group_member_id").is_empty() {
        let message = "group_member_id names a membership that is not numbered here; \
                       send user or user_id instead";
        fields.fault(Error::new(Kind::Unsupported, message));
        return None;
    }
    Some(Command::RemoveMember(membership(fields)?))
}

/// `update=group_user_role`
pub(super) fn decode_change(fields: &mut Fields<'_>, policy: &Policy) -> Option<Command> {
    let faults = fields.faults();
    let banned = reference::user_by_id(BAN, fields);
    let banned_for_now = reference::user_by_id(TEMPORARY_BAN, fields);
    let unbanned = reference::user_by_id(UNBAN, fields);
    if fields.faults() > faults {
        return None;
    }
    match (banned, banned_for_now, unbanned) {
        (None, None, None) => {
            let membership = membership(fields);
            let role = role(fields, policy);
            Some(Command::SetMemberRole(membership?, role?))
        }
        (Some(user), None, None) => Some(Command::BanMember(of(user, fields)?, BanEnd::Never)),
        (None, Some(user), None) => {
            let end = ban_end(fields);
            Some(Command::BanMember(of(user, fields)?, end?))
        }
        (None, None, Some(user)) => Some(Command::UnbanMember(of(user, fields)?)),
        (Some(_), Some(_), _) | (Some(_), None, Some(_)) => refuse_second(BAN, fields),
        (None, Some(_), Some(_)) => refuse_second(TEMPORARY_BAN, fields),
    }
}

/// Writes a membership and the role that begins with it.
pub(super) fn encode_add(
    membership: &Membership,
    role: Option<MemberRole>,
    policy: &Policy,
    pairs: &mut Pairs,
) -> Result<(), Error> {
    encode(membership, pairs)?;
    if let Some(MemberRole(role)) = role {
        if !policy.group_roles.takes(role) {
            return Err(cannot("member_role", "be one the route's table lacks"));
        }
        pairs.add(ROLE, role.to_string());
    }
    Ok(())
}

/// Writes a membership.
pub(super) fn encode(membership: &Membership, pairs: &mut Pairs) -> Result<(), Error> {
    reference::write_user(&membership.user, pairs)?;
    reference::write_group(&membership.group, pairs)
}

/// Writes a ban.
pub(super) fn encode_ban(
    membership: &Membership,
    end: &BanEnd,
    pairs: &mut Pairs,
) -> Result<(), Error> {
    let id = reference::id_of(&membership.user)?.to_string();
    match end {
        BanEnd::Never => pairs.add(BAN, id),
        BanEnd::Until(day) => {
            pairs.add(TEMPORARY_BAN, id);
            pairs.add(BAN_END, day.as_str());
        }
    }
    reference::write_group(&membership.group, pairs)
}

/// Writes the end of a ban.
pub(super) fn encode_unban(membership: &Membership, pairs: &mut Pairs) -> Result<(), Error> {
    let id = reference::id_of(&membership.user)?.to_string();
    pairs.add(UNBAN, id);
    reference::write_group(&membership.group, pairs)
}

/// The user is looked at before the group, as the vendor does.
fn membership(fields: &mut Fields<'_>) -> Option<Membership> {
    let user = reference::user(fields);
    let group = reference::group(fields);
    Some(Membership {
        user: user?,
        group: group?,
    })
}

fn refuse_second(first: &'static str, fields: &mut Fields<'_>) -> Option<Command> {
    let must = "stands beside another ban or its end; send one of ban_user_id, \
                temporary_ban_user_id and unban_user_id";
    fields.fault(Error::invalid(first, must));
    None
}

fn of(user: UserRef, fields: &mut Fields<'_>) -> Option<Membership> {
    let group = reference::group(fields)?;
    Some(Membership { user, group })
}

/// The vendor's own name for a missing role is `group_role_id`, whichever of the two was meant.
fn role(fields: &mut Fields<'_>, policy: &Policy) -> Option<MemberRole> {
    let role = fields.present(ROLE);
    let number = fields.present(OTHER_ROLE);
    if role.is_some() && number.is_some() {
        let must = "and group_role are both present; send one of them";
        fields.fault(Error::invalid(OTHER_ROLE, must));
        return None;
    }
    let Some(text) = role.or(number) else {
        fields.fault(Error::missing(OTHER_ROLE));
        return None;
    };
    numbered(&text, fields, policy)
}

fn numbered(text: &str, fields: &mut Fields<'_>, policy: &Policy) -> Option<MemberRole> {
    let known = &policy.group_roles;
    fields
        .number(ROLE, text, "a role in the group", known)
        .map(MemberRole)
}

fn ban_end(fields: &mut Fields<'_>) -> Option<BanEnd> {
    let day = fields.required(BAN_END)?;
    let must = "must be a date written YYYY-MM-DD, such as 2027-01-31";
    fields
        .parse(BAN_END, &day, must, valid_day)
        .map(BanEnd::Until)
}

fn valid_day(text: &str) -> Option<Text> {
    let date = Date::strptime("%Y-%m-%d", text).ok()?;
    (date.to_string() == text)
        .then(|| Text::parse(text).ok())
        .flatten()
}
