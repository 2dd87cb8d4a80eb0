import java.io.ByteArrayInputStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.sql.BatchUpdateException;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Savepoint;
import java.sql.Statement;
import java.sql.Types;
import java.util.Arrays;

/** Java: MariaDB Connector/J; MODE text or prepared (on the server). See README.md. */
public class Driver {
    static String host, port, user, password;
    static boolean prepared;
    static Connection db;

    static void say(String label, Object value) {
        System.out.println(label + ": " + value);
    }

    static Connection open(String user, String password, String schema, String options)
            throws SQLException {
        return DriverManager.getConnection("jdbc:mariadb://" + host + ":" + port + "/" + schema
                + "?allowPublicKeyRetrieval=true&useServerPrepStmts=" + prepared + options
                + (System.getenv("DRIVER_TLS") != null ? "&useSsl=true&trustServerCertificate=true" : "")
                + (System.getenv("DRIVER_COMPRESS") != null ? "&useCompression=true" : ""),
                user, password);
    }

    static String md5(byte[] bytes) throws Exception {
        StringBuilder text = new StringBuilder();
        for (byte b : MessageDigest.getInstance("MD5").digest(bytes)) {
            text.append(String.format("%02x", b));
        }
        return text.toString();
    }

    static String shown(Object value) throws Exception {
        if (value instanceof byte[]) {
            byte[] bytes = (byte[]) value;
            return bytes.length > 100 ? bytes.length + " bytes " + md5(bytes)
                    : Arrays.toString(bytes);
        }
        return String.valueOf(value);
    }

    static void rows(String label, ResultSet result) throws Exception {
        ResultSetMetaData columns = result.getMetaData();
        while (result.next()) {
            StringBuilder line = new StringBuilder();
            for (int i = 1; i <= columns.getColumnCount(); i++) {
                line.append(i > 1 ? " | " : "").append(shown(result.getObject(i)));
            }
            say(label, line);
        }
        result.close();
    }

    static void results(String label, Statement statement, boolean isResult) throws Exception {
        while (true) {
            if (isResult) {
                rows(label, statement.getResultSet());
            } else if (statement.getUpdateCount() < 0) {
                break;
            } else {
                say(label, "affected " + statement.getUpdateCount());
            }
            isResult = statement.getMoreResults();
        }
    }

    static void ask(String label, String text, Object... values) throws Exception {
        if (values.length == 0) {
            try (Statement statement = db.createStatement()) {
                results(label, statement, statement.execute(text));
            }
            return;
        }
        try (PreparedStatement statement =
                db.prepareStatement(text, Statement.RETURN_GENERATED_KEYS)) {
            for (int i = 0; i < values.length; i++) {
                statement.setObject(i + 1, values[i]);
            }
            results(label, statement, statement.execute());
            rows(label + " keys", statement.getGeneratedKeys());
        }
    }

    interface Action {
        void run() throws Exception;
    }

    static void fails(String label, Action action) throws Exception {
        try {
            action.run();
            say(label, "no error");
        } catch (SQLException e) {
            // The driver says on which connection, to which port.
            say(label, e.getErrorCode() + " " + e.getSQLState() + " "
                    + e.getMessage().replaceAll("(conn=|port=)\\d+", "$1N"));
        }
    }

