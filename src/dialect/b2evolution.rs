//! b2evolution: REST under `/api/v1`, spoken by scripts and applications around that blog engine.
//!
//! The path names the module and the user, the method what is done with it; fields are those of a
//! PHP form, urlencoded or multipart, in the body or the query. The caller signs in with HTTP Basic
//! (login or e-mail and password), or sends an API key as `Authorization: Bearer` or `X-API-Key`.
//! A success is envelope A with the code `update_success` or `delete_success`, or bare data; a
//! refusal is envelope A with another code, and a parameter of the wrong type envelope B:
//!
//! ```json
//! {"code":"no_access","message":"You are not logged in.","data":{"status":403}}
//! {"error_status":"400 Bad Request","error_info":"Parameter &laquo;q&raquo; is required!"}
//! ```
//!
//! | request | command |
//! |---|---|
//! | `POST users` | create a user |
//! | `POST users/<id>` | update a user |
//! | `DELETE users/<id>` | delete a user |
//! | `GET users/<id>`, `GET users/<id>/view` | read a user |
//! | `GET users`, `GET users/0` | list users |
//! | `GET users/logins`, `GET users/autocomplete` | list users by the start of their login |
//! | `GET users/recipients`, `GET users/authors` | native |
//! | any other module | not ours: it belongs to the site |
//!
//! A profile consists of forms. A form's fields count only with its flag: `identity_form`,
//! `password_form`, `preferences_form`, `subscriptions_form`, `admin_form`, `advanced_form`.
//! Only `edited_user_login` and `edited_user_tags` need none.
//!
//! # Quirks
//!
//! What b2evolution 7.2.5 does, what is done here instead, and which goldens pin it.
//!
//! - **B1** It reads ids as PHP reads numbers: `POST users/abc` creates a user, `DELETE users/10x`
//!   deletes number 10. Here an id is digits, and anything else is 404 `user_invalid_id`.
//!   Scripts with a bug in their id need it. `update-of-a-text-id-creates-nothing`,
//!   `delete-of-a-number-with-junk-deletes-nothing`.
//! - **B2** It ignores what follows the id in a write. Here that is 404 `unknown_controller`; a
//!   slash at the end is fine. `update-with-a-segment-behind-the-id`.
//! - **B3** It uses the first of several credentials it understands. Here several are refused.
//!   `update-with-two-credentials`.
//! - **B4** It knows Basic only, and treats everything else as no credentials. So do we, except that
//!   Bearer and `X-API-Key` are API keys. `update-with-an-undecodable-basic-pair`.
//! - **B5** It sets a session cookie, signs in by it without looking at the password, and answers in
//!   the language a parameter asks for. Here cookies are neither read nor set, and the language is
//!   English. `update-with-only-a-cookie`, `update-in-another-language-is-answered-in-english`.
//! - **B6** A field `api_request` replaces the path. Here it is refused, as is `api_version`.
//!   `update-refuses-a-route-in-the-body`.
//! - **B7** Of duplicate fields the last one wins, and the body wins over the query. So it is here,
//!   but flags, login, e-mail, passwords, status, level and group are refused when they are sent
//!   twice or under a spelling that only PHP takes for theirs.
//!   `update-takes-the-last-of-duplicates`, `update-refuses-a-flag-sent-twice`.
//! - **B8** A body of JSON or text is an empty form to it, answered with success. Here it is
//!   refused, and so is a body of GET and DELETE. `update-refuses-a-json-body`, `list-with-a-body`.
//! - **B9** `identity_form` wipes every identity field that is not sent, leaves every organization
//!   that is not sent, and does so even if the rest of the form is refused; `subscriptions_form`
//!   turns every notification off that is not sent. Here what is not sent stays, what is sent empty
//!   is cleared, `organizations[]=` alone leaves all of them, a notification is turned off by 0, and
//!   a refused form changes nothing. `update-keeps-what-is-not-sent`,
//!   `update-that-leaves-all-organizations`, `update-writes-nothing-of-a-refused-form`.
//! - **B10** It ignores a field without its flag and answers success. Here that is refused, naming
//!   the flag. A new user needs no flag, for the locale neither.
//!   `update-refuses-a-field-without-its-flag`, `create-in-full`.
//! - **B11** It answers success and saves nothing when a value is too long (login 20, names 50,
//!   source 30), a status or an organization unknown; it stores any letter as gender. Here these are
//!   refused. `update-refuses-a-name-of-51-characters`, `update-refuses-an-unknown-gender`.
//! - **B12** It strips tags and line ends from text and `<`, `>`, `&` from passwords. Here text is
//!   kept as it was sent, and such a password is refused; spaces around a password are trimmed, with
//!   the vendor's own note. `update-keeps-markup-as-it-was-sent`,
//!   `password-with-markup-is-refused`.
//! - **B13** A new user's password may have one character or none. Here it is held to the five of
//!   every other, and a second spelling that is sent must agree. `create-refuses-a-short-password`.
//! - **B14** It ignores fields it does not know. Here they are kept as extension attributes; one
//!   that is the name of a credential in another dialect is refused.
//!   `update-keeps-fields-nobody-knows`, `update-refuses-a-credential-of-another-dialect`.
//! - **B15** It takes an address that another user has, makes an account unconfirmed when its own
//!   address changes, and ignores `admin_form` from who may not use it. Here an address is one
//!   user's, the status stays, and the form is refused, as are tags; a reason may come with closing
//!   one's own account. `update-refuses-the-email-of-another`,
//!   `update-of-ones-own-level-is-refused`, `update-of-ones-own-groups-is-refused`.
//! - **B16** It ignores filters without `filter=new`, and parameters it does not know. Here a filter
//!   counts with and without it, and what cannot be answered is refused. A status is matched by what
//!   it means, so `activated` finds `autoactivated` too; an e-mail is matched whole. Second groups,
//!   ages, tags, members only and orders are among what cannot be answered.
//!   `list-by-name-without-filter-new`, `list-refuses-a-filter-it-cannot-answer`.
//! - **B17** It answers a page beyond the end with the last one. Here that is `no_users` with the
//!   counters; pages and sizes below 1 are refused. `list-beyond-the-last-page`.
//! - **B18** It has pictures and the names of places, organizations and custom fields. Here a
//!   picture is the address that was stored: absent from lists and empty in a profile where there is
//!   none. Where the route has no table (B27), a place has no name and an organization its number
//!   for one; custom fields stand in one group without a name. `view`, `list`,
//!   `tests::profile::a_profile_shows_the_names_of_the_routes_tables`.
//! - **B19** A taken login is answered to administrators with a link into the vendor's own pages.
//!   Here everyone gets the words of the others. `update-refuses-a-taken-login`.
//! - **B20** It sends `Expires` and `Last-Modified` in a form that is no HTTP date. Here they are
//!   left out.
//! - **B21** It looks at permissions before fields. Here credentials are judged before fields,
//!   and what they permit after them. `update-without-credentials-and-with-faults`,
//!   `update-with-a-wrong-password-and-with-faults`.
//! - **B22** A new user has level 1, group 4, status `new` and the locale `en-US` there. Here what is
//!   not sent is the store's default, so that a key without those scopes can create users.
//!   `create-minimal`.
//! - **B23** It has no faults for overload, rates and timeouts. Here they are envelope B with the
//!   status of HTTP. Its maintenance mode does not exist here.
//! - **B24** `current_user_pass` must be sent by everyone. With an API key nobody's password is
//!   compared with it: the key is the proof. `password-changed-with-an-api-key`.
//! - **B25** After 9 wrong passwords within 10 minutes it locks the account, also for the right one
//!   and whoever sent the wrong ones, so that anyone can lock anyone out. Here they are counted by
//!   source and login, and only that source is refused, for a minute at first and for fifteen at
//!   most, in the vendor's words, which speak of the account and of 10 minutes.
//!   `throttle::nobody_locks_the_login_of_another_from_elsewhere` pins it. A wrong
//!   `current_user_pass` counts as one.
//! - **B26** A site there says which fields of a profile may be sent and which must be, and so does
//!   the route's `profile` here. A required one must come with every `identity_form`, as there. But
//!   a hidden one, and one for administrators that users send of themselves, is refused instead of
//!   passed over; a required one may not be empty for administrators either, who get a note there;
//!   and ages, which it ignores unless their setting is on, are kept unless theirs is `hidden`. A
//!   year of birth may lie in the future. `update-without-a-required-name`,
//!   `update-with-empty-required-places`, `update-refuses-a-hidden-field`,
//!   `update-of-ones-own-administrative-field-is-refused`.
//! - **B27** It knows its groups, organizations and places, passes over an organization and a
//!   secondary group that it does not know, and stores such a country, of which the next update
//!   dies. Here the route's tables know them, `roles` the groups; what the table does not have is
//!   refused, and where there is none every number is taken. `update-refuses-an-unknown-country`,
//!   `update-refuses-an-unknown-organization`, `update-refuses-an-unknown-secondary-group`.
//! - **B28** It shows e-mail, nickname, status, level, groups, roles in organizations, preferences
//!   and subscriptions in no answer. Nor do we, since any user may read any profile:
//!   `dragoman users get` and `export` show whatever was written, what has no column of its own as
//!   an extension attribute.
//!   `b2evolution_profile::every_documented_field_is_read_again_as_it_was_written` pins it.
//! - **B29** It lets deactivated users sign in, and those that wait to be deleted. Here they are
//!   answered as closed ones. Who is `new` or `emailchanged` may list users, and read no profile but
//!   its own. `b2evolution_profile::who_is_not_activated_reads_no_profile_but_its_own` and
//!   `b2evolution_profile::closed_and_deactivated_users_cannot_sign_in` pin it.
//! - **B30** Moderators edit users of lower groups there, user 1 keeps its level, group and status,
//!   an organization may ask its owner before it takes a member, and who owns blogs, posts or
//!   organizations cannot be deleted. Here only administrators edit others, user 1 is one like any
//!   other, and nobody owns anything. `update-of-another-by-a-member`.
//! - **B31** It answers `/htsrv/rest.php?api_request=` and every `/api/v<number>`, judges credentials
//!   before it looks for the module, drops bytes that are no UTF-8, and strips tags from logins and
//!   passwords of Basic. Here a route has the one path it is given, another module is not ours
//!   whoever asks, such bytes are refused, and credentials are taken as they are sent.
//!   `update-refuses-invalid-utf-8`.
//! - **B32** It reserves logins to administrators. Here those of `store.reserved_names` are refused
//!   to everyone, in the words for a taken one. `update-refuses-a-reserved-login`.

