#include "postgres/onboard.h"

#include "base/memory.h"
#include "base/text.h"
#include "postgres/client.h"

#include <stdio.h>

enum { PREFIX_MAX = 30 };

struct step {
	struct step *next;
	struct slice class, text;
};

/* The steps are read whole before the first is run. */
struct steps {
	struct step *first, **end;
};

static err_t
keep_step(void *argument, const struct slice *values, size_t count)
{
	struct steps *s = argument;
	if (count != 2)
		return NULL;
	struct step *step = NEW(s, struct step);
	step->class = memory_copy(step, values[0]);
	step->text = memory_copy(step, values[1]);
	*s->end = step;
	s->end = &step->next;
	return NULL;
}

static fallible
read_steps(struct client *c, const char *query, struct steps **out, const char **why)
{
	struct steps *s = NEW(c, struct steps);
	s->end = &s->first;
	TRY(client_query(c, slice_text(query), keep_step, s, why));
	*out = s;
	return NULL;
}

static fallible
run(struct client *c, const char *text, const char **why)
{
	return client_query(c, slice_text(text), NULL, NULL, why);
}

static bool
prefix_check(struct slice prefix)
{
	for (size_t i = 0; i < prefix.size; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_", prefix.data[i]))
			return false;
	return prefix.size && prefix.size <= PREFIX_MAX;
}

static fallible
set_variable(struct client *c, const char *name, struct slice value, const char **why)
{
	SCOPED void *scope = talloc_new(NULL);
	if (value.size && memchr(value.data, 0, value.size))
		return E_ARGUMENT;
	struct slice literal = client_literal(scope, value);
	return run(c, memory_format(scope, "select set_config('sk.%s', %.*s, true)", name, SLICE_ARGUMENTS(literal)), why);
}

static fallible
begin(struct client *c, const struct onboarding *o, const char **why)
{
	TRY(run(c, "begin; set local lock_timeout = '5s'; set local client_min_messages = warning", why));
	TRY(set_variable(c, "p", o->prefix, why));
	TRY(set_variable(c, "col", o->column, why));
	TRY(set_variable(c, "map", o->map, why));
	TRY(set_variable(c, "shared", o->shared, why));
	TRY(set_variable(c, "exempt", o->exempt, why));
	return set_variable(c, "salt", o->salt, why);
}

static fallible
make_steps(struct client *c, const char **why)
{
	TRY(run(c, "create temp table step (n int generated always as identity, class text, apply text, undo text) on commit drop", why));
	return client_query(c, client_file("onboard.sql"), NULL, NULL, why);
}

static fallible
show(const struct steps *s, err_t (*each)(void *, struct slice, struct slice), void *argument)
{
	for (const struct step *step = s->first; step; step = step->next)
		TRY(each(argument, step->class, step->text));
	return NULL;
}

static fallible
run_steps(struct client *c, const struct steps *s, const char **why)
{
	for (const struct step *step = s->first; step; step = step->next)
		if (!slice_is(step->class, "note"))
			TRY(client_query(c, step->text, NULL, NULL, why));
	return NULL;
}

static fallible
apply(struct client *c, bool really, struct steps **out, const char **why)
{
	TRY(make_steps(c, why));
	TRY(read_steps(c, "select class, apply from step order by n", out, why));
	if (!really)
		return run(c, "rollback", why);
	TRY(run_steps(c, *out, why));
	return run(c, "insert into sekisho.step select n, class, apply, undo from step where class <> 'note' order by n; "
	              "revoke all on all tables in schema sekisho from public; commit", why);
}

static fallible
undo(struct client *c, struct steps **out, const char **why)
{
	TRY(read_steps(c, "select class, undo from sekisho.step where undo is not null order by n desc", out, why));
	TRY(run_steps(c, *out, why));
	return run(c, "commit", why);
}

static fallible
audit(struct client *c, struct steps **out, const char **why)
{
	SCOPED char *text = memory_text(NULL, client_file("audit.sql"));
	TRY(read_steps(c, text, out, why));
	return run(c, "rollback", why);
}

static err_t
code_of(err_t e, const char *why)
{
	if (e != E_STORE || !why)
		return e;
	if (strncmp(why, "55P03", 5) == 0)
		return E_BUSY;
	return strncmp(why, "42P06", 5) == 0 || strncmp(why, "42710", 5) == 0 || strncmp(why, "42P01", 5) == 0 ? E_STATE : e;
}

static fallible
work(struct client *c, enum onboard what, const struct onboarding *o, struct steps **steps, const char **why)
{
	TRY(begin(c, o, why));
	switch (what) {
	case ONBOARD_PLAN:
		return apply(c, false, steps, why);
	case ONBOARD_APPLY:
		return apply(c, true, steps, why);
	case ONBOARD_UNDO:
		return undo(c, steps, why);
	case ONBOARD_AUDIT:
		break;
	}
	return audit(c, steps, why);
}

fallible
postgres_onboard(const void *owner, const struct database *administrator, enum onboard what, const struct onboarding *o,
                 err_t (*each)(void *, struct slice class, struct slice text), void *argument, const char **why)
{
	SCOPED struct client *c = NULL;
	struct steps *steps;
	const char *said = NULL;
	*why = "the prefix must be 1 to 30 of a-z, 0-9 and _";
	if (!prefix_check(o->prefix))
		return E_ARGUMENT;
	TRY(client_open(NULL, administrator, &c, why));
	err_t e = work(c, what, o, &steps, &said);
	if (said)
		*why = memory_format(owner, "%s", said);
	if (e)
		return code_of(e, said);
	return show(steps, each, argument);
}

enum { PAD = 64 };

static void
pad_text(const uint8_t key[DIGEST_SIZE], uint8_t with, char out[2 * PAD + 1])
{
	uint8_t pad[PAD];
	for (size_t i = 0; i < PAD; i++)
		pad[i] = (uint8_t)((i < DIGEST_SIZE ? key[i] : 0) ^ with);
	text_hex(slice_of(pad, sizeof pad), out);
	memory_wipe(pad, sizeof pad);
}

/* The pads go through settings of a transaction that the server's log is kept out of. */
static fallible
put_application(struct client *c, struct slice prefix, struct slice application, const uint8_t *key, const char **why)
{
	char ipad[2 * PAD + 1] = "", opad[2 * PAD + 1] = "";
	TRY(run(c, "begin; set local client_min_messages = warning; set local log_statement = 'none'; set local log_min_error_statement = panic; "
	           "set local log_min_duration_statement = -1", why));
	TRY(set_variable(c, "p", prefix, why));
	TRY(set_variable(c, "app", application, why));
	if (!key) {
		TRY(client_query(c, client_file("application-remove.sql"), NULL, NULL, why));
		return run(c, "commit", why);
	}
	pad_text(key, 0x36, ipad);
	pad_text(key, 0x5c, opad);
	err_t e = set_variable(c, "ipad", slice_text(ipad), why);
	if (!e)
		e = set_variable(c, "opad", slice_text(opad), why);
	memory_wipe(ipad, sizeof ipad);
	memory_wipe(opad, sizeof opad);
	if (!e)
		e = client_query(c, client_file("application-add.sql"), NULL, NULL, why);
	return e ? e : run(c, "commit", why);
}

fallible
postgres_onboard_application(const void *owner, const struct database *administrator, struct slice prefix, struct slice application,
                             const uint8_t *key, const char **why)
{
	SCOPED struct client *c = NULL;
	const char *said = NULL;
	*why = "the prefix must be 1 to 30 of a-z, 0-9 and _, the application's id of a-z, 0-9 and -, together at most 58";
	if (!prefix_check(prefix) || !text_is_name(application) || prefix.size + application.size > 58)
		return E_ARGUMENT;
	TRY(client_open(NULL, administrator, &c, why));
	err_t e = put_application(c, prefix, application, key, &said);
	if (said)
		*why = memory_format(owner, "%s", said);
	return e ? code_of(e, said) : NULL;
}
