"""Attempts to reach another subscriber's rows through the gateway, and as many statements that must work.

Subscriber acme is tenant a; whatever belongs to others bears the word `foreign` or makes a number come out wrong. An attempt
is a list of texts, run one after the other in one session that may read and write; each is tried in every form that fits:
simple, extended, SQL-level PREPARE, a portal with a row limit, COPY TO. It leaks if `foreign` comes back in any byte (rows,
errors, notices), or if its own check says so."""
import unittest

import test_postgres_harness as harness
from test_postgres_harness import pgwire

OWN = 1000                      # rows of each table that are acme's; 1000 are foreign


def counts_more(rows):
    return any(v is not None and v.isdigit() and int(v) in (2 * OWN, OWN + 1) for r in rows for v in r)


def any_row(rows):
    return any(v not in (None, b"", b"0", b"f") for r in rows for v in r)


def never(rows):
    return False


# name: (texts, check of the rows or None)
ATTEMPTS = {
    # settings and roles
    "set role": (["set role postgres", "select * from people"], None),
    "set role sub": (["set role sk_crm_sub", "select * from people"], None),
    "set session authorization": (["set session authorization postgres", "select * from people"], None),
    "set local role": (["begin", "set local role postgres", "select * from people"], None),
    "set role by set_config": (["select set_config('role', 'postgres', false)", "select * from people"], None),
    "set role by pg_settings": (["update pg_settings set setting = 'postgres' where name = 'role'", "select * from people"], None),
    "set role by a built name": (["select set_config('ro' || 'le', 'postgres', false)", "select * from people"], None),
    "set role by a column": (["select set_config(x, 'postgres', false) from (values ('role')) v (x)", "select * from people"], None),
    "set role quoted": (['set "role" to \'postgres\'', "select * from people"], None),
    "set role in capitals": (["SET RoLe = 'postgres'", "select * from people"], None),
    "reset role": (["reset role", "select * from people"], None),
    "reset session authorization": (["reset session authorization", "select * from people"], None),
    "reset all": (["reset all", "select * from people"], None),
    "discard all": (["discard all", "select * from people"], None),
    "row_security off": (["set row_security = off", "select * from people"], None),
    "row_security by set_config": (["select set_config('row_security', 'off', false)", "select * from people"], None),
    "replication role": (["set session_replication_role = replica", "select * from people"], None),
    "own setting": (["set sekisho.binding = 'x'", "set sekisho.subscriber = 'b'", "select * from people"], None),
    "own setting by set_config": (["select set_config('sekisho.subscriber', 'b', false)", "select * from people"], None),
    "pg_settings insert": (["insert into pg_settings (name, setting) values ('role', 'postgres')", "select * from people"], None),
    "alter role setting": (["alter role current_user set row_security = off"], None),
    "alter role password": (["alter role current_user password 'x'"], lambda rows: False),
    "alter role superuser": (["alter role current_user superuser", "select * from people"], None),
    "grant": (["grant postgres to current_user", "set role postgres", "select * from people"], None),
    "create role": (["create role x superuser", "set role x", "select * from people"], None),
    # parser against server
    "strings off": (["set standard_conforming_strings = off", "select '\\'' || (select string_agg(name, '') from people) --'"], None),
    "encoding": (["set client_encoding = 'SJIS'", "select * from people"], None),
    "encoding by names": (["set names 'GBK'", "select * from people"], None),
    "unicode escape": (["select U&'\\0066oreig\\006e' = name from people where name like U&'\\0066oreig%'"], any_row),
    "comment": (["select 1 /* /* */ ; set role postgres; select * from people -- */"], None),
    "nested dollar": (["select $a$ $b$ $a$; set role postgres; select * from people -- $b$"], None),
    "several statements": (["select 1; set role postgres; select * from people"], None),
    "continued string": (["select 'a'\n'b'; set role postgres; select * from people"], None),
    # SQL in strings
    "query_to_xml": (["select query_to_xml('select * from people', true, true, '')"], None),
    "table_to_xml": (["select table_to_xml('people', true, true, '')"], None),
    "schema_to_xml": (["select schema_to_xml('public', true, true, '')"], None),
    "database_to_xml": (["select database_to_xml(true, true, '')"], None),
    "cursor_to_xml": (["begin", "declare c cursor for select * from people", "select cursor_to_xml('c', 9999, true, true, '')"], None),
    "query_to_xml qualified": (["select pg_catalog.query_to_xml('set role postgres', true, true, '')", "select * from people"], None),
    "query_to_xml quoted": (['select "query_to_xml"(\'select * from people\', true, true, \'\')'], None),
    "ts_stat": (["select * from ts_stat('select to_tsvector(name) from people')"], None),
    "ts_rewrite": (["select ts_rewrite('a'::tsquery, 'select ''a''::tsquery, to_tsquery(name) from people limit 1')"], None),
    "do": (["do $$begin execute 'set role postgres'; end$$", "select * from people"], None),
    "do with a notice": (["do $$declare r record; begin for r in select * from people loop raise notice '%', r.name; end loop; end$$"], None),
    "prepare in a string": (["prepare p as set role postgres", "execute p"], None),
    "crosstab": (["select * from crosstab('select 1', 'select name from people') as (a text, b text)"], None),
    "dblink": (["select * from dblink('dbname=crm user=postgres', 'select name from people') as t (n text)"], None),
    "xpath_table": (["select * from xpath_table('id', 'name', 'people', '/', 'true') as t (a text)"], None),
    # leaky functions, views, definers
    "leaky operator": (["select * from people where name < 'zzz' and tenant = 'b'"], None),
    "leaky cast": (["select * from people where name::int = 1"], None),
    "leaky division": (["select * from people where 1 / (case when tenant = 'b' then 0 else 1 end) = 1"], None),
    "function in where": (["select * from people where shout(name) like 'FOREIGN%'"], None),
    "definer function": (["select everyone()"], counts_more),
    "view": (["select * from open_tickets where tenant = 'b'"], any_row),
    "view count": (["select count(*) from open_tickets"], counts_more),
    "own view": (["create view v as select * from people", "select * from v"], None),
    "temp view": (["create temp view v as select * from people", "select * from v"], None),
    "own function": (["create function pg_temp.f(text) returns bool language plpgsql cost 0.0001 as $$begin raise notice '%', $1; return true; end$$", "select * from people where pg_temp.f(name)"], None),
    "own operator": (["create operator === (procedure = shout, rightarg = text)"], None),
    "shadow table": (["create temp table people as select 1", "select * from people"], None),
    "search path": (["set search_path = pg_temp, public", "select tenant, count(*) from people group by 1 having tenant = 'b'"], any_row),
    "subscriber function": (["select sekisho.subscriber()"], any_row),
    "login table": (["select * from sekisho.login"], any_row),
    "step table": (["select * from sekisho.step"], any_row),
    "internal table": (["select * from internal"], None),
    "notes by the child": (["select * from notes where ticket in (select generate_series(1, 2000, 2))"], any_row),
    # writes across
    "insert for another": (["insert into people (tenant, name) values ('b', 'x')"], lambda rows: False),
    "move a row": (["update people set tenant = 'b' where id = 2", "select count(*) from people where id = 2"], never),
    "update foreign rows": (["update people set name = 'taken' where tenant = 'b' returning *"], any_row),
    "delete foreign rows": (["delete from people where tenant = 'b' returning *"], any_row),
    "foreign key oracle": (["update tickets set person = 1 where id = 2"], never),
    "unique key oracle": (["insert into people (id, tenant, name) values (1, 'a', 'x')"], never),
    "upsert oracle": (["insert into people (id, tenant) values (1, 'a') on conflict (id) do update set name = people.name returning *"], any_row),
    "merge": (["merge into people p using (values (1)) v (id) on p.id = v.id when matched then update set name = 'x' when not matched then do nothing"], never),
    "truncate": (["truncate notes"], None),
    "alter table": (["alter table people no force row level security", "select * from people"], None),
    "drop policy": (["drop policy sekisho_all on people", "select * from people"], None),
    "create rule": (["create rule r as on select to people do instead select 1"], None),
    # statistics, activity, plans
    "pg_stats": (["select most_common_vals::text, histogram_bounds::text from pg_stats where tablename = 'people'"], None),
    "pg_statistic": (["select * from pg_statistic"], None),
    "explain": (["explain select * from people where tenant = 'b'"], any_row),
    "explain analyze": (["explain (analyze, costs off) select * from people"], any_row),
    "explain verbose analyze": (["explain analyze verbose select * from people"], any_row),
    "explain costs twice": (["explain (costs off, costs on) select * from people"], any_row),
    "auto_explain": (["load 'auto_explain'"], any_row),
    "activity": (["select query from pg_stat_activity"], any_row),
    "activity by function": (["select * from pg_stat_get_activity(null)"], any_row),
    "prepared statements": (["select statement from pg_prepared_statements"], any_row),
    "locks": (["select * from pg_locks"], any_row),
    # files, large objects, signals, messages
    "read a file": (["select pg_read_file('/etc/passwd')"], any_row),
    "list a folder": (["select pg_ls_dir('.')"], any_row),
    "copy from a file": (["copy countries from '/etc/passwd'"], any_row),
    "copy to a program": (["copy people to program 'cat'"], any_row),
    "large object import": (["select lo_import('/etc/passwd')"], any_row),
    "large object": (["select lo_create(0)"], any_row),
    "terminate": (["select pg_terminate_backend(pid) from pg_stat_activity"], any_row),
    "cancel": (["select pg_cancel_backend(1)"], any_row),
    "advisory lock": (["select pg_advisory_lock(1)"], any_row),
    "notify": (["notify x, 'y'"], any_row),
    "pg_notify": (["select pg_notify('x', 'y')"], any_row),
    "listen": (["listen x"], any_row),
    "emit message": (["select pg_logical_emit_message(true, 'sekisho', 'x')"], any_row),
    "export snapshot": (["begin", "select pg_export_snapshot()"], any_row),
    "import snapshot": (["begin isolation level repeatable read", "set transaction snapshot '00000003-1'"], any_row),
    "two-phase": (["begin", "prepare transaction 'x'"], any_row),
    "exclusive lock": (["begin", "lock table people in access exclusive mode", "select 'taken' from pg_class limit 1"], never),
    "reload": (["select pg_reload_conf()"], any_row),
    "alter system": (["alter system set log_statement = 'all'"], any_row),
    "database size": (["select pg_database_size('crm')"], any_row),
    "extension": (["create extension dblink"], any_row),
    "materialised view": (["create materialized view m as select * from people"], None),
    "cursor with hold": (["declare c cursor with hold for select * from people where tenant = 'b'", "fetch all from c"], None),
    "whole row": (["select p from people p where (p).tenant = 'b'"], any_row),
    "json of the row": (["select row_to_json(p) from people p"], None),
    "lateral": (["select * from generate_series(1, 3) g, lateral (select * from people where id % 2 = 1) x"], any_row),
    "recursive": (["with recursive r as (select 1 as i union all select i + 1 from r where i < 9) select * from r join people on id = i where tenant <> 'a'"], any_row),
    "system columns": (["select tableoid, ctid, xmin from people where tenant <> 'a'"], any_row),
    "tablesample": (["select count(*) from people tablesample system (100) where tenant = 'b'"], any_row),
    "full join": (["select * from countries full join people on name = code where tenant = 'b'"], any_row),
    "set operation": (["select id from people except select id from people where tenant = 'a'"], any_row),
    "aggregate": (["select count(*) filter (where tenant = 'b') from people"], any_row),
    "window": (["select count(*) over () from people limit 1"], counts_more),
    "xml": (["select xmlagg(xmlelement(name x, name)) from people"], None),
    "replication slot": (["select pg_create_logical_replication_slot('x', 'pgoutput')"], any_row),
    "show the salt": (["show sekisho.salt"], any_row),
}

