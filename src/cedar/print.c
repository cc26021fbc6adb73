/* print.c - expressions and policies to Cedar text, with no more parentheses than are needed. */
#include "cedar/print.h"
#include "cedar/convert.h"
#include "cedar/est.h"
#include "cedar/format.h"

static void print(struct cedar_writer *, const struct cedar_expr *, enum cedar_level least);

static enum cedar_level
level_of(const struct cedar_expr *expr)
{
	if (expr->kind == CEDAR_NODE_LITERAL && expr->value.kind == CEDAR_LONG && expr->value.number < 0)
		return CEDAR_LEVEL_UNARY;
	return (enum cedar_level)cedar_operators[expr->kind].level;
}

/* Escapes what cannot stand in quotes as it is; in patterns also the star. */
static void
print_escaped(struct cedar_writer *writer, struct cedar_text text, bool pattern)
{
	static const char plain[] = "\n\r\t\\\"", letters[] = "nrt\\\"";
	size_t at = 0;

	while (at < text.size) {
		size_t start = at;
		uint32_t point = cedar_utf8_next(text, &at);
		const char *found = point != 0 && point < 0x80 ? strchr(plain, (int)point) : NULL;

		if (found != NULL)
			cedar_write_format(writer, "\\%c", letters[found - plain]);
		else if (point == '*' && pattern)
			cedar_write(writer, "\\*");
		else if (point < 0x20 || point == 0x7F || (point >= 0x80 && point < 0xA0) || point == 0x2028 ||
		         point == 0x2029)
			cedar_write_format(writer, "\\u{%x}", point);
		else
			cedar_write_text(writer, (struct cedar_text){ text.data + start, at - start });
	}
}

static void
print_string(struct cedar_writer *writer, struct cedar_text text)
{
	cedar_write(writer, "\"");
	print_escaped(writer, text, false);
	cedar_write(writer, "\"");
}

static void
print_uid(struct cedar_writer *writer, const struct cedar_uid *uid)
{
	cedar_write_text(writer, uid->type);
	cedar_write(writer, "::");
	print_string(writer, uid->id);
}

static void
print_literal(struct cedar_writer *writer, const struct cedar_value *value)
{
	if (value->kind == CEDAR_BOOL)
		cedar_write(writer, value->truth ? "true" : "false");
	else if (value->kind == CEDAR_LONG)
		cedar_write_long(writer, value->number);
	else if (value->kind == CEDAR_STRING)
		print_string(writer, value->text);
	else
		print_uid(writer, value->entity);
}

static bool
is_word(struct cedar_text name)
{
	return cedar_word_valid(name) && !cedar_word_reserved(name);
}

static void
print_name(struct cedar_writer *writer, struct cedar_text name)
{
	if (is_word(name))
		cedar_write_text(writer, name);
	else
		print_string(writer, name);
}

static void
print_attribute(struct cedar_writer *writer, const struct cedar_expr *expr)
{
	print(writer, cedar_expr_object(expr), CEDAR_LEVEL_MEMBER);
	cedar_write(writer, is_word(*expr->name) ? "." : "[");
	print_name(writer, *expr->name);
	if (!is_word(*expr->name))
		cedar_write(writer, "]");
}

static void
print_items(struct cedar_writer *writer, const struct cedar_expr *expr, size_t first, const char *open,
            const char *close)
{
	size_t i;

	cedar_write(writer, open);
	for (i = first; i < expr->count; i++) {
		if (i > first)
			cedar_write(writer, ", ");
		if (expr->kind == CEDAR_NODE_RECORD) {
			print_name(writer, expr->names[i]);
			cedar_write(writer, ": ");
		}
		print(writer, cedar_expr_operand(expr, i), CEDAR_LEVEL_IF);
	}
	cedar_write(writer, close);
}

static void
print_call(struct cedar_writer *writer, const struct cedar_expr *expr)
{
	const struct cedar_signature *row = &cedar_signatures[expr->detail];
	bool method = row->method && expr->count > 0;

	if (method) {
		print(writer, expr->items[0], CEDAR_LEVEL_MEMBER);
		cedar_write(writer, ".");
	}
	cedar_write(writer, row->name);
	print_items(writer, expr, method ? 1 : 0, "(", ")");
}

static void
print_method(struct cedar_writer *writer, const struct cedar_expr *expr)
{
	print(writer, expr->left, CEDAR_LEVEL_MEMBER);
	cedar_write(writer, ".");
	cedar_write(writer, cedar_operators[expr->kind].name);
	cedar_write(writer, "(");
	if (expr->kind != CEDAR_NODE_IS_EMPTY)
		print(writer, expr->right, CEDAR_LEVEL_IF);
	cedar_write(writer, ")");
}

