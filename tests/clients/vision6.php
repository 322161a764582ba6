<?php
/**
 * A Vision6 client: one JSON-RPC call, as json_encode writes it.
 *
 *   php vision6.php URL KEY METHOD [PARAMETER …]
 *
 * The parameters after the key are JSON: 1 '{"id":2,"first_name":"Zoë"}'.
 */

declare(strict_types=1);

require __DIR__ . '/exchange.php';

[$url, $key, $method] = arguments(3, 'URL KEY METHOD [JSON …]');

$parameters = array_map(
    fn (string $json): mixed => json_decode($json, true, flags: JSON_THROW_ON_ERROR),
    array_slice($argv, 4),
);

exchange([
    CURLOPT_URL => $url . '/api/jsonrpcserver.php?version=3.0',
    CURLOPT_POST => true,
    CURLOPT_HTTPHEADER => ['Content-Type: application/json'],
    CURLOPT_POSTFIELDS => json_encode(['id' => 1, 'method' => $method, 'params' => [$key, ...$parameters]]),
]);
