//! What users, groups, members and keys look like to the audit trail: the same for every database.
//!
//! Every attribute is named, so that a new one cannot be forgotten. Passwords and their hashes are
//! not among them: of those the trail says only that they were changed.

use crate::auth::keys::{Key, KeyRecord};
use crate::clock::Timestamp;
use crate::command::Id;
use crate::command::email::Email;
use crate::command::extension::Extension;
use crate::command::group::Group;
use crate::command::member::{BanEnd, Member};
use crate::command::name::Slug;
use crate::command::text::Text;
use crate::command::timezone::Timezone;
use crate::command::user::{Role, User};
use crate::journal::seal::{Digest, Fields, Seal};

/// The digest of a user.
pub(super) fn user(seal: &Seal, user: &User) -> Digest {
    let User {
        id,
        account,
        username,
        display_name,
        given_name,
        family_name,
        nickname,
        gender,
        locale,
        email,
        email_verified,
        status,
        level,
        phone,
        mobile,
        fax,
        title,
        timezone,
        picture_url,
        read_only,
        role,
        organizations,
        extensions,
    } = user;
    let mut fields = seal.contents("user");
    fields
        .number("id", Some(id.value()))
        .number("account", Some(account.id().value()))
        .text("username", Some(username.as_str()))
        .text("display_name", text(display_name.as_ref()))
        .text("given_name", text(given_name.as_ref()))
        .text("family_name", text(family_name.as_ref()))
        .text("nickname", text(nickname.as_ref()))
        .text("gender", text(gender.as_ref()))
        .text("locale", text(locale.as_ref()))
        .text("email", email.as_ref().map(Email::as_str))
        .flag("email_verified", *email_verified)
        .text("status", Some(status.name()))
        .number("level", Some(i64::from(level.value())))
        .text("phone", text(phone.as_ref()))
        .text("mobile", text(mobile.as_ref()))
        .text("fax", text(fax.as_ref()))
        .text("title", text(title.as_ref()))
        .text("timezone", timezone.map(Timezone::name))
        .text("picture_url", text(picture_url.as_ref()))
        .flag("read_only", *read_only)
        .text("role", role.as_ref().map(Role::name));
    for organization in organizations {
        fields
            .number("organization", Some(organization.id.value()))
            .text("organization.role", text(organization.role.as_ref()));
    }
    with_extensions(&mut fields, extensions);
    seal.digest(&fields)
}

/// The digest of a group.
pub(super) fn group(seal: &Seal, group: &Group) -> Digest {
    let Group {
        id,
        name,
        slug,
        description,
        category_id,
        secret,
        unleavable,
        pinned,
        password_protected,
        icon_url,
        extensions,
    } = group;
    let mut fields = seal.contents("group");
    fields
        .number("id", Some(id.value()))
        .text("name", Some(name.as_str()))
        .text("slug", slug.as_ref().map(Slug::as_str))
        .text("description", text(description.as_ref()))
        .number("category_id", category_id.map(Id::value))
        .flag("secret", *secret)
        .flag("unleavable", *unleavable)
        .flag("pinned", *pinned)
        .flag("password_protected", *password_protected)
        .text("icon_url", text(icon_url.as_ref()));
    with_extensions(&mut fields, extensions);
    seal.digest(&fields)
}

/// The digest of a membership.
pub(super) fn member(seal: &Seal, member: &Member) -> Digest {
    let Member {
        user,
        group,
        role,
        ban,
    } = member;
    let mut fields = seal.contents("member");
    fields
        .number("user", Some(user.value()))
        .number("group", Some(group.value()))
        .number("role", role.map(|role| role.0.value()));
    match ban {
        None => {}
        Some(BanEnd::Never) => {
            fields.flag("banned", true);
        }
        Some(BanEnd::Until(day)) => {
            fields
                .flag("banned", true)
                .text("ban_end", Some(day.as_str()));
        }
    }
    seal.digest(&fields)
}

/// The digest of a key. What the key itself is compared with is a part of it; its last use is not,
/// since that changes without a record.
pub(super) fn key(seal: &Seal, record: &KeyRecord) -> Digest {
    let KeyRecord {
        key,
        hint,
        created_at,
        last_used_at: _,
        replaced_at,
        revoked_at,
    } = record;
    let Key {
        name,
        digest,
        scopes,
        accounts,
        routes,
        expires_at,
    } = key;
    let mut fields = seal.contents("key");
    fields
        .text("name", Some(name))
        .bytes("digest", Some(digest.as_bytes()))
        .text("scopes", Some(&scopes.to_string()))
        .text("hint", Some(hint))
        .number("expires_at", expires_at.map(Timestamp::as_millis))
        .number("created_at", Some(created_at.as_millis()))
        .number("replaced_at", replaced_at.map(Timestamp::as_millis))
        .number("revoked_at", revoked_at.map(Timestamp::as_millis));
    for account in accounts {
        fields.number("account", Some(account.id().value()));
    }
    for route in routes {
        fields.text("route", Some(route));
    }
    seal.digest(&fields)
}

fn with_extensions(fields: &mut Fields, extensions: &[Extension]) {
    for extension in extensions {
        fields
            .text("dialect", Some(extension.dialect.name()))
            .text("field", Some(extension.field.as_str()))
            .text("value", Some(extension.value.as_str()));
    }
}

fn text(text: Option<&Text>) -> Option<&str> {
    text.map(Text::as_str)
}
