//! Principal and command → permit.

use std::borrow::Cow;
use std::task::{Context as TaskContext, Poll};

use futures_util::future::{Either, Ready, ready};
use tower::{Layer, Service};

use super::authenticate::Authenticated;
use super::call::Call;
use super::keys::Key;
use super::permitted::Permitted;
use super::principal::Principal;
use crate::command::extension::Guard;
use crate::command::user::{Status, UserChange, UserRef};
use crate::command::{AccountId, Action, Command, Dialect, Id};
use crate::error::{Error, Kind};
use crate::outcome::Done;
use crate::route::{Auth, Target};

/// Decides whether a principal may do what it asks, and in which account.
///
/// *Position*: inside authentication, outside everything that carries commands out.
/// *Failure*: [`Kind::PermissionDenied`] naming the missing scope; [`Kind::UserNotFound`] for an
/// account that the principal may not use, so that it learns nothing of it.
/// *Cost*: comparisons of short strings; nothing is awaited.
#[derive(Clone, Copy, Debug)]
pub struct AuthorizeLayer {
    account: AccountId,
}

impl AuthorizeLayer {
    /// Calls that name no account, by keys that are bound to none, act in `account`.
    pub const fn new(account: AccountId) -> Self {
        Self { account }
    }
}

impl<S> Layer<S> for AuthorizeLayer {
    type Service = Authorize<S>;

    fn layer(&self, inner: S) -> Authorize<S> {
        Authorize {
            inner,
            account: self.account,
        }
    }
}

/// The service of [`AuthorizeLayer`].
#[derive(Clone, Copy, Debug)]
pub struct Authorize<S> {
    inner: S,
    account: AccountId,
}

impl<S> Service<Authenticated> for Authorize<S>
where
    S: Service<Permitted, Response = Done, Error = Error>,
{
    type Response = Done;
    type Error = Error;
    type Future = Either<S::Future, Ready<Result<Done, Error>>>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, authenticated: Authenticated) -> Self::Future {
        match permit(authenticated, self.account) {
            Ok(permitted) => Either::Left(self.inner.call(permitted)),
            Err(error) => Either::Right(ready(Err(error))),
        }
    }
}

/// The decision of [`Authorize`].
fn permit(authenticated: Authenticated, default_account: AccountId) -> Result<Permitted, Error> {
    let (principal, call, passed_on) = authenticated.into_parts();
    let account = judge(&principal, &call, default_account)?;
    Ok(Permitted::new(principal, account, call, passed_on))
}

/// The account that a call means, if the principal may do what it asks there. It permits nothing by
/// itself: only [`Authorize`] makes a [`Permitted`].
pub fn judge(
    principal: &Principal,
    call: &Call,
    default_account: AccountId,
) -> Result<AccountId, Error> {
    let account = account_of(principal, call.account, default_account)
        .ok_or_else(|| Error::from(Kind::UserNotFound).caused_by(ForeignAccount))?;
    match principal {
        Principal::Key(key) => judge_key(key, call)?,
        Principal::User {
            id,
            administrator,
            read_only,
            confirmed,
            ..
        } => {
            refuse_relaying(call)?;
            refuse_unconfirmed(*id, *confirmed, &call.command)?;
            judge_user(*id, *administrator, *read_only, &call.command)?;
        }
        Principal::JudgedByUpstream(_) => judge_foreign(call)?,
        Principal::Anonymous => judge_anonymous(&call.command)?,
    }
    Ok(account)
}

/// Why a caller is told that there is no such user: for the log and the audit trail, not for it.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the caller may not act in the account")]
pub(super) struct ForeignAccount;

/// Why a caller whom an upstream judges is refused before the upstream has seen it: nobody knows who it is.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the route does not relay the operation")]
pub(super) struct Unlisted;

/// The account a principal acts in; nothing if it may not act in the one that is named.
pub fn account_of(
    principal: &Principal,
    named: Option<AccountId>,
    default: AccountId,
) -> Option<AccountId> {
    match principal {
        Principal::Key(key) => key_account(key, named, default),
        Principal::User { account, .. } => named
            .is_none_or(|named| named == *account)
            .then_some(*account),
        // Which it may act in the upstream decides.
        Principal::JudgedByUpstream(_) => Some(named.unwrap_or(default)),
        Principal::Anonymous => named.is_none().then_some(default),
    }
}

/// The account a key acts in: the one named, if it may use it; else its first, else the default.
fn key_account(key: &Key, named: Option<AccountId>, default: AccountId) -> Option<AccountId> {
    match named {
        Some(named) => key.may_use(named).then_some(named),
        None => Some(key.accounts.first().copied().unwrap_or(default)),
    }
}

fn judge_key(key: &Key, call: &Call) -> Result<(), Error> {
    match needed_scopes(call).find(|scope| !key.scopes.grants(scope)) {
        Some(missing) => Err(denied(&missing)),
        None => refuse_unbound(key, call),
    }
}

/// Vision6 names accounts among the parameters of its native operations, which nobody here reads: a key
/// that is bound to accounts could name any other by them.
fn refuse_unbound(key: &Key, call: &Call) -> Result<(), Error> {
    if let Command::Native(native) = &call.command
        && native.dialect == Dialect::Vision6
        && call.context.relays()
        && !key.accounts.is_empty()
    {
        let message = format!(
            "the API key is bound to accounts, and {} could be about any; \
             use a key that is bound to none",
            native.operation.as_str()
        );
        return Err(Error::new(Kind::PermissionDenied, message));
    }
    Ok(())
}