mod answer;
mod attribute;
mod credentials;
mod directory;
mod exchange;
mod expresses;
mod fault;
mod field;
mod field_names;
mod filter;
mod form;
mod html;
mod kept;
mod list;
mod operation;
mod organizations;
mod password;
mod place;
mod profile;
mod request;
mod response;
mod settings;
mod status;
mod value;
mod wire;
mod wording;

#[cfg(test)]
mod tests;

use bytes::Bytes;
use http::request::Parts;
use http::response::Parts as ResponseParts;
use http::{Request, Response};

use super::exchange::Refusal;
use super::{Codec, Decoded};
use crate::auth::Call;
use crate::auth::call::Reference;
use crate::command::Command;
use crate::error::{Error, Kind};
use crate::outcome::Outcome;
use crate::route::Policy;

pub use self::exchange::Exchange;
pub(super) use self::exchange::check_update;
pub(super) use self::expresses::{expresses, has_operation, hidden_fields, hides};
pub use self::operation::ReplyTo;
pub(super) use self::request::is_native;

/// The codec of the b2evolution dialect.
#[derive(Debug)]
pub struct B2evolution;

impl B2evolution {
    /// Whether the path leads to users: the other modules are the site's, which its own pages call.
    pub(super) fn is_ours(head: &Parts, policy: &Policy) -> bool {
        !matches!(request::decode(head, b"", policy), Decoded::NotOurs(..))
    }
}

impl Codec for B2evolution {
    type ReplyTo = ReplyTo;

    const ROLES: &'static [(&'static str, &'static str)] = &[
        ("1", "administrator"),
        ("2", "moderator"),
        ("3", "editor"),
        ("4", "member"),
        ("5", "suspect"),
        ("6", "spammer"),
    ];

    fn decode_request(head: &Parts, body: &[u8], policy: &Policy) -> Decoded<ReplyTo> {
        request::decode(head, body, policy)
    }

    fn unread(head: &Parts) -> ReplyTo {
        ReplyTo::unread(head)
    }

    fn encode_response(
        reply_to: ReplyTo,
        mut results: Vec<Result<Outcome, Error>>,
        reference: Reference,
        policy: &Policy,
    ) -> Response<Bytes> {
        let result = results.pop().unwrap_or_else(|| Err(Kind::Internal.into()));
        response::encode(&reply_to, result, reference, policy)
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
        answer::decode(command, head, body, policy).map_err(Refusal::into_error)
    }
}
