//! Changes to groups: `add=groups` and `update=groups`.

use super::extension;
use super::fields::{Fields, Need};
use super::normalise;
use super::pairs::{Pairs, cannot, need};
use super::wire::is_missing;
use crate::command::group::GroupChange;
use crate::command::name::Slug;
use crate::command::{Edit, Id};
use crate::error::Error;
use crate::route::Policy;
use crate::secret::Secret;

/// The fields that are something else than an attribute of their own.
const OWN: [&str; 12] = [
    "group_name",
    "slug",
    "description",
    "group_category_id",
    "secret_group",
    "unleavable",
    "pin_group",
    "password_protect",
    "password",
    "confirm_password",
    "group_icon_url",
    "redirect",
];

/// Reads a change. A new group needs a name; an update leaves what is absent or empty as it is,
/// but for the description, which an empty field empties.
pub(super) fn decode(fields: &mut Fields<'_>, policy: &Policy, is_new: bool) -> GroupChange {
    let need = if is_new {
        Need::Required
    } else {
        Need::Optional
    };
    // It leads a browser somewhere else, and here is none.
    fields.pass_over("redirect");
    let name = fields.wanted("group_name", need);
    let (password_protected, password) = protection(fields, is_new);
    GroupChange {
        name: name.and_then(|name| fields.kept("group_name", name)),
        slug: slug(fields),
        description: fields.set_or_clear("description", is_new),
        category_id: category(fields, policy),
        secret: fields.flag("secret_group"),
        unleavable: fields.flag("unleavable"),
        pinned: fields.flag("pin_group"),
        password_protected,
        password,
        icon_url: fields.set("group_icon_url", Need::Optional),
        extensions: extension::keep_rest(fields),
    }
}

/// Writes a change.
pub(super) fn encode(
    change: &GroupChange,
    is_new: bool,
    policy: &Policy,
    pairs: &mut Pairs,
) -> Result<(), Error> {
    need("name", change.name.is_some() || !is_new)?;
    if let Some(name) = &change.name {
        pairs.add_needed("name", "group_name", name.as_str())?;
    }
    if let Some(slug) = &change.slug {
        pairs.add("slug", own_spelling(slug)?);
    }
    pairs.add_edit_or_clear("description", "description", &change.description, is_new)?;
    encode_category(&change.category_id, policy, pairs)?;
    pairs.add_flag("secret_group", change.secret);
    pairs.add_flag("unleavable", change.unleavable);
    pairs.add_flag("pin_group", change.pinned);
    encode_protection(change, is_new, pairs)?;
    pairs.add_edit("icon_url", "group_icon_url", &change.icon_url)?;
    extension::write(&change.extensions, &OWN, policy, pairs)
}

fn slug(fields: &mut Fields<'_>) -> Option<Slug> {
    let must = "must have 1 to 255 characters, none of them a slash or invisible";
    fields.parsed("slug", must, |text| Slug::parse(normalise::slug(text)))
}

fn category(fields: &mut Fields<'_>, policy: &Policy) -> Edit<Id> {
    let Some(text) = fields.present("group_category_id") else {
        return Edit::Keep;
    };
    let known = &policy.group_categories;
    fields
        .number("group_category_id", &text, "a category", known)
        .map_or(Edit::Keep, Edit::Set)
}

/// The vendor sets a password whenever there is one, unless `password_protect` is exactly `no`.
fn protection(fields: &mut Fields<'_>, is_new: bool) -> (Option<bool>, Edit<Secret>) {
    let protect = fields.text("password_protect");
    let password = fields.password(Need::Optional);
    match (protect.as_deref(), password) {
        (Some("no"), _) if is_new => (Some(false), Edit::Keep),
        (Some("no"), _) => (Some(false), Edit::Clear),
        (_, Some(password)) => (Some(true), Edit::Set(password)),
        (Some("yes"), None) => (Some(true), Edit::Keep),
        (None, None) => (None, Edit::Keep),
        (Some(_), None) => {
            fields.fault(Error::invalid("password_protect", "must be yes or no"));
            (None, Edit::Keep)
        }
    }
}

/// A slug that the vendor would not change.
fn own_spelling(slug: &Slug) -> Result<&str, Error> {
    let text = slug.as_str();
    if text.is_empty() || normalise::slug(text) != text {
        return Err(cannot("slug", "be spelled like this"));
    }
    Ok(text)
}

fn encode_category(edit: &Edit<Id>, policy: &Policy, pairs: &mut Pairs) -> Result<(), Error> {
    match edit {
        Edit::Keep => Ok(()),
        Edit::Set(id) if !policy.group_categories.takes(*id) => {
            Err(cannot("category_id", "be one the route's table lacks"))
        }
        Edit::Set(id) => {
            pairs.add("group_category_id", id.to_string());
            Ok(())
        }
        Edit::Clear => Err(cannot("category_id", "be emptied")),
    }
}

/// `password_protect=yes` beside a password is refused by the vendor; the password alone is not.
fn encode_protection(change: &GroupChange, is_new: bool, pairs: &mut Pairs) -> Result<(), Error> {
    match (change.password_protected, &change.password) {
        (None, Edit::Keep) => {}
        (Some(true), Edit::Keep) => pairs.add("password_protect", "yes"),
        (Some(false), Edit::Keep) if is_new => pairs.add("password_protect", "no"),
        (Some(false), Edit::Clear) if !is_new => pairs.add("password_protect", "no"),
        (Some(true), Edit::Set(password)) if !is_missing(password.reveal()) => {
            pairs.add("password", password.reveal());
        }
        (_, Edit::Set(_)) => return Err(cannot("password", "be blank, 0 or without effect")),
        (_, Edit::Clear | Edit::Keep) => {
            return Err(cannot("password", "be kept while it protects nothing"));
        }
    }
    Ok(())
}
