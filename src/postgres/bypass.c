#include "postgres/bypass_inside.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "postgres/mark.h"
#include "postgres/session.h"

enum { BACKENDS_MAX = 1000, BACKEND_KEPT = 600 }; /* seconds: one that has gone may have written */

/* ---- at the server ---- */

static fallible
run(struct client *c, const char *text, const char **why)
{
	return client_query(c, slice_text(text), NULL, NULL, why);
}

/* *why outlives the client. */
static fallible
do_at_server(const void *owner, const struct kept_database *d, const char *file, const char *text, const char **why)
{
	SCOPED struct client *c = NULL;
	const char *said = NULL;
	TRY(client_open(NULL, &d->administrator, &c, why));
	err_t e =
	    file ? run(c, memory_format(c, "begin; select set_config('sk.p', '%s', true)", d->prefix), &said) : NULL;
	if (!e && file)
		e = client_query(c, client_file(file), NULL, NULL, &said);
	if (!e)
		e = run(c, file ? "commit" : text, &said);
	if (said)
		*why = memory_format(owner, "%s", said);
	return e == E_STORE && said && strncmp(said, "55000", 5) == 0 ? E_STATE : e;
}

fallible
bypass_prepare(const void *owner, const struct kept_database *d, const char **why)
{
	return do_at_server(owner, d, "watch-on.sql", NULL, why);
}

fallible
bypass_start(const void *owner, const struct kept_database *d, struct slice slot, const char **why)
{
	SCOPED char *text =
	    memory_format(NULL,
	                  "select pg_create_logical_replication_slot('%1$.*2$s', 'test_decoding') "
	                  "where not exists (select from pg_replication_slots where slot_name = '%1$.*2$s')",
	                  (const char *)slot.data, (int)slot.size);
	return do_at_server(owner, d, NULL, text, why);
}

fallible
bypass_stop(const void *owner, const struct kept_database *d, struct slice slot, const char **why)
{
	SCOPED char *text = memory_format(
	    NULL, "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = '%.*s'",
	    SLICE_ARGUMENTS(slot));
	TRY(do_at_server(owner, d, NULL, text, why));
	return do_at_server(owner, d, "watch-off.sql", NULL, why);
}

fallible
bypass_open(const void *owner, struct postgres *gateway, const struct kept_database *d, struct slice slot,
            struct bypass **out, const char **why)
{
	SCOPED struct bypass *b = NEW(owner, struct bypass);
	b->gateway = gateway;
	b->name = memory_copy(b, d->name);
	b->slot = memory_copy(b, slot);
	b->tenant = memory_copy(b, d->tenant);
	b->map = memory_copy(b, d->map);
	b->exempt = memory_copy(b, d->exempt);
	b->taken = NEW_ARRAY(b, struct taken, BYPASS_TAKEN);
	mark_key(d->salt, b->key);
	TRY(client_open(b, &d->administrator, &b->client, why));
	*out = TAKE(b);
	return NULL;
}

/* ---- back ends ---- */

static bool
is_in(struct slice list, struct slice name)
{
	while (list.size) {
		const uint8_t *comma = memchr(list.data, ',', list.size);
		struct slice item = slice_of(list.data, comma ? (size_t)(comma - list.data) : list.size);
		if (slice_equal(item, name))
			return true;
		list = slice_from(list, item.size + 1);
	}
	return false;
}

static struct stranger *
find_stranger(struct bypass *b, struct slice key)
{
	struct stranger *s = b->strangers;
	while (s && !slice_equal(s->key, key))
		s = s->next;
	return s;
}

