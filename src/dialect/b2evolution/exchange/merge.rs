//! Forms that replace what they do not send.
//!
//! `identity_form` empties every identity field that is not sent and ends every membership of an
//! organization; `preferences_form` and `subscriptions_form` switch off every flag. So a form is
//! sent whole: what the change does not mention comes from a read of the user, and what a read
//! does not show from what is known here. What nobody knows is at risk.

use super::super::field::{self, Flag};
use crate::command::extension::ExtensionEdit;
use crate::command::text::Text;
use crate::command::user::{User, UserChange};
use crate::command::{Dialect, Edit};
use crate::error::{Error, Kind};

const SHOW_ONLINE: &str = "edited_user_showonline";
const SESSIONS: &str = "edited_user_set_login_multiple_sessions";

/// Extension attributes of `identity_form` that a read does not show, under the name by which they
/// are reported.
pub(in crate::dialect::b2evolution) const HIDDEN: [(&str, &[&str]); 2] = [
    (
        "birthday",
        &[
            "edited_user_birthday_day",
            "edited_user_birthday_month",
            "edited_user_birthday_year",
        ],
    ),
    ("age", &["edited_user_age_min", "edited_user_age_max"]),
];

/// Whether the change needs a form, and with it all the form holds.
pub(super) fn needs(change: &UserChange, flag: Flag) -> bool {
    let own = match flag {
        Flag::Identity => {
            !change.given_name.is_keep()
                || !change.family_name.is_keep()
                || !change.nickname.is_keep()
                || !change.gender.is_keep()
                || change.organizations.is_some()
        }
        Flag::Preferences => !change.locale.is_keep(),
        Flag::Password | Flag::Subscriptions | Flag::Admin | Flag::Advanced => false,
    };
    own || change.extensions.iter().any(|edit| is_of(edit, flag))
}

/// Fills the forms of preferences and subscriptions, and says what stays at risk.
pub(super) fn fill_settings(
    change: &mut UserChange,
    kept: &UserChange,
) -> Result<Vec<&'static str>, Error> {
    let mut at_risk = Vec::new();
    if needs(change, Flag::Preferences) {
        fill_edit(&mut change.locale, &kept.locale);
        if change.locale.is_keep() {
            let message = "b2evolution changes preferences only with the locale beside them; \
                           send the locale too";
            return Err(Error::new(Kind::MissingArgument("locale".into()), message));
        }
        fill_extensions(change, kept, Flag::Preferences);
        if !(mentions(change, SHOW_ONLINE) && mentions(change, SESSIONS)) {
            at_risk.push("preferences");
        }
    }
    if needs(change, Flag::Subscriptions) {
        // A new address that comes with this form makes the account wait for its confirmation.
        if change.email.is_some() {
            at_risk.push("status");
        }
        if !kept
            .extensions
            .iter()
            .any(|edit| is_of(edit, Flag::Subscriptions))
        {
            at_risk.push("subscriptions");
        }
        fill_extensions(change, kept, Flag::Subscriptions);
    }
    Ok(at_risk)
}

/// Fills the form of the identity from a read and from what is known, and says what stays at risk.
pub(super) fn fill_identity(
    change: &mut UserChange,
    kept: &UserChange,
    read: &User,
) -> Vec<&'static str> {
    fill(&mut change.given_name, read.given_name.as_ref());
    fill(&mut change.family_name, read.family_name.as_ref());
    fill(&mut change.gender, read.gender.as_ref());
    let own = |field: &str| {
        matches!(field::find(field), Some(found) if found.flags.first() == Some(&Flag::Identity))
            && !field.starts_with("uf_")
    };
    for shown in &read.extensions {
        if own(shown.field.as_str()) && !mentions(change, shown.field.as_str()) {
            change.extensions.push(ExtensionEdit {
                dialect: Dialect::B2evolution,
                field: shown.field.clone(),
                value: Some(shown.value.clone()),
            });
        }
    }
    fill_edit(&mut change.nickname, &kept.nickname);
    if change.organizations.is_none() {
        change.organizations.clone_from(&kept.organizations);
    }
    fill_extensions(change, kept, Flag::Identity);
    let custom = read.extensions.iter();
    let custom = custom.filter(|shown| !own(shown.field.as_str())).count();
    at_risk(change, custom)
}

fn at_risk(change: &UserChange, custom_fields: usize) -> Vec<&'static str> {
    let mut names = Vec::new();
    if change.nickname.is_keep() {
        names.push("nickname");
    }
    if change.organizations.is_none() {
        names.push("organizations");
    }
    for (name, fields) in HIDDEN {
        if !fields.iter().all(|field| mentions(change, field)) {
            names.push(name);
        }
    }
    let sent = change.extensions.iter();
    let sent = sent.filter(|edit| is_custom_field(edit)).count();
    if sent < custom_fields {
        names.push("custom fields");
    }
    names
}

fn is_custom_field(edit: &ExtensionEdit) -> bool {
    edit.dialect == Dialect::B2evolution && edit.field.as_str().starts_with("uf_")
}

fn fill(edit: &mut Edit<Text>, read: Option<&Text>) {
    if edit.is_keep() {
        *edit = read.map_or(Edit::Clear, |text| Edit::Set(text.clone()));
    }
}

fn fill_edit(edit: &mut Edit<Text>, kept: &Edit<Text>) {
    if edit.is_keep() {
        edit.clone_from(kept);
    }
}

fn fill_extensions(change: &mut UserChange, kept: &UserChange, flag: Flag) {
    for known in &kept.extensions {
        if is_of(known, flag) && !mentions(change, known.field.as_str()) {
            change.extensions.push(known.clone());
        }
    }
}

fn mentions(change: &UserChange, name: &str) -> bool {
    let mut edits = change.extensions.iter();
    edits.any(|edit| edit.dialect == Dialect::B2evolution && edit.field.as_str() == name)
}

fn is_of(edit: &ExtensionEdit, flag: Flag) -> bool {
    let name = edit.field.as_str();
    let found = field::find(name).and_then(|field| field.flags.first().copied());
    let is_new_field = name.starts_with("uf_add[") && flag == Flag::Identity;
    edit.dialect == Dialect::B2evolution && (found == Some(flag) || is_new_field)
}
