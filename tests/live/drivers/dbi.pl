# Perl DBI; MODE mysql or MariaDB (which DBD), then text or prepared. See README.md.
use strict;
use warnings;
use utf8;
use DBI;
use Digest::MD5 qw(md5_hex);
use Time::HiRes qw(sleep);

binmode(STDOUT, ':encoding(UTF-8)');
$| = 1;
my ($host, $port, $user, $password, $mode) = @ARGV;
my ($driver, $how) = split /-/, $mode;
my $prepared = $how eq 'prepared' ? 1 : 0;
my $prefix = lc $driver;

sub say_line { my ($label, $value) = @_; print "$label: $value\n" }

sub open_connection {
    my ($user, $password, $schema, %more) = @_;
    my %options = (RaiseError => 1, PrintError => 0, AutoCommit => 1,
        "${prefix}_server_prepare" => $prepared, %more);
    $options{mysql_enable_utf8mb4} = 1 if $driver eq 'mysql';
    $options{"${prefix}_compression"} = 1 if $ENV{DRIVER_COMPRESS};
    return DBI->connect("DBI:$driver:database=$schema;host=$host;port=$port", $user, $password,
        \%options);
}

sub shown {
    my ($value) = @_;
    return 'NULL' unless defined $value;
    return $value if length $value <= 100;
    my $bytes = $value;
    utf8::encode($bytes) if utf8::is_utf8($bytes);
    return length($bytes) . ' bytes ' . md5_hex($bytes);
}

my $db = open_connection($user, $password, 'test');

sub ask {
    my ($label, $text, @values) = @_;
    my $statement = $db->prepare($text);
    my $count = $statement->execute(@values);
    results($label, $statement, $count);
    $statement->finish;
}

sub results {
    my ($label, $statement, $count) = @_;
    if ($statement->{NUM_OF_FIELDS}) {
        while (my $row = $statement->fetchrow_arrayref) {
            say_line($label, join ' | ', map { shown($_) } @$row);
        }
    } else {
        say_line($label, "affected $count id " . shown($statement->{"${prefix}_insertid"})
            . ' warnings ' . shown($statement->{"${prefix}_warning_count"}));
    }
}

sub fails {
    my ($label, $action) = @_;
    if (eval { $action->(); 1 }) {
        say_line($label, 'no error');
    } else {
        say_line($label, "$DBI::err $DBI::state $DBI::errstr");
    }
}

say_line('server', $db->{"${prefix}_serverinfo"});
ask('schema', 'SELECT DATABASE()');
ask('drop', 'DROP TABLE IF EXISTS items, numbers');
$db->do('CREATE TABLE items (id INT AUTO_INCREMENT PRIMARY KEY, n BIGINT UNIQUE,
    s VARCHAR(200) CHARACTER SET utf8mb4, d DECIMAL(20,6), f DOUBLE, day DATE, at DATETIME(6),
    b LONGBLOB)');
ask('insert', 'INSERT INTO items (n, s) VALUES (?, ?)', 1, 'first');
say_line('last id', $db->last_insert_id(undef, undef, 'items', 'id'));
ask('rows', "INSERT INTO items (n, s) VALUES (2, 'two'), (3, 'three'), (4, 'four')");
for my $i (0 .. 9) {
    ask('own write', "INSERT INTO items (n, s) VALUES (?, 'own')", 100 + $i);
    ask('own write', 'SELECT MAX(n), COUNT(*) FROM items');
    ask('own write', 'SELECT id FROM items WHERE n = ?', 100 + $i);
}
my $who = 0;
for (1 .. $ENV{WHO_TRIES} || 1) {
    sleep 0.025;
    ($who) = $db->selectrow_array('SELECT id FROM whoami');
    last if $who != 0;
}
say_line('who', $who);

my $insert = $db->prepare('INSERT INTO items (n, s, d, f, day, at, b) VALUES (?, ?, ?, ?, ?, ?, ?)');
my $read = $db->prepare('SELECT * FROM items WHERE n <=> ? OR s = ? ORDER BY id');
my $blob = "0123456789abcdef\0\x01\\'\"\n" x 4655;
my $put = sub {
    my $count = $insert->execute(@_);
    say_line('prepared', "affected $count id " . $insert->{"${prefix}_insertid"});
};
my $get = sub { results('prepared', $read, $read->execute(@_)) };
$put->(4611686018427387904, "Grüße 🐬 'quoted' \\ %", '-12345.678901', 1.5, '2024-02-29',
    '2024-02-29 23:59:58.123456', $blob);
$get->(4611686018427387904, '');
$put->((undef) x 7);
$get->(undef, undef);
$put->('77', 12.5, 3, 4.25, undef, '2024-03-01', '');
$get->(77, 'first');
$read->bind_param(1, 2, DBI::SQL_INTEGER());
$read->bind_param(2, "Grüße 🐬 'quoted' \\ %");
results('prepared', $read, $read->execute);
$insert->finish;
$read->finish;
undef $insert;
undef $read;
ask('text', 'SELECT * FROM items WHERE id >= 13 ORDER BY id');

