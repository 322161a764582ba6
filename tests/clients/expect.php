<?php
/**
 * A Grupo client on an older libcurl: it asks `Expect: 100-continue` before it sends a form of more
 * than 1 KiB, and waits for a second where nobody says so.
 *
 *   php expect.php URL KEY USER
 *
 * The line it prints says besides whether it was told to continue. Exit code 1 if it was not, or if
 * it had to wait.
 */

declare(strict_types=1);

require __DIR__ . '/exchange.php';

[$url, $key, $user] = arguments(3, 'URL KEY USER');

const LIBCURL_WAITS_SECONDS = 1.0;

$continued = false;
$started = microtime(true);

exchange([
    CURLOPT_URL => $url . '/api_request/',
    CURLOPT_HTTP_VERSION => CURL_HTTP_VERSION_1_1,
    CURLOPT_HTTPHEADER => ['Expect: 100-continue'],
    CURLOPT_POSTFIELDS => [
        'api_secret_key' => $key,
        'update' => 'site_users',
        'user' => $user,
        'custom_field_1' => str_repeat('A long story. ', 100),
    ],
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
