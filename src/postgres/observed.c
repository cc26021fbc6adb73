/* The policies that would fit what was observed, for a person to read: permits for what was refused nobody, and recorded as
 * would be. */
#include "base/memory.h"
#include "base/text.h"
#include "operations/help.h"
#include "operations/operations.h"

#include <stdio.h>

enum { DAYS_DEFAULT = 7, DAYS_MOST = 366, PAGE = 1000, ENTRIES_MOST = 200000, TABLES_SHOWN = 12 };

struct observed_arguments {
	int64_t days;
};

/* groups: "ACTOR RESOURCE" → { read, write, export, admin: how many; tables: { NAME: true } }; forbidden: @id → how many. */
struct observed {
	struct passage *passage;
	json_t *groups, *forbidden;
	uint64_t last;
	size_t seen, count;
};

static int
free_observed(struct observed *o)
{
	json_decref(o->groups);
	json_decref(o->forbidden);
	return 0;
}

/* ---- what was observed ---- */

static void
count_in(json_t *object, const char *key)
{
	json_object_set_new(object, key, json_integer(json_integer_value(json_object_get(object, key)) + 1));
}

static const char *
action_of(const char *kind)
{
	static const struct {
		const char *kind, *action;
	} actions[] = {
		{ "read", "read" },   { "session", "read" },  { "transaction", "read" },
		{ "write", "write" }, { "copy-in", "write" }, { "export", "export" },
	};
	for (size_t i = 0; kind && i < sizeof actions / sizeof *actions; i++)
		if (strcmp(kind, actions[i].kind) == 0)
			return actions[i].action;
	return "database.admin";
}

static void
add_tables(json_t *group, json_t *detail)
{
	const char *rest = json_string_value(json_object_get(detail, "tables"));
	json_t *tables = json_object_get(group, "tables");
	while (rest && *rest) {
		size_t size = strcspn(rest, " "), own = size && rest[size - 1] == '!' ? size - 1 : size;
		SCOPED char *name = memory_text(NULL, slice_of(rest, own));
		json_object_set_new(tables, name, json_true());
		rest += size + (rest[size] == ' ');
	}
}

static void
add_observed(struct observed *o, json_t *entry)
{
	json_t *outcome = json_object_get(entry, "outcome"), *policies = json_object_get(entry, "policies");
	const char *actor = json_string_value(json_object_get(entry, "actor")),
	           *resource = json_string_value(json_object_get(entry, "resource"));
	size_t i;
	json_t *policy;
	if (!json_integer_value(json_object_get(outcome, "would_deny")) || !actor)
		return;
	o->count++;
	json_array_foreach(policies, i, policy) count_in(o->forbidden, json_string_value(policy));
	if (json_array_size(policies))
		return;
	SCOPED char *key = memory_format(NULL, "%s %s", actor, resource ? resource : "");
	json_t *group = json_object_get(o->groups, key);
	if (!group) {
		group = json_pack("{s:{}}", "tables");
		json_object_set_new(o->groups, key, group);
	}
	count_in(group, action_of(json_string_value(json_object_get(outcome, "kind"))));
	add_tables(group, json_object_get(entry, "detail"));
}

static err_t
take_entry(void *argument, uint64_t seq, struct slice bytes, const struct proof_entry *e)
{
	struct observed *o = argument;
	(void)bytes;
	o->last = seq;
	o->seen++;
	if (!slice_is(slice_of(e->operation.data, e->operation.size), "postgres.statement") || !e->has_decision ||
	    e->decision != DECISION_DENY)
		return NULL;
	json_t *entry = entry_json(o->passage->keys, seq, e);
	add_observed(o, entry);
	json_decref(entry);
	return NULL;
}

static fallible
observe(struct observed *o, int64_t from)
{
	struct ledger_filter filter = { .from = from, .limit = PAGE };
	size_t before;
	do {
		before = o->seen;
		TRY(ledger_search(gate_reader(o->passage->worker), &filter, take_entry, o));
		filter.before = o->last;
	} while (o->seen - before == PAGE && o->last && o->seen < ENTRIES_MOST);
	return NULL;
}

/* ---- as policies ---- */

