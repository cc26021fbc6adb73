// README.md: lib/pq and pgx through database/sql. The argument is the driver's name.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v4/stdlib"
	_ "github.com/lib/pq"
)

func check(name string, work func() error) {
	if err := work(); err != nil {
		fmt.Printf("%s\t%s\n", name, strings.Split(err.Error(), "\n")[0])
		return
	}
	fmt.Printf("%s\tok\n", name)
}

func equal(a, b interface{}) error {
	if fmt.Sprint(a) != fmt.Sprint(b) {
		return fmt.Errorf("%v is not %v", a, b)
	}
	return nil
}

func first(db *sql.DB, text string, values ...interface{}) (string, error) {
	var s string
	err := db.QueryRow(text, values...).Scan(&s)
	return s, err
}

func is(db *sql.DB, wanted, text string, values ...interface{}) error {
	got, err := first(db, text, values...)
	if err != nil {
		return err
	}
	return equal(got, wanted)
}

func where() string {
	e := os.Getenv
	s := fmt.Sprintf("host=%s port=%s user=%s password=%s dbname=%s", e("PGHOST"), e("PGPORT"), e("PGUSER"), e("PGPASSWORD")+"", e("PGDATABASE"))
	if e("PGPASSWORD") == "" {
		s = strings.Replace(s, "password= ", "", 1)
	}
	if e("PGOPTIONS") != "" {
		s += " options='" + e("PGOPTIONS") + "'"
	}
	if e("PGSSLROOTCERT") != "" {
		return s + " sslmode=verify-ca sslrootcert=" + e("PGSSLROOTCERT")
	}
	return s + " sslmode=disable"
}

func main() {
	for _, name := range []string{"PGSSLMODE", "PGOPTIONS_", "PGCONNECT_TIMEOUT"} {
		os.Unsetenv(name)
	}
	text := where()
	os.Unsetenv("PGOPTIONS")
	db, err := sql.Open(os.Args[1], text)
	if err == nil {
		err = db.Ping()
	}
	check("connect", func() error { return err })
	if err != nil {
		return
	}
	check("simple query", func() error { return is(db, "1000", "select count(*) from people") })
	check("parameters", func() error { return is(db, "own 2", "select name from people where id = $1", 2) })
	check("prepared, twice", func() error {
		s, err := db.Prepare("select id from people where id = $1")
		if err != nil {
			return err
		}
		defer s.Close()
		for i := 2; i < 20; i += 2 {
			var id int
			if err := s.QueryRow(i).Scan(&id); err != nil || id != i {
				return fmt.Errorf("%d is not %d: %v", id, i, err)
			}
		}
		return nil
	})
	check("types", func() error {
		var b []byte
		var z sql.NullString
		var u string
		var t time.Time
		err := db.QueryRow("select $1::bytea, null::text, '関所', '2026-01-02 03:04:05+00'::timestamptz", []byte{0, 1, 255}).Scan(&b, &z, &u, &t)
		if err != nil {
			return err
		}
		return equal(fmt.Sprintf("%v %v %s %d", b, z.Valid, u, t.Unix()), "[0 1 255] false 関所 1767323045")
	})
	check("error, then on", func() error {
		if _, err := first(db, "select 1/0"); err == nil || !strings.Contains(err.Error(), "zero") {
			return fmt.Errorf("no error of a division: %v", err)
		}
		return is(db, "1", "select 1")
	})
	check("write and rollback", func() error {
		t, err := db.Begin()
		if err != nil {
			return err
		}
		if _, err := t.Exec("insert into scratch (tenant, id, t) values ('a', 1, $1)", "x"); err != nil {
			return err
		}
		if err := t.Rollback(); err != nil {
			return err
		}
		return is(db, "0", "select count(*) from scratch where id = 1")
	})
	check("write and commit", func() error {
		if _, err := db.Exec("insert into scratch (tenant, id, t) values ('a', 2, 'x')"); err != nil {
			return err
		}
		r, err := db.Exec("delete from scratch where id = 2")
		if err != nil {
			return err
		}
		n, _ := r.RowsAffected()
		return equal(n, 1)
	})
	check("10,000 rows", func() error {
		rows, err := db.Query("select g from generate_series(1, 10000) g, (select 1 from people limit 1) p")
		if err != nil {
			return err
		}
		defer rows.Close()
		n := 0
		for rows.Next() {
			n++
		}
		return equal(n, 10000)
	})
	check("cancel", func() error {
		ctx, done := context.WithTimeout(context.Background(), 300*time.Millisecond)
		defer done()
		begun := time.Now()
		_, err := db.ExecContext(ctx, "select pg_sleep(20)")
		if err == nil || time.Since(begun) > 5*time.Second {
			return errors.New("not cancelled")
		}
		return is(db, "1", "select 1")
	})
	check("pool of 8", func() error {
		db.SetMaxOpenConns(8)
		failed := make(chan error, 100)
		for i := 0; i < 100; i++ {
			go func(i int) { failed <- is(db, fmt.Sprint(i), "select $1::int", i) }(i)
		}
		for i := 0; i < 100; i++ {
			if err := <-failed; err != nil {
				return err
			}
		}
		return nil
	})
	check("end", db.Close)
}
