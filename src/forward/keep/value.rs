//! The values of single fields as texts, which is how they are kept.

use serde_json::{Value, json};

use crate::command::extension::{Extension, ExtensionEdit};
use crate::command::field::{Field, UserField};
use crate::command::organization::Organization;
use crate::command::text::Text;
use crate::command::timezone::Timezone;
use crate::command::user::{Level, User, UserChange};
use crate::command::{Edit, Id};

/// The value that a change gives a field; nothing where it empties it, or does not mention it.
pub(super) fn of(change: &mut UserChange, field: &Field) -> Option<String> {
    let text = |edit: &Edit<Text>| edit.value().map(|text| text.as_str().to_owned());
    let value = match field {
        Field::User(UserField::EmailVerified) => change.email_verified.map(|flag| flag.to_string()),
        Field::User(UserField::ReadOnly) => change.read_only.map(|flag| flag.to_string()),
        Field::User(UserField::Level) => change.level.map(|level| level.value().to_string()),
        Field::User(UserField::Timezone) => {
            let zone = change.timezone.value();
            zone.map(|zone| zone.name().to_owned())
        }
        Field::User(UserField::Organizations) => {
            let list = change.organizations.as_deref();
            list.filter(|list| !list.is_empty()).map(write_list)
        }
        Field::User(field) => change.text_mut(*field).and_then(|edit| text(edit)),
        Field::Group(_) => None,
        Field::Extension(dialect, name) => {
            let mut edits = change.extensions.iter();
            let edit = edits.find(|edit| (edit.dialect, &edit.field) == (*dialect, name))?;
            edit.value.as_ref().map(|value| value.as_str().to_owned())
        }
    };
    value.filter(|value| !value.is_empty())
}

/// The value that a user has in a field that can be sent again; nothing where it has none.
pub(super) fn has(user: &mut User, field: &Field) -> Option<String> {
    let text = |text: &Text| text.as_str().to_owned();
    let value = match field {
        Field::User(UserField::Organizations) => {
            let list = Some(&user.organizations).filter(|list| !list.is_empty());
            list.map(|list| write_list(list))
        }
        Field::User(field) => user.text_mut(*field)?.as_ref().map(text),
        Field::Group(_) => None,
        Field::Extension(dialect, name) => user
            .extension(*dialect, name.as_str())
            .map(ToOwned::to_owned),
    };
    value.filter(|value| !value.is_empty())
}

/// Gives a user the value, unless it has one; nothing if no such field can have it. What is no text
/// has one always, and counts as told by nobody.
pub(super) fn fill(user: &mut User, field: &Field, value: &str) -> Option<()> {
    match field {
        Field::User(UserField::EmailVerified) => user.email_verified = value.parse().ok()?,
        Field::User(UserField::ReadOnly) => user.read_only = value.parse().ok()?,
        Field::User(UserField::Level) => user.level = Level::new(value.parse().ok()?)?,
        Field::User(UserField::Timezone) => {
            let zone = Timezone::parse(value)?;
            user.timezone.get_or_insert(zone);
        }
        Field::User(UserField::Organizations) => {
            let list = read_list(value)?;
            if user.organizations.is_empty() {
                user.organizations = list;
            }
        }
        Field::User(field) => {
            let text = Text::parse(value).ok()?;
            user.text_mut(*field)?.get_or_insert(text);
        }
        Field::Group(_) => return None,
        Field::Extension(dialect, name) => {
            let value = Text::parse(value).ok()?;
            if user.extension(*dialect, name.as_str()).is_none() {
                user.extensions.push(Extension {
                    dialect: *dialect,
                    field: name.clone(),
                    value,
                });
                user.extensions.sort();
            }
        }
    }
    Some(())
}

/// Notes what is known of a field that can be sent again; nothing if no such field can have it.
pub(super) fn know(change: &mut UserChange, field: &Field, value: Option<&str>) -> Option<()> {
    let text = value.map(Text::parse).transpose().ok()?;
    match field {
        Field::User(UserField::Organizations) => {
            change.organizations = Some(value.map_or(Some(Vec::new()), read_list)?);
        }
        Field::User(field) => {
            *change.text_mut(*field)? = text.map_or(Edit::Clear, Edit::Set);
        }
        Field::Group(_) => return None,
        Field::Extension(dialect, name) => change.extensions.push(ExtensionEdit {
            dialect: *dialect,
            field: name.clone(),
            value: text,
        }),
    }
    Some(())
}

