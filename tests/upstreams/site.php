<?php
/**
 * A site as it is before anybody stands in front of it. One address has its pages, an API for whoever has
 * KEY, forms and uploads of the pages themselves at the same path, and an API of its own for a cookie.
 * Every answer says what was sent, and nothing that is another the next time.
 */

declare(strict_types=1);

function answer(int $status, string $type, string $body): void
{
    http_response_code($status);
    header('Content-Type: ' . $type);
    header('Content-Length: ' . strlen($body));
    header('X-Site: it is');
    header_remove('X-Powered-By');
    echo $body;
}

function json(int $status, array $value): void
{
    answer($status, 'application/json', json_encode($value, JSON_THROW_ON_ERROR));
}

function sum(): string
{
    return md5((string) file_get_contents('php://input'));
}

$path = (string) parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
$cookie = $_SERVER['HTTP_COOKIE'] ?? '';
if (str_starts_with($path, '/api/v1/collections')) {
    if ($cookie !== 'session=1') {
        json(401, ['site' => true, 'message' => 'who are you?']);
        return;
    }
    header('Set-Cookie: seen=' . sum() . '; Path=/; HttpOnly');
    json(201, ['site' => true, 'sum' => sum(), 'type' => $_SERVER['CONTENT_TYPE'] ?? '']);
} elseif (str_starts_with($path, '/api/v1/users')) {
    json(200, ['site' => true, 'user' => $_SERVER['PHP_AUTH_USER'] ?? null, 'sum' => sum()]);
} elseif (str_starts_with($path, '/api_request')) {
    $file = $_FILES['file'] ?? null;
    if (isset($_POST['api_secret_key'])) {
        $takes = $_POST['api_secret_key'] === getenv('KEY');
        json(200, ['success' => $takes, 'site' => true, 'sum' => sum()]);
    } elseif ($file !== null) {
        $sum = $file['error'] === 0 ? md5_file($file['tmp_name']) : null;
        json(200, ['site' => true, 'name' => $file['name'], 'size' => $file['size'], 'sum' => $sum]);
    } else {
        answer(200, 'text/html; charset=utf-8', '<p>' . htmlspecialchars(http_build_query($_POST)) . '</p>');
    }
} else {
    answer(200, 'text/html; charset=utf-8', '<p>' . htmlspecialchars($_SERVER['REQUEST_URI']) . '</p>');
}
