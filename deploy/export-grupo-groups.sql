-- The groups of a Grupo 3 as `dragoman groups import` reads them: one JSON object a line.
--
--   mysql --batch --raw --skip-column-names --default-character-set=utf8mb4 DATABASE \
--       < export-grupo-groups.sql > groups.json
--   dragoman groups import groups.json
--
-- Needs MySQL 5.7.22 or MariaDB 10.5. Versions without group categories lack group_category_id:
-- remove the line.
SELECT JSON_OBJECT(
    'id', g.group_id,
    'ids', JSON_OBJECT('grupo', g.group_id),
    'name', REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(g.name,
        '&lt;', '<'), '&gt;', '>'), '&quot;', '"'), '&#039;', ''''), '&amp;', '&'),
    'slug', NULLIF(g.slug, ''),
    'description', NULLIF(g.description, ''),
    'category_id', g.group_category_id,
    'secret', IF(g.secret_group = 1, 1, 0),
    'unleavable', IF(g.unleavable = 1, 1, 0),
    'pinned', IF(g.pin_group = 1, 1, 0),
    'password_protected', IF(COALESCE(g.password, '') = '', 0, 1),
    'password_hash', IF(g.password LIKE '$2y$%', g.password, NULL),
    'extensions', JSON_OBJECT('grupo', JSON_MERGE_PRESERVE(
        JSON_OBJECT('meta_title', NULLIF(g.meta_title, '')),
        JSON_OBJECT('meta_description', NULLIF(g.meta_description, '')),
        COALESCE((
            SELECT JSON_OBJECTAGG(CONCAT('custom_field_', f.field_id), f.field_value)
            FROM gr_custom_fields_values AS f
            WHERE f.group_id = g.group_id
        ), '{}')
    ))
)
FROM gr_groups AS g
ORDER BY g.group_id;
