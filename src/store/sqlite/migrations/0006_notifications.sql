-- What somebody outside is to be told, until that is done. No foreign keys: a user who is deleted
-- meanwhile was promised it all the same. Times are milliseconds since 1970; state is waiting or
-- failed.
CREATE TABLE notifications (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    event      TEXT NOT NULL,
    at         INTEGER NOT NULL,
    request_id TEXT NOT NULL,
    account_id INTEGER NOT NULL,
    user_id    INTEGER NOT NULL,
    username   TEXT NOT NULL,
    email      TEXT,
    full_name  TEXT,
    state      TEXT NOT NULL,
    queued_at  INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    problem    TEXT
) STRICT;

CREATE INDEX notifications_due ON notifications (due_at, number)
WHERE state = 'waiting';
