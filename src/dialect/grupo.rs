//! Grupo: form posts to `/api_request/`, the interface of a chat product for web sites.
//!
//! **Who speaks it.** A `WordPress` plugin, bridges from social network scripts, `BuddyPress`
//! sites, a Flutter app (Dio) and PHP samples that were copied from the vendor's documentation.
//!
//! **A request** is a form, `application/x-www-form-urlencoded` or `multipart/form-data`; fields may
//! also stand in the query string. Its operation is a verb field with a target: `add=site_users`.
//! The key is the field `api_secret_key`; headers do not count. Empty is absent; where a field must
//! be there, blank and `0` are absent too; a flag is one only as `yes`.
//!
//! **An answer** is always status 200 and `text/html; charset=UTF-8` (a client that is told it is
//! JSON decodes it twice), with a JSON object the way PHP writes it: `{"success":true}`, or
//! `{"success":false,"error_message":…,"error_key":…,"error_variables":[…]}`. Clients act on
//! `error_key` and show `error_message` as it is.
//!
//! | operation | command |
//! |---|---|
//! | `add=site_users` | create user; the answer tells no id |
//! | `update=site_users`, by `user` or `user_id` | update user |
//! | `remove=site_users`, by `user`, `user_id` or `user_id[]` | delete user |
//! | `add=groups` | create group; the answer tells `group_id` |
//! | `update=groups`, by `group` or `group_id` | update group |
//! | `remove=groups`, by `group`, `group_id` or `group_id[]` | delete group |
//! | `add=group_members` | add member, with `group_role` |
//! | `remove=group_members` | remove member |
//! | `update=group_user_role` with `group_role` or `group_role_id` | set the member's role |
//! | … with `ban_user_id`, or `temporary_ban_user_id` and `ban_till` | ban member |
//! | … with `unban_user_id` | unban member |
//! | `add=login_session`, `remove=login_session`, `add=message`, `update=site_user_role`, `update=user_account_status`, `load=…` | native |
//!
//! `user` is a username or an e-mail address, `group` a number or a slug.
//!
//! # Quirks
//!
//! What the vendor does, what is done here, for whom, and the recorded cases that pin it.
//!
//! | | the vendor | here | why | recorded in |
//! |---|---|---|---|---|
//! | G1 | a call without a key is its own web page's | it is no call: it goes to the site behind, else `invalid_api_secret_key` | the site's own pages post here | `*-not-ours` |
//! | G2 | takes the key from the query string | refuses it, unless the route has `key_in_query` | query strings are logged | `a-key-in-the-query-*` |
//! | G3 | mangles names as PHP does and keeps the last of several | refuses a mangled or repeated field that decides who acts, on whom or with what right, in body and query together; any other counts the last time | two systems in a row must read the same call | `a-key-sent-twice-*`, `a-key-under-a-mangled-*`, `a-user-named-twice-*`, `a-user-under-a-mangled-*`, `a-user-in-query-and-body-*` |
//! | G4 | of several verbs takes the first of load, form, add, update, download, upload, remove, popup, realtime, `fetch_info` | refuses a second one that is not empty | the same | `two-verbs-*`, `a-second-verb-*`, `an-empty-verb-*` |
//! | G5 | answers `[]` to an unknown target, nothing without a verb | `something_went_wrong` | the plugin's settings page takes `[]` for a wrong address | `an-operation-nobody-knows-*`, `a-call-without-an-operation-*` |
//! | G7 | says "Something Went Wrong" when it has nothing to say | the same `error_key`, and a message that names field and remedy and ends in a reference, escaped for HTML; so do all faults the vendor does not have | someone has to find the cause | `a-removal-that-names-no-*`, `an-update-that-names-no-group-*`, `adding-without-*`, `a-role-for-who-is-no-member-*` |
//! | G8 | reads the query string of any method, bodies of POST only | POST, and GET without a body; anything else with a key is refused | nothing is silently left unread | `another-method-*`, `a-get-with-a-body-*` |
//! | G9 | sees no fields in a body of another type | refuses it: JSON, no type, another charset | the same | `a-json-body-*`, `a-body-without-a-type-*`, `a-form-in-another-charset-*` |
//! | G10 | stores uploaded files | refuses a file by its field's name, but hands those of a native operation on, as many as the route's `form.files`; an input that nobody filled in is none | there is nowhere to keep it | `*-uploaded-is-refused`, `a-file-input-*`, `a-message-with-a-file-*`, `tests/it/relay.rs` |
//! | G11 | drops fields it does not know, and custom fields of a wrong type | keeps them as sent as extension attributes, a list as JSON under `name[]`; refuses what is the name of a credential in another dialect | nothing is lost, and no secret lies in plain text | `unknown-fields-are-kept`, `a-credential-of-another-dialect-*`, `a-group-is-made-with-every-field`, `a-user-is-changed-by-number` |
//! | G12 | an update without `disable_private_messages=yes` allows them again | leaves them as they are | a vendor defect | `an-update-of-nothing-is-done`, `a-user-is-made-with-every-field` |
//! | G13 | drops unknown fields of memberships and removals | refuses them, and fields that name someone or a role where they have no meaning; `redirect` excepted | there is nothing to keep them with | `a-referrer-*`, `an-unknown-field-of-a-removal-*`, `a-field-of-another-operation-*` |
//! | G14 | an update with a bad address keeps the old one and reports success | `invalid_email_address` | a vendor defect | `an-update-with-a-bad-address-*` |
//! | G15 | ignores an unknown `site_role` | refuses it; the route's table of roles says what numbers and names mean. `site_role_attribute` wins over `site_role`, as at the vendor; a name the table lacks is kept as an extension attribute and gives no rights | a wrong right is worse than none | `a-role-is-given-by-its-name`, `an-unknown-role-*` |
//! | G16 | ignores or repairs impossible values; `12abc` is 12 | refuses them: time zones, numbers, `deactivate` and `password_protect` other than yes and no, slugs with a slash | the wrong user must not be changed | `a-number-with-letters-*`, `a-zone-*`, `a-deactivation-*`, `a-protection-*`, `a-slug-with-*`, `a-category-*` |
//! | G17 | strips tags and surplus blanks from names and escapes them for HTML | keeps them as sent | only pages need the escape | `the-username-of-a-new-user-*` |
//! | G18 | folds usernames to `[A-Za-z0-9_.-]` and blanks in them and in slugs to `-` | the same when one is set; look-ups take them as sent, as at the vendor | bridges rely on it | `the-username-of-a-new-user-*`, `a-username-without-*`, `a-group-is-made-with-every-field` |
//! | G19 | downloads `avatarURL` and `group_icon_url`, ignoring failures | keeps the text, whatever it is, and fetches nothing; an empty `avatarURL` clears it on an update | `BuddyPress` sends HTML and relative addresses; fetching would reach inside | `a-picture-that-is-no-address-*`, `an-empty-picture-*`, `a-user-is-changed-by-a-php-array` |
//! | G20 | `user` wins over `user_id`, `group` over `group_id`, one ban over another | refuses both at once | as G3 | `user-and-number-together-*`, `a-ban-and-its-end-*` |
//! | G21 | removes a list at once | one command each, in order; the first fault is the answer and what was done before it stays; at most 20 | each is authorized by itself | `*-are-removed-by-a-list-*`, `a-list-of-users-*` |
//! | G22 | looks `group` up as number and as slug at once | digits only are a number, anything else a slug | no guessing | `a-group-is-changed-by-number` |
//! | G23 | removing an unknown `user_id` succeeds; an unknown `group_id` is `something_went_wrong` | `account_not_found`, `group_not_found` | the caller learns the truth | `removing-an-unknown-number-*`, `an-unknown-group-number-*`, `a-list-of-users-*` |
//! | G24 | `password_protect=yes` with a password needs a `confirm_password` that is nowhere documented | never needs it, and refuses one that differs; a password alone protects the group, `password_protect=no` takes it away | a vendor defect | `a-group-password-*`, `passwords-that-differ-*`, `a-group-is-opened`, `a-group-is-made-with-every-field` |
//! | G25 | a flag that is not `yes` is no; `secret_group` then has the site's default | always no | there is no site's default | `a-flag-is-only-*` |
//! | G26 | `signup_page` makes a new user's answer a session, `redirect` steers a browser | refuses the one, passes over the other | no session is opened here | `a-signup-page-*`, `a-user-is-made-with-every-field` |
//! | G27 | one version denies every `remove=group_members` by key | does it | a vendor defect | `a-member-is-removed` |
//! | G28 | takes `group_member_id` | refuses it | memberships have no number here | `removing-by-the-number-of-a-membership-*` |
//! | G29 | opens and ends sessions, sends messages | an upstream that speaks Grupo does; the store answers `something_went_wrong`; but `add=login_session` without `create_account=yes` and `remove=login_session` first say `account_not_found` of an unknown user, whom `email_address` names before `user` | the plugin tests its settings so | `the-settings-probe-*`, `a-message-is-not-sent-*`, `a-page-is-not-loaded-*`, `the-sessions-of-an-unknown-*`, `*-not-opened-here`, `*-not-done-here`, `sessions-are-not-ended-here` |
//! | G30 | takes the group roles and categories that its site has | takes any number; where the route has `group_roles` or `group_categories`, those in it and no others | numbers differ from site to site | `*-that-the-route-lacks-*`, `*-that-the-route-has-*` |
//! | G31 | sends login links, waits for the approval of users and telephone numbers, and refuses numbers, words and domains of addresses by lists of its site | does none of it, and keeps the fields as sent | those rules are the site's | `a-user-is-made-who-asks-*`, `a-picture-and-a-background-*` |
//! | G32 | puts every new user into the groups that are flagged `auto_join_group` | keeps the flag; only `add=group_members` makes a member | a membership is a command of its own, with its scope and its record | `a-group-joins-nobody-*`, `tests/it/grupo_fields.rs` |
//! | G33 | tells the last of several faults: a missing name and a taken username are `username_exists` | tells all faults of form, and looks for takers only where there is none | the caller learns everything at once | `missing-fields-*`, `a-new-user-taking-*` |
//! | G34 | knows `banned_users` as a role, and answers `account_banned` when such a user signs in | the same in every dialect, for the role that the route's table calls `banned` | it is the only ban from the site that a key can ask for | `a-user-is-banned-from-the-site-*`, `tests/it/grupo_fields.rs` |
//! | G35 | does not say what ends a ban from a group | a ban stays beside the role, with its last day, until it is lifted or the member is removed; adding the member again leaves it | memberships are kept for whoever reads them | `tests/it/grupo_fields.rs` |
//! | G36 | answers `{"reload_page":true}` during maintenance, and nothing at all where it has no key of its own | has no such state: the key is judged | a client waits for neither | `a-wrong-key-*` |
//! | G37 | answered another API under `/connect/` up to version 2 | does not | that is a dialect of its own | – |
//!
//! Towards an upstream two things are not sent though they could be: a slug that begins like a
//! number, since the vendor's database takes `12abc` for the number 12, and a username with an `@`,
//! since the vendor would look for an address. Bans go by number only.

