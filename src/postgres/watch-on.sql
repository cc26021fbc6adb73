-- What the lanes need to mark their changes in the write-ahead log (ROWS.md §6). Setting sk.p is set.
do $$
begin
	if current_setting('wal_level') <> 'logical' then
		raise exception 'wal_level is %, and writes are seen with logical alone: set it in postgresql.conf and restart', current_setting('wal_level')
			using errcode = '55000';
	end if;
	execute format('grant execute on function pg_catalog.pg_logical_emit_message(bool, text, text) to %I, %I',
	               current_setting('sk.p') || '_sub', current_setting('sk.p') || '_app');
end$$;
