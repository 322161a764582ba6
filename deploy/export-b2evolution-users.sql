-- The users of a b2evolution 6 or 7 as `dragoman users import` reads them: one JSON object a line.
--
--   mysql --batch --raw --skip-column-names --default-character-set=utf8mb4 DATABASE \
--       < export-b2evolution-users.sql > users.json
--   dragoman users import users.json --dry-run
--   dragoman users import users.json --take-over admin
--
-- Needs MySQL 5.7.22 or MariaDB 10.5. The prefix of the tables is evo_; yours may differ. Where two
-- users have one address, the second one is refused: correct it there or here.
SELECT JSON_OBJECT(
    'id', u.user_ID,
    'ids', JSON_OBJECT('b2evolution', u.user_ID),
    'username', u.user_login,
    -- Driver, salt and the rest are three columns there and one text here.
    'password_hash', CASE
        WHEN u.user_pass = '' THEN NULL
        WHEN u.user_pass_driver = 'evo$md5' THEN CONCAT('evo$md5$', u.user_pass)
        WHEN u.user_pass_driver = 'evo$salted'
            THEN CONCAT('evo$salted$', u.user_salt, '$', u.user_pass)
        WHEN u.user_pass_driver IN ('bb$2a', 'bb$2y')
            THEN CONCAT(SUBSTRING(u.user_pass_driver, 3), '$10$', u.user_salt, u.user_pass)
        WHEN u.user_pass_driver IN ('bb$P', 'bb$H')
            THEN CONCAT(SUBSTRING(u.user_pass_driver, 3), '$', u.user_salt, u.user_pass)
    END,
    'given_name', NULLIF(u.user_firstname, ''),
    'family_name', NULLIF(u.user_lastname, ''),
    'nickname', NULLIF(u.user_nickname, ''),
    'gender', u.user_gender,
    'locale', u.user_locale,
    'email', NULLIF(u.user_email, ''),
    'email_verified', IF(u.user_status IN ('activated', 'autoactivated'), 1, 0),
    'status', CASE u.user_status
        WHEN 'new' THEN 'unconfirmed'
        WHEN 'emailchanged' THEN 'unconfirmed'
        WHEN 'deactivated' THEN 'deactivated'
        WHEN 'failedactivation' THEN 'deactivated'
        WHEN 'pendingdelete' THEN 'deactivated'
        WHEN 'closed' THEN 'closed'
        ELSE 'active'
    END,
    'level', LEAST(u.user_level, 10),
    -- The groups that b2evolution installs. A table of roles in routes.toml may name others.
    'role', CASE u.user_grp_ID
        WHEN 1 THEN 'administrator'
        WHEN 2 THEN 'moderator'
        WHEN 3 THEN 'editor'
        WHEN 4 THEN 'member'
        WHEN 5 THEN 'suspect'
        WHEN 6 THEN 'spammer'
    END,
    'organizations', JSON_EXTRACT((
        SELECT JSON_ARRAYAGG(JSON_OBJECT('id', o.uorg_org_ID, 'role', NULLIF(o.uorg_role, '')))
        FROM evo_users__user_org AS o
        WHERE o.uorg_user_ID = u.user_ID
    ), '$'),
    'extensions', JSON_OBJECT('b2evolution', JSON_OBJECT(
        'edited_user_status', u.user_status,
        'edited_user_age_min', CAST(u.user_age_min AS CHAR),
        'edited_user_age_max', CAST(u.user_age_max AS CHAR),
        'edited_user_ctry_ID', CAST(u.user_ctry_ID AS CHAR),
        'edited_user_rgn_ID', CAST(u.user_rgn_ID AS CHAR),
        'edited_user_subrg_ID', CAST(u.user_subrg_ID AS CHAR),
        'edited_user_city_ID', CAST(u.user_city_ID AS CHAR),
        'edited_user_source', NULLIF(u.user_source, ''),
        'edited_user_secondary_grp_ID', (
            SELECT CONCAT('[', GROUP_CONCAT(s.sug_grp_ID ORDER BY s.sug_grp_ID), ']')
            FROM evo_users__secondary_user_groups AS s
            WHERE s.sug_user_ID = u.user_ID
        )
    ))
)
FROM evo_users AS u
ORDER BY u.user_ID;
