<?php
/**
 * What PHP makes of a body: `$_POST` as JSON, every array an object, in the order in which PHP has
 * it; `null` where a name or value is not UTF-8.
 *
 *   php -n -S 127.0.0.1:0 post.php
 */

declare(strict_types=1);

const AS_IT_IS = JSON_FORCE_OBJECT | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES;

echo json_encode($_POST, AS_IT_IS) ?: 'null';
