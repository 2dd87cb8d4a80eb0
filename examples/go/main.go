// Writes a row through Tidemark, reads it back, and says which kind of server answered.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"time"

	_ "github.com/go-sql-driver/mysql"
)

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func who(ctx context.Context, conn *sql.Conn) string {
	var number int
	must(conn.QueryRowContext(ctx, "SELECT id FROM whoami").Scan(&number))
	if number == 0 {
		return "primary"
	}
	return fmt.Sprintf("replica %d", number)
}

func main() {
	db, err := sql.Open("mysql", fmt.Sprintf("%s:%s@tcp(%s:%s)/%s",
		setting("DB_USER", "app"), setting("DB_PASSWORD", "app"),
		setting("TIDEMARK_HOST", "127.0.0.1"), setting("TIDEMARK_PORT", "6033"),
		setting("DB_NAME", "test")))
	must(err)
	defer db.Close()

	// "Reads its own writes" is a promise to a session; database/sql spreads statements over
	// several unless one connection is asked for.
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	must(err)
	defer conn.Close()

	_, err = conn.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS greetings "+
		"(id INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(80))")
	must(err)
	result, err := conn.ExecContext(ctx, "INSERT INTO greetings (text) VALUES (?)", "hello from Go")
	must(err)
	row, err := result.LastInsertId()
	must(err)
	var text string
	must(conn.QueryRowContext(ctx, "SELECT text FROM greetings WHERE id = ?", row).Scan(&text))
	fmt.Printf("wrote row %d, read back %q\n", row, text)

	answered := who(ctx, conn)
	fmt.Println("right after the write:", answered)
	for end := time.Now().Add(5 * time.Second); answered == "primary" && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
		answered = who(ctx, conn)
	}
	fmt.Println("a moment later:", answered)
}
