# Ruby mysql2. See README.md.
require 'mysql2'
require 'digest'
require 'bigdecimal'

$stdout.sync = true
HOST, PORT, USER, PASSWORD = ARGV

def say(label, value)
  puts "#{label}: #{value}"
end

def connect(**options)
  Mysql2::Client.new(host: HOST, port: PORT.to_i, username: USER, password: PASSWORD,
                     database: 'test', encoding: 'utf8mb4', **options)
end

def shown(value)
  case value
  when String
    value.bytesize > 100 ? "#{value.bytesize} bytes #{Digest::MD5.hexdigest(value)}" : value.inspect
  when BigDecimal then "#{value.to_s('F')} decimal"
  when Time then value.strftime('%F %T.%6N')
  else value.inspect
  end
end

def rows(label, result)
  result&.each { |row| say(label, row.values.map { |v| shown(v) }.join(' | ')) }
end

$db = connect

# With values: prepared on the server.
def ask(label, text, *values)
  statement = values.empty? ? nil : $db.prepare(text)
  result = statement ? statement.execute(*values) : $db.query(text)
  if result
    rows(label, result)
  else
    say(label, "affected #{(statement || $db).affected_rows} id #{(statement || $db).last_id}")
  end
  statement&.close
end

def fails(label)
  yield
  say(label, 'no error')
rescue Mysql2::Error => e
  say(label, "#{e.error_number} #{e.sql_state} #{e.message}")
end

say('server', $db.server_info)
ask('schema', 'SELECT DATABASE()')
ask('drop', 'DROP TABLE IF EXISTS items, numbers')
ask('create', 'CREATE TABLE items (id INT AUTO_INCREMENT PRIMARY KEY, n BIGINT UNIQUE,
    s VARCHAR(200) CHARACTER SET utf8mb4, d DECIMAL(20,6), f DOUBLE, day DATE, at DATETIME(6),
    b LONGBLOB)')
ask('insert', 'INSERT INTO items (n, s) VALUES (?, ?)', 1, 'first')
ask('rows', "INSERT INTO items (n, s) VALUES (2, 'two'), (3, 'three'), (4, 'four')")
say('info', $db.query_info_string)
10.times do |i|
  ask('own write', "INSERT INTO items (n, s) VALUES (?, 'own')", 100 + i)
  ask('own write', 'SELECT MAX(n), COUNT(*) FROM items')
  ask('own write', 'SELECT id FROM items WHERE n = ?', 100 + i)
end
who = 0
(ENV['WHO_TRIES'] || 1).to_i.times do
  sleep 0.025
  who = $db.query('SELECT id FROM whoami').first['id']
  break if who != 0
end
say('who', who)

insert = $db.prepare('INSERT INTO items (n, s, d, f, day, at, b) VALUES (?, ?, ?, ?, ?, ?, ?)')
read = $db.prepare('SELECT * FROM items WHERE n <=> ? OR s = ? ORDER BY id')
blob = "0123456789abcdef\0\xff\\'\"\n".b * 4655
put = lambda do |*values|
  insert.execute(*values)
  say('prepared', "affected #{insert.affected_rows} id #{insert.last_id}")
end
get = ->(*values) { rows('prepared', read.execute(*values)) }
put.call(2**62, "Grüße 🐬 'quoted' \\ %", BigDecimal('-12345.678901'), 1.5, Date.new(2024, 2, 29),
         Time.new(2024, 2, 29, 23, 59, 58 + 123456r / 1_000_000), blob)
get.call(2**62, '')
put.call(nil, nil, nil, nil, nil, nil, nil)
get.call(nil, nil)
put.call('77', 12.5, 3, 4, nil, '2024-03-01', '')
get.call(77, 'first')
get.call('77', nil)
insert.close
get.call(1.0, 'two')
read.close
ask('text', 'SELECT * FROM items WHERE id >= 13 ORDER BY id')

ask('update', "UPDATE items SET s = 'changed' WHERE n IN (?, ?)", 1, 2)
ask('update again', "UPDATE items SET s = 'changed' WHERE n IN (1, 2, 3)")
say('info', $db.query_info_string)

$db.query('BEGIN')
ask('in transaction', "INSERT INTO items (n, s) VALUES (?, 'kept')", 200)
ask('in transaction', 'SELECT s FROM items WHERE n = 200')
$db.query('COMMIT')
$db.query('START TRANSACTION')
ask('in transaction', "INSERT INTO items (n, s) VALUES (201, 'gone')")
ask('in transaction', 'SELECT COUNT(*) FROM items WHERE n > 199 AND n < 300')
$db.query('ROLLBACK')
ask('after both', 'SELECT n FROM items WHERE n > 199 AND n < 300')

