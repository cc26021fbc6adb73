/* Which columns a statement may read and write, as far as its text tells: more rather than fewer, for labels hang on it. */
#include "postgres/statement.h"

#include "base/memory.h"
#include "postgres/tree.h"

/* ---- names, each once ---- */

static bool
has_name(const struct names *n, struct slice name)
{
	for (size_t i = 0; i < n->count; i++)
		if (slice_equal(n->names[i], name))
			return true;
	return false;
}

/* False: there is no more room. */
static bool
add_name(struct names *n, struct slice name)
{
	if (!name.size || has_name(n, name))
		return true;
	if (n->count == COLUMNS_MAX)
		return false;
	n->names[n->count++] = name;
	return true;
}

static void
add_read(struct statement *s, struct slice name)
{
	if (add_name(&s->columns, name))
		return;
	s->pure = false;
	s->reads_whole = true;
}

static void
add_written(struct statement *s, struct slice name)
{
	s->writes_whole |= !add_name(&s->targets, name);
}

void
columns_new(const void *owner, struct statement *s)
{
	struct names *all[] = { &s->columns, &s->targets, &s->aliases, &s->alone };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		all[i]->names = NEW_ARRAY(owner, struct slice, COLUMNS_MAX);
}

/* ---- nodes ---- */

/* x.name may call a function of that name; a name alone may be a whole row. */
static void
visit_reference(struct statement *s, struct node n, int fields)
{
	size_t parts = tree_count(n, fields);
	for (size_t i = 0; i < parts; i++)
		add_read(s, tree_string(n, fields, i));
	if (parts == 1 && fields == TREE_COLUMN_REF_F_FIELDS)
		s->reads_whole |= !add_name(&s->alone, tree_string(n, fields, 0));
}

static void
visit_targets(struct statement *s, struct node n, int field)
{
	for (size_t i = 0; i < tree_count(n, field); i++)
		add_written(s, tree_text(tree_node(n, field, i), TREE_RES_TARGET_F_NAME));
}

static void
visit_insert(struct statement *s, struct node n)
{
	visit_targets(s, n, TREE_INSERT_STMT_F_COLS);
	s->writes_whole |= tree_count(n, TREE_INSERT_STMT_F_COLS) == 0;
}

static void
visit_merge_when(struct statement *s, struct node n)
{
	visit_targets(s, n, TREE_MERGE_WHEN_CLAUSE_F_TARGET_LIST);
	s->writes_whole |= tree_count(n, TREE_MERGE_WHEN_CLAUSE_F_TARGET_LIST) == 0;
}

static void
visit_copy(struct statement *s, struct node n)
{
	bool in = tree_number(n, TREE_COPY_STMT_F_IS_FROM);
	size_t count = tree_count(n, TREE_COPY_STMT_F_ATTLIST);
	for (size_t i = 0; i < count; i++) {
		struct slice name = tree_string(n, TREE_COPY_STMT_F_ATTLIST, i);
		if (in)
			add_written(s, name);
		else
			add_read(s, name);
	}
	s->writes_whole |= in && !count;
	s->reads_whole |= !in && !count && tree_node(n, TREE_COPY_STMT_F_RELATION, 0).type >= 0;
}

static void
visit_join(struct statement *s, struct node n)
{
	s->reads_whole |= tree_number(n, TREE_JOIN_EXPR_F_IS_NATURAL) != 0;
	for (size_t i = 0; i < tree_count(n, TREE_JOIN_EXPR_F_USING_CLAUSE); i++)
		add_read(s, tree_string(n, TREE_JOIN_EXPR_F_USING_CLAUSE, i));
}

/* Columns under other names are not told apart. */
static void
visit_alias(struct statement *s, struct node n)
{
	s->reads_whole |=
	    tree_count(n, TREE_ALIAS_F_COLNAMES) > 0 || !add_name(&s->aliases, tree_text(n, TREE_ALIAS_F_ALIASNAME));
}

void
columns_visit(struct statement *s, struct node n)
{
	switch (n.type) {
	case TREE_COLUMN_REF:
		visit_reference(s, n, TREE_COLUMN_REF_F_FIELDS);
		return;
	case TREE_A_INDIRECTION:
		visit_reference(s, n, TREE_A_INDIRECTION_F_INDIRECTION);
		return;
	case TREE_A_STAR:
		s->reads_whole = true;
		return;
	case TREE_ALIAS:
		visit_alias(s, n);
		return;
	case TREE_JOIN_EXPR:
		visit_join(s, n);
		return;
	case TREE_INSERT_STMT:
		visit_insert(s, n);
		return;
	case TREE_UPDATE_STMT:
		visit_targets(s, n, TREE_UPDATE_STMT_F_TARGET_LIST);
		return;
	case TREE_ON_CONFLICT_CLAUSE:
		visit_targets(s, n, TREE_ON_CONFLICT_CLAUSE_F_TARGET_LIST);
		return;
	case TREE_MERGE_WHEN_CLAUSE:
		visit_merge_when(s, n);
		return;
	case TREE_DELETE_STMT:
		s->writes_whole = true;
		return;
	case TREE_COPY_STMT:
		visit_copy(s, n);
		return;
	default:
		return;
	}
}

/* `select p from people p` reads every column of it. */
void
columns_finish(struct statement *s)
{
	for (size_t i = 0; i < s->alone.count; i++)
		s->reads_whole |= has_name(&s->aliases, s->alone.names[i]);
	for (size_t i = 0; i < s->table_count; i++)
		s->reads_whole |= has_name(&s->alone, s->tables[i].name);
	s->reaches |= s->table_count == TABLES_MAX || s->kind >= STATEMENT_DDL || s->naming == NAMING_EXECUTE;
}

static void
keep(const void *owner, struct names *n)
{
	struct slice *names = n->count ? NEW_ARRAY(owner, struct slice, n->count) : NULL;
	for (size_t i = 0; i < n->count; i++)
		names[i] = memory_copy(owner, n->names[i]);
	talloc_free(n->names);
	n->names = names;
}

void
columns_keep(const void *owner, struct statement *s)
{
	keep(owner, &s->columns);
	keep(owner, &s->targets);
	talloc_free(TAKE(s->aliases.names));
	talloc_free(TAKE(s->alone.names));
	s->aliases.count = s->alone.count = 0;
}

bool
statement_reads(const struct statement *s, struct slice column)
{
	return s->reads_whole || has_name(&s->columns, column);
}

bool
statement_writes(const struct statement *s, struct slice column)
{
	return s->writes_whole || has_name(&s->targets, column);
}
