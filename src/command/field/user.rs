//! The fields of a change to a user, and of a user.

use super::{Field, Mention, UserField};
use crate::command::Edit;
use crate::command::text::Text;
use crate::command::user::{User, UserChange};
use crate::secret::Secret;

impl UserChange {
    /// Every attribute that the change mentions.
    pub fn mentions(&self) -> Vec<Mention> {
        let own = UserField::ALL.iter().filter_map(|field| {
            let is_empty = self.mention(*field)?;
            Some(Mention::of(Field::User(*field), is_empty))
        });
        own.chain(Mention::extensions(&self.extensions)).collect()
    }

    /// Takes an attribute out, as if it had never been mentioned.
    pub fn remove(&mut self, field: &Field) {
        match field {
            Field::User(field) => self.forget(*field),
            Field::Group(_) => {}
            Field::Extension(dialect, name) => {
                self.extensions
                    .retain(|edit| (edit.dialect, &edit.field) != (*dialect, name));
            }
        }
    }

    /// What happens to an attribute that is plain text; nothing for one that is not.
    pub const fn text_mut(&mut self, field: UserField) -> Option<&mut Edit<Text>> {
        Some(match field {
            UserField::DisplayName => &mut self.display_name,
            UserField::GivenName => &mut self.given_name,
            UserField::FamilyName => &mut self.family_name,
            UserField::Nickname => &mut self.nickname,
            UserField::Gender => &mut self.gender,
            UserField::Locale => &mut self.locale,
            UserField::Phone => &mut self.phone,
            UserField::Mobile => &mut self.mobile,
            UserField::Fax => &mut self.fax,
            UserField::Title => &mut self.title,
            UserField::PictureUrl => &mut self.picture_url,
            UserField::Username
            | UserField::Password
            | UserField::CurrentPassword
            | UserField::Email
            | UserField::EmailVerified
            | UserField::Status
            | UserField::Level
            | UserField::Timezone
            | UserField::ReadOnly
            | UserField::Role
            | UserField::Organizations
            | UserField::Notify => return None,
        })
    }

    /// Whether the attribute is emptied only; nothing where it is not mentioned.
    fn mention(&self, field: UserField) -> Option<bool> {
        match field {
            UserField::Username => self.username.as_ref().map(|_| false),
            UserField::Password => self.password.as_ref().map(Secret::is_empty),
            UserField::CurrentPassword => self.current_password.as_ref().map(Secret::is_empty),
            UserField::DisplayName => text(&self.display_name),
            UserField::GivenName => text(&self.given_name),
            UserField::FamilyName => text(&self.family_name),
            UserField::Nickname => text(&self.nickname),
            UserField::Gender => text(&self.gender),
            UserField::Locale => text(&self.locale),
            UserField::Email => self.email.as_ref().map(|_| false),
            UserField::EmailVerified => self.email_verified.map(|_| false),
            UserField::Status => self.status.map(|_| false),
            UserField::Level => self.level.map(|_| false),
            UserField::Phone => text(&self.phone),
            UserField::Mobile => text(&self.mobile),
            UserField::Fax => text(&self.fax),
            UserField::Title => text(&self.title),
            UserField::Timezone => edit(&self.timezone),
            UserField::PictureUrl => text(&self.picture_url),
            UserField::ReadOnly => self.read_only.map(|_| false),
            UserField::Role => edit(&self.role),
            UserField::Organizations => self.organizations.as_ref().map(Vec::is_empty),
            UserField::Notify => self.notify.then_some(false),
        }
    }

    fn forget(&mut self, field: UserField) {
        if let Some(text) = self.text_mut(field) {
            *text = Edit::Keep;
            return;
        }
        match field {
            UserField::Username => self.username = None,
            UserField::Password => self.password = None,
            UserField::CurrentPassword => self.current_password = None,
            UserField::Email => self.email = None,
            UserField::EmailVerified => self.email_verified = None,
            UserField::Status => self.status = None,
            UserField::Level => self.level = None,
            UserField::Timezone => self.timezone = Edit::Keep,
            UserField::ReadOnly => self.read_only = None,
            UserField::Role => self.role = Edit::Keep,
            UserField::Organizations => self.organizations = None,
            UserField::Notify => self.notify = false,
            UserField::DisplayName
            | UserField::GivenName
            | UserField::FamilyName
            | UserField::Nickname
            | UserField::Gender
            | UserField::Locale
            | UserField::Phone
            | UserField::Mobile
            | UserField::Fax
            | UserField::Title
            | UserField::PictureUrl => {}
        }
    }
}

