-- Who is in which group of a Grupo 3, as `dragoman members import` reads it: one JSON object a line.
--
--   mysql --batch --raw --skip-column-names --default-character-set=utf8mb4 DATABASE \
--       < export-grupo-members.sql > members.json
--   dragoman members import members.json
--
-- Users and groups come first. A banned member has the group role that means a ban, and its own
-- one in the column previous_group_role_id.
SELECT JSON_OBJECT(
    'group_id', m.group_id,
    'user_id', m.user_id,
    'role', IF(r.group_role_attribute = 'banned_users', m.previous_group_role_id, m.group_role_id),
    'banned', IF(r.group_role_attribute = 'banned_users', 1, 0),
    'ban_end', IF(r.group_role_attribute = 'banned_users', DATE_FORMAT(m.banned_till, '%Y-%m-%d'), NULL)
)
FROM gr_group_members AS m
LEFT JOIN gr_group_roles AS r ON r.group_role_id = m.group_role_id
ORDER BY m.group_id, m.user_id;
