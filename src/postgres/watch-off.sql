do $$
begin
	execute format('revoke execute on function pg_catalog.pg_logical_emit_message(bool, text, text) from %I, %I',
	               current_setting('sk.p') || '_sub', current_setting('sk.p') || '_app');
end$$;
