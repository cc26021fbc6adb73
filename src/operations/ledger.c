/* Reading the book: ledger/ledger.h. */
#include "operations/help.h"
#include "operations/operations.h"

#include <stdio.h>

enum { PAGE = 500, FAULTS_MAX = 100 };

struct ledger_arguments {
	struct slice actor, subscriber, resource, credential, purpose;
	int64_t from, to, before, limit, entry;
};

struct found {
	struct passage *passage;
	json_t *items;
	uint64_t last;
};

static struct part *
part_of(struct passage *p, struct slice subscriber)
{
	for (size_t i = 0; i < p->part_count; i++)
		if (slice_equal(p->parts[i].subscriber, subscriber))
			return &p->parts[i];
	p->parts = memory_grow(p, p->parts, sizeof *p->parts, p->part_count + 1);
	p->parts[p->part_count] = (struct part){ .decision = DECISION_ALLOW, .policy_count = p->policy_count, .subscriber = memory_copy(p, subscriber),
	                                         .resource = memory_copy(p, subscriber),
	                                         .purpose = p->purpose, .action = LITERAL("ledger.read") };
	memcpy(p->parts[p->part_count].policies, p->policies, sizeof p->policies);
	return &p->parts[p->part_count++];
}

/* Whoever reads entries of several subscribers is in the log of each, with how many it was (LEDGER.md, "Entry"); but to tell
 * of reading what tells of reading would never end. */
static void
count_read(struct passage *p, const struct proof_entry *e)
{
	struct slice log = slice_of(e->log.data, e->log.size), operation = slice_of(e->operation.data, e->operation.size);
	if (!p->subscriber.size && !slice_is(log, LOG_VENDOR) && !slice_is(log, LOG_EVERYONE) && !slice_starts(operation, LITERAL("ledger.")))
		part_of(p, log)->rows++;
}

/* The last of them is the vendor's own log, with all that was read. */
static void
tell_read(struct passage *p, json_t *items)
{
	int64_t rows = (int64_t)json_array_size(items);
	if (p->part_count)
		part_of(p, (struct slice){ NULL, 0 })->rows = rows;
	else
		pairs_number(&p->outcome, "rows", rows);
}

static err_t
add_entry(void *argument, uint64_t seq, struct slice bytes, const struct proof_entry *e)
{
	struct found *f = argument;
	(void)bytes;
	count_read(f->passage, e);
	json_array_append_new(f->items, entry_json(f->passage->keys, seq, e));
	f->last = seq;
	return NULL;
}

/* `sup1` as well as `psn_…`; one who is not ours is searched for as he stands. */
static struct slice
actor_of(struct passage *p, struct slice name)
{
	struct principal *who;
	return name.size && !principal_find(p, p->view, name, p->now, &who) ? who->actor : name;
}

static size_t
slashes(struct slice s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.size; i++)
		n += s.data[i] == '/';
	return n;
}

static err_t
ledger_search_prepare(struct passage *p)
{
	const struct ledger_arguments *a = p->args;
	size_t limit = a->limit ? (size_t)a->limit : PAGE;
	struct found f = { .passage = p, .items = json_array() };
	struct ledger_filter filter = { .actor = actor_of(p, a->actor), .log = a->subscriber, .credential = a->credential,
	                                .purpose = a->purpose, .from = a->from, .to = a->to, .before = (uint64_t)a->before,
	                                .limit = limit };
	if (slashes(a->resource) >= 2)
		filter.resource = a->resource;
	else if (a->resource.size && a->subscriber.size)
		filter.resource = slice_text(memory_format(p, "%.*s/%.*s", SLICE_ARGUMENTS(a->subscriber), SLICE_ARGUMENTS(a->resource)));
	else
		filter.resource_tail = a->resource;
	err_t e = ledger_search(gate_reader(p->worker), &filter, add_entry, &f);
	bool more = json_array_size(f.items) == limit && f.last > 0;
	tell_read(p, f.items);
	passage_answer(p, json_list(f.items, more ? json_integer((json_int_t)f.last) : NULL));
	return e;
}