/// `[[2,"Analyst"],[7,null]]`
fn write_list(list: &[Organization]) -> String {
    let pair = |one: &Organization| json!([one.id.value(), one.role.as_ref().map(Text::as_str)]);
    Value::Array(list.iter().map(pair).collect()).to_string()
}

fn read_list(text: &str) -> Option<Vec<Organization>> {
    let pairs: Vec<(i64, Option<String>)> = serde_json::from_str(text).ok()?;
    let organization = |(id, role): (i64, Option<String>)| {
        Some(Organization {
            id: Id::new(id)?,
            role: role.map(Text::parse).transpose().ok()?,
        })
    };
    pairs.into_iter().map(organization).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::user::Status;
    use crate::command::{AccountId, Dialect};

    fn text(value: &str) -> Edit<Text> {
        Edit::Set(Text::parse(value).unwrap())
    }

    fn everything() -> UserChange {
        UserChange {
            display_name: text("Ada L"),
            given_name: text("Ada"),
            family_name: text("L"),
            nickname: text("ada"),
            gender: text("F"),
            locale: text("en-GB"),
            email_verified: Some(true),
            level: Level::new(7),
            phone: text("1"),
            mobile: text("2"),
            fax: text("3"),
            title: text("Analyst \"of\" engines"),
            timezone: Edit::Set(Timezone::parse("Europe/London").unwrap()),
            picture_url: text("/ada.png"),
            read_only: Some(true),
            organizations: Some(vec![
                Organization {
                    id: Id::ONE,
                    role: Some(Text::parse("head, \"of\" R\nD").unwrap()),
                },
                Organization {
                    id: Id::new(7).unwrap(),
                    role: None,
                },
            ]),
            extensions: vec![ExtensionEdit {
                dialect: Dialect::Vision6,
                field: Text::parse("receives_promotional").unwrap(),
                value: Some(Text::parse("true").unwrap()),
            }],
            ..UserChange::default()
        }
    }

    fn nobody() -> User {
        User {
            id: Id::ONE,
            account: AccountId::new(Id::ONE),
            username: crate::command::name::Username::parse("ada").unwrap(),
            display_name: None,
            given_name: None,
            family_name: None,
            nickname: None,
            gender: None,
            locale: None,
            email: None,
            email_verified: false,
            status: Status::Active,
            level: Level::ZERO,
            phone: None,
            mobile: None,
            fax: None,
            title: None,
            timezone: None,
            picture_url: None,
            read_only: false,
            role: None,
            organizations: Vec::new(),
            extensions: Vec::new(),
        }
    }

    #[test]
    fn every_field_that_can_be_kept_comes_back_as_it_was() {
        let mut change = everything();
        let mut kept = Vec::new();
        for mention in change.mentions() {
            assert_eq!(mention.field.cannot_be_kept(), None);
            let value = of(&mut change, &mention.field).unwrap();
            kept.push((mention.field, value));
        }
        let keepable = UserField::ALL
            .iter()
            .filter(|field| Field::User(**field).cannot_be_kept().is_none());
        assert_eq!(kept.len(), keepable.count() + 1);
        let mut user = nobody();
        for (field, value) in &kept {
            fill(&mut user, field, value).unwrap();
        }
        assert!(user.email_verified && user.read_only);
        assert_eq!(user.level.value(), 7);
        assert_eq!(user.title.unwrap().as_str(), "Analyst \"of\" engines");
        assert_eq!(user.timezone.unwrap().name(), "Europe/London");
        assert_eq!(Some(user.organizations), change.organizations);
        assert_eq!(user.extensions.len(), 1);
    }

    #[test]
    fn what_the_upstream_tells_is_not_overridden() {
        let told = Text::parse("/theirs.png").unwrap();
        let mut user = User {
            picture_url: Some(told.clone()),
            ..nobody()
        };
        let field = Field::User(UserField::PictureUrl);
        fill(&mut user, &field, "/ours.png").unwrap();
        assert_eq!(user.picture_url, Some(told));
    }

    #[test]
    fn what_is_known_to_be_empty_is_known_and_what_is_no_value_is_not() {
        let mut change = UserChange::default();
        let nickname = Field::User(UserField::Nickname);
        know(&mut change, &nickname, None).unwrap();
        assert_eq!(change.nickname, Edit::Clear);
        let organizations = Field::User(UserField::Organizations);
        know(&mut change, &organizations, None).unwrap();
        assert_eq!(change.organizations, Some(Vec::new()));
        assert_eq!(know(&mut change, &organizations, Some("[[0,null]]")), None);
        let zone = Field::User(UserField::Timezone);
        assert_eq!(fill(&mut nobody(), &zone, "Mars/Olympus"), None);
    }
}
