//! Attributes of one dialect that have no canonical home.

use super::Dialect;
use super::text::Text;

/// A dialect's own attribute. The store keeps it, and the same dialect gives it back unchanged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Extension {
    /// The dialect whose attribute this is.
    pub dialect: Dialect,
    /// The field's name in that dialect.
    pub field: Text,
    /// The value as that dialect writes it; structured values in the dialect's own notation.
    pub value: Text,
}

/// Who may set an extension attribute of a user, the more the later. Its dialect knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Guard {
    /// Whoever may change the user, the user itself included.
    #[default]
    None,
    /// Whoever may change the user, but not the user itself.
    Administrative,
    /// Only who may change roles: it gives rights in the system the dialect comes from.
    Role,
}

/// A change to one extension attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtensionEdit {
    /// The dialect whose attribute this is.
    pub dialect: Dialect,
    /// The field's name in that dialect.
    pub field: Text,
    /// The new value, or nothing to remove the attribute.
    pub value: Option<Text>,
}

/// Why [`is_credential`] fields are refused, as the end of a sentence that starts with the field.
pub const CREDENTIAL: &str = "is the name of a credential and is not kept; leave it out";

/// Whether a field of that name holds a key or a password in one of the dialects. A caller that
/// takes one dialect for another must not find its secret kept as an attribute, in plain text.
pub fn is_credential(field: &str) -> bool {
    const CREDENTIALS: [&str; 7] = [
        "api_secret_key",
        "api_key",
        "password",
        "confirm_password",
        "edited_user_pass1",
        "edited_user_pass2",
        "current_user_pass",
    ];
    let field = field.trim_end_matches("[]");
    CREDENTIALS
        .iter()
        .any(|known| field.eq_ignore_ascii_case(known))
}

/// Carries changes out on a list that is kept sorted by dialect and field.
pub fn apply_extensions(edits: Vec<ExtensionEdit>, stored: &mut Vec<Extension>) {
    for edit in edits {
        stored.retain(|kept| (kept.dialect, &kept.field) != (edit.dialect, &edit.field));
        if let Some(value) = edit.value {
            stored.push(Extension {
                dialect: edit.dialect,
                field: edit.field,
                value,
            });
        }
    }
    stored.sort();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_known_by_its_name_in_any_dialect_and_any_case() {
        for name in [
            "password",
            "Password",
            "api_secret_key[]",
            "edited_user_pass2",
            "API_KEY",
        ] {
            assert!(is_credential(name), "{name}");
        }
        for name in ["password_protect", "custom_field_1", "passwords", ""] {
            assert!(!is_credential(name), "{name}");
        }
    }
}