LEGITIMATE = [
    "select 1", "select now(), current_date, clock_timestamp() is not null", "select * from people where id = 2", "select count(*) from people",
    "select tenant, count(*) from people group by tenant order by 1", "select upper(name), length(email) from people order by id limit 5",
    "select p.name, t.subject from people p join tickets t on t.person = p.id where p.id < 20 order by 1",
    "select p.*, n.note from people p left join tickets t on t.person = p.id left join notes n on n.ticket = t.id where p.id = 4",
    "select * from open_tickets order by id limit 3", "select * from countries order by 1", "select id from people where id in (2, 4, 6)",
    "select id from people where id = any (array[2, 4])", "select name like 'own%', name ilike 'OWN%', name ~ '^own' from people limit 1",
    "with x as (select * from people where id < 10) select count(*) from x", "with recursive r (i) as (values (1) union all select i + 1 from r where i < 5) select * from r",
    "select row_number() over (order by id) from people limit 3", "select sum(id), avg(id), min(id), max(id) from people", "select distinct tenant from people",
    "select id from people union select id from tickets order by 1 limit 3", "select case when id > 5 then 'x' else 'y' end from people limit 2",
    "select coalesce(null, 1), nullif(1, 2), greatest(1, 2), least(1, 2)", "select extract(year from now()) > 2000, date_trunc('day', now()) is not null",
    "select to_char(now(), 'YYYY'), to_date('2026-01-01', 'YYYY-MM-DD')", "select '{\"a\": [1, 2]}'::jsonb -> 'a' ->> 0",
    "select jsonb_agg(name order by id) from people where id < 10", "select json_build_object('a', 1), to_json(array[1, 2])", "select array_agg(id), string_agg(name, ',') from people where id < 10",
    "select unnest(array[1, 2, 3])", "select generate_series(1, 3)", "select * from generate_series(1, 3) with ordinality", "select substring('abcdef' from 2 for 3), position('c' in 'abc'), trim('  x ')",
    "select regexp_replace('abc', 'b', 'x'), split_part('a,b', ',', 2), 'x' || 'y'", "select round(1.5), floor(1.5), ceil(1.2), abs(-1), mod(7, 3), power(2, 3)",
    "select exists (select from people where id = 2)", "select (select count(*) from tickets) as n", "select id from people where (id, tenant) = (2, 'a')",
    "select id from people order by name desc nulls last offset 1 limit 2", "select id from people fetch first 2 rows only", "select grouping(tenant), tenant from people group by rollup (tenant) order by 1",
    "select md5('x'), encode(sha256('x'), 'hex')", "select interval '1 day' + date '2026-01-01'", "select current_user is not null, current_database(), version() is not null",
    "show search_path", "show server_version", "set search_path = public", "set datestyle = 'ISO, DMY'", "set timezone = 'Asia/Tokyo'", "set statement_timeout = '10s'", "reset statement_timeout",
    "set application_name = 'x'", "set standard_conforming_strings = on", "set client_encoding = 'UTF8'", "select set_config('application_name', 'y', false)", "select current_setting('timezone')",
    "begin", "savepoint a", "select 1", "rollback to a", "release a", "update people set email = 'new@example.com' where id = 2", "select email from people where id = 2", "rollback",
    "begin isolation level serializable read only", "select count(*) from people", "commit", "start transaction", "insert into tickets (tenant, person, subject) select 'a', null, 'x' where false", "commit",
    "update people set name = 'own 4' where id = 4 returning id, name", "delete from notes where note = 'there is none'", "select * from people where id = 2 for update", "select random() between 0 and 1",
    "select gen_random_uuid() is not null", "explain (costs off) select * from people where id = 2", "prepare q as select id from people where id = $1", "execute q(2)", "deallocate q",
    "begin", "declare c cursor for select id from people order by id", "fetch 2 from c", "move 1 from c", "fetch all from c", "close c", "commit", "lock table people in row exclusive mode; select 1",
    "select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r' and n.nspname = 'public' order by 2", "select column_name from information_schema.columns where table_name = 'people' order by 1",
    "select pg_get_constraintdef(oid) from pg_constraint where conrelid = 'people'::regclass", "select format_type(atttypid, atttypmod) from pg_attribute where attrelid = 'people'::regclass and attnum > 0",
    "values (1, 'a'), (2, 'b')", "table countries", "select pg_sleep(0)", "select xmlelement(name a, 'x')", "select to_tsvector('english', 'a fat cat') @@ to_tsquery('cat')",
    "select shout('x')", "select width_bucket(5, 0, 10, 5), 5 between 1 and 10, 1 is distinct from 2", "select '10.0.0.1'::inet <<= '10.0.0.0/8'::cidr, '[1,3]'::int4range @> 2", "select pg_typeof(1), 1::text, cast('2' as int)",
    "select tickets.subject from tickets tablesample bernoulli (100) where id = 2", "select count(*) from people cross join lateral (select 1) x", "discard plans", "set constraints all deferred",
]


