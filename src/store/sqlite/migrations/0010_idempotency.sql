-- Calls that may be sent again and are to be done once, until a time in milliseconds since 1970. The key
-- and the fingerprint are keyed digests: of who calls for what under which idempotency key, and of all
-- that is asked. Without an answer a call was sent elsewhere and may have been done.
CREATE TABLE idempotency (
    key         BLOB NOT NULL PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    answer      TEXT,
    until       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_until ON idempotency (until);
