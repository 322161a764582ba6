<?php
/**
 * A b2evolution server as far as the users of its API go, with the habits of version 7.2.5 that
 * cost data: identity_form replaces the identity, a name that is too long is not stored and the
 * answer is success all the same, warnings of PHP stand before the JSON, every call without a
 * cookie makes a session. LOGIN and PASSWORD are its administrator's.
 *
 * Faults of its own: `warning` prints one before the next answer, `database` answers 200 with an
 * HTML error.
 */

declare(strict_types=1);

require __DIR__ . '/state.php';

const IDENTITY = ['firstname', 'lastname', 'nickname', 'gender', 'ctry_ID', 'rgn_ID', 'subrg_ID', 'city_ID'];
const STATUSES = [
    'new', 'activated', 'manualactivated', 'autoactivated', 'emailchanged', 'deactivated', 'failedactivation',
    'pendingdelete', 'closed',
];

function first_state(): array
{
    $user = fn (string $login, array $more) => [
        'username' => $login, 'email' => "$login@example.com", 'status' => 'activated', 'level' => 1, 'group' => 4, ...$more,
    ];
    return [
        'next' => 3,
        'sessions' => 0,
        'users' => [
            '1' => $user((string) getenv('LOGIN'), ['password' => getenv('PASSWORD'), 'level' => 10, 'group' => 1]),
            '2' => $user('mary', [
                'password' => 'secret-7', 'firstname' => 'Mary', 'lastname' => 'Major', 'nickname' => 'mm',
                'gender' => 'F', 'ctry_ID' => 74,
            ]),
        ],
    ];
}

/** Envelope A. */
function halt(int $status, string $code, string $message, array $more = []): never
{
    http_response_code($status);
    header('Content-Type: application/json; charset=utf-8');
    echo json_encode([...$more, 'code' => $code, 'message' => $message, 'data' => ['status' => $status]]);
    exit;
}

/** Envelope B. */
function bad_request(string $info): never
{
    http_response_code(400);
    header('Content-Type: application/json; charset=utf-8');
    echo json_encode(['error_status' => '400 Bad Request', 'error_info' => $info]);
    exit;
}

function answer(array $data): never
{
    header('Content-Type: application/json; charset=utf-8');
    echo json_encode($data);
    exit;
}

/** POST before GET before cookies. */
function param(string $name): mixed
{
    return $_POST[$name] ?? $_GET[$name] ?? $_COOKIE[$name] ?? null;
}

function text(string $name): ?string
{
    $value = param($name);
    return $value === null || $value === '' ? null : trim(strip_tags((string) $value));
}

function number(string $name): ?int
{
    $value = param($name);
    if ($value !== null && $value !== '' && !preg_match('/^[+-]?\d+$/', (string) $value)) {
        bad_request("Illegal value received for parameter &laquo;$name&raquo;!");
    }
    return $value === null || $value === '' ? null : (int) $value;
}

/** The id of who signed in; nothing for anonymous callers. */
function sign_in(array &$state): ?string
{
    $session = $_COOKIE['session_b2evo'] ?? null;
    if ($session === null) {
        $session = ++$state['sessions'] . '_key';
        header("Set-Cookie: session_b2evo=$session; Max-Age=315360000; HttpOnly; path=/");
    }
    $login = $_SERVER['PHP_AUTH_USER'] ?? null;
    if ($login === null) {
        return null;
    }
    $id = find_user($state['users'], $login);
    if ($id !== null && ($state['failures'] ?? 0) >= 9) {
        halt(403, 'login_attempt_failed', 'There have been too many failed login attempts. This account is temporarily blocked. Try again in 10 minutes.');
    }
    if ($id === null || $state['users'][$id]['password'] !== ($_SERVER['PHP_AUTH_PW'] ?? '')) {
        $state['failures'] = ($state['failures'] ?? 0) + 1;
        save_state($state);
        halt(403, 'wrong_login_pass', 'Wrong login/password.');
    }
    return $id;
}

