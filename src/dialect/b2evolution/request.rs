//! Requests: an HTTP head and a form ↔ a call.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Method, Request};

use super::form::Fields;
use super::operation::{Operation, ReplyTo, Route};
use super::{credentials, filter, list, profile, value};
use crate::auth::{Call, Credentials, Unread};
use crate::command::native::Native;
use crate::command::user::UserRef;
use crate::command::{Command, Dialect, Id};
use crate::dialect::Decoded;
use crate::error::{Error, Kind};
use crate::framing::form::{Form, Value};
use crate::framing::json::write_integer;
use crate::route::Policy;
use crate::secret::Secret;

/// Reads a request.
pub(super) fn decode(head: &Parts, body: &[u8], policy: &Policy) -> Decoded<ReplyTo> {
    let path = head.uri.path();
    let path = path.strip_prefix(policy.base_path.as_str()).unwrap_or(path);
    let route = Route::find(&head.method, path);
    let credentials = credentials::decode(&head.headers);
    let presented = credentials.as_ref().unwrap_or(&Credentials::None);
    let mut reply_to = ReplyTo::new(route.operation(), presented);
    if let Route::NotOurs(error) = route {
        return Decoded::NotOurs(error, reply_to);
    }
    let call = match credentials {
        Ok(credentials) => {
            let command = decode_command(route, head, body, policy, &mut reply_to);
            call_of(credentials, command, reply_to.operation)
        }
        Err(error) => Err(error.into()),
    };
    Decoded::Calls(vec![call], reply_to)
}

/// Who is not logged in learns that first, as from the vendor, whatever else is wrong; but to read
/// need not be logged in everywhere.
fn call_of(
    credentials: Credentials,
    command: Result<Command, Error>,
    operation: Operation,
) -> Result<Call, Box<Unread>> {
    match command {
        Ok(command) => Ok(Call::new(credentials, None, command)),
        Err(error) if credentials == Credentials::None && !operation.is_write() => {
            Err(error.into())
        }
        Err(error) => Err(Unread::new(credentials, error)),
    }
}

fn decode_command(
    route: Route,
    head: &Parts,
    body: &[u8],
    policy: &Policy,
    reply_to: &mut ReplyTo,
) -> Result<Command, Error> {
    let query = || decode_query(head, body, policy);
    Ok(match route {
        Route::Refused(_, error) | Route::NotOurs(error) => return Err(error),
        Route::Create => {
            let form = decode_form(head, body, policy)?;
            let (change, note) = profile::decode_create(form, policy)?;
            reply_to.note = note;
            Command::CreateUser(change)
        }
        Route::Update(id) => {
            let form = decode_form(head, body, policy)?;
            let (change, note) = profile::decode_update(form, policy)?;
            reply_to.note = note;
            Command::UpdateUser(UserRef::Id(id), change)
        }
        Route::List => {
            let (query, page) = list::decode(query()?, policy)?;
            reply_to.page = page;
            Command::ListUsers(query)
        }
        Route::View(id) => {
            list::without_left_over(&query()?)?;
            Command::ReadUser(UserRef::Id(id))
        }
        Route::Delete(id) => {
            list::without_left_over(&query()?)?;
            Command::DeleteUser(UserRef::Id(id))
        }
        Route::Logins => Command::ListUsers(list::decode_logins(query()?)?),
        Route::Autocomplete => Command::ListUsers(list::decode_autocomplete(query()?)?),
        Route::Native(operation) => Command::Native(native(operation, query()?)?),
    })
}

/// The fields of a write: those of the body, and under them those of the query.
fn decode_form<'r>(head: &'r Parts, body: &'r [u8], policy: &Policy) -> Result<Form<'r>, Error> {
    let mut form = Form::decode(&head.headers, body, &policy.form)?;
    let query = Form::decode_query(head.uri.query().unwrap_or_default(), &policy.form)?;
    let mut sensitive = query
        .entries()
        .iter()
        .filter(|entry| profile::is_sensitive(&entry.name));
    if let Some(entry) = sensitive.find(|entry| form.entry(&entry.name).is_some()) {
        return Err(sent_twice(&entry.name));
    }
    form.merge_under(query);
    checked(form)
}

/// The parameters of a read or a removal, which has no body.
fn decode_query<'r>(head: &'r Parts, body: &[u8], policy: &Policy) -> Result<Form<'r>, Error> {
    if !body.is_empty() {
        let message = format!("{} takes no body; leave it out", head.method);
        return Err(Error::new(Kind::Malformed, message));
    }
    checked(Form::decode_query(
        head.uri.query().unwrap_or_default(),
        &policy.form,
    )?)
}

