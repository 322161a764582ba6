-- The trail so far is put into the new table record by record, with its links, by whoever runs
-- this: a link takes a key that no database has.
ALTER TABLE audit RENAME TO audit_unsealed;

-- No foreign keys: a record outlives what it is about. Times are milliseconds since 1970. Digests
-- and hash are HMAC-SHA-256; hash covers the row and the hash of the row before.
CREATE TABLE audit (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    principal  TEXT,
    action     TEXT,
    account_id INTEGER,
    user_id    INTEGER,
    group_id   INTEGER,
    key_id     INTEGER,
    source     TEXT,
    route      TEXT,
    request_id TEXT,
    outcome    TEXT NOT NULL,
    reason     TEXT,
    not_done   TEXT,
    password   TEXT,
    attempts   INTEGER,
    before     BLOB,
    after      BLOB,
    hash       BLOB NOT NULL
) STRICT;
