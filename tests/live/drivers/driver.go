// Go: go-sql-driver/mysql under database/sql. See README.md.
package main

import (
	"bytes"
	"context"
	"crypto/md5"
	"database/sql"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

var ctx = context.Background()

func say(label, format string, args ...interface{}) {
	fmt.Printf(label+": "+format+"\n", args...)
}

func check(err error) {
	if err != nil {
		say("unexpected", "%v", err)
		os.Exit(1)
	}
}

func open(user, password, schema, options string) *sql.DB {
	if os.Getenv("DRIVER_TLS") != "" {
		options += "&tls=skip-verify"
	}
	db, err := sql.Open("mysql", fmt.Sprintf("%s:%s@tcp(%s:%s)/%s?%s",
		user, password, os.Args[1], os.Args[2], schema, options))
	check(err)
	return db
}

func shown(value interface{}) string {
	switch v := value.(type) {
	case nil:
		return "NULL"
	case []byte:
		if len(v) > 100 {
			return fmt.Sprintf("%d bytes %x", len(v), md5.Sum(v))
		}
		return fmt.Sprintf("%q", string(v))
	default:
		return fmt.Sprintf("%T %v", v, v)
	}
}

// Prints all results with all their rows.
func show(label string, rows *sql.Rows, err error) {
	if err != nil {
		fails(label, err)
		return
	}
	defer rows.Close()
	for {
		columns, err := rows.Columns()
		check(err)
		values := make([]interface{}, len(columns))
		places := make([]interface{}, len(columns))
		for i := range values {
			places[i] = &values[i]
		}
		for rows.Next() {
			check(rows.Scan(places...))
			words := []string{}
			for _, v := range values {
				words = append(words, shown(v))
			}
			say(label, "%s", strings.Join(words, " | "))
		}
		if rows.Err() != nil {
			fails(label, rows.Err())
		}
		if !rows.NextResultSet() {
			break
		}
		say(label, "next result")
	}
}

func wrote(label string, result sql.Result, err error) {
	if err != nil {
		fails(label, err)
		return
	}
	affected, err := result.RowsAffected()
	check(err)
	id, err := result.LastInsertId()
	check(err)
	say(label, "affected %d id %d", affected, id)
}

func fails(label string, err error) {
	if e, ok := err.(*mysql.MySQLError); ok {
		say(label, "%d %s", e.Number, e.Message)
	} else {
		say(label, "%T %v", err, err)
	}
}

func main() {
	user, password := os.Args[3], os.Args[4]
	db := open(user, password, "test", "parseTime=true&multiStatements=true")
	// One connection of its own, as state would otherwise depend on what the pool hands out.
	conn, err := db.Conn(ctx)
	check(err)
	ask := func(label, text string, args ...interface{}) {
		rows, err := conn.QueryContext(ctx, text, args...)
		show(label, rows, err)
	}
	do := func(label, text string, args ...interface{}) {
		result, err := conn.ExecContext(ctx, text, args...)
		wrote(label, result, err)
	}

	ask("server", "SELECT VERSION()")
	ask("schema", "SELECT DATABASE()")
	do("drop", "DROP TABLE IF EXISTS items, numbers")
	do("create", "CREATE TABLE items (id INT AUTO_INCREMENT PRIMARY KEY, n BIGINT UNIQUE, "+
		"s VARCHAR(200) CHARACTER SET utf8mb4, d DECIMAL(20,6), f DOUBLE, day DATE, "+
		"at DATETIME(6), b LONGBLOB)")

	do("insert", "INSERT INTO items (n, s) VALUES (?, ?)", 1, "first")
	do("rows", "INSERT INTO items (n, s) VALUES (2, 'two'), (3, 'three'), (4, 'four')")
	for i := 0; i < 10; i++ {
		do("own write", "INSERT INTO items (n, s) VALUES (?, 'own')", 100+i)
		ask("own write", "SELECT MAX(n), COUNT(*) FROM items")
		ask("own write", "SELECT id FROM items WHERE n = ?", 100+i)
	}
	tries, _ := strconv.Atoi(os.Getenv("WHO_TRIES"))
	who := 0
	for i := 0; i <= tries && who == 0; i++ {
		time.Sleep(25 * time.Millisecond)
		check(conn.QueryRowContext(ctx, "SELECT id FROM whoami").Scan(&who))
	}
	say("who", "%d", who)

	prepared(conn)
	ask("text", "SELECT * FROM items WHERE id >= 13 ORDER BY id")
	do("update", "UPDATE items SET s = 'changed' WHERE n IN (?, ?)", 1, 2)
	do("update again", "UPDATE items SET s = 'changed' WHERE n IN (?, ?, ?)", 1, 2, 3)
	transactions(conn, ask)

	do("duplicate", "INSERT INTO items (n) VALUES (1)")
	do("duplicate, prepared", "INSERT INTO items (n) VALUES (?)", 1)
	ask("syntax", "SELEKT 1")
	ask("syntax, prepared", "SELECT FROM WHERE ?", 1)
	ask("unknown table", "SELECT * FROM nowhere")
	ask("unknown table, prepared", "SELECT * FROM nowhere WHERE a = ?", 1)
	ask("lives on", "SELECT 'still here'")

	do("warned write", "INSERT IGNORE INTO items (n) VALUES (1)")
	ask("warned write", "SHOW WARNINGS")
	ask("warned read", "SELECT CAST(? AS SIGNED)", "12abc")
	ask("warned read", "SHOW WARNINGS")

	ask("several", "SELECT 1; SELECT n FROM items WHERE n < 3 ORDER BY n; SELECT 'three'")
	do("several", "INSERT INTO items (n) VALUES (300); INSERT INTO items (n) VALUES (301), (302)")
	do("procedure", "DROP PROCEDURE IF EXISTS two_results")
	do("procedure", "CREATE PROCEDURE two_results(IN a INT) BEGIN "+
		"SELECT a, 'zwei' AS b; SELECT n FROM items WHERE n <= a; END")
	ask("procedure", "CALL two_results(3)")
	ask("procedure, prepared", "CALL two_results(?)", 2)

	do("variable", "SET SESSION sort_buffer_size = 300032")
	ask("variable", "SELECT @@session.sort_buffer_size = 300032")
	do("variable", "SET SESSION time_zone = '+05:00', group_concat_max_len = 10")
	ask("replayed", "SELECT FROM_UNIXTIME(86400), GROUP_CONCAT(n ORDER BY n) FROM items")
	do("user variable", "SET @mine = 'meins'")
	ask("user variable", "SELECT @mine, @other")
	do("elsewhere", "DROP DATABASE IF EXISTS elsewhere")
	do("elsewhere", "CREATE DATABASE elsewhere")
	do("elsewhere", "USE elsewhere")
	ask("elsewhere", "SELECT DATABASE()")
	do("elsewhere", "CREATE TABLE items (word VARCHAR(20))")
	do("elsewhere", "INSERT INTO items VALUES (?)", "anders")
	ask("elsewhere", "SELECT * FROM items")
	do("back", "USE test")
	ask("back", "SELECT DATABASE(), COUNT(*) FROM items")
	do("unknown schema", "USE nosuchschema")
	do("elsewhere", "DROP DATABASE elsewhere")

	check(conn.PingContext(ctx))
	check(db.Ping())
	check(conn.Close())
	pooled(db)
	db.SetMaxOpenConns(1)
	large(db)
	check(db.Close())

	for _, d := range [][3]string{{user, "wrong", "test"}, {"nobody", "x", "test"},
		{user, password, "nosuchschema"}} {
		other := open(d[0], d[1], d[2], "")
		fails("refused", other.Ping())
		other.Close()
	}
}

func prepared(conn *sql.Conn) {
	insert, err := conn.PrepareContext(ctx,
		"INSERT INTO items (n, s, d, f, day, at, b) VALUES (?, ?, ?, ?, ?, ?, ?)")
	check(err)
	read, err := conn.PrepareContext(ctx, "SELECT * FROM items WHERE n <=> ? OR s = ?")
	check(err)
	at := time.Date(2024, 2, 29, 23, 59, 58, 123456000, time.UTC)
	blob := bytes.Repeat([]byte("0123456789abcdef\x00\xff\\'\"\n"), 4655)

	put := func(args ...interface{}) {
		result, err := insert.Exec(args...)
		wrote("prepared", result, err)
	}
	get := func(args ...interface{}) {
		rows, err := read.Query(args...)
		show("prepared", rows, err)
	}
	put(int64(1)<<62, "Grüße 🐬 'quoted' \\ %", "-12345.678901", 1.5, "2024-02-29", at, blob)
	get(int64(1)<<62, "")
	put(-5, "", 0.25, -1e300, at, at, []byte{})
	get("-5", nil)
	put(nil, nil, nil, nil, nil, nil, nil)
	get(-6.5, "Grüße 🐬 'quoted' \\ %")
	get(nil, nil)
	put("77", 12.5, 3, 4, nil, "2024-03-01 00:00:00", "text")
	get(77, true)
	put(77, 12.5, 3, 4, nil, "2024-03-01 00:00:00", "again")
	check(insert.Close())
	get(uint64(77), "first")
	check(read.Close())
}

func transactions(conn *sql.Conn, ask func(string, string, ...interface{})) {
	tx, err := conn.BeginTx(ctx, nil)
	check(err)
	result, err := tx.Exec("INSERT INTO items (n, s) VALUES (?, 'kept')", 200)
	wrote("in transaction", result, err)
	rows, err := tx.Query("SELECT s FROM items WHERE n = ?", 200)
	show("in transaction", rows, err)
	check(tx.Commit())
	tx, err = conn.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
	check(err)
	result, err = tx.Exec("INSERT INTO items (n, s) VALUES (201, 'gone')")
	wrote("in transaction", result, err)
	rows, err = tx.Query("SELECT COUNT(*) FROM items WHERE n > 199 AND n < 300")
	show("in transaction", rows, err)
	check(tx.Rollback())
	ask("after both", "SELECT n FROM items WHERE n > 199 AND n < 300")
	tx, err = conn.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	check(err)
	rows, err = tx.Query("SELECT n FROM items WHERE n = 200")
	show("read only", rows, err)
	_, err = tx.Exec("DELETE FROM items WHERE n = 200")
	fails("read only", err)
	check(tx.Rollback())
}

// Several connections of the pool at once, each with the same statement prepared.
func pooled(db *sql.DB) {
	stmt, err := db.Prepare("SELECT ? + n FROM items WHERE n = ?")
	check(err)
	answers := make(chan int64)
	for i := 0; i < 40; i++ {
		go func(i int) {
			var sum int64
			if err := stmt.QueryRow(i, 1+i%4).Scan(&sum); err != nil {
				fails("pooled", err)
			}
			answers <- sum
		}(i)
	}
	var total int64
	for i := 0; i < 40; i++ {
		total += <-answers
	}
	say("pooled", "%d", total)
	check(stmt.Close())
}

func large(db *sql.DB) {
	_, err := db.Exec("CREATE TABLE numbers (i INT PRIMARY KEY, t VARCHAR(60)); " +
		"INSERT INTO numbers VALUES (0, ''), (1, ''), (2, ''), (3, ''), (4, '')")
	check(err)
	for size := 5; size < 20000; size *= 2 {
		result, err := db.Exec("INSERT INTO numbers SELECT i + ?, REPEAT('x', i % 40) FROM numbers",
			size)
		wrote("doubled", result, err)
	}
	for _, text := range []string{"SELECT i, t FROM numbers ORDER BY i",
		"SELECT i, t FROM numbers WHERE i >= ? ORDER BY i"} {
		args := []interface{}{}
		if strings.Contains(text, "?") {
			args = append(args, 0)
		}
		rows, err := db.Query(text, args...)
		check(err)
		sum, count := md5.New(), 0
		for rows.Next() {
			var i int
			var t string
			check(rows.Scan(&i, &t))
			fmt.Fprintf(sum, "%d %s\n", i, t)
			count++
		}
		check(rows.Err())
		say("large", "%d rows %x", count, sum.Sum(nil))
	}
}
