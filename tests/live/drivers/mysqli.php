<?php
// PHP mysqli (mysqlnd). See README.md.
[, $host, $port, $user, $password] = $argv;
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);

function say($label, $value)
{
    echo "$label: $value\n";
}

function shown($value)
{
    if (is_string($value) && strlen($value) > 100) {
        return strlen($value) . ' bytes ' . md5($value);
    }
    return json_encode($value, JSON_UNESCAPED_UNICODE);
}

function rows($label, $result)
{
    foreach ($result->fetch_all(MYSQLI_NUM) as $row) {
        say($label, implode(' | ', array_map('shown', $row)));
    }
    $result->free();
}

function ask($label, $text)
{
    global $db;
    $result = $db->query($text);
    if ($result === true) {
        say($label, "affected $db->affected_rows id $db->insert_id info $db->info warnings $db->warning_count");
    } else {
        rows($label, $result);
    }
}

function fails($label, $action)
{
    try {
        $action();
        say($label, 'no error');
    } catch (mysqli_sql_exception $e) {
        say($label, $e->getCode() . ' ' . $e->getSqlState() . ' ' . $e->getMessage());
    }
}

function open($user, $password, $schema)
{
    global $host, $port;
    $db = new mysqli($host, $user, $password, $schema, (int)$port);
    $db->set_charset('utf8mb4');
    return $db;
}

$db = open($user, $password, 'test');
say('server', $db->server_info);
say('charset', $db->character_set_name());
ask('schema', 'SELECT DATABASE()');
ask('drop', 'DROP TABLE IF EXISTS items, numbers');
ask('create', 'CREATE TABLE items (id INT AUTO_INCREMENT PRIMARY KEY, n BIGINT UNIQUE,
    s VARCHAR(200) CHARACTER SET utf8mb4, d DECIMAL(20,6), f DOUBLE, day DATE, at DATETIME(6),
    b LONGBLOB)');
ask('insert', "INSERT INTO items (n, s) VALUES (1, 'first')");
ask('rows', "INSERT INTO items (n, s) VALUES (2, 'two'), (3, 'three'), (4, 'four')");
for ($i = 0; $i < 10; $i++) {
    ask('own write', 'INSERT INTO items (n, s) VALUES (' . (100 + $i) . ", 'own')");
    ask('own write', 'SELECT MAX(n), COUNT(*) FROM items');
}
$tries = (int)getenv('WHO_TRIES');
do {
    usleep(25000);
    $who = $db->query('SELECT id FROM whoami')->fetch_row()[0];
} while ($who == 0 && $tries-- > 0);
say('who', $who);

// Prepared: the types given with bind_param, then others; a large value in pieces.
$insert = $db->prepare('INSERT INTO items (n, s, d, f, day, at, b) VALUES (?, ?, ?, ?, ?, ?, ?)');
$read = $db->prepare('SELECT * FROM items WHERE n <=> ? OR s = ? ORDER BY id');
$blob = str_repeat("0123456789abcdef\0\xff\\'\"\n", 4655);
function put($types, ...$values)
{
    global $insert;
    $insert->bind_param($types, ...$values);
    $insert->execute();
    say('prepared', "affected $insert->affected_rows id $insert->insert_id");
}
function get($types, ...$values)
{
    global $read;
    $read->bind_param($types, ...$values);
    $read->execute();
    rows('prepared', $read->get_result());
}
say('prepared', "$insert->param_count parameters, $read->field_count columns");
put('issdsss', 1 << 62, "Grüße 🐬 'quoted' \\ %", '-12345.678901', 1.5, '2024-02-29',
    '2024-02-29 23:59:58.123456', $blob);
get('is', 1 << 62, '');
put('issdsss', null, null, null, null, null, null, null);
get('ss', null, null);
put('sdidsss', '77', 12.5, 3, 4.25, null, '2024-03-01', '');
get('id', 77, 1.0);
get('ds', 77.0, 'first');
$bytes = null;
$n = 78;
$piecewise = $db->prepare('INSERT INTO items (n, b) VALUES (?, ?)');
$piecewise->bind_param('ib', $n, $bytes);
foreach (str_split($blob, 30000) as $piece) {
    $piecewise->send_long_data(1, $piece);
}
$piecewise->execute();
say('in pieces', "affected $piecewise->affected_rows");
$piecewise->close();
get('is', 78, '');
$insert->close();
$read->close();
$stored = $db->prepare('SELECT n, s FROM items WHERE n < ?');
$stored->bind_param('i', $n);
$stored->execute();
$stored->store_result();
$stored->bind_result($one, $two);
say('stored', $stored->num_rows);
while ($stored->fetch()) {
    say('stored', shown($one) . ' ' . shown($two));
}
$stored->close();
ask('text', 'SELECT * FROM items WHERE id >= 13 ORDER BY id');

ask('update', "UPDATE items SET s = 'changed' WHERE n IN (1, 2)");
ask('update again', "UPDATE items SET s = 'changed' WHERE n IN (1, 2, 3)");

