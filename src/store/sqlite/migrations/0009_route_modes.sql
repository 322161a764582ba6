-- Modes that routes were given while the gateway was running, by their names in the configuration, and
-- what the configuration said then.
CREATE TABLE route_modes (
    route      TEXT PRIMARY KEY,
    mode       TEXT NOT NULL,
    instead_of TEXT NOT NULL
) STRICT, WITHOUT ROWID;
