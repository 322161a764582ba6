-- The users of a Grupo 3 as `dragoman users import` reads them: one JSON object a line.
--
--   mysql --batch --raw --skip-column-names --default-character-set=utf8mb4 DATABASE \
--       < export-grupo-users.sql > users.json
--   dragoman users import users.json --dry-run
--   dragoman users import users.json --take-over admin
--
-- Needs MySQL 5.7.22 or MariaDB 10.5. The prefix of the tables is gr_; yours may differ.
SELECT JSON_OBJECT(
    'id', u.user_id,
    'ids', JSON_OBJECT('grupo', u.user_id),
    'username', u.username,
    -- Since Grupo 3 every new password is bcrypt. Hashes under methods of other systems that were
    -- imported into Grupo have no form here: those users need a new password.
    'password_hash', CASE
        WHEN u.encrypt_type = 'php_password_hash' THEN NULLIF(u.password, '')
        WHEN u.encrypt_type = 'md5' AND COALESCE(u.salt, '') = ''
            THEN CONCAT('evo$md5$', u.password)
    END,
    -- Grupo keeps names as HTML.
    'display_name', REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(u.display_name,
        '&lt;', '<'), '&gt;', '>'), '&quot;', '"'), '&#039;', ''''), '&amp;', '&'),
    'email', NULLIF(u.email_address, ''),
    'email_verified', IF(COALESCE(u.unverified_email_address, '') = '', 1, 0),
    'status', CASE
        WHEN s.deactivated = 1 THEN 'deactivated'
        WHEN u.approved = 0 THEN 'unconfirmed'
        ELSE 'active'
    END,
    'phone', NULLIF(u.phone_number, ''),
    'timezone', IF(s.time_zone LIKE '%/%' OR s.time_zone = 'UTC', s.time_zone, NULL),
    -- Add the other roles of the site as the table of roles in routes.toml names them.
    'role', CASE r.site_role_attribute
        WHEN 'administrators' THEN 'administrator'
        WHEN 'banned_users' THEN 'banned'
    END,
    'extensions', JSON_OBJECT('grupo', JSON_EXTRACT((
        SELECT JSON_OBJECTAGG(CONCAT('custom_field_', f.field_id), f.field_value)
        FROM gr_custom_fields_values AS f
        WHERE f.user_id = u.user_id
    ), '$'))
)
FROM gr_site_users AS u
LEFT JOIN gr_site_users_settings AS s ON s.user_id = u.user_id
LEFT JOIN gr_site_roles AS r ON r.site_role_id = u.site_role_id
ORDER BY u.user_id;
