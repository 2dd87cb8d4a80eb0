<?php
// PHP PDO; MODE emulated (the client puts values into the text) or prepared (on the server).
// See README.md.
[, $host, $port, $user, $password] = $argv;
$emulated = ($argv[5] ?? 'prepared') === 'emulated';

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

function open($user, $password, $schema)
{
    global $host, $port, $emulated;
    return new PDO("mysql:host=$host;port=$port;dbname=$schema;charset=utf8mb4", $user, $password, [
        PDO::ATTR_EMULATE_PREPARES => $emulated,
        PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
        PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_NUM,
    ]);
}

function rows($label, $statement)
{
    foreach ($statement->fetchAll() as $row) {
        say($label, implode(' | ', array_map('shown', $row)));
    }
}

// With values: prepared, bound and executed.
function ask($label, $text, $values = null)
{
    global $db;
    $statement = $values === null ? $db->query($text) : $db->prepare($text);
    if ($values !== null) {
        $statement->execute($values);
    }
    if ($statement->columnCount() > 0) {
        rows($label, $statement);
    } else {
        say($label, 'affected ' . $statement->rowCount() . ' id ' . $db->lastInsertId());
    }
    $statement->closeCursor();
}

function fails($label, $action)
{
    try {
        $action();
        say($label, 'no error');
    } catch (PDOException $e) {
        say($label, json_encode($e->errorInfo, JSON_UNESCAPED_UNICODE));
    }
}

$db = open($user, $password, 'test');
say('server', $db->getAttribute(PDO::ATTR_SERVER_VERSION));
ask('schema', 'SELECT DATABASE()');
$db->exec('DROP TABLE IF EXISTS items, numbers');
$db->exec('CREATE TABLE items (id INT AUTO_INCREMENT PRIMARY KEY, n BIGINT UNIQUE,
    s VARCHAR(200) CHARACTER SET utf8mb4, d DECIMAL(20,6), f DOUBLE, day DATE, at DATETIME(6),
    b LONGBLOB)');
ask('insert', 'INSERT INTO items (n, s) VALUES (?, ?)', [1, 'first']);
ask('rows', "INSERT INTO items (n, s) VALUES (2, 'two'), (3, 'three'), (4, 'four')");
for ($i = 0; $i < 10; $i++) {
    ask('own write', "INSERT INTO items (n, s) VALUES (?, 'own')", [100 + $i]);
    ask('own write', 'SELECT MAX(n), COUNT(*) FROM items');
    ask('own write', 'SELECT id FROM items WHERE n = ?', [100 + $i]);
}
$tries = (int)getenv('WHO_TRIES');
do {
    usleep(25000);
    $who = $db->query('SELECT id FROM whoami')->fetchColumn();
} while ($who == 0 && $tries-- > 0);
say('who', $who);

$insert = $db->prepare('INSERT INTO items (n, s, d, f, day, at, b) VALUES (:n, :s, :d, :f, :day, :at, :b)');
$read = $db->prepare('SELECT * FROM items WHERE n <=> ? OR s = ? ORDER BY id');
$blob = str_repeat("0123456789abcdef\0\xff\\'\"\n", 4655);
function put($n, $s, $d, $f, $day, $at, $b)
{
    global $db, $insert;
    $insert->bindValue(':n', $n, is_int($n) ? PDO::PARAM_INT : PDO::PARAM_STR);
    foreach (['s' => $s, 'd' => $d, 'f' => $f, 'day' => $day, 'at' => $at] as $name => $value) {
        $insert->bindValue($name, $value);
    }
    $insert->bindValue('b', $b, PDO::PARAM_LOB);
    $insert->execute();
    say('prepared', 'affected ' . $insert->rowCount() . ' id ' . $db->lastInsertId());
}
function get(...$values)
{
    global $read;
    $read->execute($values);
    rows('prepared', $read);
}
put(1 << 62, "Grüße 🐬 'quoted' \\ %", '-12345.678901', 1.5, '2024-02-29',
    '2024-02-29 23:59:58.123456', $blob);
get(1 << 62, '');
put(null, null, null, null, null, null, null);
get(null, null);
put('77', 12.5, 3, 4.25, null, '2024-03-01', '');
get(77, 'first');
get('77', null);
$insert = null;
get(1, 'two');
$read = null;
ask('text', 'SELECT * FROM items WHERE id >= 13 ORDER BY id');

ask('update', "UPDATE items SET s = 'changed' WHERE n IN (?, ?)", [1, 2]);
ask('update again', "UPDATE items SET s = 'changed' WHERE n IN (1, 2, 3)");