function errors(array $errors): never
{
    halt(403, 'update_failed', '<ul class="message_group">Validation errors:<li>' . implode('</li><li>', $errors) . '</li></ul>');
}

function change_login(array $state, ?string $id, array &$user): void
{
    $login = param('edited_user_login');
    if ($login === null && $id !== null) {
        return;
    }
    $login = strtolower((string) $login);
    if ($login === '') {
        errors(['Please enter your login.']);
    }
    if (!preg_match('/^[a-z0-9._-]{1,20}$/', $login)) {
        errors(['Logins can only contain letters, digits and the following characters: _ . -']);
    }
    $taken = find_user(array_map(fn ($one) => ['username' => $one['username']], $state['users']), $login);
    if ($taken !== null && $taken !== $id) {
        errors(["This login &laquo;$login&raquo; already exists."]);
    }
    $user['username'] = $login;
}

function change_email(array &$user, bool $is_required): void
{
    $email = param('edited_user_email');
    if ($email === null && !$is_required) {
        return;
    }
    if (!preg_match('/^[a-z0-9._-]+@[a-z0-9.-]+\.[a-z]{2,}$/', strtolower((string) $email))) {
        errors(['The email address is invalid.']);
    }
    $user['email'] = strtolower((string) $email);
}

/** Whatever is not sent is gone. One field that is too long, and nothing at all is stored. */
function change_identity(array &$user): bool
{
    foreach (IDENTITY as $field) {
        $user[$field] = str_ends_with($field, '_ID') ? number("edited_user_$field") : text("edited_user_$field");
    }
    $user['organizations'] = array_map('intval', (array) (param('organizations') ?? []));
    $names = [$user['firstname'], $user['lastname'], $user['nickname']];
    return max(array_map(fn ($name) => strlen((string) $name), $names)) <= 50;
}

function change_password(array &$user, array $state, string $caller): void
{
    foreach (['current_user_pass', 'edited_user_pass1', 'edited_user_pass2'] as $field) {
        if (param($field) === null) {
            bad_request("Parameter &laquo;$field&raquo; is required!");
        }
    }
    if (param('current_user_pass') !== $state['users'][$caller]['password']) {
        halt(403, 'update_failed', 'Your current password is incorrect.');
    }
    if (param('edited_user_pass1') !== param('edited_user_pass2')) {
        halt(403, 'update_failed', '<span class="pass_check_diff">The second password you entered does not match the first one.</span>');
    }
    if (strlen((string) param('edited_user_pass1')) < 5) {
        halt(403, 'update_failed', '<span class="pass_check_min">The minimum password length is 5 characters.</span>');
    }
    $user['password'] = param('edited_user_pass1');
}

function administer(array &$user, bool $is_new): void
{
    $user['level'] = number('edited_user_level') ?? $user['level'] ?? 1;
    $user['group'] = number('edited_user_grp_ID') ?? $user['group'] ?? 4;
    $user['source'] = text('edited_user_source') ?? $user['source'] ?? null;
    $status = param('edited_user_status');
    if (in_array($status, STATUSES, true)) {
        $user['status'] = $status;
    }
    if (!$is_new) {
        change_email($user, false);
    }
}

