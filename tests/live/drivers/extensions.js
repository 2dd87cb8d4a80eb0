// Node's mariadb: batches (executions in bulk), and commands sent before the ones before them are
// answered. `extensions.js HOST PORT USER PASSWORD`; see extensions.c.
'use strict';
const mariadb = require('mariadb');

const [host, port, user, password] = process.argv.slice(2);
const say = (label, value) => console.log(`${label}: ${JSON.stringify(value, plain)}`);
const plain = (_, value) => (typeof value === 'bigint' ? Number(value) : value);

async function attempt(label, work) {
  try {
    say(label, await work());
  } catch (error) {
    say(label, [error.errno, error.sqlState, error.sqlMessage]);
  }
}

async function batches(db) {
  const insert = 'INSERT INTO batches (number, text, at) VALUES (?, ?, ?)';
  const rows = [];
  for (let i = 0; i < 50; i++) {
    rows.push([i % 7 === 3 ? null : i, `text ${i}`, i % 5 === 1 ? null : '2026-11-21 10:00:00']);
  }
  await attempt('batch', () => db.batch(insert, rows));
  await attempt('last id', () => db.query('SELECT LAST_INSERT_ID() AS id'));
  await attempt('again', () => db.batch(insert, rows.slice(0, 3)));
  await attempt('full result', () => db.batch({ sql: insert, fullResult: true }, rows.slice(0, 3)));
  await attempt('other types', () => db.batch(insert, [[1.5, 7, new Date(0)], ['8', 'x', null]]));
  await attempt('returning', () =>
    db.batch('INSERT INTO batches (number) VALUES (?) RETURNING id, number', [[1], [2]]));
  await attempt('update', () =>
    db.batch('UPDATE batches SET number = ? WHERE id = ?', [[100, 1], [200, 2], [300, 1]]));
  await attempt('duplicate', () =>
    db.batch('INSERT INTO batches (id, text) VALUES (?, ?)', [[5000, 'a'], [5000, 'b']]));
  await attempt('no such column', () =>
    db.batch('INSERT INTO batches (nosuch) VALUES (?)', [[1], [2]]));
  await attempt('delete', () => db.batch('DELETE FROM batches WHERE id = ?', [[3], [4]]));
  await attempt('rows', () =>
    db.query('SELECT COUNT(*) n, SUM(id) a, SUM(number) b, SUM(CRC32(text)) c FROM batches'));

  const text = 'abcdefgh'.repeat(1 << 17);
  const big = Array.from({ length: 20 }, (_, i) => [i, text + i, null]);
  await attempt('big', () => db.batch('INSERT INTO large (number, text, at) VALUES (?, ?, ?)', big));
  await attempt('big rows', () =>
    db.query('SELECT COUNT(*) n, SUM(LENGTH(text)) l, SUM(CRC32(text)) c FROM large'));
}

// All of these are sent before the first answer is read.
async function pipelined(db) {
  const work = [];
  for (let i = 0; i < 20; i++) {
    work.push(db.query('SELECT ? AS n', [i]));
    work.push(db.execute('SELECT ? AS e, n.text FROM batches n WHERE id = ?', [i, i]));
    if (i % 6 === 2) {
      work.push(db.query('SELECT nosuch').catch((error) => error.sqlMessage));
      work.push(db.execute('SELECT nosuch FROM batches WHERE id = ?', [i])
        .catch((error) => error.sqlMessage));
    }
    work.push(db.execute('UPDATE batches SET number = number + 1 WHERE id = ?', [i]));
    work.push(db.query('SELECT number FROM batches WHERE id = ?', [i]));
  }
  (await Promise.all(work)).forEach((result, i) => say(`in turn ${i}`, result));
}

async function main() {
  const db = await mariadb.createConnection({
    host, port, user, password, database: 'test', pipelining: true, timezone: 'Z',
    maxAllowedPacket: 64 << 20,
  });
  const columns = '(id INT AUTO_INCREMENT PRIMARY KEY, number INT, text LONGTEXT, at DATETIME)';
  await db.query(`CREATE OR REPLACE TABLE batches ${columns}`);
  await db.query(`CREATE OR REPLACE TABLE large ${columns}`);
  await db.query('CREATE OR REPLACE TABLE typed (i INET6, u UUID, j JSON, p POINT, n INT)');
  await batches(db);
  await pipelined(db);
  const { meta } = await db.query({ sql: 'SELECT * FROM typed', metaAsArray: true })
    .then(([, columns]) => ({ meta: columns }));
  say('types', meta.map((column) => [column.name(), column.type, column.dataTypeName,
    column.dataTypeFormat]));
  await db.end();
}

main().catch((error) => {
  console.log(`failed: ${error.stack}`);
  process.exit(1);
});
