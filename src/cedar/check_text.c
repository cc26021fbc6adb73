/* check_text.c - warnings of names and strings that may not be what they look like. */
#include <stdio.h>

#include "cedar/check.h"
#include "cedar/unicode.h"

enum { SHOWN = 60 };

/* With what is no printable ASCII written as \u{…}: the message must not play the trick that it warns of. */
static const char *
shown(struct cedar_text text, char buffer[SHOWN + 16])
{
	size_t at = 0, size = 0;

	while (at < text.size && size < SHOWN) {
		uint32_t point = cedar_utf8_next(text, &at);

		if (point >= 0x20 && point < 0x7F)
			buffer[size++] = (char)point;
		else
			size += (size_t)snprintf(buffer + size, 16, "\\u{%x}", (unsigned)point);
	}
	buffer[size] = '\0';
	return buffer;
}

static void
check_text(struct cedar_checker *checker, struct cedar_text text, bool identifier, uint32_t offset)
{
	const char *what = identifier ? "the name" : "the string";
	char buffer[SHOWN + 16];
	uint32_t point;

	switch (cedar_text_suspicion(text, identifier, &point)) {
	case CEDAR_PLAIN:
		break;
	case CEDAR_TURNS:
		cedar_check_warn(
		    checker, offset,
		    "%s \"%s\" holds U+%04X, which turns the direction of writing: it reads as something else", what,
		    shown(text, buffer), (unsigned)point);
		break;
	case CEDAR_UNFIT:
		cedar_check_warn(checker, offset,
		                 "%s \"%s\" holds U+%04X, which names are not made of: it may look like another", what,
		                 shown(text, buffer), (unsigned)point);
		break;
	case CEDAR_MIXES_SCRIPTS:
		cedar_check_warn(
		    checker, offset,
		    "%s \"%s\" mixes scripts (U+%04X is of another than what stands before it): letters may only "
		    "look alike",
		    what, shown(text, buffer), (unsigned)point);
		break;
	}
}

static void
check_pattern(struct cedar_checker *checker, const struct cedar_expr *expr)
{
	const struct cedar_pattern *pattern = expr->pattern;
	size_t size = 0, i;
	char *whole;

	for (i = 0; i < pattern->count; i++)
		size += pattern->pieces[i].size;
	whole = cedar_arena_take(&checker->nodes, size);
	if (whole == NULL)
		return;
	for (i = 0, size = 0; i < pattern->count; i++) {
		memcpy(whole + size, pattern->pieces[i].data, pattern->pieces[i].size);
		size += pattern->pieces[i].size;
	}
	check_text(checker, (struct cedar_text){ whole, size }, false, expr->offset);
}

static bool
check_node(void *context, const struct cedar_expr *expr)
{
	struct cedar_checker *checker = context;
	size_t i;

	if (expr->kind == CEDAR_NODE_LITERAL && expr->value.kind == CEDAR_STRING)
		check_text(checker, expr->value.text, false, expr->offset);
	else if (expr->kind == CEDAR_NODE_LITERAL && expr->value.kind == CEDAR_ENTITY)
		check_text(checker, expr->value.entity->id, true, expr->offset);
	else if (expr->kind == CEDAR_NODE_ATTRIBUTE || expr->kind == CEDAR_NODE_HAS)
		check_text(checker, *expr->name, true, expr->offset);
	else if (expr->kind == CEDAR_NODE_LIKE)
		check_pattern(checker, expr);
	for (i = 0; expr->kind == CEDAR_NODE_RECORD && i < expr->count; i++)
		check_text(checker, expr->names[i], true, expr->offset);
	return true;
}

static void
check_scope(struct cedar_checker *checker, const struct cedar_scope *scope)
{
	uint32_t i;

	for (i = 0; i < scope->count && scope->entities != NULL; i++)
		check_text(checker, scope->entities[i].id, true, scope->offset);
}

void
cedar_check_texts(struct cedar_checker *checker)
{
	const struct cedar_policy *policy = checker->policy;
	uint32_t i;

	check_scope(checker, &policy->principal);
	check_scope(checker, &policy->action);
	check_scope(checker, &policy->resource);
	for (i = 0; i < policy->condition_count && policy->template == NULL; i++)
		cedar_expr_each(cedar_condition_expr(&policy->conditions[i]), CEDAR_CHECK_STEPS_MAX, check_node,
		                checker);
}
