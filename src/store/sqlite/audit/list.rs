//! Reading the trail.

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use crate::clock::Timestamp;
use crate::command::Id;
use crate::journal::record::{Record, RecordQuery, Target};
use crate::store::audit::AuditStore;
use crate::store::sqlite::SqliteStore;
use crate::store::{StoreError, StoreFuture};

impl AuditStore for SqliteStore {
    fn list_records(&self, query: RecordQuery) -> StoreFuture<'_, Vec<Record>> {
        Box::pin(
            self.readers
                .read(move |connection| list(connection, &query)),
        )
    }

    fn written_records(&self) -> StoreFuture<'_, i64> {
        Box::pin(self.readers.read(written))
    }
}

/// Where a list in either direction begins is what makes paging cheap; the rest is looked at row
/// by row, since an index would be paid for by every write.
const CONDITION: &str = "
    AND (:since IS NULL OR at >= :since) AND (:until IS NULL OR at < :until)
    AND (:principal IS NULL OR principal = :principal)
    AND (:user IS NULL OR user_id = :user)
    AND (:group IS NULL OR group_id = :group)
    AND (:key IS NULL OR key_id = :key)
    AND (:action IS NULL OR action = :action)
    AND (:account IS NULL OR account_id = :account)";

fn list(connection: &Connection, query: &RecordQuery) -> Result<Vec<Record>, StoreError> {
    let (from, first, order) = if query.oldest_first {
        ("id >= :from", i64::MIN, "id ASC")
    } else {
        ("id <= :from", i64::MAX, "id DESC")
    };
    let sql = format!("SELECT * FROM audit WHERE {from} {CONDITION} ORDER BY {order} LIMIT :limit");
    let (mut user, mut group, mut key) = (None, None, None);
    match query.target {
        None => {}
        Some(Target::User(id)) => user = Some(id),
        Some(Target::Group(id)) => group = Some(id),
        Some(Target::Key(id)) => key = Some(id),
    }
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(
        named_params! {
            ":from": query.from.unwrap_or(first),
            ":since": query.since.map(Timestamp::as_millis),
            ":until": query.until.map(Timestamp::as_millis),
            ":principal": query.principal,
            ":user": user.map(Id::value),
            ":group": group.map(Id::value),
            ":key": key.map(Id::value),
            ":action": query.action,
            ":account": query.account.map(|account| account.id().value()),
            ":limit": query.limit,
        },
        record,
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record {
        id: row.get("id")?,
        at: Timestamp::from_millis(row.get("at")?),
        principal: text(row, "principal")?,
        action: text(row, "action")?,
        account: row.get("account_id")?,
        user: row.get("user_id")?,
        group: row.get("group_id")?,
        key: row.get("key_id")?,
        source: text(row, "source")?,
        route: text(row, "route")?,
        request_id: text(row, "request_id")?,
        outcome: text(row, "outcome")?.unwrap_or_default(),
        reason: text(row, "reason")?,
        not_done: text(row, "not_done")?,
        password: text(row, "password")?,
        attempts: row.get("attempts")?,
        before: row.get("before")?,
        after: row.get("after")?,
        hash: row.get("hash")?,
    })
}

/// Text that is no UTF-8 was not written here: its record is to be found broken, and not to end
/// the search.
fn text(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<String>> {
    let bytes = row.get_ref(column)?.as_bytes_or_null()?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
}

fn written(connection: &Connection) -> Result<i64, StoreError> {
    let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'audit'";
    let found = connection.query_row(sql, [], |row| row.get(0)).optional()?;
    Ok(found.unwrap_or_default())
}
