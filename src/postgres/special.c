/* Two statements that are told by their very form. */
#include "postgres/statement.h"

#include "postgres/tree.h"

/* Which setting is the application lane's hook is for the session to say: lane_names(). */
void
find_setting(struct statement *s, struct node n)
{
	struct node target = tree_node(n, TREE_SELECT_STMT_F_TARGET_LIST, 0), call = tree_node(target, TREE_RES_TARGET_F_VAL, 0);
	if (n.type != TREE_SELECT_STMT || tree_count(n, TREE_SELECT_STMT_F_TARGET_LIST) != 1 || tree_count(n, TREE_SELECT_STMT_F_FROM_CLAUSE) ||
	    tree_count(n, TREE_SELECT_STMT_F_WHERE_CLAUSE) || call.type != TREE_FUNC_CALL || tree_count(call, TREE_FUNC_CALL_F_ARGS) != 3)
		return;
	size_t parts = tree_count(call, TREE_FUNC_CALL_F_FUNCNAME);
	struct slice name = tree_string(call, TREE_FUNC_CALL_F_ARGS, 0);
	struct node value = tree_node(call, TREE_FUNC_CALL_F_ARGS, 1), local = tree_node(call, TREE_FUNC_CALL_F_ARGS, 2);
	if (!name.size || !slice_is(tree_string(call, TREE_FUNC_CALL_F_FUNCNAME, parts - 1), "set_config") || local.type != TREE_A_CONST ||
	    !tree_number(tree_node(local, TREE_A_CONST_F_BOOLVAL, 0), TREE_BOOLEAN_F_BOOLVAL))
		return;
	if (value.type == TREE_TYPE_CAST)
		value = tree_node(value, TREE_TYPE_CAST_F_ARG, 0);
	s->naming = NAMING_SETTING;
	s->setting = name;
	s->name = tree_string(call, TREE_FUNC_CALL_F_ARGS, 1);
	s->parameter = value.type == TREE_PARAM_REF ? (unsigned)tree_number(value, TREE_PARAM_REF_F_NUMBER) : 0;
}

/* What pg_dump says at its start; its WHERE pins the name, which set_config otherwise must do itself. */
bool
is_of_pg_dump(struct slice text)
{
	return slice_is(text, "SELECT set_config(name, 'view, foreign-table', false) FROM pg_settings WHERE name = 'restrict_nonsystem_relation_kind'");
}
