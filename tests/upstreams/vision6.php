<?php
/**
 * A Vision6 server as far as its users go: the JSON document is read from php://input, answers are
 * of the 1.0 shape with status 200. Its key is KEY, its account 123456.
 *
 * Faults of its own: `string` answers the next call with an error of the old form, a string;
 * `mute` with neither result nor error.
 */

declare(strict_types=1);

require __DIR__ . '/state.php';

const ACCOUNT = 123456;
const ATTRIBUTES = [
    'username', 'first_name', 'last_name', 'email', 'phone', 'mobile', 'fax', 'position', 'timezone',
    'is_confirmed', 'is_read_only', 'is_active', 'receives_promotional',
];

final class Fault extends Exception
{
}

function first_state(): array
{
    $user = fn (string $name, string $first, string $last) => array_merge(array_fill_keys(ATTRIBUTES, null), [
        'username' => $name, 'first_name' => $first, 'last_name' => $last, 'email' => "$name@example.com",
        'is_confirmed' => true, 'is_read_only' => false, 'is_active' => true, 'receives_promotional' => false,
    ]);
    return ['next' => 3, 'users' => ['1' => $user('admin', 'Ad', 'Min'), '2' => $user('mary', 'Mary', 'Major')]];
}

function load_user(array $state, mixed $id): string
{
    if (!is_numeric($id) || !isset($state['users'][(string) $id])) {
        throw new Fault('Unable to load Account User', 331);
    }
    return (string) $id;
}

function change_user(array &$state, ?string $id, array $details): string
{
    $user = $id === null ? array_fill_keys(ATTRIBUTES, null) : $state['users'][$id];
    foreach ($details as $name => $value) {
        if ($name === 'email' && !filter_var($value, FILTER_VALIDATE_EMAIL)) {
            throw new Fault('Invalid Email Address Specified', 317);
        }
        $taken = $name === 'username' ? find_user($state['users'], $value) : null;
        if ($taken !== null && $taken !== $id) {
            throw new Fault('Username unavailable', 322);
        }
        if (in_array($name, ATTRIBUTES, true) || $name === 'password') {
            $user[$name] = $value;
        }
    }
    $id ??= (string) $state['next']++;
    $state['users'][$id] = $user;
    return $id;
}

/** As callers are shown a user: the password is no part of it. */
function shown(string $id, array $user): array
{
    unset($user['password']);
    return ['id' => (int) $id, ...$user];
}

function matches(array $user, array $criteria): bool
{
    foreach ($criteria as $criterion) {
        if (!is_array($criterion) || count($criterion) !== 3) {
            throw new Fault('Invalid Search Parameter Format', 311);
        }
        [$name, $operator, $value] = $criterion;
        $own = strtolower((string) ($user[$name] ?? ''));
        $wanted = strtolower((string) $value);
        $is = match ($operator) {
            'not' => $own !== $wanted,
            'greater_than' => $own > $wanted,
            'less_than' => $own < $wanted,
            'in' => in_array($own, explode(',', $wanted), true),
            'starts_with' => str_starts_with($own, $wanted),
            'ends_with' => str_ends_with($own, $wanted),
            'contains' => str_contains($own, $wanted),
            default => $own === $wanted,
        };
        if (!$is) {
            return false;
        }
    }
    return true;
}

function search(array $state, array $params): array
{
    [$criteria, $limit, $offset, $by, $order] = $params + [[], 0, 0, '', ''];
    $found = [];
    foreach ($state['users'] as $id => $user) {
        $record = shown((string) $id, $user);
        if (matches($record, $criteria)) {
            $found[] = $record;
        }
    }
    if ($by !== '' && $by !== null) {
        usort($found, fn ($a, $b) => strcasecmp((string) $a[$by], (string) $b[$by]));
        $found = strtoupper((string) $order) === 'ASC' ? $found : array_reverse($found);
    }
    return array_slice($found, (int) $offset, ((int) $limit) ?: null);
}

function invoke(array &$state, string $method, array $params): mixed
{
    if (array_shift($params) !== getenv('KEY')) {
        throw new Fault('Authorisation Failed - Invalid Login', 300);
    }
    if ($method === 'getTimezoneList') {
        return [['timezone' => 'Australia/Brisbane', 'display_name' => '(GMT+10:00) Brisbane']];
    }
    if ($method === 'getCreditBalance') {
        return 9007199254740993;
    }
    if ($method === 'getListById') {
        throw new Fault('Unable to Load List.', 303);
    }
    if ($method === 'subscribeContact') {
        $state['contacts'][] = $params;
        return count($state['contacts']);
    }
    if (!in_array($method, ['addUser', 'editUser', 'deleteUser', 'getUserById', 'searchUsers', 'countUsers'], true)) {
        throw new Fault('Method Not Found', 104);
    }
    if ((int) array_shift($params) !== ACCOUNT) {
        throw new Fault('Administrative Access Denied', 321);
    }
    $first = $params[0] ?? null;
    switch ($method) {
        case 'addUser':
            return (int) change_user($state, null, $first ?? throw new Fault('Invalid Method Parameters', 310));
        case 'editUser':
            $details = array_is_list($first) ? $first[0] ?? [] : $first;
            change_user($state, load_user($state, $details['id'] ?? null), $details);
            return true;
        case 'deleteUser':
            $id = load_user($state, $first);
            if ($id === '1') {
                throw new Fault('Cannot Delete User', 324);
            }
            unset($state['users'][$id]);
            return true;
        case 'getUserById':
            $id = load_user($state, $first);
            return [shown($id, $state['users'][$id])];
        case 'searchUsers':
            return search($state, $params);
        case 'countUsers':
            return count(search($state, [$first ?? []]));
    }
}

record();
$fault = next_fault();
if ($fault !== null && $fault !== 'string' && $fault !== 'mute') {
    commit_fault($fault);
}
header('Content-Type: application/json');
$request = json_decode(file_get_contents('php://input'), true);
$result = $error = null;
try {
    if (!isset($request['method'], $request['params'][0])) {
        throw new Fault('Invalid Method Name', 107);
    }
    $result = with_state(fn (array &$state) => invoke($state, $request['method'], $request['params']));
} catch (Fault $thrown) {
    $error = ['code' => $thrown->getCode(), 'message' => $thrown->getMessage()];
}
if ($fault === 'string') {
    [$result, $error] = [null, '322-Username unavailable'];
}
$answer = ['id' => $request['id'] ?? null, 'result' => $result, 'error' => $error];
echo json_encode($fault === 'mute' ? ['id' => $request['id'] ?? null] : $answer);
