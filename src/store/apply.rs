//! What a change makes of a stored user or group: the same for every database.

use super::person_name::write_names;
use crate::command::email::Email;
use crate::command::extension::apply_extensions;
use crate::command::group::{Group, GroupChange};
use crate::command::name::Username;
use crate::command::text::Text;
use crate::command::user::{Level, Status, User, UserChange};
use crate::command::{AccountId, Id};

/// A user of whom nothing but the name is known: active, of level 0, member of nothing.
pub(super) fn new_user(id: Id, account: AccountId, username: Username) -> User {
    User {
        id,
        account,
        username,
        display_name: None,
        given_name: None,
        family_name: None,
        nickname: None,
        gender: None,
        locale: None,
        email: None,
        email_verified: false,
        status: Status::Active,
        level: Level::ZERO,
        phone: None,
        mobile: None,
        fax: None,
        title: None,
        timezone: None,
        picture_url: None,
        read_only: false,
        role: None,
        organizations: Vec::new(),
        extensions: Vec::new(),
    }
}

/// A group of which nothing but the name is known.
pub(super) fn new_group(id: Id, name: Text) -> Group {
    Group {
        id,
        name,
        slug: None,
        description: None,
        category_id: None,
        secret: false,
        unleavable: false,
        pinned: false,
        password_protected: false,
        icon_url: None,
        extensions: Vec::new(),
    }
}

/// Another address is one that nobody has confirmed.
fn write_email(user: &mut User, email: Option<Email>) {
    let Some(email) = email else { return };
    if user.email.as_ref().map(Email::key) != Some(email.key()) {
        user.email_verified = false;
    }
    user.email = Some(email);
}

/// Carries a change out on a user. Every field is named, so that a new one cannot be forgotten.
pub(super) fn change_user(change: UserChange, user: &mut User) {
    let UserChange {
        username,
        password: _,
        current_password: _,
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
        notify: _,
        extensions,
        guard: _,
    } = change;
    replace(&mut user.username, username);
    write_names(user, display_name, given_name, family_name);
    nickname.apply(&mut user.nickname);
    gender.apply(&mut user.gender);
    locale.apply(&mut user.locale);
    write_email(user, email);
    replace(&mut user.email_verified, email_verified);
    replace(&mut user.status, status);
    replace(&mut user.level, level);
    phone.apply(&mut user.phone);
    mobile.apply(&mut user.mobile);
    fax.apply(&mut user.fax);
    title.apply(&mut user.title);
    timezone.apply(&mut user.timezone);
    picture_url.apply(&mut user.picture_url);
    replace(&mut user.read_only, read_only);
    role.apply(&mut user.role);
    replace(&mut user.organizations, organizations);
    apply_extensions(extensions, &mut user.extensions);
}

/// Carries a change out on a group. Every field is named, so that a new one cannot be forgotten.
pub(super) fn change_group(change: GroupChange, group: &mut Group) {
    let GroupChange {
        name,
        slug,
        description,
        category_id,
        secret,
        unleavable,
        pinned,
        password_protected,
        password: _,
        icon_url,
        extensions,
    } = change;
    replace(&mut group.name, name);
    group.slug = slug.or(group.slug.take());
    description.apply(&mut group.description);
    category_id.apply(&mut group.category_id);
    replace(&mut group.secret, secret);
    replace(&mut group.unleavable, unleavable);
    replace(&mut group.pinned, pinned);
    replace(&mut group.password_protected, password_protected);
    icon_url.apply(&mut group.icon_url);
    apply_extensions(extensions, &mut group.extensions);
}

fn replace<T>(stored: &mut T, change: Option<T>) {
    if let Some(value) = change {
        *stored = value;
    }
}