/// The scopes that a key needs for a call, as far as the call itself shows: a user who is an
/// administrator already asks for more.
pub fn needed_scopes(call: &Call) -> impl Iterator<Item = Cow<'static, str>> {
    let own = match relayed_operation(call) {
        Some(operation) => Some(format!("native.{operation}").into()),
        None => scope(call.command.action()).map(Cow::Borrowed),
    };
    let sensitive = sensitive_scopes(&call.command).map(Cow::Borrowed);
    own.into_iter().chain(sensitive)
}

/// The name of a native operation that is relayed. Some open any user's session, so each needs a
/// scope of its own, which no other scope includes.
fn relayed_operation(call: &Call) -> Option<&str> {
    if let Command::Native(native) = &call.command
        && call.context.relays()
    {
        return Some(native.operation.as_str());
    }
    None
}

fn denied(scope: &str) -> Error {
    let message = format!("the API key lacks the scope {scope}; use a key that has it");
    Error::new(Kind::PermissionDenied, message)
}

/// A user has no scopes, whoever it is.
fn refuse_relaying(call: &Call) -> Result<(), Error> {
    let Some(operation) = relayed_operation(call) else {
        return Ok(());
    };
    let message =
        format!("only an API key with the scope native.{operation} may do this; send one");
    Err(Error::new(Kind::PermissionDenied, message))
}

/// The scope that an action needs. Reading the names of time zones needs none.
///
/// A native operation that is not relayed does nothing but look its subject up in the store, so it
/// needs no more than reading users.
const fn scope(action: Action) -> Option<&'static str> {
    match action {
        Action::CreateUser | Action::UpdateUser => Some("user:write"),
        Action::ReadUser | Action::ListUsers | Action::CountUsers | Action::Native => {
            Some("user:read")
        }
        Action::DeleteUser => Some("user:delete"),
        Action::CreateGroup | Action::UpdateGroup => Some("group:write"),
        Action::ReadGroup | Action::ListGroups => Some("group:read"),
        Action::DeleteGroup => Some("group:delete"),
        Action::AddMember
        | Action::RemoveMember
        | Action::SetMemberRole
        | Action::BanMember
        | Action::UnbanMember => Some("member:write"),
        Action::ListTimezones => None,
    }
}

/// The scopes that single attributes need beside the action's.
fn sensitive_scopes(command: &Command) -> impl Iterator<Item = &'static str> {
    let change = command.user_change();
    let role = change
        .filter(|change| gives_rights(change))
        .map(|_| "user.role");
    let level = change
        .filter(|change| change.level.is_some())
        .map(|_| "user.level");
    role.into_iter().chain(level)
}

/// Whether a change says what the user may do.
fn gives_rights(change: &UserChange) -> bool {
    !change.role.is_keep() || change.read_only.is_some() || change.guard == Guard::Role
}

/// Who was not confirmed may see who there is, and of profiles only its own.
fn refuse_unconfirmed(id: Id, confirmed: bool, command: &Command) -> Result<(), Error> {
    if let Command::ReadUser(user) = command
        && !confirmed
        && *user != UserRef::Id(id)
    {
        return Err(Error::new(
            Kind::PermissionDenied,
            "You must activate your account before you can view this user profile.",
        ));
    }
    Ok(())
}

/// A user may read every user and edit itself; an administrator may do everything but delete itself.
fn judge_user(
    id: Id,
    administrator: bool,
    read_only: bool,
    command: &Command,
) -> Result<(), Error> {
    let action = command.action();
    if read_only && !action.is_read() {
        return Err(Error::new(
            Kind::PermissionDenied,
            "the user is read-only; sign in as another",
        ));
    }
    if let Command::DeleteUser(UserRef::Id(target)) = command
        && administrator
        && *target == id
    {
        return Err(Error::new(
            Kind::DeleteRefused,
            "You can't delete yourself!",
        ));
    }
    if administrator || action.is_read() {
        return Ok(());
    }
    if let Command::UpdateUser(UserRef::Id(target), change) = command
        && *target == id
        && is_own_business(change)
    {
        return Ok(());
    }
    Err(Error::new(
        Kind::PermissionDenied,
        "only an administrator may do this; sign in as one",
    ))
}

/// Whether a user may make the change to itself: no more rights, and no way back from being closed.
fn is_own_business(change: &UserChange) -> bool {
    !gives_rights(change)
        && change.guard == Guard::None
        && change.level.is_none()
        && change.email_verified.is_none()
        && change.status.is_none_or(|status| status == Status::Closed)
}

/// The upstream decides what its caller may do; but what has no canonical form is relayed only where
/// the route names it, and nothing at all is done but by an upstream.
fn judge_foreign(call: &Call) -> Result<(), Error> {
    let route = call.context.route.as_deref();
    let listed =
        route.and_then(
            |route| match (&route.auth, route.targets.of(call.command.action())) {
                (Auth::Upstream { native }, Target::Upstream(_)) => Some(native),
                (Auth::Upstream { .. } | Auth::Gateway, _) => None,
            },
        );
    let listed = listed.ok_or(Kind::Unauthenticated)?;
    match relayed_operation(call) {
        Some(operation) if !listed.iter().any(|name| name == operation) => {
            let message = format!("{operation} is not allowed here; ask for it to be");
            Err(Error::new(Kind::PermissionDenied, message).caused_by(Unlisted))
        }
        Some(_) | None => Ok(()),
    }
}

fn judge_anonymous(command: &Command) -> Result<(), Error> {
    if command.action() == Action::ListUsers {
        return Ok(());
    }
    Err(Kind::Unauthenticated.into())
}

#[cfg(test)]
mod tests;