static void
print_chain(struct cedar_writer *writer, const struct cedar_expr *expr)
{
	enum cedar_level least = expr->kind == CEDAR_NODE_OR ? CEDAR_LEVEL_AND : CEDAR_LEVEL_RELATION;
	size_t i;

	for (i = 0; i < expr->count; i++) {
		if (i > 0)
			cedar_write(writer, expr->kind == CEDAR_NODE_OR ? " || " : " && ");
		print(writer, expr->items[i], least);
	}
}

static void
print_binary(struct cedar_writer *writer, const struct cedar_expr *expr)
{
	enum cedar_level own = level_of(expr), next = (enum cedar_level)(own + 1);

	print(writer, expr->left, own == CEDAR_LEVEL_RELATION ? next : own);
	cedar_write_format(writer, " %s ", cedar_operators[expr->kind].name);
	print(writer, expr->right, next);
}

static void
print_like(struct cedar_writer *writer, const struct cedar_expr *expr)
{
	size_t i;

	print(writer, expr->subject, CEDAR_LEVEL_ADD);
	cedar_write(writer, " like \"");
	for (i = 0; i < expr->pattern->count; i++) {
		if (i > 0)
			cedar_write(writer, "*");
		print_escaped(writer, expr->pattern->pieces[i], true);
	}
	cedar_write(writer, "\"");
}

static void
print_is(struct cedar_writer *writer, const struct cedar_expr *expr)
{
	print(writer, expr->tested, CEDAR_LEVEL_ADD);
	cedar_write(writer, " is ");
	cedar_write_text(writer, expr->type->type);
	if (expr->inside == NULL)
		return;
	cedar_write(writer, " in ");
	print(writer, expr->inside, CEDAR_LEVEL_ADD);
}

static void
print_if(struct cedar_writer *writer, const struct cedar_expr *expr)
{
	cedar_write(writer, "if ");
	print(writer, expr->left, CEDAR_LEVEL_IF);
	cedar_write(writer, " then ");
	print(writer, expr->right, CEDAR_LEVEL_IF);
	cedar_write(writer, " else ");
	print(writer, expr->third, CEDAR_LEVEL_IF);
}

/* -(5) is a negation, -5 a number. */
static void
print_unary(struct cedar_writer *writer, const struct cedar_expr *expr)
{
	bool number = expr->kind == CEDAR_NODE_NEGATE && expr->left->kind == CEDAR_NODE_LITERAL;

	cedar_write(writer, expr->kind == CEDAR_NODE_NOT ? "!" : "-");
	cedar_write(writer, number ? "(" : "");
	print(writer, expr->left, number ? CEDAR_LEVEL_IF : CEDAR_LEVEL_MEMBER);
	cedar_write(writer, number ? ")" : "");
}

static void
print_pair(struct cedar_writer *writer, const struct cedar_expr *expr)
{
	if (level_of(expr) == CEDAR_LEVEL_MEMBER)
		print_method(writer, expr);
	else
		print_binary(writer, expr);
}

static void
print_named(struct cedar_writer *writer, const struct cedar_expr *expr)
{
	if (expr->kind == CEDAR_NODE_ATTRIBUTE) {
		print_attribute(writer, expr);
		return;
	}
	print(writer, cedar_expr_object(expr), CEDAR_LEVEL_ADD);
	cedar_write(writer, " has ");
	print_name(writer, *expr->name);
}

static void
print_list(struct cedar_writer *writer, const struct cedar_expr *expr)
{
	if (expr->kind == CEDAR_NODE_CALL) {
		print_call(writer, expr);
	} else if (expr->kind == CEDAR_NODE_STRANGE) {
		cedar_write_text(writer, *expr->names);
		print_items(writer, expr, 0, "(", ")");
	} else if (expr->kind == CEDAR_NODE_SET) {
		print_items(writer, expr, 0, "[", "]");
	} else if (expr->kind == CEDAR_NODE_RECORD) {
		print_items(writer, expr, 0, "{", "}");
	} else {
		print_chain(writer, expr);
	}
}

