<?php
/**
 * What the three upstreams of the tests have in common: a state that lasts from request to request,
 * and a record of every request as PHP saw it.
 *
 * STATE names a directory. `requests.jsonl` gets a line for each request; `state.json` is what the
 * upstream keeps; `fault`, if it is there, says what to do instead of an answer: one word a line,
 * used up from the top.
 */

declare(strict_types=1);

/** Where the state is kept. */
function in_state(string $name): string
{
    $directory = getenv('STATE');
    if ($directory === false || !is_dir($directory)) {
        http_response_code(500);
        exit("STATE must name a directory\n");
    }
    return "$directory/$name";
}

/** Writes down what this request is, before anything is done about it. */
function record(): void
{
    $seen = [
        'method' => $_SERVER['REQUEST_METHOD'],
        'uri' => $_SERVER['REQUEST_URI'],
        'headers' => array_change_key_case(getallheaders()),
        'post' => $_POST,
        'get' => $_GET,
        'cookies' => $_COOKIE,
        'files' => uploads($_FILES),
        'body' => file_get_contents('php://input'),
    ];
    $line = json_encode($seen, JSON_THROW_ON_ERROR | JSON_INVALID_UTF8_SUBSTITUTE);
    file_put_contents(in_state('requests.jsonl'), "$line\n", FILE_APPEND | LOCK_EX);
}

/** What PHP made of every uploaded file: the field, the name, the type and the contents. */
function uploads(array $files): array
{
    $uploads = [];
    foreach ($files as $field => $file) {
        foreach ((array) $file['name'] as $key => $name) {
            $of = fn (string $what) => is_array($file[$what]) ? $file[$what][$key] : $file[$what];
            $uploads[] = [
                is_array($file['name']) ? "{$field}[$key]" : $field,
                $name,
                $of('type'),
                $of('error') === 0 ? file_get_contents($of('tmp_name')) : null,
            ];
        }
    }
    return $uploads;
}

/**
 * Lets `$change` read and change the state, alone.
 *
 * @param callable(array): mixed $change takes the state by reference
 */
function with_state(callable $change): mixed
{
    $file = fopen(in_state('state.json'), 'c+');
    flock($file, LOCK_EX);
    $text = stream_get_contents($file);
    $state = $text === '' ? first_state() : json_decode($text, true, 64, JSON_THROW_ON_ERROR);
    $answer = $change($state);
    ftruncate($file, 0);
    rewind($file);
    fwrite($file, json_encode($state, JSON_THROW_ON_ERROR));
    fclose($file);
    return $answer;
}

/** The next thing to do wrong, if any is left; `fine` is a turn without. */
function next_fault(): ?string
{
    $file = @fopen(in_state('fault'), 'r+');
    if ($file === false) {
        return null;
    }
    flock($file, LOCK_EX);
    $words = array_values(array_filter(explode("\n", stream_get_contents($file))));
    $fault = array_shift($words);
    ftruncate($file, 0);
    rewind($file);
    fwrite($file, implode("\n", $words));
    fclose($file);
    return $fault === 'fine' ? null : $fault;
}

/** What any of these servers may do wrong. Ends the request. */
function commit_fault(string $fault): never
{
    match ($fault) {
        'html' => print("<html><body><h1>It works!</h1></body></html>"),
        'empty' => null,
        'fatal' => [http_response_code(500), print("<br />\n<b>Fatal error</b>: Uncaught Error\n")],
        'truncated' => print('{"success":tr'),
        'slow' => sleep(5),
    };
    exit;
}

/** Finds a user by name or e-mail address, in any case, as the vendors' collations do. */
function find_user(array $users, string $name): ?string
{
    foreach ($users as $id => $user) {
        if (strcasecmp($user['username'], $name) === 0 || strcasecmp($user['email'] ?? '', $name) === 0) {
            return (string) $id;
        }
    }
    return null;
}