    public static void main(String[] args) throws Exception {
        System.setOut(new java.io.PrintStream(System.out, true, "UTF-8"));
        host = args[0];
        port = args[1];
        user = args[2];
        password = args[3];
        prepared = args.length > 4 && args[4].equals("prepared");
        db = open(user, password, "test", "");

        say("server", db.getMetaData().getDatabaseProductName() + " "
                + db.getMetaData().getDatabaseProductVersion());
        say("schema", db.getCatalog());
        ask("drop", "DROP TABLE IF EXISTS items, numbers");
        ask("create", "CREATE TABLE items (id INT AUTO_INCREMENT PRIMARY KEY, n BIGINT UNIQUE, "
                + "s VARCHAR(200) CHARACTER SET utf8mb4, d DECIMAL(20,6), f DOUBLE, day DATE, "
                + "at DATETIME(6), b LONGBLOB)");
        try (Statement statement = db.createStatement()) {
            say("insert", statement.executeUpdate("INSERT INTO items (n, s) VALUES (1, 'first')",
                    Statement.RETURN_GENERATED_KEYS));
            rows("insert", statement.getGeneratedKeys());
        }
        ask("rows", "INSERT INTO items (n, s) VALUES (2, 'two'), (3, 'three'), (?, 'four')", 4);
        for (int i = 0; i < 10; i++) {
            ask("own write", "INSERT INTO items (n, s) VALUES (?, 'own')", 100 + i);
            ask("own write", "SELECT MAX(n), COUNT(*) FROM items");
            ask("own write", "SELECT id FROM items WHERE n = ?", 100 + i);
        }
        who();
        prepared();
        ask("text", "SELECT * FROM items WHERE id >= 13 ORDER BY id");
        ask("update", "UPDATE items SET s = 'changed' WHERE n IN (?, ?)", 1, 2);
        ask("update again", "UPDATE items SET s = 'changed' WHERE n IN (1, 2, 3)");
        batches();
        transactions();

        fails("duplicate", () -> ask("", "INSERT INTO items (n) VALUES (1)"));
        fails("duplicate, prepared", () -> ask("", "INSERT INTO items (n) VALUES (?)", 1));
        fails("syntax", () -> ask("", "SELEKT 1"));
        fails("syntax, prepared", () -> ask("", "SELECT FROM WHERE ?", 1));
        fails("unknown table", () -> ask("", "SELECT * FROM nowhere WHERE a = ?", 1));
        ask("lives on", "SELECT 'still here'");

        warnings("warned write", "INSERT IGNORE INTO items (n) VALUES (1)");
        warnings("warned read", "SELECT CAST('12abc' AS SIGNED)");

        procedures();
        state();
        say("valid", db.isValid(5));
        try (Connection again = open(user, password, "test", "&useCursorFetch=false")) {
            again.createStatement().execute("DELETE FROM items WHERE n = 0");
            rows("reconnected", again.createStatement().executeQuery("SELECT COUNT(*) FROM items"));
        }
        large();
        db.close();
        fails("wrong password", () -> open(user, "wrong", "test", ""));
        fails("unknown user", () -> open("nobody", "x", "test", ""));
        fails("unknown schema", () -> open(user, password, "nosuchschema", ""));
    }

    static void who() throws Exception {
        String given = System.getenv("WHO_TRIES");
        int tries = given == null ? 1 : Integer.parseInt(given);
        int answered = 0;
        for (int i = 0; i < tries && answered == 0; i++) {
            Thread.sleep(25);
            try (Statement statement = db.createStatement();
                    ResultSet result = statement.executeQuery("SELECT id FROM whoami")) {
                result.next();
                answered = result.getInt(1);
            }
        }
        say("who", answered);
    }

    static void prepared() throws Exception {
        byte[] blob = "0123456789abcdef\0\u00ff\\'\"\n".repeat(4655)
                .getBytes(StandardCharsets.ISO_8859_1);
        PreparedStatement insert = db.prepareStatement(
                "INSERT INTO items (n, s, d, f, day, at, b) VALUES (?, ?, ?, ?, ?, ?, ?)");
        PreparedStatement read = db.prepareStatement(
                "SELECT * FROM items WHERE n <=> ? OR s = ? ORDER BY id");
        insert.setLong(1, 1L << 62);
        insert.setString(2, "Grüße 🐬 'quoted' \\ %");
        insert.setBigDecimal(3, new BigDecimal("-12345.678901"));
        insert.setDouble(4, 1.5);
        // setDate() in a prepared statement is refused by MySQL, with or without a proxy.
        insert.setString(5, "2024-02-29");
        insert.setTimestamp(6, java.sql.Timestamp.valueOf("2024-02-29 23:59:58.123456"));
        insert.setBytes(7, blob);
        say("prepared", insert.executeUpdate());
        read.setLong(1, 1L << 62);
        read.setString(2, "");
        rows("prepared", read.executeQuery());
        for (int i = 1; i <= 7; i++) {
            insert.setNull(i, Types.VARCHAR);
        }
        say("prepared", insert.executeUpdate());
        read.setNull(1, Types.BIGINT);
        read.setNull(2, Types.VARCHAR);
        rows("prepared", read.executeQuery());
        insert.setString(1, "77");
        insert.setDouble(2, 12.5);
        insert.setInt(3, 3);
        insert.setString(4, "4.25");
        insert.setBinaryStream(7, new ByteArrayInputStream(blob));
        say("prepared", insert.executeUpdate());
        read.setString(1, "77");
        read.setString(2, "first");
        rows("prepared", read.executeQuery());
        insert.close();
        read.setInt(1, 2);
        rows("prepared", read.executeQuery());
        read.close();
    }

    static void batches() throws Exception {
        try (PreparedStatement batch = db.prepareStatement(
                "INSERT INTO items (n, s) VALUES (?, ?)", Statement.RETURN_GENERATED_KEYS)) {
            for (int i = 0; i < 20; i++) {
                batch.setInt(1, 500 + i);
                batch.setString(2, "batch " + i);
                batch.addBatch();
            }
            say("batch", Arrays.toString(batch.executeBatch()));
            rows("batch", batch.getGeneratedKeys());
            batch.setInt(1, 520);
            batch.setString(2, "more");
            batch.addBatch();
            batch.setInt(1, 1);
            batch.addBatch();
            fails("batch", () -> batch.executeBatch());
        }
        ask("batch", "DELETE FROM items WHERE n >= 500 AND n < 600");
    }

