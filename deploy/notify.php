<?php
// A receiver for [notify.webhook]: checks the signature, drops what it has already, and mails.
//
//   WEBHOOK_SECRET=whsec_…  as in notify.webhook.secret
//   WEBHOOK_SEEN=…          a directory of its own, in which it remembers ids
//   WEBHOOK_FROM=…          the sender of the mails
//
// PHP's mail() hands over to the machine's own mail server (sendmail_path), which queues and retries.
// Run it behind a web server with TLS, and clear old files of WEBHOOK_SEEN after a month.

function answer(int $status): never
{
    http_response_code($status);
    exit;
}

$id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
$timestamp = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
$body = file_get_contents('php://input');
$key = base64_decode(substr(getenv('WEBHOOK_SECRET'), strlen('whsec_')));
$expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
if (!hash_equals($expected, $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '') || abs(time() - (int) $timestamp) > 300) {
    answer(401);
}

$seen = getenv('WEBHOOK_SEEN') . '/' . basename($id);
$lock = fopen($seen, 'c+');
if (!$lock || !flock($lock, LOCK_EX)) {
    answer(500);
}
if (fread($lock, 1) !== '') {
    answer(204);
}
$user = json_decode($body, true)['data']['user'];
$text = "Your user name is {$user['username']}.\nSet your password at https://example.com/password\n";
if ($user['email'] !== null && !mail($user['email'], 'Your account', $text, ['From' => getenv('WEBHOOK_FROM')])) {
    answer(500);
}
fwrite($lock, '1');
fflush($lock);
answer(204);
