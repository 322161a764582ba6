-- What an upstream has no place for, or takes and does not show, of its users: by the upstream's
-- name in the configuration and by its own numbers. account_id is 0 where it has no accounts.
-- A value is NULL where it is known that there is none.
CREATE TABLE kept_user_fields (
    upstream   TEXT NOT NULL,
    account_id INTEGER NOT NULL,
    user_id    INTEGER NOT NULL,
    field      TEXT NOT NULL,
    value      TEXT,
    PRIMARY KEY (upstream, account_id, user_id, field)
) STRICT, WITHOUT ROWID;
