-- The login role of an application, and what its bindings are checked with (ROWS.md §4). Settings sk.p, sk.app, sk.ipad and
-- sk.opad are set; once more, only the pads are exchanged. Every step keeps its inverse.
do $$
declare
	role text := current_setting('sk.p') || '_app_' || current_setting('sk.app');
	n int := (select max(s.n) + 1 from sekisho.step s);
begin
	insert into sekisho.login (name, kind, ipad, opad)
	values (role, 'application', decode(current_setting('sk.ipad'), 'hex'), decode(current_setting('sk.opad'), 'hex'))
	on conflict (name) do update set ipad = excluded.ipad, opad = excluded.opad;
	if not exists (select from pg_roles where rolname = role) then
		execute format('create role %I login inherit connection limit 100 in role %I', role, current_setting('sk.p') || '_app');
		insert into sekisho.step values (n, 'application', format('create role %I', role), format('drop role %I', role));
	end if;
	-- a setting outlives the transaction and would carry a value to the next subscriber: only the gateway's SET LOCAL remains
	if exists (select from pg_proc where oid = 'set_config(text,text,bool)'::regprocedure
	           and (proacl is null or exists (select from aclexplode(proacl) where grantee = 0))) then
		revoke execute on function set_config(text, text, bool) from public;
		insert into sekisho.step values (n + 1, 'application', 'revoke execute on function set_config(text, text, bool) from public',
		                                 'grant execute on function set_config(text, text, bool) to public');
	end if;
	execute format('grant execute on function set_config(text, text, bool) to %I, %I',
	               current_setting('sk.p') || '_sub', current_setting('sk.p') || '_rest');
end$$;
