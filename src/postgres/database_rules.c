/* What is said of a database beside policies: the modes of its tables, and what its columns hold. */
#include "postgres/databases.h"
#include "postgres/database_sql.h"

#include "base/memory.h"
#include "base/text.h"
#include "operations/help.h"
#include "operations/operations.h"
#include "postgres/mark.h"

enum { TABLES_TEXT = 65536, NAME_TEXT = 63, TABLES_AT_ONCE = 500 };

/* ---- as the store has them ---- */

static bool
mode_parse(struct slice text, enum database_mode *out)
{
	static const char *const names[] = {
		[MODE_ENFORCE] = "enforce", [MODE_SHADOW] = "shadow", [MODE_OBSERVE] = "observe"
	};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (slice_is(text, names[i])) {
			*out = (enum database_mode)i;
			return true;
		}
	return false;
}

/* SCHEMA.TABLE in its two parts; the schema's name has no dot. */
static void
split(struct slice relation, struct slice *schema, struct slice *name)
{
	const uint8_t *dot = relation.size ? memchr(relation.data, '.', relation.size) : NULL;
	size_t at = dot ? (size_t)(dot - relation.data) : 0;
	*schema = slice_of(relation.data, at);
	*name = slice_from(relation, dot ? at + 1 : 0);
}

static fallible
read_modes(const void *owner, struct store *s, struct slice name, struct database_rules *out)
{
	SCOPED struct rows *r = NULL;
	TRY(store_rows(NULL, s, QUERY_TABLE_MODES, BIND(as_text(name)), &r));
	while (rows_next(r)) {
		out->modes = memory_grow(owner, out->modes, sizeof *out->modes, out->mode_count + 1);
		struct table_mode *m = &out->modes[out->mode_count++];
		split(memory_copy(owner, row_text(r, 0)), &m->schema, &m->name);
		if (!mode_parse(row_text(r, 1), &m->mode))
			return E_STORE;
	}
	return rows_end(r);
}

static fallible
read_labels(const void *owner, struct store *s, struct slice name, struct database_rules *out)
{
	SCOPED struct rows *r = NULL;
	TRY(store_rows(NULL, s, QUERY_LABELS, BIND(as_text(name)), &r));
	while (rows_next(r)) {
		out->labels = memory_grow(owner, out->labels, sizeof *out->labels, out->label_count + 1);
		struct column_label *l = &out->labels[out->label_count++];
		split(memory_copy(owner, row_text(r, 0)), &l->schema, &l->name);
		l->column = memory_copy(owner, row_text(r, 1));
		l->label = memory_copy(owner, row_text(r, 2));
	}
	return rows_end(r);
}

static fallible
read_mode(struct store *s, struct slice name, enum database_mode *out)
{
	SCOPED struct rows *r = NULL;
	TRY(store_rows(NULL, s, QUERY_DATABASE_GET, BIND(as_text(name)), &r));
	if (!rows_next(r)) {
		TRY(rows_end(r));
		return E_NOT_FOUND;
	}
	return mode_parse(row_text(r, 2), out) ? NULL : E_STORE;
}

static fallible
read_mark_key(const void *owner, struct store *s, struct keys *keys, struct slice name, struct database_rules *out)
{
	struct kept_database d;
	struct slice slot;
	TRY(database_watch_get(owner, s, name, &slot));
	if (!slot.size)
		return NULL;
	TRY(database_get(owner, s, keys, name, &d));
	uint8_t *key = memory_secret(owner, DIGEST_SIZE);
	mark_key(d.salt, key);
	out->mark_key = slice_of(key, DIGEST_SIZE);
	return NULL;
}

fallible
database_rules_get(const void *owner, struct store *s, struct keys *keys, struct slice name, struct database_rules *out)
{
	struct database_rules rules = { .mode = MODE_ENFORCE };
	TRY(read_mode(s, name, &rules.mode));
	TRY(read_modes(owner, s, name, &rules));
	TRY(read_labels(owner, s, name, &rules));
	TRY(read_mark_key(owner, s, keys, name, &rules));
	*out = rules;
	return NULL;
}

/* ---- mode ---- */

struct mode_arguments {
	struct slice name, mode, tables;
};

struct mode_change {
	size_t count;
	struct slice relations[TABLES_AT_ONCE];
};

/* A name without a schema is public's. */
static struct slice
relation_of(const void *owner, struct slice text)
{
	if (text.size && memchr(text.data, '.', text.size))
		return memory_copy(owner, text);
	return slice_text(memory_format(owner, "public.%.*s", SLICE_ARGUMENTS(text)));
}

static bool
relation_check(struct slice relation)
{
	struct slice schema, name;
	split(relation, &schema, &name);
	return schema.size && name.size && schema.size <= NAME_TEXT && name.size <= NAME_TEXT;
}

