//! `dragoman users`, `groups` and `members`: many of them at once, from files and to files.
//!
//! A file is read line by line and written row by row, so its size does not matter. What is
//! written can be read again, and gives the same.

mod cells;
mod counted;
mod csv_file;
mod export;
mod fields;
mod group;
mod import;
mod json_line;
mod json_objects;
mod list;
mod member;
mod progress;
mod rehearsal;
mod report;
mod source;
mod user;

use std::fmt::Write as _;
use std::future::Future;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::Arc;

use self::cells::Cells;
use self::export::{Export, output};
use self::fields::Fields;
use self::group::Groups;
use self::import::{Counts, Import};
use self::list::List;
use self::member::Members;
use self::rehearsal::Rehearsal;
use self::report::Report;
use self::source::Source;
use self::user::Users;
use super::arguments::bulk::{
    ExportArguments, Format, GroupsCommand, ImportArguments, ListArguments, MembersCommand,
    UsersCommand,
};
use super::failure::Failure;
use super::{load, remark, say, store};
use crate::clock::Clock;
use crate::command::email::Email;
use crate::command::group::GroupRef;
use crate::command::name::{Slug, Username};
use crate::command::query::{Attribute, Criterion, Operator, UserQuery};
use crate::command::text::Text;
use crate::command::user::{Role, UserRef};
use crate::command::{AccountId, Id};
use crate::config::Config;
use crate::journal::Entry;
use crate::store::bulk::{BulkStore, MemberRow, Receive, Verdict};
use crate::store::sqlite::SqliteStore;
use crate::store::{Store, StoreError, StoreFuture};

/// What is imported, exported and listed.
trait Noun: 'static {
    /// One of them, whole.
    type Row: Send + Sync + 'static;

    /// What there are many of.
    const NAME: &'static str;
    /// The columns of its own, in the order of an export.
    const COLUMNS: &'static [&'static str];
    /// Whether it has other ids and extension attributes too.
    const HAS_ATTRIBUTES: bool;
    /// The first line of a list.
    const HEAD: &'static [&'static str];

    /// Reads a line; faults stay in `fields`. `account` is that of a line that names none.
    fn read(fields: &mut Fields, account: AccountId) -> Option<Self::Row>;

    /// What is written of a row.
    fn cells(row: Self::Row, with_hashes: bool) -> Cells;

    /// What is shown of a row in a list.
    fn line(row: &Self::Row) -> Vec<String>;

    /// Stores rows.
    fn import(
        store: &SqliteStore,
        rows: Arc<[Self::Row]>,
        take_over: &mut Option<Id>,
        entry: Entry,
    ) -> impl Future<Output = Result<Vec<Verdict>, StoreError>>;

    /// Gives every row to the receiver.
    fn export<T: Receive<Self::Row>>(
        store: &SqliteStore,
        account: Option<AccountId>,
        receiver: T,
    ) -> StoreFuture<'_, T>;
}

/// Does what was asked of users.
pub(super) fn users(
    config: Option<PathBuf>,
    store: Option<&str>,
    command: UsersCommand,
) -> Result<(), Failure> {
    let config = load::with_store(config, store)?;
    match command {
        UsersCommand::List(arguments) => list::<Users>(&config, &arguments),
        UsersCommand::Get { user, account } => {
            let account = account.unwrap_or(config.store.account);
            let reference = user_reference(&user)?;
            let found = look(&config, async |store| {
                store.user_row(account, reference).await
            })?;
            show::<Users>(
                found.flatten(),
                &format!("no user {user} in account {}", account.id()),
            )
        }
        UsersCommand::Import {
            import: arguments,
            take_over,
        } => import::<Users>(&config, &arguments, take_over.as_ref()),
        UsersCommand::Export(arguments) => export::<Users>(&config, &arguments),
    }
}

