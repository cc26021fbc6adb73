"""python.py psycopg2|psycopg: README.md"""
import importlib
import sys
import threading
import time

driver = importlib.import_module(sys.argv[1])


def check(name, work):
    try:
        work()
        print(f"{name}\tok", flush=True)
    except Exception as e:      # noqa: BLE001
        print(f"{name}\t{str(e).splitlines()[0] if str(e) else repr(e)}", flush=True)


def equal(a, b):
    if a != b:
        raise AssertionError(f"{a!r} is not {b!r}")


c = driver.connect("")
state = lambda e: getattr(e, "sqlstate", None) or getattr(e, "pgcode", None)


def one(text, *values, **how):
    with c.cursor() as k:
        k.execute(text, values or None, **how)
        return k.fetchall()


def types():
    row = one("select %s::bytea, %s::int[], %s::numeric, null, '関所', %s::timestamptz", b"\0\1\xff", [1, 2], __import__("decimal").Decimal("1.50"), "2026-01-02 03:04:05+00")[0]
    equal([bytes(row[0]), row[1], str(row[2]), row[3], row[4]], [b"\0\1\xff", [1, 2], "1.50", None, "関所"])


def error():
    try:
        one("select 1/0")
    except driver.Error as e:
        equal(state(e), "22012")
    c.rollback()
    equal(one("select 1"), [(1,)])
    c.rollback()


def write_rollback():
    equal(one("insert into scratch (tenant, id, t) values ('a', 1, %s) returning t", "x"), [("x",)])
    c.rollback()
    equal(one("select count(*) from scratch where id = 1"), [(0,)])
    c.rollback()


def write_commit():
    with c.cursor() as k:
        k.executemany("insert into scratch (tenant, id, t) values ('a', %s, 'many')", [(n,) for n in range(200, 250)])
        c.commit()
        k.execute("delete from scratch where t = 'many'")
        equal(k.rowcount, 50)
    c.commit()


def server_side_cursor():
    with c.cursor(name="named") as k:
        k.itersize = 100
        k.execute("select id from people order by id")
        equal(len(list(k)), 1000)
    c.commit()


def copy_out():
    if sys.argv[1] == "psycopg2":
        import io
        out = io.StringIO()
        with c.cursor() as k:
            k.copy_expert("copy (select id from people) to stdout", out)
        equal(len(out.getvalue().splitlines()), 1000)
    else:
        with c.cursor() as k, k.copy("copy (select id from people) to stdout") as copy:
            equal(len(list(copy.rows())), 1000)
    c.commit()


def cancel():
    threading.Thread(target=lambda: (time.sleep(0.3), c.cancel())).start()
    try:
        one("select pg_sleep(20)")
        raise AssertionError("not cancelled")
    except driver.Error as e:
        equal(state(e), "57014")
    c.rollback()


def prepared():
    for _ in range(3):
        equal(one("select name from people where id = %s", 2, prepare=True), [("own 2",)])
    c.commit()


def pipeline():
    with c.pipeline(), c.cursor() as k:
        for n in range(100):
            k.execute("select %s::int", (n,))
        equal(k.fetchone(), (0,))
    c.commit()


check("connect", lambda: None)
check("simple query", lambda: (equal(one("select count(*) from people"), [(1000,)]), c.commit()))
check("parameters", lambda: (equal(one("select name from people where id = %s", 2), [("own 2",)]), c.commit()))
check("types", types)
check("error, then on", error)
check("write and rollback", write_rollback)
check("write and commit", write_commit)
check("10,000 rows", lambda: (equal(len(one("select g from generate_series(1, 10000) g, (select 1 from people limit 1) p")), 10000), c.commit()))
check("server-side cursor", server_side_cursor)
check("COPY out", copy_out)
check("cancel", cancel)
if sys.argv[1] == "psycopg":
    check("prepared, twice", prepared)
    check("pipelined", pipeline)
check("end", c.close)
