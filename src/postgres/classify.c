/* What a statement is, by its outermost node; what is inside it: statement.c. */
#include "postgres/statement.h"

#include "postgres/tree.h"

#include <stdio.h>

static void
set(struct statement *s, enum statement_kind kind, const char *action)
{
	s->kind = kind;
	s->action = action;
}

static void
endanger(struct statement *s, const char *why)
{
	set(s, STATEMENT_DANGEROUS, "database.admin");
	s->pure = false;
	s->leaves = true;
	if (!s->why)
		s->why = why;
}

static void
refuse(struct statement *s, const char *refusal, const char *hint)
{
	endanger(s, refusal);
	s->refusal = refusal;
	s->hint = hint;
}

/* enum VariableSetKind */
enum { VAR_SET_VALUE = 1, VAR_SET_DEFAULT, VAR_SET_CURRENT, VAR_SET_MULTI, VAR_RESET, VAR_RESET_ALL };

/* SET NAME = LITERAL of what a client may choose at the start as well: the application lane keeps it for its client. */
static void
find_kept(struct statement *s, struct node n)
{
	struct slice name = tree_text(n, TREE_VARIABLE_SET_STMT_F_NAME);
	struct node value = tree_node(n, TREE_VARIABLE_SET_STMT_F_ARGS, 0);
	struct node number = value.type == TREE_A_CONST ? tree_node(value, TREE_A_CONST_F_IVAL, 0) : value;
	bool pinned = slice_is(name, "client_encoding") || slice_is(name, "standard_conforming_strings");
	if (!s->leaves || s->unlocks || s->refusal || tree_count(n, TREE_VARIABLE_SET_STMT_F_ARGS) != 1 || value.type != TREE_A_CONST || (!pinned && !setting_is_free(name)))
		return;
	s->naming = NAMING_KEEPS;
	s->setting = name;
	s->name = tree_string(n, TREE_VARIABLE_SET_STMT_F_ARGS, 0);
	if (number.type != TREE_INTEGER)
		return;
	snprintf(s->number, sizeof s->number, "%d", (int)tree_number(number, TREE_INTEGER_F_IVAL));
	s->name = slice_of(s->number, strlen(s->number));
}

/* BEGIN, SET TRANSACTION and SET SESSION CHARACTERISTICS: READ WRITE among their options. */
static bool
asks_to_write(struct node n, int options)
{
	for (size_t i = 0; i < tree_count(n, options); i++) {
		struct node o = tree_node(n, options, i), value = tree_node(o, TREE_DEF_ELEM_F_ARG, 0);
		struct node number = value.type == TREE_A_CONST ? tree_node(value, TREE_A_CONST_F_IVAL, 0) : value;
		if (o.type == TREE_DEF_ELEM && slice_is(tree_text(o, TREE_DEF_ELEM_F_DEFNAME), "transaction_read_only") &&
		    (number.type != TREE_INTEGER || tree_number(number, TREE_INTEGER_F_IVAL) != 1))
			return true;
	}
	return false;
}

static void
classify_set(struct statement *s, struct node n)
{
	uint64_t kind = tree_number(n, TREE_VARIABLE_SET_STMT_F_KIND);
	struct slice name = tree_text(n, TREE_VARIABLE_SET_STMT_F_NAME);
	set(s, STATEMENT_SESSION, "read");
	s->unlocks = kind == VAR_RESET_ALL || setting_is_read_only(name) || asks_to_write(n, TREE_VARIABLE_SET_STMT_F_ARGS);
	if (kind == VAR_RESET_ALL) {
		refuse(s, "RESET ALL would take back what the gateway has set", "Reset the settings that you changed, by name");
		return;
	}
	s->leaves = !tree_number(n, TREE_VARIABLE_SET_STMT_F_IS_LOCAL) && !(kind == VAR_SET_MULTI && slice_is(name, "TRANSACTION"));
	if (kind == VAR_SET_MULTI) {
		if (slice_is(name, "TRANSACTION SNAPSHOT"))
			refuse(s, "A transaction's snapshot cannot be taken over from another session", NULL);
		return;
	}
	/* RESET goes back to the start-up packet's value, which is the gateway's; but not for the role. */
	struct slice value = tree_string(n, TREE_VARIABLE_SET_STMT_F_ARGS, 0);
	bool back = kind == VAR_RESET || kind == VAR_SET_DEFAULT;
	const char *refusal = setting_refusal(name, back ? LITERAL("on") : value);
	if (back && slice_is(name, "client_encoding"))
		refusal = NULL;
	if (refusal)
		refuse(s, refusal, NULL);
	else if (kind == VAR_SET_VALUE)
		find_kept(s, n);
}