/// Does what was asked of groups.
pub(super) fn groups(
    config: Option<PathBuf>,
    store: Option<&str>,
    command: GroupsCommand,
) -> Result<(), Failure> {
    let config = load::with_store(config, store)?;
    match command {
        GroupsCommand::List(arguments) => list::<Groups>(&config, &arguments),
        GroupsCommand::Get { group, account } => {
            let account = account.unwrap_or(config.store.account);
            let reference = group_reference(&group)?;
            let found = look(&config, async |store| {
                store.group_row(account, reference).await
            })?;
            show::<Groups>(
                found.flatten(),
                &format!("no group {group} in account {}", account.id()),
            )
        }
        GroupsCommand::Import(arguments) => import::<Groups>(&config, &arguments, None),
        GroupsCommand::Export(arguments) => export::<Groups>(&config, &arguments),
    }
}

/// Does what was asked of memberships.
pub(super) fn members(
    config: Option<PathBuf>,
    store: Option<&str>,
    command: MembersCommand,
) -> Result<(), Failure> {
    let config = load::with_store(config, store)?;
    match command {
        MembersCommand::List(arguments) => list::<Members>(&config, &arguments),
        MembersCommand::Get {
            user,
            group,
            account,
        } => {
            let account = account.unwrap_or(config.store.account);
            let (by_user, by_group) = (user_reference(&user)?, group_reference(&group)?);
            let found = look(&config, async |store| {
                member(store, account, by_user, by_group).await
            })?;
            let missing = format!("{user} is no member of {group} in account {}", account.id());
            show::<Members>(found.flatten(), &missing)
        }
        MembersCommand::Import(arguments) => import::<Members>(&config, &arguments, None),
        MembersCommand::Export(arguments) => export::<Members>(&config, &arguments),
    }
}

async fn member(
    store: &SqliteStore,
    account: AccountId,
    user: UserRef,
    group: GroupRef,
) -> Result<Option<MemberRow>, StoreError> {
    let Some(user) = store.read_user(account, user).await? else {
        return Ok(None);
    };
    let members = store.list_members(account, group).await?;
    let own = members
        .into_iter()
        .flatten()
        .find(|member| member.user == user.id);
    Ok(own.map(|member| MemberRow { account, member }))
}

fn user_reference(text: &str) -> Result<UserRef, Failure> {
    if let Some(id) = Id::parse(text) {
        return Ok(UserRef::Id(id));
    }
    let either = Username::parse(text).map(UserRef::UsernameOrEmail);
    either
        .or_else(|| Email::parse(text).map(UserRef::Email))
        .ok_or_else(|| {
            Failure::Usage(format!(
                "{text:?} is neither an id nor a username nor an address"
            ))
        })
}

fn group_reference(text: &str) -> Result<GroupRef, Failure> {
    let id = Id::parse(text).map(GroupRef::Id);
    id.or_else(|| Slug::parse(text).map(GroupRef::Slug))
        .ok_or_else(|| Failure::Usage(format!("{text:?} is neither an id nor a slug")))
}

fn show<N: Noun>(row: Option<N::Row>, missing: &str) -> Result<(), Failure> {
    let row = row.ok_or_else(|| Failure::Failed(missing.to_owned()))?;
    let text = serde_json::to_string_pretty(&N::cells(row, false))
        .map_err(|error| Failure::failed("cannot write it as JSON", error))?;
    say(&format!("{text}\n"))
}

fn list<N: Noun>(config: &Config, arguments: &ListArguments) -> Result<(), Failure> {
    let account = arguments.account;
    if arguments.json {
        let receiver = Export::<N>::new(Format::Json, false, output(None)?);
        return received::<N, _>(config, account, receiver)?.finish();
    }
    received::<N, _>(config, account, List::<N>::new())?.finish()
}

fn export<N: Noun>(config: &Config, arguments: &ExportArguments) -> Result<(), Failure> {
    let path = arguments.output.as_deref();
    if arguments.with_hashes && path.is_none() && io::stdout().is_terminal() {
        return Err(Failure::Usage(
            "--with-hashes is not shown on a terminal: add --output FILE, or send it to a program"
                .to_owned(),
        ));
    }
    let receiver = Export::<N>::new(arguments.format, arguments.with_hashes, output(path)?);
    received::<N, _>(config, arguments.account, receiver)?.finish()
}

