// Writes a row through Tidemark, reads it back, and says which kind of server answered.
const mysql = require('mysql2/promise');

const setting = (name, otherwise) => process.env[name] || otherwise;

async function who(connection) {
  const [[row]] = await connection.query('SELECT id FROM whoami');
  return row.id === 0 ? 'primary' : `replica ${row.id}`;
}

async function main() {
  const connection = await mysql.createConnection({
    host: setting('TIDEMARK_HOST', '127.0.0.1'),
    port: Number(setting('TIDEMARK_PORT', '6033')),
    user: setting('DB_USER', 'app'),
    password: setting('DB_PASSWORD', 'app'),
    database: setting('DB_NAME', 'test'),
  });
  await connection.query(`CREATE TABLE IF NOT EXISTS greetings
                          (id INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(80))`);
  const [written] = await connection.execute('INSERT INTO greetings (text) VALUES (?)', [
    'hello from Node',
  ]);
  const [[read]] = await connection.execute('SELECT text FROM greetings WHERE id = ?', [
    written.insertId,
  ]);
  console.log(`wrote row ${written.insertId}, read back "${read.text}"`);

  let answered = await who(connection);
  console.log(`right after the write: ${answered}`);
  for (const end = Date.now() + 5000; answered === 'primary' && Date.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    answered = await who(connection);
  }
  console.log(`a moment later: ${answered}`);
  await connection.end();
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