ask('update', "UPDATE items SET s = 'changed' WHERE n IN (?, ?)", 1, 2);
ask('update again', "UPDATE items SET s = 'changed' WHERE n IN (1, 2, 3)");

$db->begin_work;
ask('in transaction', "INSERT INTO items (n, s) VALUES (?, 'kept')", 200);
ask('in transaction', 'SELECT s FROM items WHERE n = 200');
$db->commit;
$db->{AutoCommit} = 0;
ask('in transaction', "INSERT INTO items (n, s) VALUES (201, 'gone')");
ask('in transaction', 'SELECT COUNT(*) FROM items WHERE n > 199 AND n < 300');
$db->rollback;
$db->{AutoCommit} = 1;
ask('after both', 'SELECT n FROM items WHERE n > 199 AND n < 300');

fails('duplicate', sub { ask('', 'INSERT INTO items (n) VALUES (?)', 1) });
fails('syntax', sub { ask('', 'SELEKT 1') });
fails('syntax in a read', sub { ask('', 'SELECT FROM WHERE ?', 1) });
fails('unknown table', sub { ask('', 'SELECT * FROM nowhere WHERE a = ?', 1) });
ask('lives on', "SELECT 'still here'");

ask('warned write', 'INSERT IGNORE INTO items (n) VALUES (?)', 1);
ask('warned write', 'SHOW WARNINGS');
ask('warned read', 'SELECT CAST(? AS SIGNED)', '12abc');
ask('warned read', 'SHOW WARNINGS');

$db->do('DROP PROCEDURE IF EXISTS two_results');
$db->do("CREATE PROCEDURE two_results(IN a INT) BEGIN
    SELECT a, 'zwei' AS b; SELECT n FROM items WHERE n <= a; END");
my $call = $db->prepare('CALL two_results(3)', { "${prefix}_server_prepare" => 0 });
$call->execute;
do { results('procedure', $call, 0) if $call->{NUM_OF_FIELDS} } while $call->more_results;
undef $call;
my $several = open_connection($user, $password, 'test', "${prefix}_multi_statements" => 1,
    "${prefix}_server_prepare" => 0);
my $three = $several->prepare('SELECT 1; INSERT INTO items (n) VALUES (300), (301);
    SELECT n FROM items WHERE n = 301');
my $count = $three->execute;
do { results('several', $three, $three->rows) } while $three->more_results;
undef $three;
$several->disconnect;

$db->do('SET SESSION sort_buffer_size = 300032');
ask('variable', 'SELECT @@session.sort_buffer_size = 300032');
$db->do("SET SESSION time_zone = '+05:00', group_concat_max_len = 10");
ask('replayed', 'SELECT FROM_UNIXTIME(?), GROUP_CONCAT(n ORDER BY n) FROM items', 86400);
$db->do("SET \@mine = 'meins'");
ask('user variable', 'SELECT @mine, @other');
$db->do('DROP DATABASE IF EXISTS elsewhere');
$db->do('CREATE DATABASE elsewhere');
$db->do('USE elsewhere');
ask('elsewhere', 'SELECT DATABASE()');
$db->do('CREATE TABLE items (word VARCHAR(20))');
ask('elsewhere', 'INSERT INTO items VALUES (?)', 'anders');
ask('elsewhere', 'SELECT * FROM items');
$db->do('USE test');
ask('back', 'SELECT DATABASE(), COUNT(*) FROM items');
fails('unknown schema', sub { $db->do('USE nosuchschema') });
$db->do('DROP DATABASE elsewhere');

say_line('ping', $db->ping ? 'yes' : 'no');
my $again = open_connection($user, $password, 'test');
$again->do('DELETE FROM items WHERE n = 0');
say_line('reconnected', $again->selectrow_array('SELECT COUNT(*) FROM items'));
$again->disconnect;

$db->do('CREATE TABLE numbers (i INT PRIMARY KEY, t VARCHAR(60))');
$db->do("INSERT INTO numbers VALUES (0, ''), (1, ''), (2, ''), (3, ''), (4, '')");
for (my $size = 5; $size < 20000; $size *= 2) {
    ask('doubled', "INSERT INTO numbers SELECT i + ?, REPEAT('x', i % 40) FROM numbers", $size);
}
# With prepared statements, DBD::mysql fails and DBD::MariaDB hangs here without any proxy.
for my $used ($prepared ? (0) : (0, 1)) {
    my $sum = Digest::MD5->new;
    my $rows = 0;
    my $statement = $db->prepare('SELECT i, t FROM numbers WHERE i >= ? ORDER BY i',
        { "${prefix}_use_result" => $used });
    $statement->execute(0);
    while (my $row = $statement->fetchrow_arrayref) {
        $sum->add("$row->[0] $row->[1]\n");
        $rows++;
    }
    say_line('large', "$rows rows " . $sum->hexdigest);
}
$db->disconnect;

fails('wrong password', sub { open_connection($user, 'wrong', 'test') });
fails('unknown user', sub { open_connection('nobody', 'x', 'test') });
fails('unknown schema', sub { open_connection($user, $password, 'nosuchschema') });