function save(array &$state, ?string $caller, ?string $id): never
{
    if ($caller === null) {
        halt(403, 'no_access', 'You are not logged in.');
    }
    if ($id !== null && !isset($state['users'][$id])) {
        halt(404, 'user_invalid_id', 'Invalid user ID');
    }
    if ($id !== null && $id !== $caller && $state['users'][$caller]['group'] !== 1) {
        halt(403, 'no_access', 'You have no permission to edit other users!');
    }
    $is_new = $id === null;
    $user = $is_new ? ['status' => 'new'] : $state['users'][$id];
    if ($is_new && param('edited_user_pass1') === null) {
        bad_request('Parameter &laquo;edited_user_pass1&raquo; is required!');
    }
    change_login($state, $id, $user);
    $is_stored = true;
    if ($is_new || param('identity_form')) {
        $is_stored = change_identity($user);
    }
    if ($is_new) {
        change_email($user, true);
        if (param('edited_user_pass2') === null) {
            echo "<br />\n<b>Warning</b>:  Undefined array key \"edited_user_pass2\" in <b>_user.class.php</b><br />\n";
        }
        $user['password'] = param('edited_user_pass1');
    } elseif (param('password_form')) {
        change_password($user, $state, $caller);
    }
    if ($is_new || param('admin_form')) {
        administer($user, $is_new);
    }
    if (param('preferences_form')) {
        $user['locale'] = param('edited_user_locale');
    }
    if (param('subscriptions_form')) {
        change_email($user, true);
        $user['status'] = 'emailchanged';
    }
    if ($is_stored) {
        $state['users'][$id ?? (string) $state['next']++] = $user;
    }
    save_state($state);
    if ($is_new) {
        halt(201, 'update_success', 'New user has been created.');
    }
    halt(200, 'update_success', param('password_form') ? 'Password has been changed.' : 'Profile has been updated.');
}

function profile(string $id, array $user): array
{
    $place = fn (string $field) => isset($user[$field]) ? ['id' => $user[$field], 'name' => ''] : null;
    return [
        'id' => (int) $id,
        'picture' => 'http://blog.example.com/avatar.png',
        'pictures' => [],
        'login' => $user['username'],
        'firstname' => $user['firstname'] ?? null,
        'lastname' => $user['lastname'] ?? null,
        'gender' => $user['gender'] ?? null,
        'location' => [
            'country' => $place('ctry_ID'), 'region' => $place('rgn_ID'),
            'subregion' => $place('subrg_ID'), 'city' => $place('city_ID'),
        ],
        'organizations' => array_map(fn ($org) => ['name' => "Organization $org", 'url' => ''], $user['organizations'] ?? []),
        'userfields' => [],
    ];
}

function view(array $state, ?string $caller, string $id): never
{
    if ($caller === null) {
        halt(403, 'no_access', 'You must log in to view this user profile.');
    }
    if (!isset($state['users'][$id])) {
        halt(403, 'no_access', 'The requested user does not exist!');
    }
    if ($state['users'][$id]['status'] === 'closed') {
        halt(403, 'no_access', 'The requested user account is closed!');
    }
    answer(profile($id, $state['users'][$id]));
}

function found(array $users): array
{
    $rows = [];
    foreach ($users as $id => $user) {
        $name = trim(($user['firstname'] ?? '') . ' ' . ($user['lastname'] ?? ''));
        $rows[] = ['id' => (int) $id, 'picture' => '', 'login' => $user['username'], 'fullname' => $name, 'city' => ''];
    }
    return $rows;
}

function listed(array $state): never
{
    $size = (int) (param('per_page') ?? 10);
    $word = strtolower((string) (param('filter') === 'new' ? param('q') ?? param('keywords') ?? '' : ''));
    $email = param('filter') === 'new' ? param('email') : null;
    $rows = found(array_filter($state['users'], fn ($user) => ($word === ''
        || str_contains(strtolower($user['username'] . ' ' . ($user['firstname'] ?? '') . ' ' . ($user['lastname'] ?? '')), $word))
        && ($email === null || $user['email'] === $email)));
    $pages = $size > 0 ? (int) ceil(count($rows) / $size) : 0;
    $page = min(max((int) (param('page') ?? param('paged') ?? 1), 1), max($pages, 1));
    if ($rows === [] || $size < 1) {
        halt(404, 'no_users', 'No users found', ['found' => 0, 'page' => 0, 'page_size' => $size, 'pages_total' => 0]);
    }
    answer([
        'found' => count($rows), 'page' => $page, 'page_size' => $size, 'pages_total' => $pages,
        'users' => array_slice($rows, ($page - 1) * $size, $size),
    ]);
}

