-- Calls name a user by its username or its e-mail address, and the username is tried first. So an
-- address is no username of another user of the account, nor the other way round. email_name is the
-- address in the form of names.key, where that is not email_key already, which it is for all of
-- ASCII; name_key() is a function of the program.
ALTER TABLE users ADD COLUMN email_name TEXT;

-- Before there are triggers: what was stored stays as it is, and `dragoman store check` finds it.
UPDATE users SET email_name = nullif(name_key(email), email_key) WHERE email IS NOT NULL;

CREATE INDEX users_email_name ON users (account_id, email_name) WHERE email_name IS NOT NULL;

CREATE TRIGGER names_insert BEFORE INSERT ON names
WHEN EXISTS (SELECT 1 FROM users
             WHERE account_id = NEW.account_id AND email_key = NEW.key AND id <> NEW.user_id)
  OR EXISTS (SELECT 1 FROM users
             WHERE account_id = NEW.account_id AND email_name = NEW.key AND id <> NEW.user_id)
BEGIN
    SELECT RAISE(ABORT, 'names.key is the address of another user');
END;

CREATE TRIGGER names_update BEFORE UPDATE ON names
WHEN EXISTS (SELECT 1 FROM users
             WHERE account_id = NEW.account_id AND email_key = NEW.key AND id <> NEW.user_id)
  OR EXISTS (SELECT 1 FROM users
             WHERE account_id = NEW.account_id AND email_name = NEW.key AND id <> NEW.user_id)
BEGIN
    SELECT RAISE(ABORT, 'names.key is the address of another user');
END;

CREATE TRIGGER users_insert BEFORE INSERT ON users
WHEN EXISTS (SELECT 1 FROM names
             WHERE account_id = NEW.account_id AND key IN (NEW.email_key, NEW.email_name)
               AND user_id <> NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'users.email_key is the username of another user');
END;

CREATE TRIGGER users_update BEFORE UPDATE ON users
WHEN (NEW.email_key IS NOT OLD.email_key OR NEW.email_name IS NOT OLD.email_name)
 AND EXISTS (SELECT 1 FROM names
             WHERE account_id = NEW.account_id AND key IN (NEW.email_key, NEW.email_name)
               AND user_id <> NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'users.email_key is the username of another user');
END;

-- These two guarded nothing and are no scopes any more.
UPDATE keys SET scopes =
    trim(replace(replace(' ' || scopes || ' ', ' member:read ', ' '), ' member:delete ', ' '))
WHERE ' ' || scopes || ' ' LIKE '% member:read %' OR ' ' || scopes || ' ' LIKE '% member:delete %';