fails('duplicate') { ask('', 'INSERT INTO items (n) VALUES (1)') }
fails('duplicate, prepared') { ask('', 'INSERT INTO items (n) VALUES (?)', 1) }
fails('syntax') { ask('', 'SELEKT 1') }
fails('syntax, prepared') { ask('', 'SELECT FROM WHERE ?', 1) }
fails('unknown table') { ask('', 'SELECT * FROM nowhere') }
ask('lives on', "SELECT 'still here'")

ask('warned write', 'INSERT IGNORE INTO items (n) VALUES (1)')
say('warnings', $db.warning_count)
ask('warned write', 'SHOW WARNINGS')
ask('warned read', "SELECT CAST('12abc' AS SIGNED)")
say('warnings', $db.warning_count)
ask('warned read', 'SHOW WARNINGS')

several = connect(flags: Mysql2::Client::MULTI_STATEMENTS)
rows('several', several.query('SELECT 1; INSERT INTO items (n) VALUES (300), (301);
    SELECT n FROM items WHERE n = 301'))
while several.next_result
  rows('several', several.store_result)
  say('several', "affected #{several.affected_rows}")
end
several.query('DROP PROCEDURE IF EXISTS two_results')
several.query("CREATE PROCEDURE two_results(IN a INT) BEGIN
    SELECT a, 'zwei' AS b; SELECT n FROM items WHERE n <= a; END")
rows('procedure', several.query('CALL two_results(3)'))
rows('procedure', several.store_result) while several.next_result
several.set_server_option(Mysql2::Client::OPTION_MULTI_STATEMENTS_OFF)
fails('several, forbidden') { several.query('SELECT 1; SELECT 2') }
several.close

ask('variable', 'SET SESSION sort_buffer_size = 300032')
ask('variable', 'SELECT @@session.sort_buffer_size = 300032')
ask('variable', "SET SESSION time_zone = '+05:00', group_concat_max_len = 10")
ask('replayed', 'SELECT FROM_UNIXTIME(?), GROUP_CONCAT(n ORDER BY n) FROM items', 86_400)
ask('user variable', "SET @mine = 'meins'")
ask('user variable', 'SELECT @mine, @other')
ask('elsewhere', 'DROP DATABASE IF EXISTS elsewhere')
ask('elsewhere', 'CREATE DATABASE elsewhere')
$db.select_db('elsewhere')
ask('elsewhere', 'SELECT DATABASE()')
ask('elsewhere', 'CREATE TABLE items (word VARCHAR(20))')
ask('elsewhere', 'INSERT INTO items VALUES (?)', 'anders')
ask('elsewhere', 'SELECT * FROM items')
$db.select_db('test')
ask('back', 'SELECT DATABASE(), COUNT(*) FROM items')
fails('unknown schema') { $db.select_db('nosuchschema') }
ask('elsewhere', 'DROP DATABASE elsewhere')

say('ping', $db.ping)
again = connect
again.query('DELETE FROM items WHERE n = 0')
rows('reconnected', again.query('SELECT COUNT(*) FROM items'))
again.close

ask('large', 'CREATE TABLE numbers (i INT PRIMARY KEY, t VARCHAR(60))')
ask('large', "INSERT INTO numbers VALUES (0, ''), (1, ''), (2, ''), (3, ''), (4, '')")
size = 5
while size < 20_000
  ask('doubled', "INSERT INTO numbers SELECT i + ?, REPEAT('x', i % 40) FROM numbers", size)
  size *= 2
end
[{}, { stream: true, cache_rows: false }].each do |options|
  sum = Digest::MD5.new
  count = 0
  $db.query('SELECT i, t FROM numbers ORDER BY i', as: :array, **options).each do |i, t|
    sum << "#{i} #{t}\n"
    count += 1
  end
  say('large', "#{count} rows #{sum.hexdigest}")
end
# One in flight while the program does something else.
$db.query('SELECT COUNT(*) FROM numbers', async: true)
rows('later', $db.async_result)
$db.close

fails('wrong password') { connect(password: 'wrong') }
fails('unknown user') { connect(username: 'nobody') }
fails('unknown schema') { connect(database: 'nosuchschema') }
