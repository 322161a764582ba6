<?php
/** What every PHP client here does: read its arguments, send one request, print one line of JSON. */

declare(strict_types=1);

/** The first $count arguments, or the usage and exit code 64. */
function arguments(int $count, string $usage): array
{
    global $argv;
    if (count($argv) <= $count) {
        fwrite(STDERR, "usage: php {$argv[0]} $usage\n");
        exit(64);
    }
    return array_slice($argv, 1, $count);
}

/** The FIELD=VALUE arguments after the first $count. */
function fields(int $count): array
{
    global $argv;
    $fields = [];
    foreach (array_slice($argv, $count + 1) as $argument) {
        [$name, $value] = explode('=', $argument, 2);
        $fields[$name] = $value;
    }
    return $fields;
}

/** An array is sent as multipart/form-data by curl, a string as application/x-www-form-urlencoded. */
function body(string $encoding, array $fields): array|string
{
    return match ($encoding) {
        'multipart' => $fields,
        'urlencoded' => http_build_query($fields),
    };
}

/** Sends one request and prints what came of it, with what the caller adds. */
function exchange(array $options, ?callable $more = null): void
{
    $curl = curl_init();
    curl_setopt_array($curl, $options + [CURLOPT_RETURNTRANSFER => true, CURLOPT_TIMEOUT => 30]);
    $answer = curl_exec($curl);
    if ($answer === false) {
        fwrite(STDERR, curl_error($curl) . "\n");
        exit(1);
    }
    $line = [
        'status' => curl_getinfo($curl, CURLINFO_RESPONSE_CODE),
        'content_type' => curl_getinfo($curl, CURLINFO_CONTENT_TYPE),
        'body' => $answer,
        'seconds' => curl_getinfo($curl, CURLINFO_TOTAL_TIME),
    ];
    echo json_encode($line + ($more ? $more() : []), JSON_THROW_ON_ERROR), "\n";
}
