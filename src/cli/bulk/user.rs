//! A user as a line of a file.

use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;

use super::Noun;
use super::cells::{Cell, Cells};
use super::fields::Fields;
use crate::auth::password::PasswordHash;
use crate::command::email::Email;
use crate::command::name::Username;
use crate::command::organization::Organization;
use crate::command::text::Text;
use crate::command::timezone::Timezone;
use crate::command::user::{Level, Role, Status, User};
use crate::command::{AccountId, Id};
use crate::journal::Entry;
use crate::store::bulk::{BulkStore, Receive, UserRow, Verdict};
use crate::store::sqlite::SqliteStore;
use crate::store::{StoreError, StoreFuture};

/// Users.
#[derive(Debug)]
pub(super) enum Users {}

impl Noun for Users {
    type Row = UserRow;

    const NAME: &'static str = "users";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "account",
        "username",
        "password_hash",
        "display_name",
        "given_name",
        "family_name",
        "nickname",
        "gender",
        "locale",
        "email",
        "email_verified",
        "status",
        "level",
        "phone",
        "mobile",
        "fax",
        "title",
        "timezone",
        "picture_url",
        "read_only",
        "role",
        "organizations",
    ];
    const HAS_ATTRIBUTES: bool = true;
    const HEAD: &'static [&'static str] = &["ID", "ACCOUNT", "USERNAME", "EMAIL", "STATUS", "ROLE"];

    fn read(fields: &mut Fields, account: AccountId) -> Option<UserRow> {
        let id = fields.id("id");
        let username = fields.required("username", Username::MUST, Username::parse);
        let hash = fields.hash();
        let other_ids = fields.other_ids();
        let user = User {
            id: id.unwrap_or(Id::ONE),
            account: fields.account(account),
            display_name: fields.text("display_name"),
            given_name: fields.text("given_name"),
            family_name: fields.text("family_name"),
            nickname: fields.text("nickname"),
            gender: fields.text("gender"),
            locale: fields.text("locale"),
            email: fields.parse("email", "must be an e-mail address", |text| {
                Email::parse(text)
            }),
            email_verified: fields.flag("email_verified"),
            status: fields
                .parse("status", STATUSES, |name| Status::from_name(&name))
                .unwrap_or(Status::Active),
            level: fields
                .parse("level", "must be a whole number, 0 to 10", |number| {
                    number.parse().ok().and_then(Level::new)
                })
                .unwrap_or(Level::ZERO),
            phone: fields.text("phone"),
            mobile: fields.text("mobile"),
            fax: fields.text("fax"),
            title: fields.text("title"),
            timezone: fields.parse(
                "timezone",
                "must be a name of the time zone database, such as Europe/Berlin",
                |name| Timezone::parse(&name),
            ),
            picture_url: fields.text("picture_url"),
            read_only: fields.flag("read_only"),
            role: fields.text("role").map(Role::new),
            organizations: organizations(fields),
            extensions: fields.extensions(),
            // Last, so that every fault of the line is found.
            username: username?,
        };
        Some(UserRow {
            keeps_id: id.is_some(),
            user,
            hash,
            other_ids,
        })
    }

    fn cells(row: UserRow, with_hashes: bool) -> Cells {
        let user = row.user;
        let mut own = vec![
            ("id", Cell::Number(user.id.value())),
            ("account", Cell::Number(user.account.id().value())),
            ("username", Cell::name(Some(user.username.as_str()))),
        ];
        if with_hashes {
            let hash = row.hash.as_ref().map(PasswordHash::as_str);
            own.push(("password_hash", Cell::name(hash)));
        }
        own.extend([
            ("display_name", Cell::text(user.display_name.as_ref())),
            ("given_name", Cell::text(user.given_name.as_ref())),
            ("family_name", Cell::text(user.family_name.as_ref())),
            ("nickname", Cell::text(user.nickname.as_ref())),
            ("gender", Cell::text(user.gender.as_ref())),
            ("locale", Cell::text(user.locale.as_ref())),
            ("email", Cell::name(user.email.as_ref().map(Email::as_str))),
            ("email_verified", Cell::Flag(user.email_verified)),
            ("status", Cell::name(Some(user.status.name()))),
            ("level", Cell::Number(user.level.value().into())),
            ("phone", Cell::text(user.phone.as_ref())),
            ("mobile", Cell::text(user.mobile.as_ref())),
            ("fax", Cell::text(user.fax.as_ref())),
            ("title", Cell::text(user.title.as_ref())),
            ("timezone", Cell::name(user.timezone.map(Timezone::name))),
            ("picture_url", Cell::text(user.picture_url.as_ref())),
            ("read_only", Cell::Flag(user.read_only)),
            ("role", Cell::name(user.role.as_ref().map(Role::name))),
            ("organizations", organizations_cell(&user.organizations)),
        ]);
        Cells {
            own,
            other_ids: row.other_ids,
            extensions: user.extensions,
        }
    }

    fn line(row: &UserRow) -> Vec<String> {
        let user = &row.user;
        vec![
            user.id.to_string(),
            user.account.id().to_string(),
            user.username.as_str().to_owned(),
            or_dash(user.email.as_ref().map(Email::as_str)),
            user.status.name().to_owned(),
            or_dash(user.role.as_ref().map(Role::name)),
        ]
    }

    async fn import(
        store: &SqliteStore,
        rows: std::sync::Arc<[UserRow]>,
        take_over: &mut Option<Id>,
        entry: Entry,
    ) -> Result<Vec<Verdict>, StoreError> {
        let (verdicts, left) = store.import_users(rows, *take_over, entry).await?;
        *take_over = left;
        Ok(verdicts)
    }

    fn export<T: Receive<UserRow>>(
        store: &SqliteStore,
        account: Option<AccountId>,
        receiver: T,
    ) -> StoreFuture<'_, T> {
        store.export_users(account, receiver)
    }
}

const STATUSES: &str = "must be unconfirmed, active, deactivated or closed";

/// An element of the list `organizations`.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Place {
    id: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<String>,
}

fn organizations(fields: &mut Fields) -> Vec<Organization> {
    let must = r#"must be a JSON list such as [{"id": 3, "role": "Editor"}]"#;
    let places = fields.parse("organizations", must, |text| {
        let places: Vec<Place> = serde_json::from_str(&text).ok()?;
        let organizations = places.into_iter().map(|place| {
            let role = place.role.map(Text::parse).transpose().ok()?;
            Some(Organization {
                id: Id::new(place.id)?,
                role,
            })
        });
        organizations.collect()
    });
    places.unwrap_or_default()
}

fn organizations_cell(organizations: &[Organization]) -> Cell {
    let places = organizations.iter().map(|organization| Place {
        id: organization.id.value(),
        role: organization
            .role
            .as_ref()
            .map(|role| role.as_str().to_owned()),
    });
    let places: Vec<_> = places.collect();
    if places.is_empty() {
        return Cell::Absent;
    }
    // Numbers and texts cannot fail to be JSON.
    to_raw_value(&places).map_or(Cell::Absent, Cell::Json)
}

pub(super) fn or_dash(text: Option<&str>) -> String {
    text.unwrap_or("-").to_owned()
}
