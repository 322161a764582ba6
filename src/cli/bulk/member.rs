//! A membership as a line of a file.

use std::sync::Arc;

use super::Noun;
use super::cells::{Cell, Cells};
use super::fields::Fields;
use crate::command::member::{BanEnd, Member, MemberRole};
use crate::command::text::Text;
use crate::command::{AccountId, Id};
use crate::journal::Entry;
use crate::store::bulk::{BulkStore, MemberRow, Receive, Verdict};
use crate::store::sqlite::SqliteStore;
use crate::store::{StoreError, StoreFuture};

/// Memberships.
#[derive(Debug)]
pub(super) enum Members {}

impl Noun for Members {
    type Row = MemberRow;

    const NAME: &'static str = "members";
    const COLUMNS: &'static [&'static str] = &[
        "account", "group_id", "user_id", "role", "banned", "ban_end",
    ];
    const HAS_ATTRIBUTES: bool = false;
    const HEAD: &'static [&'static str] = &["GROUP", "USER", "ACCOUNT", "ROLE", "BANNED"];

    fn read(fields: &mut Fields, account: AccountId) -> Option<MemberRow> {
        let group = fields.required_id("group_id");
        let user = fields.required_id("user_id");
        let role = fields.id("role").map(MemberRole);
        let ban = ban(fields);
        let account = fields.account(account);
        Some(MemberRow {
            account,
            member: Member {
                user: user?,
                group: group?,
                role,
                ban,
            },
        })
    }

    fn cells(row: MemberRow, _: bool) -> Cells {
        let member = row.member;
        let role = member.role.map(|role| role.0.value());
        let (banned, end) = match &member.ban {
            None => (false, Cell::Absent),
            Some(BanEnd::Never) => (true, Cell::Absent),
            Some(BanEnd::Until(day)) => (true, Cell::text(Some(day))),
        };
        Cells {
            own: vec![
                ("account", Cell::Number(row.account.id().value())),
                ("group_id", Cell::Number(member.group.value())),
                ("user_id", Cell::Number(member.user.value())),
                ("role", role.map_or(Cell::Absent, Cell::Number)),
                ("banned", Cell::Flag(banned)),
                ("ban_end", end),
            ],
            ..Cells::default()
        }
    }

    fn line(row: &MemberRow) -> Vec<String> {
        let member = &row.member;
        let role = member.role.map(|role| role.0.to_string());
        let ban = match &member.ban {
            None => "-".to_owned(),
            Some(BanEnd::Never) => "for good".to_owned(),
            Some(BanEnd::Until(day)) => format!("until {}", day.as_str()),
        };
        vec![
            member.group.to_string(),
            member.user.to_string(),
            row.account.id().to_string(),
            role.unwrap_or_else(|| "-".to_owned()),
            ban,
        ]
    }

    async fn import(
        store: &SqliteStore,
        rows: Arc<[MemberRow]>,
        _: &mut Option<Id>,
        entry: Entry,
    ) -> Result<Vec<Verdict>, StoreError> {
        store.import_members(rows, entry).await
    }

    fn export<T: Receive<MemberRow>>(
        store: &SqliteStore,
        account: Option<AccountId>,
        receiver: T,
    ) -> StoreFuture<'_, T> {
        store.export_members(account, receiver)
    }
}

fn ban(fields: &mut Fields) -> Option<BanEnd> {
    let banned = fields.flag("banned");
    let end = fields.parse("ban_end", "must be a date such as 2030-01-31", |text| {
        let is_date = text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok();
        Text::parse(text).ok().filter(|_| is_date)
    });
    match (banned, end) {
        (false, None) => None,
        (true, None) => Some(BanEnd::Never),
        (true, Some(day)) => Some(BanEnd::Until(day)),
        (false, Some(_)) => {
            fields.fault(
                "ban_end",
                "is there without banned; set banned to true, or leave it empty",
            );
            None
        }
    }
}
