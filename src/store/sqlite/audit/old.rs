//! Records from before there was a chain.

use rusqlite::{Connection, Row};

use super::{append_after, end};
use crate::clock::Timestamp;
use crate::journal::record::{Outcome, Record};
use crate::journal::seal::Seal;
use crate::store::StoreError;

/// Links the records that a migration put aside, if one did, and then says so in a record of its
/// own: up to there the trail shows only that nobody changed it since. Comes after all migrations,
/// since records are written as the newest schema has them.
pub(in crate::store::sqlite) fn seal_old(
    connection: &Connection,
    seal: &Seal,
) -> Result<(), StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'audit_unsealed')";
    if !connection.query_row(sql, [], |row| row.get(0))? {
        return Ok(());
    }
    let mut end = end(connection)?;
    let mut count = 0_i64;
    let mut last = None;
    {
        let mut statement = connection.prepare("SELECT * FROM audit_unsealed ORDER BY id")?;
        let rows = statement.query_and_then([], old_record)?;
        for record in rows {
            let record = record?;
            last = Some(record.at);
            count = count.saturating_add(1);
            end = append_after(connection, end, seal, record)?;
        }
    }
    connection.execute_batch("DROP TABLE audit_unsealed")?;
    let Some(at) = last else {
        return Ok(());
    };
    let sealed = Record {
        action: Some("audit.seal".to_owned()),
        attempts: Some(count),
        ..Record::bare(at, Outcome::Done)
    };
    append_after(connection, end, seal, sealed)?;
    Ok(())
}

fn old_record(row: &Row<'_>) -> Result<Record, StoreError> {
    Ok(Record {
        principal: row.get("principal")?,
        action: row.get("action")?,
        account: row.get("account_id")?,
        user: row.get("user_id")?,
        group: row.get("group_id")?,
        key: row.get("key_id")?,
        source: row.get("source")?,
        request_id: row.get("request_id")?,
        not_done: row.get("not_done")?,
        outcome: row.get("outcome")?,
        ..Record::bare(Timestamp::from_millis(row.get("at")?), Outcome::Done)
    })
}