static fallible
take_tables(struct passage *p, struct slice list, struct mode_change *c)
{
	while (list.size) {
		const uint8_t *comma = memchr(list.data, ',', list.size);
		struct slice item = slice_of(list.data, comma ? (size_t)(comma - list.data) : list.size);
		if (c->count == TABLES_AT_ONCE)
			return passage_fail(p, E_ARGUMENT, "tables: at most %d at once", TABLES_AT_ONCE);
		c->relations[c->count] = relation_of(c, item);
		if (!relation_check(c->relations[c->count++]))
			return passage_fail(p, E_ARGUMENT, "tables: expected TABLE or SCHEMA.TABLE, not '%.*s'",
			                    SLICE_ARGUMENTS(item));
		list = slice_from(list, item.size + 1);
	}
	return NULL;
}

static err_t
database_mode_prepare(struct passage *p)
{
	const struct mode_arguments *a = p->args;
	struct mode_change *c = NEW(p, struct mode_change);
	enum database_mode mode;
	if (!mode_parse(a->mode, &mode) && !(a->tables.size && slice_is(a->mode, "inherit")))
		return passage_fail(
		    p, E_ARGUMENT,
		    "mode: expected observe, shadow or enforce; for tables also inherit, to be as their database");
	TRY(read_mode(p->view, a->name, &mode));
	TRY(take_tables(p, a->tables, c));
	p->change = c;
	p->log = LITERAL(LOG_EVERYONE);
	pairs_text(&p->outcome, "database", a->name);
	pairs_text(&p->outcome, "mode", a->mode);
	if (a->tables.size)
		pairs_text(&p->detail, "tables",
		           slice_of(a->tables.data, a->tables.size < 1024 ? a->tables.size : 1024));
	return passage_answer(p, json_pack("{s:o, s:o}", "id", json_slice(a->name), "mode", json_slice(a->mode)));
}

static err_t
database_mode_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct mode_arguments *a = p->args;
	const struct mode_change *c = p->change;
	if (!c->count) {
		TRY(store_run(tx, QUERY_DATABASE_MODE, BIND(as_text(a->name), as_text(a->mode), as_number(time))));
		return store_changes(tx) ? NULL : E_NOT_FOUND;
	}
	for (size_t i = 0; i < c->count; i++) {
		TRY(store_run(tx, QUERY_TABLE_MODE_END,
		              BIND(as_text(a->name), as_text(c->relations[i]), as_number(time))));
		if (!slice_is(a->mode, "inherit"))
			TRY(store_run(
			    tx, QUERY_TABLE_MODE_BEGIN,
			    BIND(as_text(a->name), as_text(c->relations[i]), as_text(a->mode), as_number(time))));
	}
	return NULL;
}

static const struct field database_mode_fields[] = {
	{ "name", PLACE_PATH, FIELD_NAME, true, ARGUMENT(mode_arguments, name), 0, "which" },
	{ "mode", PLACE_BODY, FIELD_NAME, true, ARGUMENT(mode_arguments, mode), 0,
	  "observe, shadow or enforce; inherit of tables" },
	{ "tables", PLACE_BODY, FIELD_TEXT, false, ARGUMENT(mode_arguments, tables), TABLES_TEXT,
	  "SCHEMA.TABLE,…: these alone" },
	{ NULL },
};

const struct operation database_mode_operation = {
	.name = "database.mode",
	.says = { "Only observes statements, says what would be refused, or enforces; for a database or some of its "
	          "tables",
	          "観察・影響確認・強制を、データベースまたは表ごとに切り替える" },
	.route = { POST, "/v1/databases/{name}/mode" },
	.action = "database.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = database_mode_fields,
	.args_size = sizeof(struct mode_arguments),
	.changes_epoch = true,
	.output = SCHEMA_ID,
	.prepare = database_mode_prepare,
	.apply = database_mode_apply,
};

/* ---- labels ---- */

struct label_arguments {
	struct slice name, column, label;
	bool remove;
};

struct label_change {
	struct slice relation, column;
};

/* TABLE.COLUMN or SCHEMA.TABLE.COLUMN. */
static bool
take_column(const void *owner, struct slice text, struct label_change *c)
{
	const uint8_t *dot = text.size ? memrchr(text.data, '.', text.size) : NULL;
	size_t at = dot ? (size_t)(dot - text.data) : 0;
	c->relation = relation_of(owner, slice_of(text.data, at));
	c->column = dot ? memory_copy(owner, slice_from(text, at + 1)) : slice_of(NULL, 0);
	return c->column.size && c->column.size <= NAME_TEXT && relation_check(c->relation);
}

