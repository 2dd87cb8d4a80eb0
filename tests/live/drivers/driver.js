// Node: mysql2, mysql and mariadb; MODE names the package. See README.md.
'use strict';
const crypto = require('crypto');

const [host, port, user, password, mode] = process.argv.slice(2);
const blob = Buffer.from('0123456789abcdef\0\xff\\\'"\n'.repeat(4655), 'latin1');

const say = (label, value) => console.log(`${label}: ${value}`);

// With DRIVER_TLS all of them use TLS, whoever the server is; with DRIVER_COMPRESS compression.
const layers = {
  ...(process.env.DRIVER_TLS ? { ssl: { rejectUnauthorized: false } } : {}),
  ...(process.env.DRIVER_COMPRESS ? { compress: true } : {}),
};

// The three drivers behind one face: query(text, values), execute (prepared on the server), begin…
const drivers = {
  mysql2: async (options) => {
    const db = await require('mysql2/promise').createConnection({
      host, port, user, password, database: 'test', charset: 'utf8mb4', supportBigNumbers: true,
      bigNumberStrings: true, dateStrings: true, multipleStatements: true, ...layers, ...options,
    });
    return {
      query: async (text, values) => (await db.query(text, values))[0],
      execute: async (text, values) => (await db.execute(text, values))[0],
      begin: () => db.beginTransaction(),
      commit: () => db.commit(),
      rollback: () => db.rollback(),
      ping: () => db.ping(),
      changeUser: () => db.changeUser({ user, password, database: 'test' }),
      stream: (text) => db.connection.query(text).stream(),
      end: () => db.end(),
    };
  },
  mysql: (options) => new Promise((resolve, reject) => {
    const db = require('mysql').createConnection({
      host, port, user, password, database: 'test', charset: 'utf8mb4', supportBigNumbers: true,
      bigNumberStrings: true, dateStrings: true, multipleStatements: true, ...layers, ...options,
    });
    const promised = (name) => (...args) => new Promise((done, failed) =>
      db[name](...args, (error, result) => (error ? failed(error) : done(result))));
    db.connect((error) => (error ? reject(error) : resolve({
      query: promised('query'),
      begin: promised('beginTransaction'),
      commit: promised('commit'),
      rollback: promised('rollback'),
      ping: promised('ping'),
      changeUser: () => promised('changeUser')({ user, password, database: 'test' }),
      stream: (text) => db.query(text).stream(),
      end: promised('end'),
    })));
  }),
  mariadb: async (options) => {
    const db = await require('mariadb').createConnection({
      host, port: Number(port), user, password, database: 'test', allowPublicKeyRetrieval: true,
      dateStrings: true, multipleStatements: true, rowsAsArray: false, bigIntAsNumber: false,
      insertIdAsNumber: true, checkDuplicate: false, ...layers, ...options,
    });
    return {
      query: (text, values) => db.query(text, values),
      execute: (text, values) => db.execute(text, values),
      batch: (text, values) => db.batch(text, values),
      begin: () => db.beginTransaction(),
      commit: () => db.commit(),
      rollback: () => db.rollback(),
      ping: () => db.ping(),
      reset: () => db.reset(),
      changeUser: () => db.changeUser({ user, password, database: 'test' }),
      stream: (text) => db.queryStream(text),
      end: () => db.end(),
    };
  },
};

function shown(value) {
  if (Buffer.isBuffer(value)) {
    return value.length > 100
      ? `${value.length} bytes ${crypto.createHash('md5').update(value).digest('hex')}`
      : `bytes ${value.toString('hex')}`;
  }
  return typeof value === 'bigint' ? `${value}n` : JSON.stringify(value);
}

function show(label, result) {
  if (!Array.isArray(result)) {
    say(label, `affected ${result.affectedRows} id ${result.insertId} ` +
      `warnings ${result.warningStatus ?? result.warningCount} ${result.info ?? result.message ?? ''}`);
    return;
  }
  for (const row of result) {
    if (row === undefined || Array.isArray(row) || row.affectedRows !== undefined) {
      show(label, row ?? []); // one of several results
    } else {
      say(label, Object.values(row).map(shown).join(' | '));
    }
  }
}

async function fails(label, action) {
  try {
    await action();
    say(label, 'no error');
  } catch (error) {
    const text = (error.sqlMessage ?? error.message).replace(/conn(=|:)\d+/g, 'conn=N');
    say(label, `${error.errno} ${error.sqlState} ${error.code} ${text}`);
  }
}

