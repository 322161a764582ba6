-- Who is who at upstreams, which are known by their names in the configuration. No foreign keys: none
-- of these users and accounts has to be stored here.

-- What look-ups at an upstream answered, until a time in milliseconds since 1970. Account 0 is none.
CREATE TABLE crosswalk_names (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    upstream   TEXT NOT NULL,
    account_id INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    name       TEXT NOT NULL,
    there_id   INTEGER NOT NULL,
    until      INTEGER NOT NULL,
    UNIQUE (upstream, account_id, kind, name)
) STRICT;

CREATE INDEX crosswalk_names_there ON crosswalk_names (upstream, there_id);
CREATE INDEX crosswalk_names_until ON crosswalk_names (until);

-- Numbers of users that callers of a dialect have, and the upstream's own.
CREATE TABLE crosswalk_pairs (
    upstream TEXT NOT NULL,
    dialect  TEXT NOT NULL,
    own_id   INTEGER NOT NULL,
    there_id INTEGER NOT NULL,
    PRIMARY KEY (upstream, dialect, own_id),
    UNIQUE (upstream, dialect, there_id)
) STRICT, WITHOUT ROWID;

-- How often the command line changed any of it: what a running gateway looks at.
CREATE TABLE crosswalk_changes (
    number INTEGER NOT NULL
) STRICT;

INSERT INTO crosswalk_changes (number) VALUES (0);
