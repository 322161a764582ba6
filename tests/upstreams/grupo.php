<?php
/**
 * A Grupo server as far as its API goes: `add`, `update` and `remove` of site_users and groups, and
 * memberships, read from $_POST as the vendor reads them. Its key is KEY.
 */

declare(strict_types=1);

require __DIR__ . '/state.php';

function first_state(): array
{
    return [
        'next' => 3,
        'users' => [
            '1' => ['username' => 'admin', 'full_name' => 'Admin', 'email' => 'admin@example.com'],
            '2' => ['username' => 'mary', 'full_name' => 'Mary Major', 'email' => 'mary@example.com'],
        ],
        'groups' => ['1' => ['group_name' => 'Staff', 'slug' => 'staff']],
        'members' => ['1' => ['1' => ['role' => '2']]],
    ];
}

/** PHP's own idea of what says nothing: blanks and "0" too. */
function sent(string $field): ?string
{
    $value = $_POST[$field] ?? null;
    return is_string($value) && !empty(trim($value)) ? $value : null;
}

/** @return array<string, mixed> */
function failure(string $key, string $message, array $variables = []): array
{
    return ['success' => false, 'error_message' => $message, 'error_key' => $key, 'error_variables' => $variables];
}

function no_account(): array
{
    return failure('account_not_found', 'Account Does Not Exist');
}

function no_group(): array
{
    return failure('group_not_found', 'Group Not Found');
}

function went_wrong(): array
{
    return failure('something_went_wrong', 'Something Went Wrong');
}

/** What a form says of a user, or the fault in it. */
function change_user(array &$state, ?string $id): ?array
{
    $names = [
        'full_name' => 'full_name', 'username' => 'username', 'email' => 'email_address', 'password' => 'password',
        'site_role' => 'site_role', 'avatar' => 'avatarURL', 'phone' => 'phone_number', 'timezone' => 'timezone',
    ];
    $user = $id === null ? [] : $state['users'][$id];
    foreach ($names as $own => $field) {
        $value = sent($field);
        if ($value === null || ($own === 'email' && $id !== null && !filter_var($value, FILTER_VALIDATE_EMAIL))) {
            continue;
        }
        $taken = in_array($own, ['username', 'email'], true) ? find_user($state['users'], $value) : null;
        if ($taken !== null && $taken !== $id) {
            return $own === 'username'
                ? failure('username_exists', 'Username Already Taken', ['username'])
                : failure('email_exists', 'Email Already Exists', ['email_address']);
        }
        $user[$own] = $value;
    }
    if (sent('deactivate') !== null) {
        $user['deactivated'] = $_POST['deactivate'] === 'yes';
    }
    $user['disable_private_messages'] = ($_POST['disable_private_messages'] ?? '') === 'yes';
    foreach ($_POST as $field => $value) {
        if (preg_match('/^custom_field_\d+$/', (string) $field) && is_string($value) && $value !== '') {
            $user[$field] = $value;
        }
    }
    $state['users'][$id ?? (string) $state['next']++] = $user;
    return null;
}

function add_user(array &$state): array
{
    foreach (['full_name', 'username', 'email_address', 'password'] as $field) {
        if (sent($field) === null) {
            return failure('invalid_value', 'Invalid Input or Field Empty', [[$field]]);
        }
    }
    if (!filter_var($_POST['email_address'], FILTER_VALIDATE_EMAIL)) {
        return failure('invalid_email_address', 'Invalid Email Address', [['email_address']]);
    }
    return change_user($state, null) ?? ['success' => true];
}

function user_named(array $state): ?string
{
    if (($name = sent('user')) !== null) {
        return find_user($state['users'], $name);
    }
    $id = sent('user_id');
    return $id !== null && isset($state['users'][$id]) ? $id : null;
}

function group_named(array $state): ?string
{
    $name = sent('group') ?? sent('group_id');
    foreach ($state['groups'] as $id => $group) {
        if ((string) $id === $name || ($group['slug'] ?? null) === $name) {
            return (string) $id;
        }
    }
    return null;
}

function change_group(array &$state, ?string $id): array
{
    $slug = sent('slug');
    foreach ($state['groups'] as $other => $group) {
        if ($slug !== null && ($group['slug'] ?? null) === $slug && (string) $other !== $id) {
            return failure('slug_already_exists', 'Slug Already Exists', ['slug']);
        }
    }
    $group = $id === null ? [] : $state['groups'][$id];
    foreach (['group_name', 'slug', 'password', 'group_category_id', 'group_icon_url'] as $field) {
        if (sent($field) !== null) {
            $group[$field] = $_POST[$field];
        }
    }
    if (isset($_POST['description'])) {
        $group['description'] = $_POST['description'];
    }
    foreach (['secret_group', 'unleavable', 'pin_group', 'password_protect'] as $flag) {
        if (isset($_POST[$flag])) {
            $group[$flag] = $_POST[$flag] === 'yes';
        }
    }
    $new = $id === null ? (string) $state['next']++ : $id;
    $state['groups'][$new] = $group;
    return $id === null ? ['success' => true, 'group_id' => $new] : ['success' => true];
}