/* pid, start, role, program, address. */
static err_t
take_backend(void *argument, const struct slice *v, size_t count)
{
	struct bypass *b = argument;
	uint64_t pid;
	if (count != 5 || text_number_parse(v[0], &pid) || ours_has(b->gateway->ours, b->name, (uint32_t)pid))
		return NULL;
	SCOPED char *key = memory_format(NULL, "%.*s %.*s", SLICE_ARGUMENTS(v[0]), SLICE_ARGUMENTS(v[1]));
	struct stranger *s = find_stranger(b, slice_text(key));
	if (!s && b->stranger_count == BACKENDS_MAX)
		return NULL;
	if (!s) {
		s = NEW(b, struct stranger);
		s->key = memory_copy(s, slice_text(key));
		s->role = memory_copy(s, v[2]);
		s->says = slice_text(memory_format(s, "pid %.*s, role %.*s, program '%.*s', from %.*s, since %.*s",
		                                   SLICE_ARGUMENTS(v[0]), SLICE_ARGUMENTS(v[2]), SLICE_ARGUMENTS(v[3]),
		                                   SLICE_ARGUMENTS(v[4]), SLICE_ARGUMENTS(v[1])));
		s->next = b->strangers;
		b->strangers = s;
		b->stranger_count++;
	}
	s->seen = clock_monotonic();
	s->here = true;
	s->looks++;
	return NULL;
}

static void
forget_strangers(struct bypass *b)
{
	int64_t now = clock_monotonic();
	for (struct stranger **at = &b->strangers, *s; (s = *at);) {
		s->here = false;
		if (now - s->seen <= SECONDS(BACKEND_KEPT)) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		b->stranger_count--;
		talloc_free(s);
	}
}

static fallible
look_at_backends(struct bypass *b, const char **why)
{
	forget_strangers(b);
	return client_query(b->client,
	                    LITERAL("select pid, backend_start, usename, application_name, coalesce(host(client_addr), "
	                            "'the server itself') from pg_stat_activity "
	                            "where datname = current_database() and backend_type in ('client backend', "
	                            "'walsender') and pid <> pg_backend_pid()"),
	                    take_backend, b, why);
}

/* Who may have written it: all that are not ours, and were there lately. */
struct slice
bypass_suspects(const void *owner, const struct bypass *b)
{
	char *text = memory_format(owner, "%s", "");
	for (const struct stranger *s = b->strangers; s; s = s->next)
		text = talloc_asprintf_append(text, "%s%.*s%s", text[0] ? "; " : "", SLICE_ARGUMENTS(s->says),
		                              s->here ? "" : ", gone");
	return slice_text(text[0] ? text : memory_format(owner, "none was seen: it came and went between two looks"));
}

/* Logins that were exempted may write; who else was there? */
static bool
only_exempt(const struct bypass *b)
{
	bool any = false;
	for (const struct stranger *s = b->strangers; s; s = s->next) {
		if (!is_in(b->exempt, s->role))
			return false;
		any = true;
	}
	return any;
}

/* ---- told ---- */

static fallible
tell_backends(struct bypass *b, err_t (*each)(void *, const struct bypass_finding *), void *argument)
{
	for (struct stranger *s = b->strangers; s; s = s->next) {
		const struct bypass_finding f = { .backend = s->says, .rows = 0 };
		if (!s->here || s->told || s->looks < 2 || is_in(b->exempt, s->role))
			continue;
		TRY(each(argument, &f));
		s->told = true;
	}
	return NULL;
}

static fallible
go_on(struct bypass *b, const char **why)
{
	if (!b->upto[0])
		return NULL;
	SCOPED char *text =
	    memory_format(NULL, "select pg_replication_slot_advance('%.*s', '%s')", SLICE_ARGUMENTS(b->slot), b->upto);
	return run(b->client, text, why);
}

fallible
bypass_look(struct bypass *b, err_t (*each)(void *, const struct bypass_finding *), void *argument, const char **why)
{
	talloc_free(TAKE(b->found));
	b->found = talloc_new(b);
	b->unmarked = NULL;
	b->more = false;
	b->unmarked_end = &b->unmarked;
	TRY(look_at_backends(b, why));
	TRY(bypass_read_log(b, why));
	TRY(tell_backends(b, each, argument));
	TRY(only_exempt(b) ? NULL : bypass_tell_writes(b, each, argument, why));
	return go_on(b, why);
}
