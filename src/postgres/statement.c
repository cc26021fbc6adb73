/* What is inside a statement: tables, functions, operators, casts, and what must not be done by the way. */
#include "postgres/statement.h"

#include "base/memory.h"
#include "base/text.h"
#include "keys/keys.h"
#include "postgres/scan.h"
#include "postgres/tree.h"

#include <pg_query.h>
#include <stdio.h>

const char *
statement_kind_name(enum statement_kind kind)
{
	static const char *const names[STATEMENT_KINDS] = {
		"read", "write", "export", "copy-in", "session", "transaction", "ddl", "dangerous", "unknown",
	};
	return names[kind];
}

struct walk {
	struct statement *s;
	struct slice ctes[TABLES_MAX];
	size_t cte_count;
	int outermost;                  /* the statement's own node */
};

static void
escalate(struct statement *s, enum statement_kind kind, const char *action, const char *why)
{
	static const char *const order[] = { "read", "write", "export", "database.admin" };
	size_t now = 0, then = 0;
	for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
		now = strcmp(s->action, order[i]) == 0 ? i : now;
		then = strcmp(action, order[i]) == 0 ? i : then;
	}
	s->pure = false;
	if (!s->why)
		s->why = why;
	if (then <= now)
		return;
	s->action = action;
	if (s->kind == STATEMENT_READ || kind >= STATEMENT_DDL)
		s->kind = kind;
}

/* ---- tables ---- */

static void
add_table(struct walk *w, struct node n, bool written)
{
	struct statement *s = w->s;
	struct table t = { tree_text(n, TREE_RANGE_VAR_F_SCHEMANAME), tree_text(n, TREE_RANGE_VAR_F_RELNAME), written, false };
	if (t.name.size == 0)
		return;
	if (written && slice_is(t.name, "pg_settings"))
		escalate(s, STATEMENT_DANGEROUS, "database.admin", "pg_settings would set what SET may not");
	if (written && slice_is(t.schema, "pg_catalog"))
		escalate(s, STATEMENT_DANGEROUS, "database.admin", "It changes the catalogue");
	for (size_t i = 0; i < s->table_count; i++)
		if (slice_equal(s->tables[i].name, t.name) && slice_equal(s->tables[i].schema, t.schema)) {
			s->tables[i].written |= written;
			return;
		}
	if (s->table_count == TABLES_MAX)
		s->pure = false;
	else
		s->tables[s->table_count++] = t;
}

static void
mark_ctes(struct walk *w)
{
	struct statement *s = w->s;
	for (size_t i = 0; i < s->table_count; i++)
		for (size_t j = 0; j < w->cte_count; j++)
			if (!s->tables[i].schema.size && slice_equal(s->tables[i].name, w->ctes[j]))
				s->tables[i].maybe_cte = true;
}

static void
name_tables(const void *owner, struct statement *s)
{
	char text[512];
	size_t size = 0;
	for (size_t i = 0; i < s->table_count; i++) {
		const struct table *t = &s->tables[i];
		int n = snprintf(text + size, sizeof text - size, "%s%.*s%s%.*s%s", size ? " " : "", SLICE_ARGUMENTS(t->schema),
		                 t->schema.size ? "." : "", SLICE_ARGUMENTS(t->name), t->written ? "!" : "");
		if (n < 0 || (size_t)n >= sizeof text - size)
			break;
		size += (size_t)n;
	}
	s->table_names = memory_copy(owner, slice_of(text, size));
}

/* ---- functions, operators, casts ---- */

static void
visit_set_config(struct statement *s, struct node call)
{
	struct slice name = tree_string(call, TREE_FUNC_CALL_F_ARGS, 0), value = tree_string(call, TREE_FUNC_CALL_F_ARGS, 1);
	const char *refusal = name.size ? setting_refusal(name, value) : "set_config needs a literal name here";
	s->pure = false;
	s->leaves = true;
	s->unlocks |= !name.size || setting_is_read_only(name);
	if (refusal) {
		escalate(s, STATEMENT_DANGEROUS, "database.admin", refusal);
		s->refusal = refusal;
	}
}

