-- audit.sql: what is open in a database that was onboarded (ROWS.md §1, Audit): class and text, a row for each finding.
-- With sk.p and sk.col set. Changes nothing.
with relations as (
  select c.oid, format('%I.%I', n.nspname, c.relname) as name, c.relkind as kind, c.relrowsecurity as rls, c.relforcerowsecurity as forced, c.relacl as acl, c.relowner as owner,
    o.rolsuper or o.rolbypassrls as bypass, coalesce(c.reloptions::text ~ 'security_invoker=(true|on|1)', false) as invoker,
    exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = current_setting('sk.col') and not a.attisdropped) as tenant,
    exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'sekisho_all' and not p.polpermissive) as confined
  from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_roles o on o.oid = c.relowner
  where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'sekisho')
    and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
), groups as (
  select oid, rolname from pg_roles where rolname in (current_setting('sk.p') || '_sub', current_setting('sk.p') || '_app')
), lanes as (
  select r.* from pg_roles r where exists (select from pg_auth_members m join groups g on g.oid = m.roleid where m.member = r.oid)
), shared as (
  select regexp_replace(apply, '^grant select on (\S+) to .*$', '\1') as name from sekisho.step where class = 'grant' and apply ~ '^grant select on '
), granted as (
  select r.*, x.grantee, x.privilege_type from relations r, aclexplode(coalesce(r.acl, acldefault(case when r.kind = 'S' then 's' else 'r' end::"char", r.owner))) x
)
select 'not confined', format('table %s has the tenant column and no forced sekisho_all: open to whoever has rights on it, closed to the lanes until onboarded', name)
from relations where tenant and kind in ('r', 'p') and not (rls and forced and confined)
union all select 'not onboarded', format('table %s is neither tenant, child nor shared: closed to the lanes', name) from relations r
where kind in ('r', 'p') and not tenant and not confined and not exists (select from shared s where s.name = r.name) and not exists (select from sekisho.step s where position(r.name in s.apply) > 0)
union all select distinct 'open', format('%s %s is open to %s', case kind when 'm' then 'materialised view' when 'f' then 'foreign table' when 'v' then 'view' when 'S' then 'sequence' else 'table' end, name, g.rolname)
from granted r join groups g on g.oid = r.grantee where (kind in ('m', 'f') or (kind in ('r', 'p') and not confined and not exists (select from shared s where s.name = r.name)) or (kind = 'v' and bypass and not invoker))
union all select distinct 'public', format('%s is open to PUBLIC: %s', name, string_agg(privilege_type, ', ')) from granted where grantee = 0 group by name
union all select 'public', format('schema %I is open to PUBLIC: %s', nspname, x.privilege_type) from pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner))) x
where x.grantee = 0 and nspname !~ '^pg_' and nspname <> 'information_schema'
union all select 'public', format('database %I is open to PUBLIC: %s', datname, x.privilege_type) from pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) x where x.grantee = 0 and datname = current_database()
union all select 'public', format('what onboarding took from PUBLIC is there again: function %s', p.oid::regprocedure) from pg_proc p, aclexplode(coalesce(proacl, acldefault('f', proowner))) x
where x.grantee = 0 and exists (select from sekisho.step s where s.class = 'public' and s.apply ~ '^revoke all on function ' and split_part(split_part(s.apply, 'revoke all on function ', 2), ' from public', 1) = p.oid::regprocedure::text)
union all select 'definer', format('function %s runs as %s, whom row security does not bind', p.oid::regprocedure, o.rolname) from pg_proc p join pg_namespace n on n.oid = pronamespace join pg_roles o on o.oid = proowner
join pg_language l on l.oid = prolang, aclexplode(coalesce(proacl, acldefault('f', proowner))) x where (x.grantee = 0 or x.grantee in (select oid from groups)) and nspname !~ '^pg_' and nspname not in ('information_schema', 'sekisho')
  and prosecdef and (o.rolsuper or o.rolbypassrls or l.lanname not in ('sql', 'plpgsql') or prosrc ~* '\mexecute\M')
union all select 'key', format('column %s.%I is of a unique key without the tenant, and %s may choose it', r.name, a.attname, g.rolname) from relations r join pg_index i on i.indrelid = r.oid join pg_attribute a on a.attrelid = r.oid and a.attnum = any (i.indkey::int2[])
join groups g on g.rolname = current_setting('sk.p') || '_sub' where r.tenant and r.kind in ('r', 'p') and (i.indisunique or i.indisexclusion) and has_column_privilege(g.oid, r.oid, a.attnum, 'INSERT')
  and not exists (select from pg_attribute t where t.attrelid = r.oid and t.attname = current_setting('sk.col') and t.attnum = any (i.indkey::int2[]))
union all select 'role', format('%s has attributes: superuser, createrole, createdb, replication or bypassrls', rolname) from lanes where rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls
union all select 'role', format('%s has a password', rolname) from lanes join pg_authid a using (oid, rolname) where a.rolpassword is not null
union all select 'role', format('%s has settings of its own', rolname) from lanes l where exists (select from pg_db_role_setting s where s.setrole = l.oid)
union all select 'role', format('%s owns %s', l.rolname, r.name) from lanes l join relations r on r.owner = l.oid
union all select 'role', format('%s is a member of %s, too', l.rolname, r.rolname) from lanes l join pg_auth_members m on m.member = l.oid join pg_roles r on r.oid = m.roleid where m.roleid not in (select oid from groups)
union all select 'server', format('max_prepared_transactions is %s: set it to 0', current_setting('max_prepared_transactions')) where current_setting('max_prepared_transactions')::int > 0
union all select 'extension', format('%s reaches outside, or shows others'' statements', extname) from pg_extension where extname in ('dblink', 'postgres_fdw', 'file_fdw', 'adminpack', 'pg_stat_statements')
order by 1, 2