$db->begin_transaction();
ask('in transaction', "INSERT INTO items (n, s) VALUES (200, 'kept')");
ask('in transaction', 'SELECT s FROM items WHERE n = 200');
$db->commit();
$db->begin_transaction();
ask('in transaction', "INSERT INTO items (n, s) VALUES (201, 'gone')");
$db->rollback();
ask('after both', 'SELECT n FROM items WHERE n > 199 AND n < 300');
$db->autocommit(false);
ask('autocommit off', 'DELETE FROM items WHERE n = 200');
$db->rollback();
$db->autocommit(true);
ask('after rollback', 'SELECT n FROM items WHERE n > 199 AND n < 300');
$db->begin_transaction(MYSQLI_TRANS_START_READ_ONLY);
ask('read only', 'SELECT n FROM items WHERE n = 200');
fails('read only', fn() => ask('read only', 'DELETE FROM items WHERE n = 200'));
$db->rollback();

fails('duplicate', fn() => ask('', 'INSERT INTO items (n) VALUES (1)'));
fails('duplicate, prepared', fn() => $db->execute_query('INSERT INTO items (n) VALUES (?)', [1]));
fails('syntax', fn() => ask('', 'SELEKT 1'));
fails('syntax, prepared', fn() => $db->prepare('SELECT FROM WHERE ?'));
fails('unknown table', fn() => ask('', 'SELECT * FROM nowhere'));
ask('lives on', "SELECT 'still here'");

ask('warned write', 'INSERT IGNORE INTO items (n) VALUES (1)');
for ($warning = $db->get_warnings(); $warning; ) {
    say('warned write', "$warning->errno $warning->sqlstate $warning->message");
    if (!$warning->next()) {
        break;
    }
}
ask('warned read', "SELECT CAST('12abc' AS SIGNED)");
say('warned read', $db->warning_count);
ask('warned read', 'SHOW WARNINGS');

function several($label, $text)
{
    global $db;
    $db->multi_query($text);
    do {
        $result = $db->store_result();
        if ($result) {
            rows($label, $result);
        }
        say($label, "affected $db->affected_rows id $db->insert_id");
    } while ($db->more_results() && $db->next_result());
}
several('several', 'SELECT 1; INSERT INTO items (n) VALUES (300), (301); SELECT n FROM items WHERE n = 301');
fails('several', fn() => several('several', 'SELECT 1; SELEKT 2; SELECT 3'));
ask('lives on', "SELECT 'still here'");
ask('procedure', 'DROP PROCEDURE IF EXISTS two_results');
ask('procedure', "CREATE PROCEDURE two_results(IN a INT) BEGIN
    SELECT a, 'zwei' AS b; SELECT n FROM items WHERE n <= a; END");
several('procedure', 'CALL two_results(3)');
$call = $db->prepare('CALL two_results(?)');
$three = 3;
$call->bind_param('i', $three);
$call->execute();
do {
    $result = $call->get_result();
    if ($result) {
        rows('procedure, prepared', $result);
    }
} while ($call->more_results() && $call->next_result());
$call->close();

ask('variable', 'SET SESSION sort_buffer_size = 300032');
ask('variable', 'SELECT @@session.sort_buffer_size = 300032');
ask('variable', "SET SESSION time_zone = '+05:00', group_concat_max_len = 10");
ask('replayed', 'SELECT FROM_UNIXTIME(86400), GROUP_CONCAT(n ORDER BY n) FROM items');
ask('user variable', "SET @mine = 'meins'");
ask('user variable', 'SELECT @mine, @other');
ask('elsewhere', 'DROP DATABASE IF EXISTS elsewhere');
ask('elsewhere', 'CREATE DATABASE elsewhere');
$db->select_db('elsewhere');
ask('elsewhere', 'SELECT DATABASE()');
ask('elsewhere', 'CREATE TABLE items (word VARCHAR(20))');
ask('elsewhere', "INSERT INTO items VALUES ('anders')");
ask('elsewhere', 'SELECT * FROM items');
$db->select_db('test');
ask('back', 'SELECT DATABASE(), COUNT(*) FROM items');
fails('unknown schema', fn() => $db->select_db('nosuchschema'));
ask('elsewhere', 'DROP DATABASE elsewhere');

$db->set_charset('latin1');
ask('latin1', "SELECT HEX('\xe9'), CHAR_LENGTH('\xe9')");
$db->set_charset('utf8mb4');
say('change user', $db->change_user($user, $password, 'test') ? 'yes' : 'no');
ask('changed user', 'SELECT @mine, DATABASE(), FROM_UNIXTIME(86400) IS NOT NULL');
$stat = $db->stat();
say('statistics', preg_replace('/[\d.]+/', 'N', $stat));
say('ping', $db->query('DO 1') ? 'yes' : 'no');

ask('large', 'CREATE TABLE numbers (i INT PRIMARY KEY, t VARCHAR(60))');
ask('large', "INSERT INTO numbers VALUES (0, ''), (1, ''), (2, ''), (3, ''), (4, '')");
for ($size = 5; $size < 20000; $size *= 2) {
    ask('doubled', "INSERT INTO numbers SELECT i + $size, REPEAT('x', i % 40) FROM numbers");
}
foreach ([MYSQLI_STORE_RESULT, MYSQLI_USE_RESULT] as $mode) {
    $sum = hash_init('md5');
    $count = 0;
    $result = $db->query('SELECT i, t FROM numbers ORDER BY i', $mode);
    while ($row = $result->fetch_row()) {
        hash_update($sum, "$row[0] $row[1]\n");
        $count++;
    }
    $result->free();
    say('large', "$count rows " . hash_final($sum));
}
$db->close();

fails('wrong password', fn() => open($user, 'wrong', 'test'));
fails('unknown user', fn() => open('nobody', 'x', 'test'));
fails('unknown schema', fn() => open($user, $password, 'nosuchschema'));
