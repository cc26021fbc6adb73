-- onboard.sql: the steps that confine a database, as rows of the temporary table `step` (ROWS.md §1, which says why).
-- Runs in a transaction as a superuser, with sk.p, sk.col, sk.map, sk.shared, sk.exempt, sk.salt set and standard
-- conforming strings on. It changes nothing: onboard.c shows the steps, or runs them and keeps them in sekisho.step.
select set_config('search_path', 'pg_catalog, pg_temp', true);
-- 0. what is there
create temp table rel on commit drop as
select c.oid, format('%I.%I', n.nspname, c.relname) as name, c.relkind as kind, c.relowner as owner, o.rolsuper or o.rolbypassrls as bypass, c.relacl as acl, c.relrowsecurity as rls, c.relforcerowsecurity as forced, a.attnum as tenant, format_type(a.atttypid, a.atttypmod) as type,
  case when c.relkind in ('r', 'p') and format('%I.%I', n.nspname, c.relname) = any (string_to_array(current_setting('sk.shared'), ',')) then 'shared' when c.relkind in ('r', 'p') and a.attnum is not null then 'tenant' else 'closed' end as class,
  null::oid as fk, coalesce(c.reloptions::text ~ 'security_invoker=(true|on|1)', false) as invoker, exists (select from aclexplode(c.relacl) where grantee = 0 and privilege_type = 'SELECT') as public_reads
from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_roles o on o.oid = c.relowner left join pg_attribute a on a.attrelid = c.oid and a.attname = current_setting('sk.col') and not a.attisdropped
where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'sekisho') and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e');
-- tables without the column, reached by a not-null foreign key from a confined one, as deep as it goes
do $$begin loop update rel r set class = 'child', fk = f.oid from pg_constraint f, rel q where r.class = 'closed' and r.kind in ('r', 'p') and f.contype = 'f' and f.conrelid = r.oid and f.confrelid = q.oid and q.class in ('tenant', 'child')
    and not exists (select from unnest(f.conkey) k join pg_attribute a on a.attrelid = r.oid and a.attnum = k where not a.attnotnull) and f.oid = (select min(g.oid) from pg_constraint g join rel p on p.oid = g.confrelid where g.contype = 'f' and g.conrelid = r.oid and p.class in ('tenant', 'child')
      and not exists (select from unnest(g.conkey) k join pg_attribute a on a.attrelid = r.oid and a.attnum = k where not a.attnotnull)); exit when not found; end loop; end$$;
-- which relations a view reads; a view is open to the group if everything it reads is, or its own owner is confined
create temp table reads on commit drop as select distinct w.ev_class as view, d.refobjid as rel from pg_rewrite w join pg_depend d on d.classid = 'pg_rewrite'::regclass
  and d.objid = w.oid and d.refclassid = 'pg_class'::regclass and d.refobjid <> w.ev_class join rel v on v.oid = w.ev_class and v.kind = 'v';
create function pg_temp.public_all(v oid) returns bool language sql as $$select bool_and(coalesce(r.public_reads, false)) from reads x left join rel r on r.oid = x.rel where x.view = v$$;
update rel v set class = case when v.invoker then 'invoker' when v.public_reads and pg_temp.public_all(v.oid) then 'to invoker' when not bypass then 'definer' else 'closed' end where kind = 'v';
-- columns that must not be chosen: unique keys (of the table or of what lies below it) without the tenant, foreign keys to closed tables
create temp table keycol on commit drop as
with recursive tree(top, oid) as (select oid, oid from rel where class in ('tenant', 'child') union select t.top, i.inhrelid from tree t join pg_inherits i on i.inhparent = t.oid),
ix as (select t.top, t.oid, i.indexrelid, array(select k from unnest(i.indkey::int2[]) k where k > 0 union select d.refobjsubid::int2 from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = i.indexrelid and d.refobjid = t.oid and d.refobjsubid > 0) as cols, i.indkey::int2[] as plain
  from tree t join pg_index i on i.indrelid = t.oid where i.indisunique or i.indisexclusion),
bad as (select ix.top, ix.oid, unnest(ix.cols) as col from ix join rel r on r.oid = ix.top left join pg_constraint f on f.oid = r.fk where not (r.class = 'tenant' and exists (select from pg_attribute a where a.attrelid = ix.oid and a.attname = current_setting('sk.col') and a.attnum = any (ix.plain)))
    and not (r.class = 'child' and ix.oid = ix.top and f.conkey <@ ix.plain))
