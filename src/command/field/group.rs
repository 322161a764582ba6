//! The fields of a change to a group.

use super::{Field, GroupField, Mention};
use crate::command::Edit;
use crate::command::group::GroupChange;

impl GroupChange {
    /// Every attribute that the change mentions.
    pub fn mentions(&self) -> Vec<Mention> {
        let own = GroupField::ALL.iter().filter_map(|field| {
            let is_empty = self.mention(*field)?;
            Some(Mention::of(Field::Group(*field), is_empty))
        });
        own.chain(Mention::extensions(&self.extensions)).collect()
    }

    /// Takes an attribute out, as if it had never been mentioned.
    pub fn remove(&mut self, field: &Field) {
        match field {
            Field::User(_) => {}
            Field::Group(field) => self.forget(*field),
            Field::Extension(dialect, name) => {
                self.extensions
                    .retain(|edit| (edit.dialect, &edit.field) != (*dialect, name));
            }
        }
    }

    /// Whether the attribute is emptied only; nothing where it is not mentioned.
    fn mention(&self, field: GroupField) -> Option<bool> {
        match field {
            GroupField::Name => self.name.as_ref().map(|name| name.as_str().is_empty()),
            GroupField::Slug => self.slug.as_ref().map(|_| false),
            GroupField::Description => edit(&self.description),
            GroupField::CategoryId => edit(&self.category_id),
            GroupField::Secret => self.secret.map(|_| false),
            GroupField::Unleavable => self.unleavable.map(|_| false),
            GroupField::Pinned => self.pinned.map(|_| false),
            GroupField::PasswordProtected => self.password_protected.map(|_| false),
            GroupField::Password => edit(&self.password),
            GroupField::IconUrl => edit(&self.icon_url),
        }
    }

    fn forget(&mut self, field: GroupField) {
        match field {
            GroupField::Name => self.name = None,
            GroupField::Slug => self.slug = None,
            GroupField::Description => self.description = Edit::Keep,
            GroupField::CategoryId => self.category_id = Edit::Keep,
            GroupField::Secret => self.secret = None,
            GroupField::Unleavable => self.unleavable = None,
            GroupField::Pinned => self.pinned = None,
            GroupField::PasswordProtected => self.password_protected = None,
            GroupField::Password => self.password = Edit::Keep,
            GroupField::IconUrl => self.icon_url = Edit::Keep,
        }
    }
}

fn edit<T>(edit: &Edit<T>) -> Option<bool> {
    match edit {
        Edit::Keep => None,
        Edit::Clear => Some(true),
        Edit::Set(_) => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Id;
    use crate::command::name::Slug;
    use crate::command::text::Text;
    use crate::secret::Secret;

    #[test]
    fn a_change_without_all_that_it_mentions_mentions_nothing() {
        let text = |value: &str| Text::parse(value).unwrap();
        let mut change = GroupChange {
            name: Some(text("Staff")),
            slug: Slug::parse("staff"),
            description: Edit::Clear,
            category_id: Edit::Set(Id::ONE),
            secret: Some(true),
            unleavable: Some(true),
            pinned: Some(true),
            password_protected: Some(true),
            password: Edit::Set(Secret::from("open")),
            icon_url: Edit::Set(text("/icon.png")),
            extensions: Vec::new(),
        };
        let mentions = change.mentions();
        assert_eq!(mentions.len(), GroupField::ALL.len());
        assert_eq!(
            mentions.iter().filter(|mention| mention.is_empty).count(),
            1
        );
        for mention in &mentions {
            change.remove(&mention.field);
        }
        assert_eq!(change, GroupChange::default());
    }
}
