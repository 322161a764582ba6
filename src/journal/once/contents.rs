//! Everything that a command says, in one digest.
//!
//! Every attribute is named, so that a new one cannot be forgotten: a command that differs in it would be
//! taken for the same. Passwords are among them, since the digest is a keyed one.

use crate::command::email::Email;
use crate::command::extension::ExtensionEdit;
use crate::command::group::{GroupChange, GroupRef};
use crate::command::member::{BanEnd, Membership};
use crate::command::name::{Slug, Username};
use crate::command::native::{Native, Upload};
use crate::command::organization::Organization;
use crate::command::text::Text;
use crate::command::timezone::Timezone;
use crate::command::user::{Role, Status, UserChange, UserRef};
use crate::command::{AccountId, Command, Edit, Id};
use crate::journal::seal::{Digest, Fields, Seal};
use crate::secret::Secret;

/// The digest of a command for one account, to be carried out by `target`.
pub fn fingerprint(seal: &Seal, command: &Command, account: AccountId, target: &str) -> Digest {
    let mut fields = seal.contents("repeatable command");
    fields
        .text("target", Some(target))
        .number("account", Some(account.id().value()))
        .text("action", Some(command.action().name()));
    match command {
        Command::CreateUser(change) => user_change(&mut fields, change),
        Command::UpdateUser(user, change) => {
            user_ref(&mut fields, user);
            user_change(&mut fields, change);
        }
        Command::DeleteUser(user) => user_ref(&mut fields, user),
        Command::CreateGroup(change) => group_change(&mut fields, change),
        Command::UpdateGroup(group, change) => {
            group_ref(&mut fields, group);
            group_change(&mut fields, change);
        }
        Command::DeleteGroup(group) => group_ref(&mut fields, group),
        Command::AddMember(member, role) => {
            membership(&mut fields, member);
            fields.number("role", role.map(|role| role.0.value()));
        }
        Command::SetMemberRole(member, role) => {
            membership(&mut fields, member);
            fields.number("role", Some(role.0.value()));
        }
        Command::BanMember(member, end) => {
            membership(&mut fields, member);
            match end {
                BanEnd::Never => fields.flag("for_good", true),
                BanEnd::Until(day) => fields.text("until", Some(day.as_str())),
            };
        }
        Command::RemoveMember(member) | Command::UnbanMember(member) => {
            membership(&mut fields, member);
        }
        Command::Native(operation) => native(&mut fields, operation),
        // Nothing is claimed for what only reads.
        Command::ReadUser(_)
        | Command::ListUsers(_)
        | Command::CountUsers(_)
        | Command::ReadGroup(_)
        | Command::ListGroups
        | Command::ListTimezones => {}
    }
    seal.digest(&fields)
}

fn user_change(fields: &mut Fields, change: &UserChange) {
    let UserChange {
        username,
        password,
        current_password,
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
        notify,
        extensions,
        // It follows from the extensions.
        guard: _,
    } = change;
    fields
        .text("username", username.as_ref().map(Username::as_str))
        .text("password", password.as_ref().map(Secret::reveal))
        .text(
            "current_password",
            current_password.as_ref().map(Secret::reveal),
        )
        .text("email", email.as_ref().map(Email::as_str))
        .number("email_verified", email_verified.map(i64::from))
        .text("status", status.map(Status::name))
        .number("level", level.map(|level| i64::from(level.value())))
        .number("read_only", read_only.map(i64::from))
        .flag("notify", *notify);
    let texts = [
        ("display_name", display_name),
        ("given_name", given_name),
        ("family_name", family_name),
        ("nickname", nickname),
        ("gender", gender),
        ("locale", locale),
        ("phone", phone),
        ("mobile", mobile),
        ("fax", fax),
        ("title", title),
        ("picture_url", picture_url),
    ];
    for (name, value) in texts {
        edit(fields, name, value, Text::as_str);
    }
    edit(fields, "timezone", timezone, |zone: &Timezone| zone.name());
    edit(fields, "role", role, Role::name);
    for Organization { id, role } in organizations.iter().flatten() {
        fields
            .number("organization", Some(id.value()))
            .text("organization.role", role.as_ref().map(Text::as_str));
    }
    fields.flag("organizations", organizations.is_some());
    own(fields, extensions);
}

