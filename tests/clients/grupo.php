<?php
/**
 * A Grupo client, written the way the vendor's examples are.
 *
 *   php grupo.php URL KEY OPERATION BODY [FIELD=VALUE …]
 *
 * OPERATION is a verb and its target: update=site_users, add=groups, ….
 * BODY is multipart (an array is handed to curl) or urlencoded (http_build_query).
 */

declare(strict_types=1);

require __DIR__ . '/exchange.php';

[$url, $key, $operation, $body] = arguments(4, 'URL KEY OPERATION multipart|urlencoded [FIELD=VALUE …]');
[$verb, $target] = explode('=', $operation, 2);

$fields = ['api_secret_key' => $key, $verb => $target] + fields(4);

exchange([
    CURLOPT_URL => $url . '/api_request/',
    CURLOPT_ENCODING => '',
    CURLOPT_MAXREDIRS => 10,
    CURLOPT_FOLLOWLOCATION => true,
    CURLOPT_HTTP_VERSION => CURL_HTTP_VERSION_1_1,
    CURLOPT_CUSTOMREQUEST => 'POST',
    CURLOPT_POSTFIELDS => body($body, $fields),
]);
