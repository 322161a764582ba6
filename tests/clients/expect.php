<?php
/**
 * A client on an older libcurl: it asks `Expect: 100-continue` before it sends a body of more than
 * 1 KiB, and waits for a second where nobody says so.
 *
 *   php expect.php URL KEY USER ID BODY
 *
 * The line it prints says besides whether it was told to continue. Exit code 1 if it was not, or if
 * it had to wait.
 */

declare(strict_types=1);

require __DIR__ . '/exchange.php';

[$url, $key, $user, $id, $body] = arguments(5, 'URL KEY USER ID multipart|urlencoded|json|basic');

$story = str_repeat('A long story. ', 100);
$form = ['api_secret_key' => $key, 'update' => 'site_users', 'user' => $user, 'custom_field_1' => $story];
$request = match ($body) {
    'multipart', 'urlencoded' => [
        CURLOPT_URL => "$url/api_request/",
        CURLOPT_POSTFIELDS => body($body, $form),
        CURLOPT_HTTPHEADER => ['Expect: 100-continue'],
    ],
    'json' => [
        CURLOPT_URL => "$url/api/jsonrpcserver",
        CURLOPT_POSTFIELDS => json_encode([
            'id' => 1,
            'method' => 'editUser',
            'params' => [$key, 1, ['id' => (int) $id, 'position' => $story]],
        ]),
        CURLOPT_HTTPHEADER => ['Expect: 100-continue', 'Content-Type: application/json'],
    ],
    'basic' => [
        CURLOPT_URL => "$url/api/v1/users/$id",
        CURLOPT_HTTPAUTH => CURLAUTH_BASIC,
        CURLOPT_USERPWD => "client:$key",
        CURLOPT_POSTFIELDS => ['identity_form' => '1', 'a_story' => $story],
        CURLOPT_HTTPHEADER => ['Expect: 100-continue'],
    ],
};

const LIBCURL_WAITS_SECONDS = 1.0;

$continued = false;
$started = microtime(true);

exchange($request + [
    CURLOPT_HTTP_VERSION => CURL_HTTP_VERSION_1_1,
    CURLOPT_HEADERFUNCTION => function ($curl, string $line) use (&$continued): int {
        $continued = $continued || preg_match('#^HTTP/1\.1 100\b#', $line) === 1;
        return strlen($line);
    },
], function () use (&$continued): array {
    return ['continued' => $continued];
});

$waited = microtime(true) - $started >= LIBCURL_WAITS_SECONDS;
if (!$continued || $waited) {
    fwrite(STDERR, $waited ? "the gateway let the client wait\n" : "the gateway never said 100 Continue\n");
    exit(1);
}
