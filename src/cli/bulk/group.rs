//! A group as a line of a file.

use std::sync::Arc;

use super::Noun;
use super::cells::{Cell, Cells};
use super::fields::Fields;
use super::user::or_dash;
use crate::auth::password::PasswordHash;
use crate::command::group::Group;
use crate::command::name::Slug;
use crate::command::text::Text;
use crate::command::{AccountId, Id};
use crate::journal::Entry;
use crate::store::bulk::{BulkStore, GroupRow, Receive, Verdict};
use crate::store::sqlite::SqliteStore;
use crate::store::{StoreError, StoreFuture};

/// Groups.
#[derive(Debug)]
pub(super) enum Groups {}

impl Noun for Groups {
    type Row = GroupRow;

    const NAME: &'static str = "groups";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "account",
        "name",
        "slug",
        "password_hash",
        "description",
        "category_id",
        "secret",
        "unleavable",
        "pinned",
        "password_protected",
        "icon_url",
    ];
    const HAS_ATTRIBUTES: bool = true;
    const HEAD: &'static [&'static str] = &["ID", "ACCOUNT", "SLUG", "NAME"];

    fn read(fields: &mut Fields, account: AccountId) -> Option<GroupRow> {
        let id = fields.id("id");
        let name = fields.required(
            "name",
            "must be at most 65536 bytes long, without a NUL character",
            |name| Text::parse(name).ok(),
        );
        let account = fields.account(account);
        let hash = fields.hash();
        let other_ids = fields.other_ids();
        let group = Group {
            id: id.unwrap_or(Id::ONE),
            slug: fields.parse(
                "slug",
                "must be 1 to 255 characters long, without slashes and control or invisible characters, \
                 and not begin or end with a blank",
                Slug::parse,
            ),
            description: fields.text("description"),
            category_id: fields.id("category_id"),
            secret: fields.flag("secret"),
            unleavable: fields.flag("unleavable"),
            pinned: fields.flag("pinned"),
            password_protected: fields.flag("password_protected"),
            icon_url: fields.text("icon_url"),
            extensions: fields.extensions(),
            // Last, so that every fault of the line is found.
            name: name?,
        };
        Some(GroupRow {
            account,
            keeps_id: id.is_some(),
            group,
            hash,
            other_ids,
        })
    }

    fn cells(row: GroupRow, with_hashes: bool) -> Cells {
        let group = row.group;
        let mut own = vec![
            ("id", Cell::Number(group.id.value())),
            ("account", Cell::Number(row.account.id().value())),
            ("name", Cell::text(Some(&group.name))),
            ("slug", Cell::name(group.slug.as_ref().map(Slug::as_str))),
        ];
        if with_hashes {
            let hash = row.hash.as_ref().map(PasswordHash::as_str);
            own.push(("password_hash", Cell::name(hash)));
        }
        let category = group.category_id.map(Id::value);
        own.extend([
            ("description", Cell::text(group.description.as_ref())),
            ("category_id", category.map_or(Cell::Absent, Cell::Number)),
            ("secret", Cell::Flag(group.secret)),
            ("unleavable", Cell::Flag(group.unleavable)),
            ("pinned", Cell::Flag(group.pinned)),
            ("password_protected", Cell::Flag(group.password_protected)),
            ("icon_url", Cell::text(group.icon_url.as_ref())),
        ]);
        Cells {
            own,
            other_ids: row.other_ids,
            extensions: group.extensions,
        }
    }

    fn line(row: &GroupRow) -> Vec<String> {
        vec![
            row.group.id.to_string(),
            row.account.id().to_string(),
            or_dash(row.group.slug.as_ref().map(Slug::as_str)),
            row.group.name.as_str().to_owned(),
        ]
    }

    async fn import(
        store: &SqliteStore,
        rows: Arc<[GroupRow]>,
        _: &mut Option<Id>,
        entry: Entry,
    ) -> Result<Vec<Verdict>, StoreError> {
        store.import_groups(rows, entry).await
    }

    fn export<T: Receive<GroupRow>>(
        store: &SqliteStore,
        account: Option<AccountId>,
        receiver: T,
    ) -> StoreFuture<'_, T> {
        store.export_groups(account, receiver)
    }
}