/** The vendor's: what a login begins with. */
function logins(array $state): never
{
    $word = strtolower((string) param('q'));
    if ($word === '') {
        halt(403, 'no_access', 'Please enter at least one char to find assignees');
    }
    $list = [];
    foreach ($state['users'] as $user) {
        if (str_starts_with($user['username'], $word)) {
            $list[] = $user['username'];
        }
    }
    if ($list === []) {
        halt(200, 'no_users', 'No users found', ['found' => 0]);
    }
    answer(['found' => count($list), 'page' => 1, 'page_size' => 10, 'pages_total' => 1, 'list' => array_slice($list, 0, 10)]);
}

function delete(array &$state, ?string $caller, int $id): never
{
    if ($caller === null || $state['users'][$caller]['group'] !== 1) {
        halt(403, 'no_access', 'You have no permission to edit other users!');
    }
    if (!isset($state['users'][$id])) {
        halt(404, 'user_invalid_id', 'Invalid user ID');
    }
    if ((string) $id === $caller || $id === 1) {
        halt(403, 'no_access', $id === 1 ? "You can't delete User #1!" : "You can't delete yourself!");
    }
    $login = $state['users'][$id]['username'];
    unset($state['users'][$id]);
    save_state($state);
    halt(200, 'delete_success', "User &laquo;$login&raquo; deleted.");
}

/** For who is signed in; ids are strings there. */
function recipients(array $state, ?string $caller): never
{
    if ($caller === null) {
        halt(403, 'no_access', 'You are not allowed to contact other users.');
    }
    $found = [];
    foreach ($state['users'] as $id => $user) {
        if ((string) $id !== $caller && str_contains($user['username'], (string) text('q'))) {
            $found[] = ['id' => (string) $id, 'login' => $user['username']];
        }
    }
    answer(['found' => count($found), 'page' => 1, 'users' => $found]);
}

function operate(array &$state): never
{
    $caller = sign_in($state);
    save_state($state);
    $path = param('api_request') ?? preg_replace('~^.*/api/v\d+/~', '', (string) parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH));
    $parts = explode('/', (string) $path);
    if (strtolower($parts[0]) !== 'users') {
        halt(404, 'unknown_module', 'Module is not defined');
    }
    $id = (int) ($parts[1] ?? 0);
    match ($_SERVER['REQUEST_METHOD']) {
        'GET' => match (true) {
            ($parts[1] ?? '') === 'logins' => logins($state),
            ($parts[1] ?? '') === 'recipients' => recipients($state, $caller),
            $id > 0 => view($state, $caller, (string) $id),
            default => listed($state),
        },
        'POST' => save($state, $caller, $id > 0 ? (string) $id : null),
        'DELETE' => delete($state, $caller, $id),
        default => halt(405, 'wrong_request', 'Request method not supported for the requested resource'),
    };
}

/** Every answer ends the request, so what changed is written before. */
function save_state(array $state): void
{
    file_put_contents(in_state('state.json'), json_encode($state, JSON_THROW_ON_ERROR));
}

// As the vendor's server has it, so that a warning in front does not settle the status.
ob_start();
record();
$fault = next_fault();
match ($fault) {
    null => null,
    'warning' => print("<br />\n<b>Warning</b>:  Something about nothing in <b>rest.php</b> on line <b>7</b><br />\n"),
    'database' => exit('<div class="error"><h3>MySQL error!</h3></div>'),
    default => commit_fault($fault),
};
$lock = fopen(in_state('lock'), 'c');
flock($lock, LOCK_EX);
$text = @file_get_contents(in_state('state.json'));
$state = $text ? json_decode($text, true, 64, JSON_THROW_ON_ERROR) : first_state();
operate($state);
