#!/usr/bin/env bash
# The command-line clients, in batch mode; MODE mariadb, or mysql: MySQL's own, from the unpacked
# root in MYSQL_ROOT, with its loader. See README.md.
set -uo pipefail
host=$1 port=$2 user=$3 password=$4 mode=$5
root=${MYSQL_ROOT:-}

client() # USER PASSWORD SCHEMA OPTIONS...
{
    local name=$1 secret=$2 schema=$3
    shift 3
    if [ "$mode" = mariadb ]; then
        MYSQL_PWD=$secret mariadb --no-defaults --protocol=tcp --host="$host" --port="$port" \
            --user="$name" --database="$schema" --default-character-set=utf8mb4 --batch \
            --show-warnings ${DRIVER_COMPRESS:+--compress} "$@" 2>&1
    else
        # The plugin for servers that still have mysql_native_password is a file of the root.
        MYSQL_PWD=$secret "$(echo "$root"/lib64/ld-linux-*.so.*)" \
            --library-path "$(dirname "$(echo "$root"/usr/lib/*/libc.so.6)")" \
            "$root/usr/bin/mysql" --no-defaults --protocol=tcp --host="$host" --port="$port" \
            --user="$name" --database="$schema" --default-character-set=utf8mb4 --batch \
            --show-warnings --get-server-public-key --plugin-dir="$root/usr/lib/mysql/plugin" \
            --character-sets-dir="$root/usr/share/mysql/charsets" \
            ${DRIVER_COMPRESS:+--compression-algorithms="$DRIVER_COMPRESS"} "$@" 2>&1
    fi
}

first_half()
{
    cat <<'SQL'
SELECT DATABASE();
DROP TABLE IF EXISTS items, numbers;
CREATE TABLE items (id INT AUTO_INCREMENT PRIMARY KEY, n BIGINT UNIQUE,
    s VARCHAR(200) CHARACTER SET utf8mb4, d DECIMAL(20,6), f DOUBLE, day DATE, at DATETIME(6),
    b LONGBLOB);
INSERT INTO items (n, s) VALUES (1, 'first');
SELECT LAST_INSERT_ID(), ROW_COUNT();
INSERT INTO items (n, s) VALUES (2, 'two'), (3, 'three'), (4, 'four');
SQL
    for i in 0 1 2 3 4 5 6 7 8 9; do
        echo "INSERT INTO items (n, s) VALUES (10$i, 'own');"
        echo "SELECT MAX(n), COUNT(*), LAST_INSERT_ID() FROM items;"
    done
}

second_half()
{
    cat <<'SQL'
INSERT INTO items (n, s, d, f, day, at, b) VALUES (4611686018427387904,
    'Grüße 🐬 \'quoted\' \\ %', -12345.678901, 1.5, '2024-02-29', '2024-02-29 23:59:58.123456',
    REPEAT('0123456789', 10240));
SELECT id, n, s, d, f, day, at, LENGTH(b), CRC32(b) FROM items WHERE id > 13;
PREPARE by_n FROM 'SELECT s FROM items WHERE n = ? OR s = ?';
SET @n = 1, @s = 'two';
EXECUTE by_n USING @n, @s;
SET @n = NULL;
EXECUTE by_n USING @n, @s;
DEALLOCATE PREPARE by_n;
SET @n = NULL, @s = NULL;
UPDATE items SET s = 'changed' WHERE n IN (1, 2, 3);
SELECT ROW_COUNT();
BEGIN;
INSERT INTO items (n, s) VALUES (200, 'kept');
SELECT s FROM items WHERE n = 200;
COMMIT;
START TRANSACTION;
INSERT INTO items (n, s) VALUES (201, 'gone');
SELECT COUNT(*) FROM items WHERE n > 199 AND n < 300;
ROLLBACK;
SELECT n FROM items WHERE n > 199 AND n < 300;
INSERT INTO items (n) VALUES (1);
SELEKT 1;
SELECT * FROM nowhere;
SELECT 'still here';
INSERT IGNORE INTO items (n) VALUES (1);
SHOW WARNINGS;
SELECT CAST('12abc' AS SIGNED);
SHOW WARNINGS;
DROP PROCEDURE IF EXISTS two_results;
DELIMITER //
CREATE PROCEDURE two_results(IN a INT)
BEGIN
    SELECT a, 'zwei' AS b;
    SELECT n FROM items WHERE n <= a;
END//
SELECT 1; INSERT INTO items (n) VALUES (300), (301); SELECT n FROM items WHERE n = 301//
DELIMITER ;
CALL two_results(3);
SET SESSION sort_buffer_size = 300032;
SELECT @@session.sort_buffer_size = 300032;
SET SESSION time_zone = '+05:00', group_concat_max_len = 10;
SELECT FROM_UNIXTIME(86400), GROUP_CONCAT(n ORDER BY n) FROM items;
SET @mine = 'meins';
SELECT @mine, @other;
DROP DATABASE IF EXISTS elsewhere;
CREATE DATABASE elsewhere;
USE elsewhere;
SELECT DATABASE();
CREATE TABLE items (word VARCHAR(20));
INSERT INTO items VALUES ('anders');
SELECT * FROM items;
USE test;
SELECT DATABASE(), COUNT(*) FROM items;
USE nosuchschema;
DROP DATABASE elsewhere;
SHOW CREATE TABLE items;
CREATE TABLE numbers (i INT PRIMARY KEY, t VARCHAR(60));
INSERT INTO numbers VALUES (0, ''), (1, ''), (2, ''), (3, ''), (4, '');
SQL
    for ((size = 5; size < 20000; size *= 2)); do
        echo "INSERT INTO numbers SELECT i + $size, REPEAT('x', i % 40) FROM numbers;"
    done
    echo "SELECT COUNT(*) FROM numbers;"
}

lines() # LABEL
{
    sed "s/^/$1: /"
}

client "$user" "$password" test -e 'SELECT VERSION()' | lines server
first_half | client "$user" "$password" test | lines first
for ((i = ${WHO_TRIES:-1}; i > 0; i--)); do
    who=$(client "$user" "$password" test -N -e 'SELECT id FROM whoami')
    echo "who: $who"
    [ "$who" = 0 ] || break
done
second_half | client "$user" "$password" test --force | lines second
for how in --quick --reconnect; do
    # Each call is a session of its own: only with a write is it sure to see what others wrote.
    client "$user" "$password" test $how -N -e \
        'DELETE FROM numbers WHERE i < 0; SELECT i, t FROM numbers ORDER BY i' | cksum |
        lines "large, 20480 rows"
done
client "$user" wrong test -e 'SELECT 1' | lines wrong
client nobody x test -e 'SELECT 1' | lines wrong
client "$user" "$password" nosuchschema -e 'SELECT 1' | lines wrong
exit 0