mod envelope;
mod exchange;
mod expresses;
mod extension;
mod failure;
mod fault;
mod fields;
mod group;
mod member;
mod native;
mod normalise;
mod operation;
mod pairs;
mod reference;
mod request;
mod response;
mod role;
mod user;
mod wire;

#[cfg(test)]
mod tests;

use bytes::Bytes;
use http::request::Parts;
use http::response::Parts as ResponseParts;
use http::{Request, Response};

pub use self::exchange::Exchange;
pub(super) use self::expresses::{expresses, has_operation};
pub(super) use self::operation::is_native;
pub use self::response::ReplyTo;
use super::exchange::Refusal;
use super::{Codec, Decoded};
use crate::auth::Call;
use crate::auth::call::Reference;
use crate::command::Command;
use crate::error::Error;
use crate::framing::glance;
use crate::outcome::Outcome;
use crate::route::Policy;

/// The codec of the Grupo dialect.
#[derive(Clone, Copy, Debug)]
pub struct Grupo;

impl Grupo {
    /// Whether a key is presented, be it where none may be: in the body, or in the query string.
    pub(super) fn is_ours(head: &Parts, body: &[u8]) -> bool {
        let query = head.uri.query().unwrap_or_default();
        glance::has_field(&head.headers, body, wire::KEY) || glance::is_in_query(query, wire::KEY)
    }
}

impl Codec for Grupo {
    type ReplyTo = ReplyTo;

    /// The two roles whose names are known. Numbers differ from site to site.
    const ROLES: &'static [(&'static str, &'static str)] = &[
        ("administrators", "administrator"),
        ("banned_users", "banned"),
    ];

    fn decode_request(head: &Parts, body: &[u8], policy: &Policy) -> Decoded<ReplyTo> {
        request::decode(head, body, policy)
    }

    fn unread(_head: &Parts) -> ReplyTo {
        ReplyTo::UNREAD
    }

    fn encode_response(
        reply_to: ReplyTo,
        results: Vec<Result<Outcome, Error>>,
        reference: Reference,
        _policy: &Policy,
    ) -> Response<Bytes> {
        response::encode(reply_to, results, reference)
    }

    fn encode_request(call: &Call, policy: &Policy) -> Result<Request<Bytes>, Error> {
        request::encode(call, policy)
    }

    fn decode_response(
        command: &Command,
        head: &ResponseParts,
        body: &[u8],
        policy: &Policy,
    ) -> Result<Outcome, Error> {
        response::decode(command, head, body, policy).map_err(Refusal::into_error)
    }
}
