<?php
// Writes a row through Tidemark, reads it back, and says which kind of server answered.

function setting(string $name, string $otherwise): string
{
    return getenv($name) ?: $otherwise;
}

function who(PDO $db): string
{
    $number = (int) $db->query('SELECT id FROM whoami')->fetchColumn();
    return $number === 0 ? 'primary' : "replica $number";
}

$db = new PDO(
    sprintf(
        'mysql:host=%s;port=%s;dbname=%s;charset=utf8mb4',
        setting('TIDEMARK_HOST', '127.0.0.1'),
        setting('TIDEMARK_PORT', '6033'),
        setting('DB_NAME', 'test')
    ),
    setting('DB_USER', 'app'),
    setting('DB_PASSWORD', 'app'),
    [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]
);
$db->exec('CREATE TABLE IF NOT EXISTS greetings
           (id INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(80))');
$db->prepare('INSERT INTO greetings (text) VALUES (?)')->execute(['hello from PHP']);
$row = $db->lastInsertId();
$read = $db->prepare('SELECT text FROM greetings WHERE id = ?');
$read->execute([$row]);
printf("wrote row %d, read back \"%s\"\n", $row, $read->fetchColumn());

$answered = who($db);
echo "right after the write: $answered\n";
for ($tries = 0; $answered === 'primary' && $tries < 250; $tries++) {
    usleep(20000);
    $answered = who($db);
}
echo "a moment later: $answered\n";