impl User {
    /// An attribute that is plain text; nothing for one that is not.
    pub const fn text_mut(&mut self, field: UserField) -> Option<&mut Option<Text>> {
        Some(match field {
            UserField::DisplayName => &mut self.display_name,
            UserField::GivenName => &mut self.given_name,
            UserField::FamilyName => &mut self.family_name,
            UserField::Nickname => &mut self.nickname,
            UserField::Gender => &mut self.gender,
            UserField::Locale => &mut self.locale,
            UserField::Phone => &mut self.phone,
            UserField::Mobile => &mut self.mobile,
            UserField::Fax => &mut self.fax,
            UserField::Title => &mut self.title,
            UserField::PictureUrl => &mut self.picture_url,
            UserField::Username
            | UserField::Password
            | UserField::CurrentPassword
            | UserField::Email
            | UserField::EmailVerified
            | UserField::Status
            | UserField::Level
            | UserField::Timezone
            | UserField::ReadOnly
            | UserField::Role
            | UserField::Organizations
            | UserField::Notify => return None,
        })
    }
}

fn edit<T>(edit: &Edit<T>) -> Option<bool> {
    match edit {
        Edit::Keep => None,
        Edit::Clear => Some(true),
        Edit::Set(_) => Some(false),
    }
}

fn text(text: &Edit<Text>) -> Option<bool> {
    match text {
        Edit::Set(text) => Some(text.as_str().is_empty()),
        Edit::Keep | Edit::Clear => edit(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Dialect;
    use crate::command::email::Email;
    use crate::command::extension::ExtensionEdit;
    use crate::command::name::Username;
    use crate::command::timezone::Timezone;
    use crate::command::user::{Level, Role, Status};

    fn set(value: &str) -> Edit<Text> {
        Edit::Set(Text::parse(value).unwrap())
    }

    fn everything() -> UserChange {
        UserChange {
            username: Username::parse("ada"),
            password: Some(Secret::from("secret")),
            current_password: Some(Secret::from("secret")),
            display_name: set("Ada L"),
            given_name: set("Ada"),
            family_name: set("L"),
            nickname: set("ada"),
            gender: set("F"),
            locale: set("en-GB"),
            email: Email::parse("ada@example.com"),
            email_verified: Some(false),
            status: Some(Status::Active),
            level: Level::new(0),
            phone: set("1"),
            mobile: set("2"),
            fax: set("3"),
            title: set("Analyst"),
            timezone: Edit::Set(Timezone::parse("Europe/London").unwrap()),
            picture_url: set("/ada.png"),
            read_only: Some(false),
            role: Edit::Set(Role::new(Text::parse("member").unwrap())),
            organizations: Some(Vec::new()),
            notify: true,
            extensions: vec![ExtensionEdit {
                dialect: Dialect::Vision6,
                field: Text::parse("receives_promotional").unwrap(),
                value: Some(Text::parse("true").unwrap()),
            }],
            ..UserChange::default()
        }
    }

    #[test]
    fn a_change_without_all_that_it_mentions_mentions_nothing() {
        let mut change = everything();
        let mentions = change.mentions();
        assert_eq!(mentions.len(), UserField::ALL.len() + 1);
        for mention in &mentions {
            change.remove(&mention.field);
        }
        assert_eq!(change, UserChange::default());
    }

    #[test]
    fn only_what_holds_nothing_is_empty() {
        let change = UserChange {
            nickname: set(""),
            phone: Edit::Clear,
            ..everything()
        };
        let mentions = change.mentions().into_iter();
        let empty: Vec<_> = mentions
            .filter(|mention| mention.is_empty)
            .map(|mention| mention.field.to_string())
            .collect();
        assert_eq!(empty, ["nickname", "phone", "organizations"]);
    }
}