select distinct b.top as oid, a.attname from bad b join pg_attribute a on a.attrelid = b.oid and a.attnum = b.col
union select r.oid, a.attname from rel r join pg_constraint f on f.contype = 'f' and f.conrelid = r.oid join rel q on q.oid = f.confrelid and q.class = 'closed' join pg_attribute a on a.attrelid = r.oid and a.attnum = any (f.conkey) where r.class in ('tenant', 'child');
-- an ACL as it was, in its order: revoked from all it names, granted again one by one
create function pg_temp.acl_back(what text, kind "char", owner oid, acl aclitem[]) returns text language sql as $$ select format('revoke all on %s from %s; %s', what, string_agg(distinct who, ', '), string_agg(format('%sgrant %s on %s to %s%s;%s',
      case when grantor <> owner then format('set local role %s; ', grantor::regrole) else '' end, privilege_type, what, who, case when is_grantable then ' with grant option' else '' end, case when grantor <> owner then ' reset role;' else '' end), ' ' order by ord))
  from (select x.*, case when grantee = 0 then 'public' else grantee::regrole::text end as who, row_number() over () as ord from aclexplode(coalesce(acl, acldefault(kind, owner))) x) e$$;
create function pg_temp.sk(what text) returns text language sql as $$select current_setting('sk.p') || '_' || what$$;

-- 1. roles, schema, lookup
insert into step (class, apply, undo) select 'role', format('create role %I nologin', pg_temp.sk(r)), format('drop owned by %1$I; drop role %1$I', pg_temp.sk(r)) from unnest('{keep,sub,app,rest}'::text[]) r;
insert into step (class, apply, undo) select 'role', format('grant %I to %I', pg_temp.sk('rest'), x), null from unnest(string_to_array(current_setting('sk.exempt'), ',')) x where x <> '';
insert into step (class, apply, undo) values
('schema', format('create schema sekisho authorization %I', pg_temp.sk('keep')), 'drop schema sekisho cascade'),
('schema', format('set local role %I', pg_temp.sk('keep')), null),
('schema', $$create table sekisho.login (name name primary key, kind text not null check (kind in ('subscriber', 'application', 'exempt')), tenant text, ipad bytea, opad bytea)$$, null),
('schema', 'create table sekisho.step (n int primary key, class text not null, apply text not null, undo text)', null),
('lookup', $f$create function sekisho.subscriber() returns text language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
declare l record; b text; v text;
begin select kind, tenant, ipad, opad into l from sekisho.login where name = session_user; if l.kind = 'subscriber' then return l.tenant; end if; if l.kind is distinct from 'application' then return null; end if; b := current_setting('sekisho.binding', true);
  if coalesce(b, '') = '' then raise insufficient_privilege using message = 'no subscriber is named in this transaction'; end if; v := substr(b, 65);
  if encode(sha256(l.opad || sha256(l.ipad || convert_to(v, 'UTF8') || '\x00' || int4send(pg_backend_pid()) || timestamptz_send(transaction_timestamp()))), 'hex') is distinct from left(b, 64) then raise insufficient_privilege using message = 'the binding is not of this transaction'; end if;
  return split_part(v, E'\x1f', 1); end$$$f$, null),