/* enum TransactionStmtKind */
enum { TRANS_BEGIN = 1, TRANS_START, TRANS_COMMIT, TRANS_ROLLBACK, TRANS_SAVEPOINT, TRANS_RELEASE, TRANS_ROLLBACK_TO, TRANS_PREPARE,
       TRANS_COMMIT_PREPARED, TRANS_ROLLBACK_PREPARED };

static void
classify_transaction(struct statement *s, struct node n)
{
	uint64_t kind = tree_number(n, TREE_TRANSACTION_STMT_F_KIND);
	set(s, STATEMENT_TRANSACTION, "read");
	s->pure = kind != TRANS_COMMIT;
	s->unlocks = asks_to_write(n, TREE_TRANSACTION_STMT_F_OPTIONS);
	s->chains = tree_number(n, TREE_TRANSACTION_STMT_F_CHAIN);
	if (kind == TRANS_COMMIT)
		s->naming = NAMING_COMMIT;
	if (kind >= TRANS_PREPARE)
		refuse(s, "Two-phase commit is not for subscribers' sessions", NULL);
}

static void
classify_copy(struct statement *s, struct node n)
{
	if (tree_number(n, TREE_COPY_STMT_F_IS_PROGRAM))
		refuse(s, "COPY with a program runs it on the database's server", "Use COPY … TO STDOUT, or \\copy in psql");
	else if (tree_text(n, TREE_COPY_STMT_F_FILENAME).size)
		refuse(s, "COPY with a file reads or writes the database's server", "Use COPY … TO STDOUT, or \\copy in psql");
	else if (tree_number(n, TREE_COPY_STMT_F_IS_FROM))
		set(s, STATEMENT_COPY_IN, "write");
	else
		set(s, STATEMENT_EXPORT, "export");
}

static bool
option_is_off(struct node option)
{
	struct node value = tree_node(option, TREE_DEF_ELEM_F_ARG, 0);
	struct slice text = value.type == TREE_STRING ? tree_text(value, TREE_STRING_F_SVAL) : slice_of(NULL, 0);
	if (value.type == TREE_INTEGER)
		return tree_number(value, TREE_INTEGER_F_IVAL) == 0;
	return slice_is(text, "off") || slice_is(text, "false");
}

/* ROWS.md 3: estimates come from everybody's statistics, and ANALYZE prints how many rows of others were filtered. */
static void
classify_explain(struct statement *s, struct node n)
{
	static const char *const telling[] = { "analyze", "buffers", "wal", "settings", "timing", "summary" };
	bool costs = true;
	set(s, STATEMENT_READ, "read");
	s->pure = false;
	for (size_t i = 0; i < tree_count(n, TREE_EXPLAIN_STMT_F_OPTIONS); i++) {
		struct node option = tree_node(n, TREE_EXPLAIN_STMT_F_OPTIONS, i);
		struct slice name = tree_text(option, TREE_DEF_ELEM_F_DEFNAME);
		if (slice_is(name, "costs"))
			costs = !option_is_off(option);
		for (size_t j = 0; j < sizeof telling / sizeof *telling; j++)
			if (slice_is(name, telling[j]) && !option_is_off(option))
				endanger(s, "EXPLAIN with ANALYZE, BUFFERS, WAL or SETTINGS tells of other subscribers' rows");
	}
	if (costs)
		endanger(s, "EXPLAIN with costs tells of other subscribers' rows");
	if (s->kind == STATEMENT_DANGEROUS)
		s->hint = "EXPLAIN (COSTS OFF) shows the plan alone";
}