static err_t
database_label_prepare(struct passage *p)
{
	const struct label_arguments *a = p->args;
	struct label_change *c = NEW(p, struct label_change);
	enum database_mode mode;
	TRY(read_mode(p->view, a->name, &mode));
	if (!take_column(c, a->column, c))
		return passage_fail(p, E_ARGUMENT, "column: expected TABLE.COLUMN or SCHEMA.TABLE.COLUMN");
	p->change = c;
	p->log = LITERAL(LOG_EVERYONE);
	pairs_text(&p->outcome, "database", a->name);
	pairs_text(&p->outcome, "label", a->label);
	pairs_number(&p->outcome, "removed", a->remove);
	pairs_text(&p->detail, "column", a->column);
	return passage_answer(p, json_pack("{s:o, s:o, s:o, s:o}", "id", json_slice(a->name), "table",
	                                   json_slice(c->relation), "column", json_slice(c->column), "label",
	                                   json_slice(a->label)));
}

static err_t
database_label_apply(struct passage *p, struct store *tx, int64_t time)
{
	const struct label_arguments *a = p->args;
	const struct label_change *c = p->change;
	const struct query *query = a->remove ? QUERY_LABEL_END : QUERY_LABEL_BEGIN;
	TRY(store_run(
	    tx, query,
	    BIND(as_text(a->name), as_text(c->relation), as_text(c->column), as_text(a->label), as_number(time))));
	return store_changes(tx) || !a->remove ? NULL : E_NOT_FOUND;
}

static const struct field database_label_fields[] = {
	{ "name", PLACE_PATH, FIELD_NAME, true, ARGUMENT(label_arguments, name), 0, "which" },
	{ "column", PLACE_BODY, FIELD_TEXT, true, ARGUMENT(label_arguments, column), 192,
	  "TABLE.COLUMN or SCHEMA.TABLE.COLUMN" },
	{ "label", PLACE_BODY, FIELD_NAME, true, ARGUMENT(label_arguments, label), 0,
	  "what it holds: personal, secret, …" },
	{ "remove", PLACE_BODY, FIELD_FLAG, false, ARGUMENT(label_arguments, remove), 0, "it does not any more" },
	{ NULL },
};

const struct operation database_label_operation = {
	.name = "database.label",
	.says = { "Says what a column holds, for policies: context.labelsRead, context.labelsWritten",
	          "列の内容にラベルを付ける" },
	.route = { POST, "/v1/databases/{name}/labels" },
	.cli = "db label {name} {column} {label}",
	.action = "database.manage",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_CHANGE,
	.fields = database_label_fields,
	.args_size = sizeof(struct label_arguments),
	.changes_epoch = true,
	.output = SCHEMA_ID,
	.prepare = database_label_prepare,
	.apply = database_label_apply,
};

/* ---- list ---- */

static void
add_rule(json_t *items, struct slice schema, struct slice name, struct slice column, const char *key,
         struct slice value)
{
	json_t *table = json_sprintf("%.*s.%.*s", SLICE_ARGUMENTS(schema), SLICE_ARGUMENTS(name));
	json_t *place = column.size ? json_slice(column) : json_null();
	json_array_append_new(items,
	                      json_pack("{s:o, s:o, s:o}", "table", table, "column", place, key, json_slice(value)));
}

static err_t
database_rules_prepare(struct passage *p)
{
	static const char *const modes[] = {
		[MODE_ENFORCE] = "enforce", [MODE_SHADOW] = "shadow", [MODE_OBSERVE] = "observe"
	};
	const struct label_arguments *a = p->args;
	struct database_rules r;
	TRY(database_rules_get(p, p->view, p->keys, a->name, &r));
	json_t *items = json_array();
	for (size_t i = 0; i < r.mode_count; i++)
		add_rule(items, r.modes[i].schema, r.modes[i].name, slice_of(NULL, 0), "mode",
		         slice_text(modes[r.modes[i].mode]));
	for (size_t i = 0; i < r.label_count; i++)
		add_rule(items, r.labels[i].schema, r.labels[i].name, r.labels[i].column, "label", r.labels[i].label);
	return passage_answer(p, json_list(items, NULL));
}

static const struct field database_rules_fields[] = {
	{ "name", PLACE_PATH, FIELD_NAME, true, ARGUMENT(label_arguments, name), 0, "which" },
	{ NULL },
};

const struct operation database_rules_operation = {
	.name = "database.rules",
	.says = { "Lists tables with a mode of their own and columns with labels",
	          "表ごとのモードと列のラベルを一覧する" },
	.route = { GET, "/v1/databases/{name}/rules" },
	.cli = "db rules {name}",
	.action = "database.list",
	.resource = RESOURCE_VENDOR,
	.effect = EFFECT_READ,
	.fields = database_rules_fields,
	.args_size = sizeof(struct label_arguments),
	.output = SCHEMA_LIST,
	.prepare = database_rules_prepare,
};
