-- The application's role goes, its sessions with it. Settings sk.p and sk.app are set.
do $$
declare
	role text := current_setting('sk.p') || '_app_' || current_setting('sk.app');
begin
	perform pg_terminate_backend(pid) from pg_stat_activity where usename = role;
	delete from sekisho.login where name = role;
	delete from sekisho.step where class = 'application' and undo = format('drop role %I', role);
	execute format('drop role if exists %I', role);
end$$;