/// Refuses what would make b2evolution act on something else than what the path and the form seem
/// to say (quirks B6 and B7).
fn checked(form: Form<'_>) -> Result<Form<'_>, Error> {
    for entry in form.entries() {
        let name = &*entry.name;
        if matches!(name, "api_request" | "api_version") {
            let message = format!("{name} must not be sent; the path says what is asked");
            return Err(Error::new(Kind::Malformed, message));
        }
        if profile::is_sensitive(name) && entry.assignments > 1 {
            return Err(sent_twice(name));
        }
        if profile::is_sensitive(name) && entry.mangled {
            let message = format!("{name} is sent under another spelling; spell it out");
            return Err(Error::new(Kind::Malformed, message));
        }
    }
    Ok(form)
}

fn sent_twice(name: &str) -> Error {
    Error::new(
        Kind::Malformed,
        format!("{name} is sent twice; send it once"),
    )
}

fn native(operation: &str, form: Form<'_>) -> Result<Native, Error> {
    let mut fields = Vec::new();
    for entry in form.into_entries() {
        let name = value::text("a name", &*entry.name)?;
        match &entry.value {
            Value::Text(text) => fields.push((name, Secret::from(&**text))),
            Value::Array(_) | Value::File(_) => {
                for (_, text) in value::elements(&entry)? {
                    let name = value::text("a name", format!("{}[]", entry.name))?;
                    fields.push((name, Secret::from(text)));
                }
            }
        }
    }
    Ok(Native {
        dialect: Dialect::B2evolution,
        operation: value::text("operation", operation)?,
        subject: None,
        fields,
        files: Vec::new(),
    })
}

/// Writes a request to a b2evolution.
pub(super) fn encode(call: &Call, policy: &Policy) -> Result<Request<Bytes>, Error> {
    let (method, target, fields) = match &call.command {
        Command::CreateUser(change) => {
            let form = profile::encode_create(change, policy)?;
            (Method::POST, Target::Users, form)
        }
        Command::UpdateUser(user, change) => {
            let form = profile::encode_update(change, policy)?;
            (Method::POST, Target::user(user)?, form)
        }
        Command::ReadUser(user) => (Method::GET, Target::user(user)?, Fields::new()),
        Command::DeleteUser(user) => (Method::DELETE, Target::user(user)?, Fields::new()),
        Command::ListUsers(query) => (Method::GET, Target::Users, list::encode(query, policy)?),
        Command::CountUsers(query) => {
            let mut form = filter::encode(&query.criteria, policy)?;
            form.push("per_page", "1");
            (Method::GET, Target::Users, form)
        }
        Command::Native(native) => (Method::GET, Target::native(native)?, native_fields(native)),
        Command::CreateGroup(_)
        | Command::UpdateGroup(..)
        | Command::ReadGroup(_)
        | Command::ListGroups
        | Command::DeleteGroup(_)
        | Command::AddMember(..)
        | Command::RemoveMember(_)
        | Command::SetMemberRole(..)
        | Command::BanMember(..)
        | Command::UnbanMember(_)
        | Command::ListTimezones => return Err(no_operation(call.command.action().name())),
    };
    if call.account.is_some() {
        return Err(Error::new(
            Kind::Unsupported,
            "b2evolution has no accounts; name none",
        ));
    }
    assemble(method, &target, fields, &call.credentials, policy)
}

/// Writes the request for a list of users.
pub(super) fn encode_list(
    parameters: Fields,
    credentials: &Credentials,
    policy: &Policy,
) -> Result<Request<Bytes>, Error> {
    assemble(Method::GET, &Target::Users, parameters, credentials, policy)
}

fn assemble(
    method: Method,
    target: &Target<'_>,
    fields: Fields,
    credentials: &Credentials,
    policy: &Policy,
) -> Result<Request<Bytes>, Error> {
    let encoded = fields.into_text();
    let is_form = method == Method::POST;
    let mut uri = target.uri(&policy.base_path);
    if !is_form && !encoded.is_empty() {
        uri.push('?');
        uri.push_str(&encoded);
    }
    let body = if is_form {
        Bytes::from(encoded)
    } else {
        Bytes::new()
    };
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri.try_into().map_err(Error::internal)?;
    let headers = request.headers_mut();
    if is_form {
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
    }
    if let Some(value) = credentials::encode(credentials)? {
        headers.insert(AUTHORIZATION, value);
    }
    Ok(request)
}

/// Whether that is a controller whose answers only b2evolution can give.
pub(in crate::dialect) fn is_native(name: &str) -> bool {
    matches!(name, "users/recipients" | "users/authors")
}

const USERS: &str = "/users";

/// What a request is sent to.
enum Target<'c> {
    /// `users`
    Users,
    /// `users/<id>`
    User(Id),
    /// A controller whose answers only b2evolution can give.
    Native(&'c str),
}

impl<'c> Target<'c> {
    fn user(user: &UserRef) -> Result<Self, Error> {
        match user {
            UserRef::Id(id) => Ok(Self::User(*id)),
            UserRef::Username(_) | UserRef::Email(_) | UserRef::UsernameOrEmail(_) => {
                Err(Error::new(
                    Kind::Unsupported,
                    "b2evolution names a user by id only; send the id",
                ))
            }
        }
    }

    fn native(native: &'c Native) -> Result<Self, Error> {
        match (native.dialect, native.operation.as_str()) {
            (Dialect::B2evolution, known) if is_native(known) => Ok(Self::Native(known)),
            (_, name) => Err(no_operation(name)),
        }
    }

    fn uri(&self, base_path: &str) -> String {
        match self {
            Self::Users => [base_path, USERS].concat(),
            Self::User(id) => {
                let digits = id.value().checked_ilog10().unwrap_or_default() + 1;
                let digits = usize::try_from(digits).unwrap_or_default();
                // To the byte: what has room to spare is not taken over as it is.
                let mut uri = String::with_capacity(base_path.len() + USERS.len() + 1 + digits);
                uri.extend([base_path, USERS, "/"]);
                write_integer(&mut uri, id.value());
                uri
            }
            Self::Native(path) => [base_path, "/", path].concat(),
        }
    }
}

fn native_fields(native: &Native) -> Fields {
    let mut form = Fields::new();
    for (name, value) in &native.fields {
        form.push_named(name.as_str(), value.reveal());
    }
    form
}

fn no_operation(name: &str) -> Error {
    Error::new(
        Kind::Unsupported,
        format!("b2evolution has no operation for {name}; send it to another system"),
    )
}