    static void transactions() throws Exception {
        db.setAutoCommit(false);
        ask("in transaction", "INSERT INTO items (n, s) VALUES (?, 'kept')", 200);
        ask("in transaction", "SELECT s FROM items WHERE n = 200");
        db.commit();
        Savepoint before = db.setSavepoint("before");
        ask("in transaction", "INSERT INTO items (n, s) VALUES (201, 'gone')");
        ask("in transaction", "SELECT COUNT(*) FROM items WHERE n > 199 AND n < 300");
        db.rollback(before);
        ask("in transaction", "SELECT COUNT(*) FROM items WHERE n > 199 AND n < 300");
        db.rollback();
        db.setAutoCommit(true);
        ask("after both", "SELECT n FROM items WHERE n > 199 AND n < 300");
        db.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
        say("isolation", db.getTransactionIsolation());
        db.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
        db.setReadOnly(true);
        ask("read only", "SELECT COUNT(*) FROM items WHERE n = 200");
        db.setReadOnly(false);
    }

    static void warnings(String label, String text) throws Exception {
        try (Statement statement = db.createStatement()) {
            results(label, statement, statement.execute(text));
            for (SQLWarning w = statement.getWarnings(); w != null; w = w.getNextWarning()) {
                say(label, w.getErrorCode() + " " + w.getSQLState() + " " + w.getMessage());
            }
        }
    }

    static void procedures() throws Exception {
        ask("procedure", "DROP PROCEDURE IF EXISTS two_results");
        ask("procedure", "CREATE PROCEDURE two_results(IN a INT, OUT doubled INT) BEGIN "
                + "SELECT a, 'zwei' AS b; SELECT n FROM items WHERE n <= a; SET doubled = 2 * a; END");
        try (CallableStatement call = db.prepareCall("{call two_results(?, ?)}")) {
            call.setInt(1, 3);
            call.registerOutParameter(2, Types.INTEGER);
            results("procedure", call, call.execute());
            say("procedure", call.getInt(2));
        }
        try (Connection several = open(user, password, "test", "&allowMultiQueries=true");
                Statement statement = several.createStatement()) {
            results("several", statement, statement.execute("SELECT 1; INSERT INTO items (n) "
                    + "VALUES (300), (301); SELECT n FROM items WHERE n = 301"));
        }
        ask("procedure", "DROP PROCEDURE two_results");
    }

    static void state() throws Exception {
        ask("variable", "SET SESSION sort_buffer_size = 300032");
        ask("variable", "SELECT @@session.sort_buffer_size = 300032");
        ask("variable", "SET SESSION time_zone = '+05:00', group_concat_max_len = 10");
        ask("replayed", "SELECT FROM_UNIXTIME(?), GROUP_CONCAT(n ORDER BY n) FROM items", 86400);
        ask("user variable", "SET @mine = 'meins'");
        ask("user variable", "SELECT @mine, @other");
        ask("elsewhere", "DROP DATABASE IF EXISTS elsewhere");
        ask("elsewhere", "CREATE DATABASE elsewhere");
        db.setCatalog("elsewhere");
        say("elsewhere", db.getCatalog());
        ask("elsewhere", "CREATE TABLE items (word VARCHAR(20))");
        ask("elsewhere", "INSERT INTO items VALUES (?)", "anders");
        ask("elsewhere", "SELECT * FROM items WHERE word <> ?", "");
        db.setCatalog("test");
        ask("back", "SELECT DATABASE(), COUNT(*) FROM items");
        fails("unknown schema", () -> db.setCatalog("nosuchschema"));
        ask("elsewhere", "DROP DATABASE elsewhere");
    }

    static void large() throws Exception {
        ask("large", "CREATE TABLE numbers (i INT PRIMARY KEY, t VARCHAR(60))");
        ask("large", "INSERT INTO numbers VALUES (0, ''), (1, ''), (2, ''), (3, ''), (4, '')");
        for (int size = 5; size < 20000; size *= 2) {
            ask("doubled", "INSERT INTO numbers SELECT i + ?, REPEAT('x', i % 40) FROM numbers",
                    size);
        }
        for (int fetch : new int[] {0, 100}) {
            try (PreparedStatement statement = db.prepareStatement(
                    "SELECT i, t FROM numbers WHERE i >= ? ORDER BY i")) {
                statement.setFetchSize(fetch);
                statement.setInt(1, 0);
                MessageDigest sum = MessageDigest.getInstance("MD5");
                StringBuilder all = new StringBuilder();
                int count = 0;
                try (ResultSet result = statement.executeQuery()) {
                    while (result.next()) {
                        all.append(result.getInt(1)).append(' ').append(result.getString(2));
                        count++;
                    }
                }
                say("large", count + " rows " + md5(all.toString().getBytes("UTF-8")));
            }
        }
    }
}