/// The receiver, with every row in it. A store that is not there has none.
fn received<N: Noun, T: Receive<N::Row>>(
    config: &Config,
    account: Option<AccountId>,
    receiver: T,
) -> Result<T, Failure> {
    // To look is no reason to make a store.
    if matches!(config.store.database.try_exists(), Ok(false)) {
        let mut receiver = receiver;
        // Nothing comes after it, whatever it says.
        let _ = receiver.fields(Vec::new());
        return Ok(receiver);
    }
    store::with(config, &Clock::system(), async |_, store| {
        N::export(store, account, receiver).await
    })
}

/// What a look at the store gives; nothing if it is not there.
fn look<T>(
    config: &Config,
    work: impl AsyncFnOnce(&SqliteStore) -> Result<T, StoreError>,
) -> Result<Option<T>, Failure> {
    if matches!(config.store.database.try_exists(), Ok(false)) {
        return Ok(None);
    }
    store::with(config, &Clock::system(), async |_, store| work(store).await).map(Some)
}

fn import<N: Noun>(
    config: &Config,
    arguments: &ImportArguments,
    take_over: Option<&Username>,
) -> Result<(), Failure> {
    let source = Source::<N>::open(&arguments.file, arguments.format)?;
    let mut report = Report::open(arguments.report.as_deref())?;
    let clock = Clock::system();
    let account = arguments.account.unwrap_or(config.store.account);
    let work = async |store: &SqliteStore, report: &mut Report| {
        let take_over = match take_over {
            Some(name) => target(store, account, name).await?,
            None => None,
        };
        let import = Import {
            store,
            source,
            report,
            account,
            take_over,
            makes_way: !arguments.dry_run,
            clock: clock.clone(),
        };
        let counts = import.run().await?;
        if counts.taken_over > 0 && !has_administrator(store, account).await? {
            remark(&format!(
                "no user of account {} is an administrator any more: give one the role {}",
                account.id(),
                Role::ADMINISTRATOR
            ));
        }
        Ok(counts)
    };
    let counts = if arguments.dry_run {
        let (rehearsal, store) = Rehearsal::open(config)?;
        let counts = store::finish(&store, async |store| work(store, &mut report).await);
        drop(rehearsal);
        counts
    } else {
        let (_, store) = store::open(config, &clock)?;
        store::finish(&store, async |store| work(store, &mut report).await)
    };
    report.finish()?;
    summary(counts?, arguments.dry_run)
}

/// The user that may be taken over. In a second run after an interruption there may be none left.
async fn target(
    store: &SqliteStore,
    account: AccountId,
    name: &Username,
) -> Result<Option<Id>, Failure> {
    let reference = UserRef::Username(name.clone());
    let found = store.read_user(account, reference).await.map_err(failed)?;
    if found.is_none() {
        remark(&format!(
            "nobody is called {}: nobody is taken over",
            name.as_str()
        ));
    }
    Ok(found.map(|user| user.id))
}

async fn has_administrator(store: &SqliteStore, account: AccountId) -> Result<bool, Failure> {
    let query = UserQuery {
        criteria: vec![Criterion {
            attribute: Attribute::Role,
            operator: Operator::Exactly,
            values: Text::parse(Role::ADMINISTRATOR).into_iter().collect(),
        }],
        ..UserQuery::default()
    };
    let count = store.count_users(account, query).await.map_err(failed)?;
    Ok(count > 0)
}

fn failed(error: StoreError) -> Failure {
    Failure::failed("the store failed", error)
}

fn summary(counts: Counts, is_dry_run: bool) -> Result<(), Failure> {
    let Counts {
        imported,
        taken_over,
        unchanged,
        refused,
    } = counts;
    let mut text = format!("imported {imported}");
    if taken_over > 0 {
        // Writing to a string cannot fail.
        let _ = write!(text, " taken over {taken_over}");
    }
    let _ = write!(text, " unchanged {unchanged} refused {refused}");
    if is_dry_run {
        text.push_str(" (dry run: nothing was stored)");
    }
    say(&format!("{text}\n"))?;
    if refused > 0 {
        return Err(Failure::Failed(format!(
            "{refused} lines were refused: correct them and run the import again"
        )));
    }
    Ok(())
}
