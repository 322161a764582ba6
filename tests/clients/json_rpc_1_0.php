<?php
/**
 * A JSON-RPC 1.0 client on PHP's streams whose requests look like notifications and are none: some
 * write a null id because nobody sets it, some write none. Both wait for an answer.
 *
 *   php json_rpc_1_0.php URL KEY null|absent METHOD [JSON …]
 */

declare(strict_types=1);

require __DIR__ . '/exchange.php';

[$url, $key, $id, $method] = arguments(4, 'URL KEY null|absent METHOD [JSON …]');

$parameters = array_map(
    fn (string $json): mixed => json_decode($json, true, flags: JSON_THROW_ON_ERROR),
    array_slice($argv, 5),
);
$request = match ($id) {
    'null' => ['id' => null],
    'absent' => [],
} + ['method' => $method, 'params' => [$key, ...$parameters]];

$started = microtime(true);
$answer = file_get_contents("$url/api/jsonrpcserver.php?version=3.0", false, stream_context_create(['http' => [
    'method' => 'POST',
    'header' => 'Content-type: application/json',
    'content' => json_encode($request),
    'timeout' => 5,
    'ignore_errors' => true,
]]));
preg_match('#^HTTP/1\.[01] (\d+)#', $http_response_header[0], $status);
$types = preg_grep('#^content-type: #i', $http_response_header);
echo json_encode([
    'status' => (int) $status[1],
    'content_type' => substr(reset($types), strlen('content-type: ')),
    'body' => $answer,
    'seconds' => microtime(true) - $started,
], JSON_THROW_ON_ERROR), "\n";