static void
print_node(struct cedar_writer *writer, const struct cedar_expr *expr)
{
	switch ((enum cedar_form)cedar_operators[expr->kind].form) {
	case CEDAR_FORM_VALUE:
		print_literal(writer, &expr->value);
		break;
	case CEDAR_FORM_LEAF:
		cedar_write(writer, cedar_variable_names[expr->detail]);
		break;
	case CEDAR_FORM_ONE:
		if (expr->kind == CEDAR_NODE_IS_EMPTY)
			print_method(writer, expr);
		else
			print_unary(writer, expr);
		break;
	case CEDAR_FORM_TWO:
		print_pair(writer, expr);
		break;
	case CEDAR_FORM_THREE:
		print_if(writer, expr);
		break;
	case CEDAR_FORM_LIST:
		print_list(writer, expr);
		break;
	case CEDAR_FORM_NAMED:
		print_named(writer, expr);
		break;
	case CEDAR_FORM_LIKE:
		print_like(writer, expr);
		break;
	case CEDAR_FORM_IS:
		print_is(writer, expr);
		break;
	}
}

static void
print(struct cedar_writer *writer, const struct cedar_expr *expr, enum cedar_level least)
{
	bool parentheses = level_of(expr) < least;

	if (writer->failed)
		return;
	if (writer->size > CEDAR_SOURCE_MAX) {
		writer->failed = true;
		return;
	}
	if (parentheses)
		cedar_write(writer, "(");
	print_node(writer, expr);
	if (parentheses)
		cedar_write(writer, ")");
}

static void
print_target(struct cedar_writer *writer, const char *variable, const struct cedar_scope *scope)
{
	uint32_t i;

	if (scope->slot) {
		cedar_write_format(writer, "?%s", variable);
		return;
	}
	if (scope->list)
		cedar_write(writer, "[");
	for (i = 0; i < scope->count; i++) {
		if (i > 0)
			cedar_write(writer, ", ");
		print_uid(writer, &scope->entities[i]);
	}
	if (scope->list)
		cedar_write(writer, "]");
}

static void
print_scope(struct cedar_writer *writer, const char *variable, const struct cedar_scope *scope)
{
	cedar_write(writer, variable);
	if (scope->kind == CEDAR_SCOPE_IS || scope->kind == CEDAR_SCOPE_IS_IN) {
		cedar_write(writer, " is ");
		cedar_write_text(writer, scope->type->type);
	}
	if (scope->kind == CEDAR_SCOPE_ANY || scope->kind == CEDAR_SCOPE_IS)
		return;
	cedar_write(writer, scope->kind == CEDAR_SCOPE_EQUAL ? " == " : " in ");
	print_target(writer, variable, scope);
}

static void
print_policy(struct cedar_writer *writer, const struct cedar_policy *policy)
{
	uint32_t i;

	for (i = 0; i < policy->annotation_count; i++) {
		cedar_write(writer, "@");
		cedar_write_text(writer, cedar_policy_annotations(policy)[i].key);
		if (cedar_policy_annotations(policy)[i].value.data != NULL) {
			cedar_write(writer, "(");
			print_string(writer, cedar_policy_annotations(policy)[i].value);
			cedar_write(writer, ")");
		}
		cedar_write(writer, "\n");
	}
	cedar_write(writer, policy->forbids ? "forbid (" : "permit (");
	print_scope(writer, "principal", &policy->principal);
	cedar_write(writer, ", ");
	print_scope(writer, "action", &policy->action);
	cedar_write(writer, ", ");
	print_scope(writer, "resource", &policy->resource);
	cedar_write(writer, ")");
	for (i = 0; i < policy->condition_count; i++) {
		cedar_write(writer, cedar_condition_unless(&policy->conditions[i]) ? "\nunless { " : "\nwhen { ");
		print(writer, cedar_condition_expr(&policy->conditions[i]), CEDAR_LEVEL_IF);
		cedar_write(writer, " }");
	}
	cedar_write(writer, ";\n");
}

bool
cedar_policies_write_text(const struct cedar_memory *memory, const struct cedar_policies *set, struct cedar_text *out)
{
	struct cedar_writer writer;
	bool done = false;
	size_t i;

	cedar_writer_init(&writer, memory);
	for (i = 0; i < set->count; i++)
		print_policy(&writer, &set->policies[i]);
	for (i = 0; i < set->template_count; i++)
		print_policy(&writer, &set->templates[i]);
	if (!writer.failed)
		done = cedar_format_parsed(memory, cedar_writer_text(&writer), NULL, out, NULL);
	cedar_writer_dispose(&writer);
	return done;
}

void
cedar_print_expr(struct cedar_writer *writer, const struct cedar_expr *expr)
{
	print(writer, expr, CEDAR_LEVEL_IF);
}
