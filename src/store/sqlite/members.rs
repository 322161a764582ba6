//! Memberships.

use rusqlite::{Connection, params};

use super::audit::{self, Change, Draft, Target};
use super::columns::Columns;
use super::write_connection::WriteConnection;
use super::{groups, users_read};
use crate::command::group::GroupRef;
use crate::command::member::{BanEnd, Member, MemberRole, Membership};
use crate::command::text::Text;
use crate::command::{AccountId, Id};
use crate::store::{MemberChange, StoreError};

/// Carries a change to a membership out.
pub(super) fn change(
    connection: &WriteConnection,
    membership: &Membership,
    change: &MemberChange,
    draft: &Draft,
) -> Result<(), StoreError> {
    let user = users_read::resolve(connection, draft.account(), &membership.user)?
        .ok_or(StoreError::UserNotFound)?;
    let group = groups::resolve(connection, draft.account(), &membership.group)?
        .ok_or(StoreError::GroupNotFound)?;
    let before = read(connection, user, group)?;
    if write(connection, user, group, change)? == 0 {
        return Err(StoreError::NotAMember);
    }
    let after = read(connection, user, group)?;
    let target = Target {
        user: Some(user),
        group: Some(group),
        key: None,
    };
    let digests = Change {
        before: before.map(|member| draft.member(&member)),
        after: after.map(|member| draft.member(&member)),
        ..Change::default()
    };
    audit::record(connection, draft, target, digests)
}

/// Reads the members of a group.
pub(super) fn list(
    connection: &Connection,
    account: AccountId,
    group: &GroupRef,
) -> Result<Option<Vec<Member>>, StoreError> {
    let Some(group) = groups::resolve(connection, account, group)? else {
        return Ok(None);
    };
    let mut statement =
        connection.prepare_cached("SELECT * FROM members WHERE group_id = ?1 ORDER BY user_id")?;
    let rows = statement.query_and_then([group.value()], |row| parse(Columns(row)))?;
    rows.collect::<Result<_, _>>().map(Some)
}

fn read(connection: &Connection, user: Id, group: Id) -> Result<Option<Member>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT * FROM members WHERE group_id = ?1 AND user_id = ?2")?;
    let key = params![group.value(), user.value()];
    let mut rows = statement.query_and_then(key, |row| parse(Columns(row)))?;
    rows.next().transpose()
}

/// How many memberships were changed: one, or none because there is none.
fn write(
    connection: &Connection,
    user: Id,
    group: Id,
    change: &MemberChange,
) -> rusqlite::Result<usize> {
    let (group, user) = (group.value(), user.value());
    match change {
        MemberChange::Add(role) => connection
            .prepare_cached(
                "INSERT INTO members (group_id, user_id, role) VALUES (?1, ?2, ?3)
                 ON CONFLICT (group_id, user_id)
                 DO UPDATE SET role = coalesce(excluded.role, members.role)",
            )?
            .execute(params![group, user, role.map(number)]),
        MemberChange::Remove => connection
            .prepare_cached("DELETE FROM members WHERE group_id = ?1 AND user_id = ?2")?
            .execute(params![group, user]),
        MemberChange::SetRole(role) => connection
            .prepare_cached("UPDATE members SET role = ?3 WHERE group_id = ?1 AND user_id = ?2")?
            .execute(params![group, user, number(*role)]),
        MemberChange::Ban(end) => connection
            .prepare_cached(
                "UPDATE members SET banned = 1, ban_end = ?3 WHERE group_id = ?1 AND user_id = ?2",
            )?
            .execute(params![group, user, last_day(end)]),
        MemberChange::Unban => connection
            .prepare_cached(
                "UPDATE members SET banned = 0, ban_end = NULL
                 WHERE group_id = ?1 AND user_id = ?2",
            )?
            .execute(params![group, user]),
    }
}

/// A membership as its row has it.
pub(super) fn parse(columns: Columns<'_>) -> Result<Member, StoreError> {
    let end = columns
        .text("ban_end")?
        .map_or(BanEnd::Never, BanEnd::Until);
    Ok(Member {
        user: columns.id("user_id")?,
        group: columns.id("group_id")?,
        role: columns.optional_id("role")?.map(MemberRole),
        ban: columns.flag("banned")?.then_some(end),
    })
}

const fn number(role: MemberRole) -> i64 {
    role.0.value()
}

fn last_day(end: &BanEnd) -> Option<&str> {
    match end {
        BanEnd::Never => None,
        BanEnd::Until(day) => Some(Text::as_str(day)),
    }
}
