<?php
/**
 * A Grupo client as the WordPress plugin is one, on the socket transport of WordPress: HTTP/1.0, a
 * urlencoded form, and an answer that ends where the connection does.
 *
 *   php wordpress.php URL KEY OPERATION [FIELD=VALUE …]
 *
 * The line it prints says besides how the answer was framed. Exit code 1 if it was chunked, which
 * HTTP/1.0 does not know, or the connection was left open.
 */

declare(strict_types=1);

require __DIR__ . '/exchange.php';

[$url, $key, $operation] = arguments(3, 'URL KEY OPERATION [FIELD=VALUE …]');
[$verb, $target] = explode('=', $operation, 2);

const LEFT_OPEN_SECONDS = 5;

$body = http_build_query(['api_secret_key' => $key, $verb => $target] + fields(3));
$host = substr($url, strlen('http://'));
$started = microtime(true);

$socket = stream_socket_client("tcp://$host", $number, $message, LEFT_OPEN_SECONDS);
stream_set_timeout($socket, LEFT_OPEN_SECONDS);
fwrite($socket, implode("\r\n", [
    'POST /api_request/ HTTP/1.0',
    "Host: $host",
    'User-Agent: WordPress/6.5.2; https://example.com',
    'Accept: */*',
    'Accept-Encoding: deflate;q=1.0, compress;q=0.5, gzip;q=0.5',
    'Referer: https://example.com/wp-login.php',
    'Content-Type: application/x-www-form-urlencoded; charset=UTF-8',
    'Content-Length: ' . strlen($body),
    'Connection: Close',
    '',
    $body,
]));
$answer = stream_get_contents($socket);
$timed_out = stream_get_meta_data($socket)['timed_out'];

[$head, $body] = explode("\r\n\r\n", $answer, 2);
if ($timed_out || stripos($head, 'transfer-encoding') !== false) {
    fwrite(STDERR, "$head\n" . ($timed_out ? "the connection was left open\n" : "the answer is chunked\n"));
    exit(1);
}
preg_match('#^HTTP/1\.[01] (\d+)#', $head, $status);
preg_match('#^content-type: (.*)$#mi', $head, $type);
echo json_encode([
    'status' => (int) $status[1],
    'content_type' => trim($type[1]),
    'body' => $body,
    'seconds' => microtime(true) - $started,
], JSON_THROW_ON_ERROR), "\n";
