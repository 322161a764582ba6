//! What each dialect has an operation and a field for, so that what would be lost is known before
//! anything is sent.

use super::{b2evolution, grupo, vision6};
use crate::command::field::{Field, GroupField, UserField};
use crate::command::text::Text;
use crate::command::user::UserChange;
use crate::command::{Action, Dialect};
use crate::error::Error;
use crate::route::Policy;

/// Whether the dialect has an operation for the action.
pub const fn has_operation(dialect: Dialect, action: Action) -> bool {
    match dialect {
        Dialect::Grupo => grupo::has_operation(action),
        Dialect::Vision6 => vision6::has_operation(action),
        Dialect::B2evolution => b2evolution::has_operation(action),
    }
}

/// Whether the dialect has a native operation of that name.
pub fn is_native(dialect: Dialect, name: &str) -> bool {
    match dialect {
        Dialect::Grupo => grupo::is_native(name),
        Dialect::Vision6 => vision6::is_native(name),
        Dialect::B2evolution => b2evolution::is_native(name),
    }
}

/// Whether no caller can be known by a native operation of that name: it is called before there is a key.
pub fn is_keyless(dialect: Dialect, name: &str) -> bool {
    dialect == Dialect::Vision6 && vision6::is_keyless(name)
}

/// Whether the dialect has a place for the field in what it sends for the action. A single value
/// may be refused all the same: Vision6 has a status, and none that is called closed.
pub fn expresses(dialect: Dialect, action: Action, field: &Field, policy: &Policy) -> bool {
    has_operation(dialect, action)
        && match dialect {
            Dialect::Grupo => grupo::expresses(action, field, policy),
            Dialect::Vision6 => vision6::expresses(action, field),
            Dialect::B2evolution => b2evolution::expresses(action, field, policy),
        }
}

/// Whether the dialect's system takes the field, shows it in no answer, and forgets it at the next
/// update that does not send it again.
pub fn hides(dialect: Dialect, field: &Field) -> bool {
    match dialect {
        // The flag that Grupo forgets is of users whose numbers it does not tell.
        Dialect::Grupo | Dialect::Vision6 => false,
        Dialect::B2evolution => b2evolution::hides(field),
    }
}

/// Fields that [`hides`] is true of and that updates are refused for where they are not known
/// ([`Unknown::Reject`](super::exchange::Unknown::Reject)), by the names that the refusal has.
pub fn hidden_fields(dialect: Dialect) -> Vec<(&'static str, Vec<Field>)> {
    match dialect {
        Dialect::Grupo | Dialect::Vision6 => Vec::new(),
        Dialect::B2evolution => b2evolution::hidden_fields(),
    }
}

/// Refuses values of hidden fields that the dialect's system would not take, or not keep as they are.
pub fn check_hidden(dialect: Dialect, change: &UserChange, policy: &Policy) -> Result<(), Error> {
    match dialect {
        Dialect::Grupo | Dialect::Vision6 => Ok(()),
        Dialect::B2evolution => b2evolution::check_update(change, policy),
    }
}

/// Whether the dialect's action reads a user and writes all of it back, so that two at once would
/// overwrite each other.
pub const fn rewrites(dialect: Dialect, action: Action) -> bool {
    matches!(
        (dialect, action),
        (Dialect::B2evolution, Action::UpdateUser)
    )
}

/// Every field that callers of the dialect can send with the action and that has a name of its own
/// beforehand. Extension attributes that a site makes up have none.
pub fn known_fields(dialect: Dialect, action: Action, policy: &Policy) -> Vec<Field> {
    let own: &[&str] = match dialect {
        Dialect::Vision6 => &[vision6::PROMOTIONAL],
        Dialect::Grupo | Dialect::B2evolution => &[],
    };
    let own = own
        .iter()
        .filter_map(|name| Some(Field::Extension(dialect, Text::parse(*name).ok()?)));
    let users = UserField::ALL.iter().copied().map(Field::User);
    let groups = GroupField::ALL.iter().copied().map(Field::Group);
    let fields = users.chain(groups).chain(own);
    fields
        .filter(|field| expresses(dialect, action, field, policy))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_update_is_refused_for_is_hidden_and_can_be_kept() {
        for dialect in Dialect::ALL {
            for (name, fields) in hidden_fields(dialect) {
                assert!(!fields.is_empty(), "{name}");
                for field in fields {
                    assert!(hides(dialect, &field), "{field}");
                    assert_eq!(field.cannot_be_kept(), None, "{field}");
                }
            }
        }
    }
}