('lookup', $f$create function sekisho.exempt() returns bool language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
begin return exists (select from sekisho.login where name = session_user and kind = 'exempt') or exists (select from pg_roles where rolname = session_user and (rolsuper or rolbypassrls)); end$$$f$, null),
('schema', 'reset role', null);
insert into step (class, apply, undo)   -- who works in this database today goes on unconfined until it is moved to a lane
select 'exempt', format('insert into sekisho.login (name, kind) values (%L, ''exempt'')', x), null from unnest(string_to_array(current_setting('sk.exempt'), ',')) x where x <> '';
-- 2. row policies
insert into step (class, apply, undo) select 'rows', s.apply, s.undo from (select * from rel where class in ('tenant', 'child')) r left join pg_constraint f on f.oid = r.fk left join rel q on q.oid = f.confrelid
cross join lateral (select case r.class when 'tenant' then format('%I = (select sekisho.subscriber()%s)', current_setting('sk.col'), case when r.type = 'text' then '' else '::' || r.type end)
  else (select format('exists (select from %s k where %s)', q.name, string_agg(format('k.%I = %s.%I', b.attname, r.name, a.attname), ' and ')) from unnest(f.conkey, f.confkey) x(c, p)
     join pg_attribute a on a.attrelid = r.oid and a.attnum = x.c join pg_attribute b on b.attrelid = q.oid and b.attnum = x.p) end as expr) e cross join lateral (values
  (1, format('alter table %s enable row level security', r.name), case when not r.rls then format('alter table %s disable row level security', r.name) end, not r.rls),
  (2, format('alter table %s force row level security', r.name), format('alter table %s no force row level security', r.name), not r.forced),
  (3, format('create policy sekisho_open on %s%s using (true)', r.name, case when r.rls then ' to ' || r.owner::regrole::text else '' end), format('drop policy sekisho_open on %s', r.name), not r.forced),
  (4, format('create policy sekisho_all on %s as restrictive using (%s%s)', r.name, e.expr, case when current_setting('sk.exempt') <> '' then ' or (select sekisho.exempt())' else '' end), format('drop policy sekisho_all on %s', r.name), true),
  (5, format('create policy sekisho_one on %s as restrictive to %I, %I using (%s)', r.name, pg_temp.sk('sub'), pg_temp.sk('app'), e.expr), format('drop policy sekisho_one on %s', r.name), current_setting('sk.exempt') <> '')
) s(i, apply, undo, wanted) where s.wanted order by r.class desc, r.name, s.i;
insert into step (class, apply, undo)   -- a foreign key must not tell whether somebody else's row exists; a function, because a policy that reads its own table is 42P17
select 'foreign key', format('create function sekisho.fk_%1$s(%2$s) returns bool language plpgsql stable set search_path = pg_catalog, pg_temp as $$begin return (%3$s) is null or exists (select from %4$s k where %5$s); end$$; '
    'create policy sekisho_fk_%1$s on %6$s as restrictive using (true) with check (sekisho.fk_%1$s(%7$s)%8$s)', f.oid, string_agg(format_type(a.atttypid, a.atttypmod), ', ' order by x.i), string_agg(format('$%s::text', x.i), ' || ' order by x.i), q.name,
    string_agg(format('k.%I = $%s', b.attname, x.i), ' and ' order by x.i), r.name, string_agg(quote_ident(a.attname), ', ' order by x.i), case when current_setting('sk.exempt') <> '' then ' or (select sekisho.exempt())' else '' end), format('drop policy sekisho_fk_%s on %s', f.oid, r.name)
from rel r join pg_constraint f on f.contype = 'f' and f.conrelid = r.oid and f.oid is distinct from r.fk join rel q on q.oid = f.confrelid and q.class in ('tenant', 'child')
cross join lateral unnest(f.conkey, f.confkey) with ordinality x(c, p, i) join pg_attribute a on a.attrelid = r.oid and a.attnum = x.c join pg_attribute b on b.attrelid = q.oid and b.attnum = x.p where r.class in ('tenant', 'child') group by r.name, r.oid, f.oid, q.name
having not bool_or(a.attname = current_setting('sk.col') and b.attname = current_setting('sk.col')) order by 2;
-- 3. PUBLIC has nothing; what it had goes to the logins of today
insert into step (class, apply, undo) select 'public', format('revoke all on %s from public%s', what, coalesce((select string_agg(format('; grant %s on %s to %I', privilege_type, what, pg_temp.sk('rest')), '') from aclexplode(acl) where grantee = 0), '')), pg_temp.acl_back(what, kind, owner, was)
from (select case when kind = 'S' then 'sequence ' else 'table ' end || name as what, case when kind = 'S' then 's' else 'r' end::"char" as kind, owner, acl, acl as was from rel
  union all select format('schema %I', nspname), 'n', nspowner, nspacl, nspacl from pg_namespace where nspname !~ '^pg_' and nspname not in ('information_schema', 'sekisho')
  union all select format('database %I', datname), 'd', datdba, coalesce(datacl, acldefault('d', datdba)), datacl from pg_database where datname = current_database()
  union all select 'function ' || p.oid::regprocedure, 'f', proowner, coalesce(proacl, acldefault('f', proowner)), proacl from pg_proc p join pg_namespace n on n.oid = pronamespace join pg_roles o on o.oid = proowner
    join pg_language l on l.oid = prolang where nspname !~ '^pg_' and nspname not in ('information_schema', 'sekisho') and prokind <> 'a' and prosecdef and (o.rolsuper or o.rolbypassrls or l.lanname not in ('sql', 'plpgsql') or prosrc ~* '\mexecute\M')
  union all select 'function ' || p.oid::regprocedure, 'f', proowner, coalesce(proacl, acldefault('f', proowner)), proacl from pg_proc p where pronamespace = 'pg_catalog'::regnamespace and (
      proname ~ '^(lo_|loread$|lowrite$|pg_(try_)?advisory|pg_stat_get_(activity|backend_|progress|wal_senders|wal_receiver)|(cursor|database|query|schema|table)_to_xml)'
      or proname = any ('{pg_notify,pg_cancel_backend,pg_terminate_backend,pg_logical_emit_message,pg_export_snapshot,pg_lock_status,pg_prepared_xact,pg_prepared_statement,ts_stat}') or p.oid = 'ts_rewrite(tsquery,text)'::regprocedure)
  union all select format('language %I', lanname), 'l', lanowner, coalesce(lanacl, acldefault('l', lanowner)), lanacl from pg_language where lanpltrusted and laninline <> 0
  union all select 'table ' || c.oid::regclass, 'r', relowner, relacl, relacl from pg_class c where relnamespace = 'pg_catalog'::regnamespace and relkind in ('v', 'r')
      and relname ~ '^pg_(stat_activity|stat_ssl|stat_gssapi|stat_replication|stat_wal_receiver|stat_progress_.*|locks|prepared_xacts|prepared_statements|largeobject_metadata)$'
) x where exists (select from aclexplode(acl) where grantee = 0) order by kind, what;
insert into step (class, apply, undo) select 'default privileges', format('alter default privileges for role %s%s revoke all on %s from public', defaclrole::regrole, case when defaclnamespace <> 0 then format(' in schema %s', defaclnamespace::regnamespace) else '' end,
  case defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'n' then 'schemas' end), (select string_agg(format('alter default privileges for role %s%s grant %s on %s to public%s', defaclrole::regrole,
  case when defaclnamespace <> 0 then format(' in schema %s', defaclnamespace::regnamespace) else '' end, privilege_type, case defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'n' then 'schemas' end,
  case when is_grantable then ' with grant option' else '' end), '; ') from aclexplode(defaclacl) where grantee = 0) from pg_default_acl where defaclobjtype in ('r', 'S', 'n') and exists (select from aclexplode(defaclacl) where grantee = 0);
