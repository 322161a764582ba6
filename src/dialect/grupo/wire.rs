//! The names of the wire, and which of them decide what a call does and to whom.

use std::borrow::Cow;

/// Where the API key travels.
pub(super) const KEY: &str = "api_secret_key";

/// The fields that name an operation. The vendor takes the first that is there, in this order.
pub(super) const VERBS: [&str; 10] = [
    "load",
    "form",
    "add",
    "update",
    "download",
    "upload",
    "remove",
    "popup",
    "realtime",
    "fetch_info",
];

/// The fields that say who acts, on whom, and with what rights. Each must be sent once and be
/// spelled as it is: PHP reads `user.id` as `user_id` and keeps the last of several, so that two
/// systems in a row can take the same call for two different ones.
pub(super) const DECISIVE: [&str; 18] = [
    "user",
    "user_id",
    "email_address",
    "sender",
    "group",
    "group_id",
    "group_member_id",
    "group_role",
    "group_role_id",
    "ban_user_id",
    "temporary_ban_user_id",
    "ban_till",
    "unban_user_id",
    "site_role",
    "site_role_attribute",
    "create_account",
    "deactivate",
    "signup_page",
];

/// Canonical attributes and the fields they travel in. A fault that was found below the codec
/// names the attribute; the caller knows the field only.
const FIELDS: [(&str, &str); 13] = [
    ("display_name", "full_name"),
    ("email", "email_address"),
    ("phone", "phone_number"),
    ("picture_url", "avatarURL"),
    ("role", "site_role"),
    ("status", "deactivate"),
    ("name", "group_name"),
    ("category_id", "group_category_id"),
    ("secret", "secret_group"),
    ("pinned", "pin_group"),
    ("password_protected", "password_protect"),
    ("icon_url", "group_icon_url"),
    ("member_role", "group_role"),
];

/// Whether the field decides what a call does or to whom.
pub(super) fn is_decisive(name: &str) -> bool {
    name == KEY || VERBS.contains(&name) || DECISIVE.contains(&name)
}

/// The field that the attribute travels in; a name that is no attribute's is a field already.
pub(super) fn field_of(attribute: &str) -> &str {
    FIELDS
        .iter()
        .find(|(known, _)| *known == attribute)
        .map_or(attribute, |(_, field)| field)
}

/// The attribute that travels in the field; a field without one keeps its name.
pub(super) fn attribute_of(field: String) -> Cow<'static, str> {
    FIELDS
        .iter()
        .find(|(_, known)| *known == field)
        .map_or(Cow::Owned(field), |(attribute, _)| {
            Cow::Borrowed(*attribute)
        })
}

/// Whether PHP takes a value for none where one must be there: blank, or the text `0`.
pub(super) fn is_missing(value: &str) -> bool {
    matches!(value.trim(), "" | "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_translated_there_and_back() {
        for (attribute, field) in FIELDS {
            assert_eq!(field_of(attribute), field);
            assert_eq!(attribute_of(field.to_owned()), attribute);
        }
        assert_eq!(field_of("custom_field_1"), "custom_field_1");
    }
}
