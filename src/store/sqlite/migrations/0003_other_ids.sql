-- The ids that the same user or group has in the systems it came from, one a dialect. The account
-- is repeated because no other id may mean two users of one account.
CREATE TABLE user_other_ids (
    user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    dialect    TEXT NOT NULL,
    account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    other_id   INTEGER NOT NULL,
    PRIMARY KEY (user_id, dialect)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX user_other_ids_reverse ON user_other_ids (account_id, dialect, other_id);

CREATE TABLE group_other_ids (
    group_id   INTEGER NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    dialect    TEXT NOT NULL,
    account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    other_id   INTEGER NOT NULL,
    PRIMARY KEY (group_id, dialect)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX group_other_ids_reverse ON group_other_ids (account_id, dialect, other_id);
