//! Fields that travel as another one: `grupo.custom_field_1` as `title`.
//!
//! The configuration has checked that each is plain text or an attribute of a dialect's own.

use std::mem::take;

use crate::command::extension::{Extension, ExtensionEdit, apply_extensions};
use crate::command::field::Field;
use crate::command::text::Text;
use crate::command::user::{User, UserChange};
use crate::command::{Dialect, Edit};
use crate::framing::json::{self, Json};
use crate::outcome::Outcome;
use crate::route::JsonLimits;

/// Puts values where they go upstream. A field whose place the caller has filled itself stays where
/// it is, so that it is lost by the rules, if at all.
pub(super) fn send(homes: &[(Field, Field)], change: &mut UserChange) {
    for (from, to) in homes {
        let is_filled = change.mentions().iter().any(|mention| mention.field == *to);
        if is_filled {
            continue;
        }
        match take_edit(from, change) {
            Edit::Keep => {}
            edit @ (Edit::Clear | Edit::Set(_)) => put_edit(to, edit, change),
        }
    }
}

/// Puts what was read back where the caller looks for it.
pub(super) fn bring_back(homes: &[(Field, Field)], outcome: &mut Outcome) {
    let users = match outcome {
        Outcome::User(user) => std::slice::from_mut(&mut **user),
        Outcome::Users(page) => page.users.as_mut_slice(),
        Outcome::Done
        | Outcome::UserCreated(_)
        | Outcome::UserDeleted(_)
        | Outcome::Count(_)
        | Outcome::GroupCreated(_)
        | Outcome::Group(_)
        | Outcome::Groups(_)
        | Outcome::Timezones(_)
        | Outcome::Relayed(_) => return,
    };
    for user in users {
        for (from, to) in homes {
            if let Some(value) = take_value(to, user) {
                put_value(from, value, user);
            }
        }
    }
}

fn take_edit(field: &Field, change: &mut UserChange) -> Edit<Text> {
    match field {
        Field::User(field) => change.text_mut(*field).map(take).unwrap_or_default(),
        Field::Group(_) => Edit::Keep,
        Field::Extension(dialect, name) => {
            let is_it = |edit: &ExtensionEdit| (edit.dialect, &edit.field) == (*dialect, name);
            let Some(position) = change.extensions.iter().position(is_it) else {
                return Edit::Keep;
            };
            let value = change.extensions.remove(position).value;
            value.map_or(Edit::Clear, |value| Edit::Set(plain(*dialect, value)))
        }
    }
}

fn put_edit(field: &Field, edit: Edit<Text>, change: &mut UserChange) {
    match field {
        Field::User(field) => {
            if let Some(text) = change.text_mut(*field) {
                *text = edit;
            }
        }
        Field::Group(_) => {}
        Field::Extension(dialect, name) => change.extensions.push(ExtensionEdit {
            dialect: *dialect,
            field: name.clone(),
            value: edit.value().cloned().map(|value| own(*dialect, value)),
        }),
    }
}

fn take_value(field: &Field, user: &mut User) -> Option<Text> {
    match field {
        Field::User(field) => user.text_mut(*field)?.take(),
        Field::Group(_) => None,
        Field::Extension(dialect, name) => {
            let is_it = |kept: &Extension| (kept.dialect, &kept.field) == (*dialect, name);
            let position = user.extensions.iter().position(is_it)?;
            Some(plain(*dialect, user.extensions.remove(position).value))
        }
    }
}

fn put_value(field: &Field, value: Text, user: &mut User) {
    match field {
        Field::User(field) => {
            if let Some(text) = user.text_mut(*field) {
                *text = Some(value);
            }
        }
        Field::Group(_) => {}
        Field::Extension(dialect, name) => {
            let edit = ExtensionEdit {
                dialect: *dialect,
                field: name.clone(),
                value: Some(own(*dialect, value)),
            };
            apply_extensions(vec![edit], &mut user.extensions);
        }
    }
}

/// The value of an attribute as text: Vision6 writes its own as JSON.
fn plain(dialect: Dialect, value: Text) -> Text {
    if dialect != Dialect::Vision6 {
        return value;
    }
    let text = match Json::decode(value.as_str(), &JsonLimits::default()) {
        Ok(Json::String(text)) => Text::parse(text).ok(),
        Ok(_) | Err(_) => None,
    };
    text.unwrap_or(value)
}

/// A text as the dialect writes its own attributes.
fn own(dialect: Dialect, value: Text) -> Text {
    if dialect != Dialect::Vision6 {
        return value;
    }
    let mut text = String::new();
    json::write_string(&mut text, value.as_str());
    Text::parse(text).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::field::UserField;

    fn field(name: &str) -> Field {
        Field::parse(name).unwrap()
    }

    fn edit(dialect: Dialect, name: &str, value: Option<&str>) -> ExtensionEdit {
        ExtensionEdit {
            dialect,
            field: Text::parse(name).unwrap(),
            value: value.map(|value| Text::parse(value).unwrap()),
        }
    }

    #[test]
    fn an_attribute_travels_as_a_field_and_a_field_as_an_attribute() {
        let homes = [
            (field("grupo.custom_field_1"), field("title")),
            (field("phone"), field("vision6.office")),
        ];
        let mut change = UserChange {
            phone: Edit::Set(Text::parse("1 \"2\"").unwrap()),
            extensions: vec![edit(Dialect::Grupo, "custom_field_1", Some("Analyst"))],
            ..UserChange::default()
        };
        send(&homes, &mut change);
        let sent = UserChange {
            title: Edit::Set(Text::parse("Analyst").unwrap()),
            extensions: vec![edit(Dialect::Vision6, "office", Some(r#""1 \"2\"""#))],
            ..UserChange::default()
        };
        assert_eq!(change, sent);
        let read = plain(Dialect::Vision6, Text::parse(r#""1 \"2\"""#).unwrap());
        assert_eq!(read.as_str(), "1 \"2\"");
    }

    #[test]
    fn a_value_is_not_put_over_one_that_the_caller_sent_there() {
        let homes = [(field("grupo.custom_field_1"), field("title"))];
        let sent = UserChange {
            title: Edit::Set(Text::parse("Countess").unwrap()),
            extensions: vec![edit(Dialect::Grupo, "custom_field_1", Some("Analyst"))],
            ..UserChange::default()
        };
        let mut change = sent.clone();
        send(&homes, &mut change);
        assert_eq!(change, sent);
        assert_eq!(
            homes[0].1,
            Field::User(UserField::Title),
            "the mapping is the one that is meant"
        );
    }
}