static void
visit_call(struct statement *s, struct node call)
{
	size_t parts = tree_count(call, TREE_FUNC_CALL_F_FUNCNAME);
	struct slice name = parts ? tree_string(call, TREE_FUNC_CALL_F_FUNCNAME, parts - 1) : slice_of(NULL, 0);
	bool own = parts > 1 && !slice_is(tree_string(call, TREE_FUNC_CALL_F_FUNCNAME, parts - 2), "pg_catalog");
	if (slice_is(name, "set_config")) {
		visit_set_config(s, call);
		return;
	}
	s->recalls |= slice_is(name, "currval") || slice_is(name, "lastval") || slice_is(name, "setseed");
	switch (function_class(name)) {
	case FUNCTION_READS:
		s->leaves |= own;
		s->reaches |= own;
		if (own)
			escalate(s, STATEMENT_WRITE, "write", "It calls a function that is not PostgreSQL's own");
		return;
	case FUNCTION_VOLATILE:
		s->pure = false;
		if (slice_is(name, "setval") || slice_is(name, "nextval"))
			escalate(s, STATEMENT_WRITE, "write", "It moves a sequence");
		return;
	case FUNCTION_DANGEROUS:
		s->leaves = true;
		escalate(s, STATEMENT_DANGEROUS, "database.admin", "It calls a function that reaches beyond a subscriber's rows");
		return;
	case FUNCTION_UNKNOWN:
		s->leaves = s->reaches = true;
		escalate(s, STATEMENT_WRITE, "write", "It calls a function that is not PostgreSQL's own");
	}
}

/* Names of one part, or of pg_catalog. */
static bool
is_builtin(struct node n, int field, bool (*known)(struct slice))
{
	size_t parts = tree_count(n, field);
	if (parts == 0 || parts > 2 || (parts == 2 && !slice_is(tree_string(n, field, 0), "pg_catalog")))
		return false;
	return known(tree_string(n, field, parts - 1));
}

/* enum A_Expr_Kind: BETWEEN in its four forms, whose name is no operator's but stands for <= and >=. */
enum { AEXPR_BETWEEN = 11, AEXPR_NOT_BETWEEN_SYM = 14 };

static bool
is_between(struct node n)
{
	uint64_t kind = tree_number(n, TREE_A_EXPR_F_KIND);
	return kind >= AEXPR_BETWEEN && kind <= AEXPR_NOT_BETWEEN_SYM;
}

static void
visit_sample(struct statement *s, struct node n)
{
	struct slice method = tree_string(n, TREE_RANGE_TABLE_SAMPLE_F_METHOD, 0);
	if (!slice_is(method, "bernoulli") && !slice_is(method, "system"))
		s->pure = false;
}

static void
add_cte(struct walk *w, struct node n)
{
	if (w->cte_count < TABLES_MAX)
		w->ctes[w->cte_count++] = tree_text(n, TREE_COMMON_TABLE_EXPR_F_CTENAME);
	else
		w->s->pure = false;
}

static void
visit_written(struct walk *w, struct node n, int relation)
{
	escalate(w->s, STATEMENT_WRITE, "write", NULL);
	add_table(w, tree_node(n, relation, 0), true);
}

static bool
visit(void *argument, struct node n)
{
	struct walk *w = argument;
	struct statement *s = w->s;
	columns_visit(s, n);
	switch (n.type) {
	case TREE_RANGE_VAR:
		add_table(w, n, false);
		break;
	case TREE_INSERT_STMT:
		visit_written(w, n, TREE_INSERT_STMT_F_RELATION);
		break;
	case TREE_UPDATE_STMT:
		visit_written(w, n, TREE_UPDATE_STMT_F_RELATION);
		break;
	case TREE_DELETE_STMT:
		visit_written(w, n, TREE_DELETE_STMT_F_RELATION);
		break;
	case TREE_MERGE_STMT:
		visit_written(w, n, TREE_MERGE_STMT_F_RELATION);
		break;
	case TREE_COPY_STMT:
		if (tree_number(n, TREE_COPY_STMT_F_IS_FROM))
			add_table(w, tree_node(n, TREE_COPY_STMT_F_RELATION, 0), true);
		break;
	case TREE_INTO_CLAUSE:
		s->leaves = true;
		escalate(s, STATEMENT_DDL, "database.admin", "It makes a table");
		break;
	case TREE_LOCKING_CLAUSE:
		escalate(s, STATEMENT_WRITE, "write", "It locks rows");
		break;
	case TREE_FUNC_CALL:
		visit_call(s, n);
		break;
	case TREE_A_EXPR:
		s->pure &= is_between(n) || is_builtin(n, TREE_A_EXPR_F_NAME, operator_is_builtin);
		break;
	case TREE_SORT_BY:
		s->pure &= tree_count(n, TREE_SORT_BY_F_USE_OP) == 0;
		break;
	case TREE_SUB_LINK:
		s->pure &= tree_count(n, TREE_SUB_LINK_F_OPER_NAME) == 0 || is_builtin(n, TREE_SUB_LINK_F_OPER_NAME, operator_is_builtin);
		break;
	case TREE_TYPE_NAME:
		s->pure &= is_builtin(n, TREE_TYPE_NAME_F_NAMES, type_is_builtin);
		break;
	case TREE_RANGE_TABLE_SAMPLE:
		visit_sample(s, n);
		break;
	case TREE_COMMON_TABLE_EXPR:
		add_cte(w, n);
		break;
	default:
		break;
	}
	return true;
}

