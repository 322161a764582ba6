-- Routes are a list, as scopes and accounts are; an empty one means any route.
ALTER TABLE keys ADD COLUMN routes TEXT NOT NULL DEFAULT '';

-- To about a minute: it is noted after the fact.
ALTER TABLE keys ADD COLUMN last_used_at INTEGER;

-- When the key got another secret, in a row of its own. Until expires_at both work.
ALTER TABLE keys ADD COLUMN replaced_at INTEGER;

DROP INDEX keys_live_name;
CREATE UNIQUE INDEX keys_live_name ON keys (name) WHERE revoked_at IS NULL AND replaced_at IS NULL;
