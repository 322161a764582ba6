<?php
/**
 * A b2evolution client: POST users/ID with HTTP Basic.
 *
 *   php b2evolution.php URL LOGIN:PASSWORD ID BODY [FIELD=VALUE …]
 *
 * BODY is multipart (an array is handed to curl) or urlencoded (http_build_query).
 */

declare(strict_types=1);

require __DIR__ . '/exchange.php';

[$url, $login, $id, $body] = arguments(4, 'URL LOGIN:PASSWORD ID multipart|urlencoded [FIELD=VALUE …]');

exchange([
    CURLOPT_URL => "$url/api/v1/users/$id",
    CURLOPT_HTTPAUTH => CURLAUTH_BASIC,
    CURLOPT_USERPWD => $login,
    CURLOPT_POST => true,
    CURLOPT_POSTFIELDS => body($body, fields(4)),
]);
