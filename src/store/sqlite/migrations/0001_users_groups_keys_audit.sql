CREATE TABLE accounts (
    id INTEGER PRIMARY KEY
) STRICT;

-- The columns that end in _key hold what is compared instead of the spelling. The three keys of a
-- person's name are of what a reader sees, derived halves included.
CREATE TABLE users (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id      INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    username        TEXT NOT NULL,
    username_key    TEXT NOT NULL,
    password_hash   TEXT,
    display_name    TEXT,
    display_key     TEXT,
    given_name      TEXT,
    given_key       TEXT,
    family_name     TEXT,
    family_key      TEXT,
    nickname        TEXT,
    gender          TEXT,
    locale          TEXT,
    email           TEXT,
    email_key       TEXT,
    email_verified  INTEGER NOT NULL DEFAULT 0 CHECK (email_verified IN (0, 1)),
    status          TEXT NOT NULL DEFAULT 'active'
                    CHECK (status IN ('unconfirmed', 'active', 'deactivated', 'closed')),
    level           INTEGER NOT NULL DEFAULT 0 CHECK (level BETWEEN 0 AND 10),
    phone           TEXT,
    mobile          TEXT,
    fax             TEXT,
    title           TEXT,
    timezone        TEXT,
    picture_url     TEXT,
    read_only       INTEGER NOT NULL DEFAULT 0 CHECK (read_only IN (0, 1)),
    role            TEXT
) STRICT;

CREATE INDEX users_of_account ON users (account_id);
CREATE UNIQUE INDEX users_email ON users (account_id, email_key);

CREATE TABLE user_organizations (
    user_id         INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    position        INTEGER NOT NULL,
    organization_id INTEGER NOT NULL,
    role            TEXT,
    PRIMARY KEY (user_id, position)
) STRICT;

CREATE TABLE user_extensions (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    dialect TEXT NOT NULL,
    field   TEXT NOT NULL,
    value   TEXT NOT NULL,
    PRIMARY KEY (user_id, dialect, field)
) STRICT;

CREATE TABLE groups (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id         INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name               TEXT NOT NULL,
    slug               TEXT,
    description        TEXT,
    category_id        INTEGER,
    secret             INTEGER NOT NULL DEFAULT 0 CHECK (secret IN (0, 1)),
    unleavable         INTEGER NOT NULL DEFAULT 0 CHECK (unleavable IN (0, 1)),
    pinned             INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1)),
    password_protected INTEGER NOT NULL DEFAULT 0 CHECK (password_protected IN (0, 1)),
    password_hash      TEXT,
    icon_url           TEXT
) STRICT;

CREATE INDEX groups_of_account ON groups (account_id);

CREATE TABLE group_extensions (
    group_id INTEGER NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    dialect  TEXT NOT NULL,
    field    TEXT NOT NULL,
    value    TEXT NOT NULL,
    PRIMARY KEY (group_id, dialect, field)
) STRICT;

-- The one name space of usernames and slugs: its primary key is what makes them unique.
CREATE TABLE names (
    account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    key        TEXT NOT NULL,
    user_id    INTEGER UNIQUE REFERENCES users (id) ON DELETE CASCADE,
    group_id   INTEGER UNIQUE REFERENCES groups (id) ON DELETE CASCADE,
    PRIMARY KEY (account_id, key),
    CHECK ((user_id IS NULL) <> (group_id IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE members (
    group_id   INTEGER NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role       INTEGER,
    banned     INTEGER NOT NULL DEFAULT 0 CHECK (banned IN (0, 1)),
    ban_end    TEXT,
    PRIMARY KEY (group_id, user_id),
    CHECK (banned = 1 OR ban_end IS NULL)
) STRICT, WITHOUT ROWID;

CREATE INDEX members_of_user ON members (user_id);

-- Scopes and accounts are lists, separated by blanks.
CREATE TABLE keys (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL,
    digest     BLOB NOT NULL UNIQUE,
    hint       TEXT NOT NULL,
    scopes     TEXT NOT NULL,
    accounts   TEXT NOT NULL,
    expires_at INTEGER,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;

CREATE UNIQUE INDEX keys_live_name ON keys (name) WHERE revoked_at IS NULL;

-- No foreign keys: a record outlives what it is about. Times are milliseconds since 1970.
CREATE TABLE audit (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    principal  TEXT NOT NULL,
    action     TEXT NOT NULL,
    account_id INTEGER NOT NULL,
    user_id    INTEGER,
    group_id   INTEGER,
    key_id     INTEGER,
    source     TEXT,
    request_id TEXT NOT NULL,
    outcome    TEXT NOT NULL,
    not_done   TEXT
) STRICT;