async function main() {
  const db = await drivers[mode]({});
  const ask = async (label, text, values) => show(label, await db.query(text, values));
  const run = async (label, text, values) =>
    show(label, await (db.execute ?? db.query)(text, values));

  await ask('server', 'SELECT VERSION()');
  await ask('schema', 'SELECT DATABASE()');
  await ask('drop', 'DROP TABLE IF EXISTS items, numbers');
  await ask('create', `CREATE TABLE items (id INT AUTO_INCREMENT PRIMARY KEY, n BIGINT UNIQUE,
    s VARCHAR(200) CHARACTER SET utf8mb4, d DECIMAL(20,6), f DOUBLE, day DATE, at DATETIME(6),
    b LONGBLOB)`);
  await run('insert', 'INSERT INTO items (n, s) VALUES (?, ?)', [1, 'first']);
  await ask('rows', "INSERT INTO items (n, s) VALUES (2, 'two'), (3, 'three'), (4, 'four')");
  for (let i = 0; i < 10; i++) {
    await run('own write', "INSERT INTO items (n, s) VALUES (?, 'own')", [100 + i]);
    await ask('own write', 'SELECT MAX(n), COUNT(*) FROM items');
    await run('own write', 'SELECT id FROM items WHERE n = ?', [100 + i]);
  }
  let who = 0;
  for (let i = Number(process.env.WHO_TRIES || 1); i > 0 && Number(who) === 0; i--) {
    await new Promise((done) => setTimeout(done, 25));
    who = (await db.query('SELECT id FROM whoami'))[0].id;
  }
  say('who', who);

  const put = (...values) => run('prepared',
    'INSERT INTO items (n, s, d, f, day, at, b) VALUES (?, ?, ?, ?, ?, ?, ?)', values);
  const get = (...values) => run('prepared',
    'SELECT * FROM items WHERE n <=> ? OR s = ? ORDER BY id', values);
  await put('4611686018427387904', "Grüße 🐬 'quoted' \\ %", '-12345.678901', 1.5, '2024-02-29',
    '2024-02-29 23:59:58.123456', blob);
  await get('4611686018427387904', '');
  await put(null, null, null, null, null, null, null);
  await get(null, null);
  await put('77', '12.5', 3, '4.25', null, new Date(2024, 1, 29, 23, 59, 58, 123), Buffer.alloc(0));
  await get(77, 'first');
  await get('77', null);
  await ask('text', 'SELECT * FROM items WHERE id >= 13 ORDER BY id');

  await run('update', "UPDATE items SET s = 'changed' WHERE n IN (?, ?)", [1, 2]);
  await ask('update again', "UPDATE items SET s = 'changed' WHERE n IN (1, 2, 3)");
  if (db.batch) {
    // In one packet at MariaDB, row by row elsewhere: only what both must do.
    await db.batch('INSERT INTO items (id, n, s) VALUES (?, ?, ?)',
      Array.from({ length: 20 }, (_, i) => [500 + i, 500 + i, `batch ${i}`]));
    await ask('batch', 'DELETE FROM items WHERE n >= 500 AND n < 600');
  }

  await db.begin();
  await run('in transaction', "INSERT INTO items (n, s) VALUES (?, 'kept')", [200]);
  await ask('in transaction', 'SELECT s FROM items WHERE n = 200');
  await db.commit();
  await db.begin();
  await ask('in transaction', "INSERT INTO items (n, s) VALUES (201, 'gone')");
  await ask('in transaction', 'SELECT COUNT(*) FROM items WHERE n > 199 AND n < 300');
  await db.rollback();
  await ask('after both', 'SELECT n FROM items WHERE n > 199 AND n < 300');

  await fails('duplicate', () => ask('', 'INSERT INTO items (n) VALUES (1)'));
  await fails('duplicate, prepared', () => run('', 'INSERT INTO items (n) VALUES (?)', [1]));
  await fails('syntax', () => ask('', 'SELEKT 1'));
  await fails('syntax, prepared', () => run('', 'SELECT FROM WHERE ?', [1]));
  await fails('unknown table', () => run('', 'SELECT * FROM nowhere WHERE a = ?', [1]));
  await ask('lives on', "SELECT 'still here'");

  await ask('warned write', 'INSERT IGNORE INTO items (n) VALUES (1)');
  await ask('warned write', 'SHOW WARNINGS');
  await ask('warned read', "SELECT CAST('12abc' AS SIGNED)");
  await ask('warned read', 'SHOW WARNINGS');

  await ask('several', `SELECT 1; INSERT INTO items (n) VALUES (300), (301);
    SELECT n FROM items WHERE n = 301`);
  await fails('several', () => ask('', 'SELECT 1; SELEKT 2; SELECT 3'));
  await ask('procedure', 'DROP PROCEDURE IF EXISTS two_results');
  await ask('procedure', `CREATE PROCEDURE two_results(IN a INT) BEGIN
    SELECT a, 'zwei' AS b; SELECT n FROM items WHERE n <= a; END`);
  await ask('procedure', 'CALL two_results(3)');
  await run('procedure, prepared', 'CALL two_results(?)', [2]);
  // Sent together, answered in order.
  const together = [1, 2, 3, 4, 5].map((i) => db.query('SELECT n + ? AS sum FROM items WHERE n = 1', [i]));
  for (const result of await Promise.all(together)) {
    show('together', result);
  }

  await ask('variable', 'SET SESSION sort_buffer_size = 300032');
  await ask('variable', 'SELECT @@session.sort_buffer_size = 300032');
  await ask('variable', "SET SESSION time_zone = '+05:00', group_concat_max_len = 10");
  await run('replayed', 'SELECT FROM_UNIXTIME(?), GROUP_CONCAT(n ORDER BY n) FROM items', [86400]);
  await ask('user variable', "SET @mine = 'meins'");
  await ask('user variable', 'SELECT @mine, @other');
  await ask('elsewhere', 'DROP DATABASE IF EXISTS elsewhere');
  await ask('elsewhere', 'CREATE DATABASE elsewhere');
  await ask('elsewhere', 'USE elsewhere');
  await ask('elsewhere', 'SELECT DATABASE()');
  await ask('elsewhere', 'CREATE TABLE items (word VARCHAR(20))');
  await run('elsewhere', 'INSERT INTO items VALUES (?)', ['anders']);
  await run('elsewhere', 'SELECT * FROM items WHERE word <> ?', ['']);
  await ask('back', 'USE test');
  await ask('back', 'SELECT DATABASE(), COUNT(*) FROM items');
  await fails('unknown schema', () => ask('', 'USE nosuchschema'));
  await ask('elsewhere', 'DROP DATABASE elsewhere');

  await db.ping();
  if (db.reset) {
    await db.reset();
    await ask('reset', 'SELECT @mine, DATABASE()');
  }
  await ask('user variable', "SET @mine = 'meins'");
  await fails('change user', () => db.changeUser()); // which one of the drivers refuses on MySQL
  await ask('changed user', 'SELECT @mine, DATABASE()');
  const again = await drivers[mode]({});
  await again.query('DELETE FROM items WHERE n = 0');
  show('reconnected', await again.query('SELECT COUNT(*) FROM items'));
  await again.end();

  await ask('large', 'CREATE TABLE numbers (i INT PRIMARY KEY, t VARCHAR(60))');
  await ask('large', "INSERT INTO numbers VALUES (0, ''), (1, ''), (2, ''), (3, ''), (4, '')");
  for (let size = 5; size < 20000; size *= 2) {
    await run('doubled', "INSERT INTO numbers SELECT i + ?, REPEAT('x', i % 40) FROM numbers", [size]);
  }
  const text = 'SELECT i, t FROM numbers ORDER BY i';
  const sum = (rows) => {
    const hash = crypto.createHash('md5');
    rows.forEach((row) => hash.update(`${row.i} ${row.t}\n`));
    return `${rows.length} rows ${hash.digest('hex')}`;
  };
  say('large', sum(await (db.execute ?? db.query)(text)));
  const rows = [];
  await new Promise((done, failed) => db.stream(text).on('data', (row) => rows.push(row))
    .on('end', done).on('error', failed));
  say('large', sum(rows));
  await db.end();

  await fails('wrong password', () => drivers[mode]({ password: 'wrong' }));
  await fails('unknown user', () => drivers[mode]({ user: 'nobody' }));
  await fails('unknown schema', () => drivers[mode]({ database: 'nosuchschema' }));
}

main().then(() => process.exit(0), (error) => {
  console.log(`unexpected: ${error.stack}`);
  process.exit(1);
});
