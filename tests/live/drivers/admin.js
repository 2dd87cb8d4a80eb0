// Node mysql2 on the admin port: query and execute, and the types that arrive. ARGS: port.
'use strict';

const port = process.argv[2];
const say = (label, value) => console.log(`${label}: ${JSON.stringify(value)}`);

(async () => {
  const db = await require('mysql2/promise').createConnection({
    host: '127.0.0.1', port, user: 'admin', password: 'admin', database: 'tidemark',
    multipleStatements: true,
  });
  const query = async (...args) => (await db.query(...args))[0];
  const execute = async (...args) => (await db.execute(...args))[0];

  say('query', await query('SELECT name, weight, lag_ms, 1.5 AS real FROM servers WHERE name = ?', ['db0']));
  say('execute', await execute('SELECT name, weight, lag_ms, 1.5 AS real_number FROM servers WHERE name = ?', ['db0']));
  say('integer', await execute('SELECT ? + 1 AS n, typeof(?) AS t', [41, 41]));
  say('others', await execute('SELECT ? AS s, ? AS n, ? AS r', ['text', null, 2.25]));
  say('date', await execute('SELECT ? AS d', [new Date(Date.UTC(2026, 10, 21, 13, 34, 25))]));
  say('limit', (await execute('SELECT name FROM settings ORDER BY name LIMIT ?', [2])).length);
  say('none', await execute('SELECT name, weight FROM servers WHERE name = ?', ['nosuch']));
  say('show', (await execute('SHOW TABLES')).length > 5);
  say('order', (await execute('HELP'))[0]);
  const statement = await db.prepare('SELECT count(*) AS n FROM settings WHERE name > ?');
  const counts = [];
  for (const name of ['', 'z', '']) counts.push((await statement.execute([name]))[0][0].n);
  say('again', counts[0] > 40 && counts[1] === 0 && counts[2] === counts[0]);
  await statement.close();
  say('several', await query('SELECT 1 AS a; SHOW VARIABLES LIKE "wait_timeout"; SELECT 2 AS b;'));
  await execute('SELECT nosuch FROM servers').catch((error) => say('error', [error.errno, error.sqlState, error.message]));
  await db.ping();
  await db.end();
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
