//! Memberships of an import.

use rusqlite::{Connection, OptionalExtension, params};

use super::{conflict, each};
use crate::command::Id;
use crate::command::group::GroupRef;
use crate::command::member::{BanEnd, Member};
use crate::command::text::Text;
use crate::command::user::UserRef;
use crate::journal::Act;
use crate::store::StoreError;
use crate::store::bulk::{MemberRow, Verdict};
use crate::store::sqlite::audit::{self, Change, Draft, Target};
use crate::store::sqlite::columns::Columns;
use crate::store::sqlite::write_connection::WriteConnection;
use crate::store::sqlite::{groups, members, users_read};

/// Stores the rows.
pub(in crate::store::sqlite) fn import(
    connection: &WriteConnection,
    rows: &[MemberRow],
    draft: &Draft,
) -> Result<Vec<Verdict>, StoreError> {
    each(connection, rows, |row| {
        import_one(connection, row, &draft.in_account(row.account))
    })
}

fn import_one(
    connection: &WriteConnection,
    row: &MemberRow,
    draft: &Draft,
) -> Result<Verdict, StoreError> {
    let Member { user, group, .. } = row.member;
    let account = row.account.id();
    if users_read::resolve(connection, row.account, &UserRef::Id(user))?.is_none() {
        let reason = format!("is no user of account {account}; import the users first");
        return Ok(Verdict::refused("user_id", reason));
    }
    if groups::resolve(connection, row.account, &GroupRef::Id(group))?.is_none() {
        let reason = format!("is no group of account {account}; import the groups first");
        return Ok(Verdict::refused("group_id", reason));
    }
    let Some(stored) = find(connection, user, group)? else {
        insert(connection, &row.member)?;
        let target = Target {
            user: Some(user),
            group: Some(group),
            ..Target::default()
        };
        let change = Change {
            after: Some(draft.member(&row.member)),
            ..Change::default()
        };
        audit::record_as(connection, Act::ImportMember, draft, target, change)?;
        return Ok(Verdict::Imported);
    };
    let mut differences = Vec::new();
    if stored.role != row.member.role {
        differences.push("role");
    }
    if stored.ban != row.member.ban {
        differences.push("the ban");
    }
    if differences.is_empty() {
        return Ok(Verdict::Unchanged);
    }
    Ok(conflict("user_id", "a member", &differences))
}

fn find(connection: &Connection, user: Id, group: Id) -> Result<Option<Member>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT * FROM members WHERE group_id = ?1 AND user_id = ?2")?;
    statement
        .query_row([group.value(), user.value()], |row| {
            Ok(members::parse(Columns(row)))
        })
        .optional()?
        .transpose()
}

fn insert(connection: &Connection, member: &Member) -> Result<(), StoreError> {
    let end = match &member.ban {
        Some(BanEnd::Until(day)) => Some(Text::as_str(day)),
        Some(BanEnd::Never) | None => None,
    };
    connection
        .prepare_cached(
            "INSERT INTO members (group_id, user_id, role, banned, ban_end)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            member.group.value(),
            member.user.value(),
            member.role.map(|role| role.0.value()),
            member.ban.is_some(),
            end,
        ])?;
    Ok(())
}