/* ---- one statement, and a text of several ---- */

static void
fingerprint(struct statement *s)
{
	uint8_t digest[DIGEST_SIZE];
	char hex[2 * DIGEST_SIZE + 1];
	sha256(s->normal, digest);
	text_hex(slice_of(digest, sizeof digest), hex);
	memcpy(s->fingerprint, hex, FINGERPRINT_TEXT - 1);
	s->fingerprint[FINGERPRINT_TEXT - 1] = '\0';
}

static fallible
analyse_one(struct analysis *a, struct statement *s, struct node raw, struct slice text)
{
	char normal[NORMAL_MAX];
	struct node n = tree_node(raw, TREE_RAW_STMT_F_STMT, 0);
	size_t from = (size_t)tree_number(raw, TREE_RAW_STMT_F_STMT_LOCATION), size = (size_t)tree_number(raw, TREE_RAW_STMT_F_STMT_LEN);
	struct slice own = slice_from(text, from);
	if (size && size < own.size)
		own.size = size;
	struct walk w = { .s = s, .outermost = n.type };
	s->at = from;
	s->calls = n.type == TREE_CALL_STMT;
	if (n.type < 0)
		return E_STATE;
	s->tables = NEW_ARRAY(a, struct table, TABLES_MAX);
	columns_new(a, s);
	classify(s, n);
	s->leaves |= is_of_pg_dump(own);
	if (!is_of_pg_dump(own) && !tree_walk(n, visit, &w))
		return E_STATE;
	s->pure &= !is_of_pg_dump(own);
	find_setting(s, n);
	mark_ctes(&w);
	columns_finish(s);
	name_tables(a, s);
	s->normal = memory_copy(a, slice_of(normal, scan_normal(own, normal, sizeof normal)));
	fingerprint(s);
	return NULL;
}

/* The tree's bytes go when it is freed; what the statements keep of them is copied. */
static void
keep(struct analysis *a, struct statement *s)
{
	s->name = memory_copy(a, s->name);
	s->setting = memory_copy(a, s->setting);
	struct table *tables = s->table_count ? NEW_ARRAY(a, struct table, s->table_count) : NULL;
	for (size_t i = 0; i < s->table_count; i++) {
		tables[i] = s->tables[i];
		tables[i].schema = memory_copy(a, tables[i].schema);
		tables[i].name = memory_copy(a, tables[i].name);
	}
	talloc_free(s->tables);
	s->tables = tables;
	columns_keep(a, s);
}

static fallible
analyse_tree(struct analysis *a, struct slice tree, struct slice text)
{
	struct node root = { TREE_PARSE_RESULT, tree };
	struct slice rest = tree;
	struct tree_value v;
	size_t count = tree_count(root, TREE_PARSE_RESULT_F_STMTS), i = 0;
	if (count > STATEMENTS_MAX) {
		a->sqlstate = "54000";
		a->message = "more than 1,000 statements in one message";
		return NULL;
	}
	a->statements = NEW_ARRAY(a, struct statement, count + 1);
	a->count = count;
	while (i < count && tree_next(TREE_PARSE_RESULT, &rest, &v))
		if (v.number == TREE_PARSE_RESULT_F_STMTS) {
			struct statement *s = &a->statements[i++];
			TRY(analyse_one(a, s, (struct node){ TREE_RAW_STMT, v.bytes }, text));
			keep(a, s);
		}
	return NULL;
}

static void
reject(struct analysis *a, const char *sqlstate, const char *message, int position)
{
	a->sqlstate = sqlstate;
	a->message = memory_text(a, slice_text(message));
	a->position = position > 0 ? (unsigned)position : 0;
}

fallible
analyse(const void *owner, struct slice text, struct analysis **out)
{
	struct analysis *a = NEW(owner, struct analysis);
	if (!text_is_utf8(text) && text.size)
		reject(a, "22021", "invalid byte sequence for encoding \"UTF8\"", 0);
	else if (text.size > QUERY_MAX)
		reject(a, "54000", "a statement's text is longer than 1 MB", 0);
	else if (scan_depth(text) > SCAN_DEPTH_MAX)
		reject(a, "54001", "the statement nests too deeply", 0);
	*out = a;
	if (a->sqlstate)
		return NULL;
	SCOPED char *copy = memory_text(NULL, text);
	PgQueryProtobufParseResult r = pg_query_parse_protobuf(copy);
	err_t e = NULL;
	if (r.error)
		reject(a, "42601", r.error->message, r.error->cursorpos);
	else
		e = analyse_tree(a, slice_of(r.parse_tree.data, r.parse_tree.len), text);
	pg_query_free_protobuf_parse_result(r);
	return e;
}
