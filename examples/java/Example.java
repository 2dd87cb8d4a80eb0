import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** Writes a row through Tidemark, reads it back, and says which kind of server answered. */
public class Example {
    static String setting(String name, String otherwise) {
        String value = System.getenv(name);
        return value == null || value.isEmpty() ? otherwise : value;
    }

    static String who(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery("SELECT id FROM whoami")) {
            result.next();
            int number = result.getInt(1);
            return number == 0 ? "primary" : "replica " + number;
        }
    }

    public static void main(String[] args) throws Exception {
        // allowPublicKeyRetrieval: caching_sha2_password over an unencrypted connection.
        String url = "jdbc:mariadb://" + setting("TIDEMARK_HOST", "127.0.0.1") + ":"
                + setting("TIDEMARK_PORT", "6033") + "/" + setting("DB_NAME", "test")
                + "?allowPublicKeyRetrieval=true";
        try (Connection connection = DriverManager.getConnection(
                url, setting("DB_USER", "app"), setting("DB_PASSWORD", "app"))) {
            try (Statement statement = connection.createStatement()) {
                statement.execute("CREATE TABLE IF NOT EXISTS greetings "
                        + "(id INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(80))");
            }
            long row;
            try (PreparedStatement insert = connection.prepareStatement(
                    "INSERT INTO greetings (text) VALUES (?)", Statement.RETURN_GENERATED_KEYS)) {
                insert.setString(1, "hello from Java");
                insert.executeUpdate();
                ResultSet keys = insert.getGeneratedKeys();
                keys.next();
                row = keys.getLong(1);
            }
            try (PreparedStatement read = connection.prepareStatement(
                    "SELECT text FROM greetings WHERE id = ?")) {
                read.setLong(1, row);
                ResultSet result = read.executeQuery();
                result.next();
                System.out.println(
                        "wrote row " + row + ", read back \"" + result.getString(1) + "\"");
            }
            String answered = who(connection);
            System.out.println("right after the write: " + answered);
            for (int tries = 0; answered.equals("primary") && tries < 250; tries++) {
                Thread.sleep(20);
                answered = who(connection);
            }
            System.out.println("a moment later: " + answered);
        }
    }
}