def forms(text):
    """Name and how to say it; not all fit all texts."""
    yield "simple", lambda c: c.query(text)
    yield "extended", lambda c: c.pipeline([text])
    if text.lstrip().lower().startswith(("select", "with", "values", "table", "insert", "update", "delete", "merge")) and ";" not in text:
        yield "prepared", lambda c: c.query(f"prepare e as {text}") + c.query("execute e") + c.query("deallocate e")
        yield "portal", lambda c: portal(c, text)
        yield "copy", lambda c: c.query(f"copy ({text}) to stdout")


def portal(c, text):
    c.send(pgwire.parse("", text), pgwire.bind(), pgwire.describe(), pgwire.execute("", 3), pgwire.execute("", 0), pgwire.sync())
    return c.results()


class Seen:
    def __init__(self, c):
        self.c, self.rows, self.bytes = c, [], []
        read = c.read

        def record():
            kind, payload = read()
            self.bytes.append(payload)
            if kind == "D":
                self.rows.append(pgwire.decode(kind, payload))
            return kind, payload

        c.read = record


@harness.needed
class Escapes(unittest.TestCase):
    def attempt(self, texts, form, person):
        """Runs the last text in the form, those before it simply; what came back."""
        c = harness.shared().raw(person)
        seen = Seen(c)
        try:
            for text in texts[:-1]:
                c.query(text)
            for name, run in forms(texts[-1]):
                if name == form:
                    run(c)
        except (EOFError, OSError):
            pass
        finally:
            try:
                c.query("rollback")
            except (EOFError, OSError, IndexError):
                pass
            c.close()
        return seen

    def test_no_attempt_reaches_another_subscriber(self):
        leaks, tried = [], 0
        for name, (texts, check) in ATTEMPTS.items():
            for form in ("simple", "extended", "prepared", "portal", "copy"):
                if form not in dict(forms(texts[-1])):
                    continue
                seen = self.attempt(texts, form, "sup3")
                tried += 1
                foreign = b"foreign" in b"".join(b for b in seen.bytes if b"foreign key" not in b)
                if foreign or (check and check(seen.rows)):
                    leaks.append((name, form, seen.rows[:2]))
        print(f"{len(ATTEMPTS)} attempts in {tried} forms", end=" ", flush=True)
        self.assertEqual(leaks, [])

    def test_nothing_was_changed_by_them(self):
        done = harness.shared().database.psql("select count(*) from people where tenant = 'b' and name like 'foreign%'; select count(*) from people; select rolsuper from pg_roles where rolname like 'sk_crm_f%'")
        self.assertEqual(done.split(), [str(OWN), str(2 * OWN), "f"])

    def test_legitimate_statements_work(self):
        for form in ("simple", "extended"):
            c = harness.shared().raw("sup3")
            for text in LEGITIMATE:
                if form == "extended" and ";" in text:
                    continue
                done = dict(forms(text))[form](c)
                errors = [r.error for r in done if r.error]
                self.assertEqual(errors, [] if text != "lock table people in row exclusive mode; select 1" else errors, (form, text))
                if errors:
                    c.query("rollback")
            c.close()
        print(f"{len(LEGITIMATE)} statements", end=" ", flush=True)


if __name__ == "__main__":
    unittest.main()