#define FIELDS_FILTER \
	{ "actor", PLACE_QUERY, FIELD_TEXT, false, ARGUMENT(ledger_arguments, actor), 64, "sup1, psn_…: who acted, or on whose behalf" }, \
	{ "resource", PLACE_QUERY, FIELD_TEXT, false, ARGUMENT(ledger_arguments, resource), 256, "COLLECTION/ID, with or without SUBSCRIBER/" }, \
	{ "credential", PLACE_QUERY, FIELD_TEXT, false, ARGUMENT(ledger_arguments, credential), 32, "crd_…" }, \
	{ "for_purpose", PLACE_QUERY, FIELD_TEXT, false, ARGUMENT(ledger_arguments, purpose), 256, "the purpose given" }, \
	{ "from", PLACE_QUERY, FIELD_TIME, false, ARGUMENT(ledger_arguments, from), 0, "not before this time" }, \
	{ "to", PLACE_QUERY, FIELD_TIME, false, ARGUMENT(ledger_arguments, to), 0, "before this time" }, \
	{ "before", PLACE_QUERY, FIELD_NUMBER, false, ARGUMENT(ledger_arguments, before), 0, "main index that the last page ended with" }, \
	{ "limit", PLACE_QUERY, FIELD_NUMBER, false, ARGUMENT(ledger_arguments, limit), 1000, "entries a page" }

static const struct field ledger_search_fields[] = { FIELDS_FILTER, { NULL } };

const struct operation ledger_search_all_operation = {
	.name = "ledger.search",
	.says = { "Searches the book, newest first", "台帳を新しい順に検索する" },
	.route = { GET, "/v1/ledger" },
	.cli = "ledger search",
	.action = "ledger.read",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.operators = true,
	.fields = ledger_search_fields,
	.args_size = sizeof(struct ledger_arguments),
	.output = SCHEMA_LIST,
	.prepare = ledger_search_prepare,
};

static const struct field ledger_subscriber_fields[] = {
	{ "subscriber", PLACE_PATH, FIELD_NAME, true, ARGUMENT(ledger_arguments, subscriber), 0, "whose log" }, FIELDS_FILTER,
	{ NULL },
};

const struct operation ledger_search_one_operation = {
	.name = "ledger.search_subscriber",
	.says = { "Searches the log of one subscriber, newest first", "一契約者の台帳を新しい順に検索する" },
	.route = { GET, "/v1/subscribers/{subscriber}/ledger" },
	.cli = "ledger search",
	.action = "ledger.read",
	.resource = RESOURCE_SUBSCRIBER,
	.effect = EFFECT_READ,
	.operators = true,
	.fields = ledger_subscriber_fields,
	.args_size = sizeof(struct ledger_arguments),
	.output = SCHEMA_LIST,
	.prepare = ledger_search_prepare,
};

/* ---- show ---- */

static err_t
ledger_show_prepare(struct passage *p)
{
	const struct ledger_arguments *a = p->args;
	struct found f = { .passage = p, .items = json_array(), .last = UINT64_MAX };
	struct ledger_filter filter = { .before = (uint64_t)a->entry + 1, .limit = 1 };
	err_t e = ledger_search(gate_reader(p->worker), &filter, add_entry, &f);
	if (!e && f.last != (uint64_t)a->entry)
		e = E_NOT_FOUND;
	if (!e) {
		passage_answer(p, json_incref(json_array_get(f.items, 0)));
		tell_read(p, f.items);
	}
	json_decref(f.items);
	return e;
}

static const struct field ledger_show_fields[] = {
	{ "entry", PLACE_PATH, FIELD_NUMBER, true, ARGUMENT(ledger_arguments, entry), INT64_MAX - 1, "its main index" }, { NULL },
};

const struct operation ledger_show_operation = {
	.name = "ledger.show",
	.says = { "Shows an entry of the book", "台帳の記録を表示する" },
	.route = { GET, "/v1/ledger/{entry}" },
	.cli = "ledger show {entry}",
	.action = "ledger.read",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.operators = true,
	.fields = ledger_show_fields,
	.args_size = sizeof(struct ledger_arguments),
	.output = SCHEMA_OBJECT,
	.prepare = ledger_show_prepare,
};

/* ---- verify ---- */