enum { LOCK_ROW_EXCLUSIVE = 3, DISCARD_ALL = 1, CURSOR_HOLD = 0x20 };

static void
classify_named(struct statement *s, struct node n)
{
	switch (n.type) {
	case TREE_PREPARE_STMT:
		s->naming = NAMING_PREPARE;
		s->leaves = true;
		s->name = tree_text(n, TREE_PREPARE_STMT_F_NAME);
		set(s, STATEMENT_READ, "read");
		s->pure = false;
		return;
	case TREE_EXECUTE_STMT:
		s->naming = NAMING_EXECUTE;
		s->name = tree_text(n, TREE_EXECUTE_STMT_F_NAME);
		set(s, STATEMENT_WRITE, "write");
		return;
	default:
		s->naming = NAMING_DEALLOCATE;
		s->name = tree_text(n, TREE_DEALLOCATE_STMT_F_NAME);
		set(s, STATEMENT_SESSION, "read");
	}
}

void
classify(struct statement *s, struct node n)
{
	s->pure = false;
	switch (n.type) {
	case TREE_SELECT_STMT:
		set(s, STATEMENT_READ, "read");
		s->pure = true;
		return;
	case TREE_INSERT_STMT:
	case TREE_UPDATE_STMT:
	case TREE_DELETE_STMT:
	case TREE_MERGE_STMT:
	case TREE_CALL_STMT:
		set(s, STATEMENT_WRITE, "write");
		return;
	case TREE_VARIABLE_SET_STMT:
		classify_set(s, n);
		return;
	case TREE_VARIABLE_SHOW_STMT:
		set(s, STATEMENT_SESSION, "read");
		s->pure = true;
		return;
	case TREE_CONSTRAINTS_SET_STMT:
		set(s, STATEMENT_SESSION, "write");
		return;
	case TREE_TRANSACTION_STMT:
		classify_transaction(s, n);
		return;
	case TREE_COPY_STMT:
		classify_copy(s, n);
		return;
	case TREE_EXPLAIN_STMT:
		classify_explain(s, n);
		return;
	case TREE_PREPARE_STMT:
	case TREE_EXECUTE_STMT:
	case TREE_DEALLOCATE_STMT:
		classify_named(s, n);
		return;
	case TREE_DECLARE_CURSOR_STMT:
		s->leaves = tree_number(n, TREE_DECLARE_CURSOR_STMT_F_OPTIONS) & CURSOR_HOLD;
		set(s, STATEMENT_READ, "read");
		return;
	case TREE_FETCH_STMT:
		set(s, STATEMENT_READ, "read");
		return;
	case TREE_CLOSE_PORTAL_STMT:
		set(s, STATEMENT_SESSION, "read");
		return;
	case TREE_LOCK_STMT:
		set(s, STATEMENT_WRITE, tree_number(n, TREE_LOCK_STMT_F_MODE) > 1 ? "write" : "read");
		if (tree_number(n, TREE_LOCK_STMT_F_MODE) > LOCK_ROW_EXCLUSIVE)
			endanger(s, "A lock above ROW EXCLUSIVE stops the other subscribers");
		return;
	case TREE_DISCARD_STMT:
		set(s, STATEMENT_SESSION, "read");
		if (tree_number(n, TREE_DISCARD_STMT_F_TARGET) == DISCARD_ALL)
			refuse(s, "DISCARD ALL would take back what the gateway has set", "DEALLOCATE ALL; CLOSE ALL; RESET each setting");
		return;
	case TREE_LISTEN_STMT:
	case TREE_UNLISTEN_STMT:
	case TREE_NOTIFY_STMT:
		refuse(s, "LISTEN and NOTIFY reach all subscribers' sessions", NULL);
		return;
	case TREE_DO_STMT:
		endanger(s, "DO runs a program that is not read beforehand");
		return;
	case TREE_LOAD_STMT:
		refuse(s, "LOAD runs a library inside the database's server", NULL);
		return;
	default:
		endanger(s, "It changes the database itself: definitions, rights, maintenance");
		s->kind = STATEMENT_DDL;
	}
}
