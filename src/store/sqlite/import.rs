//! Rows of an import, each stored whole or refused, and what is stored already left alone.

pub(super) mod groups;
pub(super) mod members;
pub(super) mod users;

use super::write_connection::WriteConnection;
use crate::auth::password::PasswordHash;
use crate::command::Id;
use crate::store::StoreError;
use crate::store::bulk::{OtherIds, Verdict};

/// The largest id that is taken: what JavaScript can count to. The next free id is one more than
/// the largest that ever was, so one row with the largest number of all would be the last one.
const LARGEST_ID: i64 = (1 << 53) - 1;

/// Makes each row a part of the transaction, so that one that is refused leaves nothing behind.
fn each<R>(
    connection: &WriteConnection,
    rows: &[R],
    mut import: impl FnMut(&R) -> Result<Verdict, StoreError>,
) -> Result<Vec<Verdict>, StoreError> {
    let mut verdicts = Vec::with_capacity(rows.len());
    for row in rows {
        connection.begin_part()?;
        let verdict = match import(row) {
            Ok(verdict) => verdict,
            Err(StoreError::UsernameTaken) => Verdict::refused(
                "username",
                "is the slug of a group, or the e-mail address of another user; change one of them",
            ),
            Err(StoreError::SlugTaken) => Verdict::refused(
                "slug",
                "is taken by another group or a user; change one of them",
            ),
            Err(StoreError::EmailTaken) => Verdict::refused(
                "email",
                "is taken by another user, as an address or a username; change one of them",
            ),
            Err(failure) => return Err(failure),
        };
        if matches!(verdict, Verdict::Refused { .. }) {
            connection.undo_part()?;
        } else {
            connection.end_part()?;
        }
        verdicts.push(verdict);
    }
    Ok(verdicts)
}

fn is_too_large(id: Id) -> bool {
    id.value() > LARGEST_ID
}

fn too_large() -> Verdict {
    Verdict::refused("id", format!("must be at most {LARGEST_ID}"))
}

/// Whether the store has another password than the row says. A hash of another system in the row
/// and one of ours in the store is what a sign-in in between leaves.
fn differs_in_hash(row: Option<&PasswordHash>, stored: Option<&PasswordHash>) -> bool {
    let (Some(row), Some(stored)) = (row, stored) else {
        return row.is_some();
    };
    row != stored && (row.is_current() || !stored.is_current())
}

/// Whether the store knows another id, or none, where the row names one.
fn differs_in_ids(row: &OtherIds, stored: &OtherIds) -> bool {
    row.iter()
        .any(|(dialect, id)| stored.get(dialect) != Some(id))
}

/// What is said of a row whose id or name another one has.
fn conflict(field: &'static str, holder: &str, differences: &[&'static str]) -> Verdict {
    let differences = differences.join(", ");
    Verdict::refused(
        field,
        format!("belongs to {holder}, where {differences} differs"),
    )
}