$db->beginTransaction();
ask('in transaction', "INSERT INTO items (n, s) VALUES (?, 'kept')", [200]);
ask('in transaction', 'SELECT s FROM items WHERE n = 200');
$db->commit();
$db->beginTransaction();
ask('in transaction', "INSERT INTO items (n, s) VALUES (201, 'gone')");
ask('in transaction', 'SELECT COUNT(*) FROM items WHERE n > 199 AND n < 300');
say('in transaction', shown($db->inTransaction()));
$db->rollBack();
ask('after both', 'SELECT n FROM items WHERE n > 199 AND n < 300');
$db->setAttribute(PDO::ATTR_AUTOCOMMIT, false);
ask('autocommit off', 'DELETE FROM items WHERE n = 200');
$db->rollBack();
$db->setAttribute(PDO::ATTR_AUTOCOMMIT, true);
ask('after rollback', 'SELECT n FROM items WHERE n > 199 AND n < 300');

fails('duplicate', fn() => ask('', 'INSERT INTO items (n) VALUES (1)'));
fails('duplicate, prepared', fn() => ask('', 'INSERT INTO items (n) VALUES (?)', [1]));
fails('syntax', fn() => ask('', 'SELEKT 1'));
fails('syntax, prepared', fn() => ask('', 'SELECT FROM WHERE ?', [1]));
fails('unknown table', fn() => ask('', 'SELECT * FROM nowhere WHERE a = ?', [1]));
ask('lives on', "SELECT 'still here'");

ask('warned write', 'INSERT IGNORE INTO items (n) VALUES (?)', [1]);
ask('warned write', 'SHOW WARNINGS');
ask('warned read', "SELECT CAST('12abc' AS SIGNED)");
ask('warned read', 'SHOW WARNINGS');

$db->exec('DROP PROCEDURE IF EXISTS two_results');
$db->exec("CREATE PROCEDURE two_results(IN a INT) BEGIN
    SELECT a, 'zwei' AS b; SELECT n FROM items WHERE n <= a; END");
$call = $db->prepare('CALL two_results(?)');
$call->execute([3]);
do {
    if ($call->columnCount() > 0) {
        rows('procedure', $call);
    }
} while ($call->nextRowset());
$call = null;
if ($emulated) {
    $several = $db->query('SELECT 1; INSERT INTO items (n) VALUES (300), (301); SELECT n FROM items WHERE n = 301');
    do {
        if ($several->columnCount() > 0) {
            rows('several', $several);
        } else {
            say('several', 'affected ' . $several->rowCount());
        }
    } while ($several->nextRowset());
    $several = null;
}

$db->exec('SET SESSION sort_buffer_size = 300032');
ask('variable', 'SELECT @@session.sort_buffer_size = 300032');
$db->exec("SET SESSION time_zone = '+05:00', group_concat_max_len = 10");
ask('replayed', 'SELECT FROM_UNIXTIME(?), GROUP_CONCAT(n ORDER BY n) FROM items', [86400]);
$db->exec("SET @mine = 'meins'");
ask('user variable', 'SELECT @mine, @other');
$db->exec('DROP DATABASE IF EXISTS elsewhere');
$db->exec('CREATE DATABASE elsewhere');
$db->exec('USE elsewhere');
ask('elsewhere', 'SELECT DATABASE()');
$db->exec('CREATE TABLE items (word VARCHAR(20))');
ask('elsewhere', 'INSERT INTO items VALUES (?)', ['anders']);
ask('elsewhere', 'SELECT * FROM items');
$db->exec('USE test');
ask('back', 'SELECT DATABASE(), COUNT(*) FROM items');
fails('unknown schema', fn() => $db->exec('USE nosuchschema'));
$db->exec('DROP DATABASE elsewhere');

ask('large', 'CREATE TABLE numbers (i INT PRIMARY KEY, t VARCHAR(60))');
ask('large', "INSERT INTO numbers VALUES (0, ''), (1, ''), (2, ''), (3, ''), (4, '')");
for ($size = 5; $size < 20000; $size *= 2) {
    ask('doubled', "INSERT INTO numbers SELECT i + ?, REPEAT('x', i % 40) FROM numbers", [$size]);
}
foreach ([true, false] as $buffered) {
    $db->setAttribute(PDO::MYSQL_ATTR_USE_BUFFERED_QUERY, $buffered);
    $sum = hash_init('md5');
    $count = 0;
    $statement = $db->prepare('SELECT i, t FROM numbers WHERE i >= ? ORDER BY i');
    $statement->execute([0]);
    while ($row = $statement->fetch()) {
        hash_update($sum, "$row[0] $row[1]\n");
        $count++;
    }
    $statement = null;
    say('large', "$count rows " . hash_final($sum));
}
$again = open($user, $password, 'test');
$again->exec('DELETE FROM items WHERE n = 0');
say('reconnected', $again->query('SELECT COUNT(*) FROM items')->fetchColumn());
$again = null;
$db = null;

fails('wrong password', fn() => open($user, 'wrong', 'test'));
fails('unknown user', fn() => open('nobody', 'x', 'test'));
fails('unknown schema', fn() => open($user, $password, 'nosuchschema'));