static void
add_fault(void *argument, const char *kind, const char *file, uint64_t index, const char *text)
{
	json_t *faults = argument;
	if (json_array_size(faults) < FAULTS_MAX)
		json_array_append_new(faults, json_pack("{s:s, s:s, s:I, s:s}", "kind", kind, "file", file, "index",
		                                        (json_int_t)index, "text", text));
}

static err_t
ledger_verify_prepare(struct passage *p)
{
	json_t *faults = json_array();
	struct ledger_check check = { .fault = add_fault, .argument = faults,
	                              .map_key = ledger_map_key(gate_options(gate_of(p->worker))->ledger) };
	struct keys_log log;
	char root[64];
	err_t e = keys_log(p, p->keys, &log);
	check.signed_size = e ? 0 : log.size;
	check.signed_root = e ? check.signed_root : log.root;
	if (!e)
		e = ledger_verify(gate_reader(p->worker), &check);
	text_base64(slice_of(check.root.bytes, sizeof check.root.bytes), root);
	pairs_number(&p->outcome, "entries", (int64_t)check.entries);
	pairs_number(&p->outcome, "faults", (int64_t)check.faults);
	passage_answer(p, json_pack("{s:I, s:s, s:o}", "entries", (json_int_t)check.entries, "root", root, "faults", faults));
	return e;
}

const struct operation ledger_verify_all_operation = {
	.name = "ledger.verify",
	.says = { "Re-hashes the whole book and names what was altered", "台帳全体を再計算し、改変箇所を示す" },
	.route = { POST, "/v1/ledger/verify" },
	.cli = "ledger verify",
	.action = "ledger.read",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.operators = true,
	.slow = true,
	.output = SCHEMA_OBJECT,
	.prepare = ledger_verify_prepare,
};

/* ---- export: oldest first, with a cursor, for the systems that read along ---- */

struct export_arguments {
	int64_t after, limit;
	struct slice format;
};

struct export {
	struct passage *passage;
	json_t *items;
	bool ocsf;
};

static err_t
export_entry(void *argument, uint64_t seq, struct slice bytes, const struct proof_entry *e)
{
	struct export *x = argument;
	json_t *entry = entry_json(x->passage->keys, seq, e);
	(void)bytes;
	count_read(x->passage, e);
	json_array_append_new(x->items, x->ocsf ? entry_ocsf(entry) : json_incref(entry));
	json_decref(entry);
	return NULL;
}

static err_t
ledger_export_prepare(struct passage *p)
{
	const struct export_arguments *a = p->args;
	struct export x = { p, json_array(), slice_is(a->format, "ocsf") };
	uint64_t next = (uint64_t)a->after;
	if (a->format.size && !x.ocsf && !slice_is(a->format, "json")) {
		json_decref(x.items);
		return passage_fail(p, E_ARGUMENT, "format: expected json or ocsf");
	}
	err_t e = ledger_each(gate_reader(p->worker), (uint64_t)a->after, a->limit ? (size_t)a->limit : PAGE, export_entry, &x, &next);
	tell_read(p, x.items);
	passage_answer(p, json_list(x.items, json_integer((json_int_t)next)));
	return e;
}

static const struct field ledger_export_fields[] = {
	{ "after", PLACE_QUERY, FIELD_NUMBER, false, ARGUMENT(export_arguments, after), INT64_MAX - 1, "`next` of the last page" },
	{ "limit", PLACE_QUERY, FIELD_NUMBER, false, ARGUMENT(export_arguments, limit), 1000, "entries a page" },
	{ "format", PLACE_QUERY, FIELD_NAME, false, ARGUMENT(export_arguments, format), 0, "json (unless said), or ocsf" },
	{ NULL },
};

const struct operation ledger_export_operation = {
	.name = "ledger.export",
	.says = { "Gives the book oldest first, with a cursor; as OCSF events if asked", "台帳を古い順に、カーソル付きで出力する（OCSF 形式も可）" },
	.route = { GET, "/v1/ledger/export" },
	.action = "ledger.read",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.fields = ledger_export_fields,
	.args_size = sizeof(struct export_arguments),
	.output = SCHEMA_LIST,
	.prepare = ledger_export_prepare,
};