-- 4. what the lanes may
insert into step (class, apply, undo) select 'grant', format('grant usage on schema %s to %I, %I', n, pg_temp.sk('sub'), pg_temp.sk('app')), null from (select distinct split_part(name, '.', 1) as n from rel where class <> 'closed') x order by 2;
insert into step (class, apply, undo) select 'grant', format('grant connect on database %I to %I, %I', current_database(), pg_temp.sk('sub'), pg_temp.sk('app')), null;
insert into step (class, apply, undo) select 'grant', case when class = 'shared' or kind = 'v' then format('grant select on %s to %I, %I', name, pg_temp.sk('sub'), pg_temp.sk('app'))
  when not exists (select from keycol k where k.oid = rel.oid) then format('grant select, insert, update, delete on %s to %I, %I', name, pg_temp.sk('sub'), pg_temp.sk('app'))
  else format('grant select, insert, update, delete on %1$s to %2$I; grant select, delete on %1$s to %3$I; grant insert (%4$s), update (%4$s) on %1$s to %3$I', name, pg_temp.sk('app'), pg_temp.sk('sub'),
    (select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute a where attrelid = rel.oid and attnum > 0 and not attisdropped and attgenerated = '' and not exists (select from keycol k where k.oid = rel.oid and k.attname = a.attname))) end, null
from rel where class in ('tenant', 'child', 'shared', 'invoker', 'to invoker', 'definer') order by name;
insert into step (class, apply, undo) select distinct 'grant', format('grant usage on sequence %s to %I, %I', s.name, pg_temp.sk('sub'), pg_temp.sk('app')), null from rel s join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = s.oid and d.classid = 'pg_attrdef'::regclass
  join pg_attrdef f on f.oid = d.objid join rel t on t.oid = f.adrelid and t.class in ('tenant', 'child') where s.kind = 'S' order by 2;
insert into step (class, apply, undo) select 'view', format('alter view %s set (security_invoker = true)', name), format('alter view %s reset (security_invoker)', name) from rel where class = 'to invoker' order by name;
-- 5. subscribers
insert into step (class, apply, undo) select 'subscriber', format('create role %1$I login inherit connection limit 20 in role %2$I; insert into sekisho.login values (%1$L, ''subscriber'', %3$L)', name, pg_temp.sk('sub'), tenant), format('drop role %I', name)
from (select split_part(m, '=', 1) as tenant, pg_temp.sk(left(encode(sha256(convert_to(current_setting('sk.salt') || split_part(m, '=', 2), 'UTF8')), 'hex'), 12)) as name from unnest(string_to_array(current_setting('sk.map'), ',')) m) x;
insert into step (class, apply, undo) select 'note', format('-- %s %s', class, name), null from rel where class = 'closed' and kind <> 'S';
insert into step (class, apply, undo) select 'note', format('-- refreshed empty unless by an exempt login: %s', name), null from rel where kind = 'm' and not bypass;
insert into step (class, apply, undo) select 'note', format('-- insert closed: %s.%s is a unique key without the tenant and without a default', r.name, k.attname), null from keycol k join rel r using (oid)
  join pg_attribute a on a.attrelid = k.oid and a.attname = k.attname where not a.atthasdef and a.attidentity = '' and a.attnotnull;