function change_member(array &$state, string $user, string $group, string $verb): array
{
    $members = &$state['members'][$group];
    if ($verb === 'add') {
        $members[$user] ??= ['role' => sent('group_role') ?? '4'];
        return ['success' => true];
    }
    if (!isset($members[$user])) {
        return $verb === 'remove' ? failure('not_a_member', 'Something Went Wrong') : went_wrong();
    }
    if ($verb === 'remove') {
        unset($members[$user]);
        return ['success' => true];
    }
    $role = sent('group_role') ?? sent('group_role_id');
    if ($role === null || !ctype_digit($role)) {
        return failure('invalid_value', 'Invalid Input or Field Empty', ['group_role_id']);
    }
    $members[$user]['role'] = $role;
    return ['success' => true];
}

/** `ban_user_id`, `temporary_ban_user_id` and `unban_user_id` name their user themselves. */
function ban_member(array &$state, string $group): ?array
{
    foreach (['ban_user_id', 'temporary_ban_user_id', 'unban_user_id'] as $field) {
        if (($id = sent($field)) === null) {
            continue;
        }
        if (!isset($state['users'][$id])) {
            return no_account();
        }
        if (!isset($state['members'][$group][$id])) {
            return went_wrong();
        }
        $till = $field === 'temporary_ban_user_id' ? sent('ban_till') : 'ever';
        if ($till === null) {
            return failure('invalid_value', 'Invalid Input or Field Empty', ['ban_till']);
        }
        $state['members'][$group][$id]['banned'] = $field === 'unban_user_id' ? null : $till;
        return ['success' => true];
    }
    return null;
}

/** A session of any user, whoever asks with the key: its cookies are the user's. */
function open_session(array &$state): array
{
    $user = find_user($state['users'], sent('email_address') ?? sent('user') ?? '');
    if ($user === null) {
        return no_account();
    }
    $id = (string) ($state['sessions'] = ($state['sessions'] ?? 0) + 1);
    header("Set-Cookie: login_session_id=$id; path=/", false);
    header('Set-Cookie: access_code=canaryAccessCode0001; path=/', false);
    $url = "http://{$_SERVER['HTTP_HOST']}/entry/?login_session=$id&access_code=canaryAccessCode0001";
    return ['success' => true, 'auto_login_url' => $url, 'login_session_id' => $id, 'access_code' => 'canaryAccessCode0001'];
}

/** Nothing to send, and nobody to send it to, are no failures there. */
function send_message(array &$state): array
{
    $from = find_user($state['users'], sent('sender') ?? '');
    $to = user_named($state);
    if ($from === null || $to === null) {
        return no_account();
    }
    if (sent('message') === null && $_FILES === []) {
        return [];
    }
    $state['messages'][] = [$from, $to, sent('message')];
    return ['success' => true, 'todo_later' => 'kept'];
}

/** @return array<string, mixed>|list<never> */
function operate(array &$state, string $verb, string $target): array
{
    $user = user_named($state);
    $group = group_named($state);
    switch ("$verb=$target") {
        case 'add=site_users':
            return add_user($state);
        case 'update=site_users':
            return $user === null ? no_account() : change_user($state, $user) ?? ['success' => true];
        case 'remove=site_users':
            if ($user === null && sent('user_id') === null) {
                return sent('user') === null ? went_wrong() : no_account();
            }
            unset($state['users'][$user ?? $_POST['user_id']]);
            return ['success' => true];
        case 'add=login_session':
            return open_session($state);
        case 'add=message':
            return send_message($state);
        case 'add=groups':
            return sent('group_name') === null
                ? failure('invalid_value', 'Invalid Input or Field Empty', [['group_name']])
                : change_group($state, null);
        case 'update=groups':
            return $group === null ? no_group() : change_group($state, $group);
        case 'remove=groups':
            unset($state['groups'][$group ?? 0], $state['members'][$group ?? 0]);
            return $group === null ? no_group() : ['success' => true];
        case 'update=group_user_role':
            $banned = $group === null ? null : ban_member($state, $group);
            if ($banned !== null) {
                return $banned;
            }
            // Falls through: a role for `user`.
        case 'add=group_members':
        case 'remove=group_members':
            return match (true) {
                $user === null => no_account(),
                $group === null => no_group(),
                default => change_member($state, $user, $group, $verb),
            };
        default:
            return [];
    }
}

record();
$fault = next_fault();
if ($fault !== null) {
    commit_fault($fault);
}
if (!empty($_POST['api_secret_key']) && $_POST['api_secret_key'] !== getenv('KEY')) {
    echo json_encode(['success' => false, 'error_message' => 'Invalid API Secret Key', 'error_key' => 'invalid_api_secret_key']);
    exit;
}
foreach (['load', 'form', 'add', 'update', 'download', 'upload', 'remove'] as $verb) {
    if (isset($_POST[$verb])) {
        $target = preg_replace('/[^A-Za-z0-9_]/', '', (string) $_POST[$verb]);
        echo json_encode(with_state(fn (array &$state) => operate($state, $verb, $target)));
        exit;
    }
}