fn group_change(fields: &mut Fields, change: &GroupChange) {
    let GroupChange {
        name,
        slug,
        description,
        category_id,
        secret,
        unleavable,
        pinned,
        password_protected,
        password,
        icon_url,
        extensions,
    } = change;
    fields
        .text("name", name.as_ref().map(Text::as_str))
        .text("slug", slug.as_ref().map(Slug::as_str))
        .number("secret", secret.map(i64::from))
        .number("unleavable", unleavable.map(i64::from))
        .number("pinned", pinned.map(i64::from))
        .number("password_protected", password_protected.map(i64::from));
    edit(fields, "description", description, Text::as_str);
    edit(fields, "icon_url", icon_url, Text::as_str);
    edit(fields, "password", password, Secret::reveal);
    match category_id {
        Edit::Keep => {}
        Edit::Clear => {
            fields.flag("category_id.cleared", true);
        }
        Edit::Set(id) => {
            fields.number("category_id", Some(id.value()));
        }
    }
    own(fields, extensions);
}

fn native(fields: &mut Fields, native: &Native) {
    let Native {
        dialect,
        operation,
        subject,
        fields: sent,
        files,
    } = native;
    fields
        .text("dialect", Some(dialect.name()))
        .text("operation", Some(operation.as_str()));
    if let Some(subject) = subject {
        user_ref(fields, subject);
    }
    for (name, value) in sent {
        fields
            .text("field", Some(name.as_str()))
            .text("value", Some(value.reveal()));
    }
    for file in files {
        let Upload {
            field,
            filename,
            content_type,
            contents,
        } = file;
        fields
            .text("file", Some(field.as_str()))
            .text("filename", Some(filename.as_str()))
            .text("content_type", Some(content_type.as_str()))
            .bytes("contents", Some(contents));
    }
}

fn membership(fields: &mut Fields, membership: &Membership) {
    let Membership { user, group } = membership;
    user_ref(fields, user);
    group_ref(fields, group);
}

fn user_ref(fields: &mut Fields, user: &UserRef) {
    match user {
        UserRef::Id(id) => fields.number("user", Some(Id::value(*id))),
        UserRef::Username(name) => fields.text("user.username", Some(name.as_str())),
        UserRef::Email(email) => fields.text("user.email", Some(email.as_str())),
        UserRef::UsernameOrEmail(name) => fields.text("user.either", Some(name.as_str())),
    };
}

fn group_ref(fields: &mut Fields, group: &GroupRef) {
    match group {
        GroupRef::Id(id) => fields.number("group", Some(id.value())),
        GroupRef::Slug(slug) => fields.text("group.slug", Some(slug.as_str())),
    };
}

/// A value that is set is a text, one that is cleared a number: neither is taken for the other.
fn edit<T>(fields: &mut Fields, name: &str, edit: &Edit<T>, text: impl Fn(&T) -> &str) {
    match edit {
        Edit::Keep => {}
        Edit::Clear => {
            fields.flag(name, true);
        }
        Edit::Set(value) => {
            fields.text(name, Some(text(value)));
        }
    }
}

fn own(fields: &mut Fields, extensions: &[ExtensionEdit]) {
    for ExtensionEdit {
        dialect,
        field,
        value,
    } in extensions
    {
        fields
            .text("extension", Some(dialect.name()))
            .text("extension.field", Some(field.as_str()))
            .text("extension.value", value.as_ref().map(Text::as_str));
    }
}

#[cfg(test)]
mod tests;