/* A table's name may be anything, and must not end the comment that it stands in. */
static char *
harmless(const void *owner, const char *name)
{
	char *copy = memory_format(owner, "%s", name);
	for (char *c = copy; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	return copy;
}

static void
put_list(char **text, json_t *names, size_t most)
{
	const char *name;
	json_t *value;
	size_t n = 0;
	json_object_foreach(names, name, value)
	{
		if (n == most)
			break;
		SCOPED char *shown = harmless(NULL, name);
		*text = talloc_asprintf_append(*text, "%s%s", n++ ? ", " : "", shown);
	}
	if (json_object_size(names) > most)
		*text = talloc_asprintf_append(*text, " and %zu more", json_object_size(names) - most);
}

static void
put_policy(struct passage *p, char **text, const char *key, json_t *group, const char *actions)
{
	const char *space = strchr(key, ' ');
	struct slice actor = slice_of(key, (size_t)(space - key)), name = name_of_actor(p, actor);
	uint8_t digest[DIGEST_SIZE];
	char hex[2 * DIGEST_SIZE + 1];
	sha256(slice_text(key), digest);
	text_hex(slice_of(digest, sizeof digest), hex);
	*text = talloc_asprintf_append(
	    *text, "// %.*s on %s: %lld reads, %lld writes, %lld exports; ", SLICE_ARGUMENTS(name),
	    space[1] ? space + 1 : "no subscriber's", json_integer_value(json_object_get(group, "read")),
	    json_integer_value(json_object_get(group, "write")), json_integer_value(json_object_get(group, "export")));
	put_list(text, json_object_get(group, "tables"), TABLES_SHOWN);
	*text = talloc_asprintf_append(*text,
	                               "\n@id(\"observed-%.12s\")\npermit (\n  principal == %s::\"%.*s\",\n  action in "
	                               "[%s],\n  resource == %s::\"%s\"\n);\n\n",
	                               hex, slice_starts(actor, LITERAL("app_")) ? "Application" : "Person",
	                               SLICE_ARGUMENTS(actor), actions, space[1] ? "Object" : "Vendor",
	                               space[1] ? space + 1 : "vendor");
}

static void
put_group(struct passage *p, char **text, const char *key, json_t *group)
{
	static const char *const permitted[] = { "read", "write", "export" };
	SCOPED char *actions = memory_format(NULL, "%s", "");
	const char *space = strchr(key, ' ');
	for (size_t i = 0; i < sizeof permitted / sizeof *permitted; i++)
		if (json_object_get(group, permitted[i]))
			actions =
			    talloc_asprintf_append(actions, "%sAction::\"%s\"", actions[0] ? ", " : "", permitted[i]);
	if (actions[0])
		put_policy(p, text, key, group, actions);
	if (json_object_get(group, "database.admin"))
		*text = talloc_asprintf_append(*text,
		                               "// Left out: %lld statements of %.*s on %s that change the database "
		                               "itself, or that the gateway cannot read.\n\n",
		                               json_integer_value(json_object_get(group, "database.admin")),
		                               SLICE_ARGUMENTS(name_of_actor(p, slice_of(key, (size_t)(space - key)))),
		                               space + 1);
}

static char *
policies_of(struct observed *o, int64_t days)
{
	char *text = memory_format(o,
	                           "// What %zu statements of the last %lld days would have needed, beside the "
	                           "policies in force. Read it, narrow it, then:\n"
	                           "// sekisho policy propose FILE. A grant for a time (sekisho request create) fits a "
	                           "person better than a standing permit.\n\n",
	                           o->count, (long long)days);
	const char *key;
	json_t *value;
	json_object_foreach(o->groups, key, value) put_group(o->passage, &text, key, value);
	json_object_foreach(o->forbidden, key, value) text = talloc_asprintf_append(
	    text, "// %lld statements would have been refused by \"%s\", which no permit overcomes.\n",
	    json_integer_value(value), key);
	if (o->seen >= ENTRIES_MOST)
		text = talloc_asprintf_append(text, "// Only the newest %d entries of the book were read.\n",
		                              ENTRIES_MOST);
	return text;
}

static err_t
policy_observed_prepare(struct passage *p)
{
	const struct observed_arguments *a = p->args;
	int64_t days = a->days ? a->days : DAYS_DEFAULT;
	struct observed *o = NEW(p, struct observed);
	*o = (struct observed){ .passage = p, .groups = json_object(), .forbidden = json_object() };
	talloc_set_destructor(o, free_observed);
	TRY(observe(o, p->now - DAYS(days)));
	pairs_number(&p->outcome, "rows", (int64_t)o->count);
	return passage_answer(p, json_pack("{s:s, s:i}", "text", policies_of(o, days), "statements", (int)o->count));
}

static const struct field policy_observed_fields[] = {
	{ "days", PLACE_QUERY, FIELD_NUMBER, false, ARGUMENT(observed_arguments, days), DAYS_MOST,
	  "how far back; 7 unless said" },
	{ NULL },
};

const struct operation policy_observed_operation = {
	.name = "policy.observed",
	.says = { "Writes the policies that would fit what the gateway has observed, for a person to read",
	          "観察結果に合うポリシー案を作成する" },
	.route = { GET, "/v1/policies/observed" },
	.action = "ledger.read",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.fields = policy_observed_fields,
	.args_size = sizeof(struct observed_arguments),
	.slow = true,
	.output = SCHEMA_OBJECT,
	.prepare = policy_observed_prepare,
};
