/* est_write.c - policies to the JSON format. Texts that grow beyond all measure (operands can be shared) are given up. */
#include "cedar/convert.h"
#include "cedar/est.h"

static void write_expr(struct cedar_writer *, const struct cedar_expr *);

void
cedar_est_write_uid(struct cedar_writer *writer, const struct cedar_uid *uid)
{
	cedar_write(writer, "{\"type\":");
	cedar_json_write(writer, uid->type);
	cedar_write(writer, ",\"id\":");
	cedar_json_write(writer, uid->id);
	cedar_write(writer, "}");
}

static void
write_value(struct cedar_writer *writer, const struct cedar_value *value)
{
	if (value->kind == CEDAR_BOOL) {
		cedar_write(writer, value->truth ? "true" : "false");
	} else if (value->kind == CEDAR_LONG) {
		cedar_write_long(writer, value->number);
	} else if (value->kind == CEDAR_STRING) {
		cedar_json_write(writer, value->text);
	} else { /* the parsers make no other literals */
		cedar_write(writer, "{\"__entity\":");
		cedar_est_write_uid(writer, value->entity);
		cedar_write(writer, "}");
	}
}

static void
write_literal(struct cedar_writer *writer, const struct cedar_value *value)
{
	cedar_write(writer, "{\"Value\":");
	write_value(writer, value);
	cedar_write(writer, "}");
}

static void write_bare(struct cedar_writer *, const struct cedar_expr *);

static void
write_bare_items(struct cedar_writer *writer, const struct cedar_expr *expr, const char *open, const char *close)
{
	size_t i;

	cedar_write(writer, open);
	for (i = 0; i < expr->count; i++) {
		if (i > 0)
			cedar_write(writer, ",");
		if (expr->kind == CEDAR_NODE_RECORD) {
			cedar_json_write(writer, expr->names[i]);
			cedar_write(writer, ":");
		}
		write_bare(writer, cedar_expr_operand(expr, i));
	}
	cedar_write(writer, close);
}

/* What stands inside of "Value"; there is no other way to write a call of what is no function. */
static void
write_bare(struct cedar_writer *writer, const struct cedar_expr *expr)
{
	bool strange = expr->kind == CEDAR_NODE_STRANGE;

	if (expr->kind == CEDAR_NODE_LITERAL) {
		write_value(writer, &expr->value);
	} else if (expr->kind == CEDAR_NODE_RECORD) {
		write_bare_items(writer, expr, "{", "}");
	} else if (expr->kind == CEDAR_NODE_SET) {
		write_bare_items(writer, expr, "[", "]");
	} else if (expr->kind == CEDAR_NODE_CALL || strange) {
		cedar_write(writer, "{\"__extn\":{\"fn\":");
		cedar_json_write(writer, strange ? *expr->names : cedar_text_of(cedar_signatures[expr->detail].name));
		write_bare_items(writer, expr, expr->count == 1 ? ",\"arg\":" : ",\"args\":[",
		                 expr->count == 1 ? "}}" : "]}}");
	} else {
		writer->failed = true; /* no other kind stands in values */
	}
}

static void
write_key(struct cedar_writer *writer, enum cedar_node kind)
{
	cedar_write(writer, "{\"");
	cedar_write(writer, cedar_operators[kind].name);
	cedar_write(writer, "\":");
}

/* A list of three is (a && b) && c. */
static void
write_chain(struct cedar_writer *writer, const struct cedar_expr *expr)
{
	size_t i;

	for (i = 1; i < expr->count; i++) {
		write_key(writer, (enum cedar_node)expr->kind);
		cedar_write(writer, "{\"left\":");
	}
	write_expr(writer, expr->items[0]);
	for (i = 1; i < expr->count; i++) {
		cedar_write(writer, ",\"right\":");
		write_expr(writer, expr->items[i]);
		cedar_write(writer, "}}");
	}
}

static void
write_field(struct cedar_writer *writer, const char *before, const struct cedar_expr *expr)
{
	cedar_write(writer, before);
	write_expr(writer, expr);
}

static void
write_named(struct cedar_writer *writer, const struct cedar_expr *expr)
{
	write_field(writer, "{\"left\":", cedar_expr_object(expr));
	cedar_write(writer, ",\"attr\":");
	cedar_json_write(writer, *expr->name);
	cedar_write(writer, "}}");
}

/* As the reference does, letter by letter. */
static void
write_piece(struct cedar_writer *writer, struct cedar_text piece, bool *first)
{
	size_t at = 0;

	while (at < piece.size) {
		size_t start = at;

		(void)cedar_utf8_next(piece, &at);
		cedar_write(writer, *first ? "{\"Literal\":" : ",{\"Literal\":");
		cedar_json_write(writer, (struct cedar_text){ piece.data + start, at - start });
		cedar_write(writer, "}");
		*first = false;
	}
}

static void
write_like(struct cedar_writer *writer, const struct cedar_expr *expr)
{
	bool first = true;
	size_t i;

	write_field(writer, "{\"left\":", expr->subject);
	cedar_write(writer, ",\"pattern\":[");
	for (i = 0; i < expr->pattern->count; i++) {
		if (i > 0) {
			cedar_write(writer, first ? "\"Wildcard\"" : ",\"Wildcard\"");
			first = false;
		}
		write_piece(writer, expr->pattern->pieces[i], &first);
	}
	cedar_write(writer, "]}}");
}

static void
write_is(struct cedar_writer *writer, const struct cedar_expr *expr)
{
	write_field(writer, "{\"left\":", expr->tested);
	cedar_write(writer, ",\"entity_type\":");
	cedar_json_write(writer, expr->type->type);
	if (expr->inside != NULL)
		write_field(writer, ",\"in\":", expr->inside);
	cedar_write(writer, "}}");
}

static void
write_items(struct cedar_writer *writer, const struct cedar_expr *expr)
{
	bool record = expr->kind == CEDAR_NODE_RECORD;
	size_t i;

	cedar_write(writer, record ? "{" : "[");
	for (i = 0; i < expr->count; i++) {
		if (i > 0)
			cedar_write(writer, ",");
		if (record) {
			cedar_json_write(writer, expr->names[i]);
			cedar_write(writer, ":");
		}
		write_expr(writer, cedar_expr_operand(expr, i));
	}
	cedar_write(writer, record ? "}}" : "]}");
}

static void
write_call(struct cedar_writer *writer, const struct cedar_expr *expr)
{
	cedar_write(writer, "{\"");
	cedar_write(writer, cedar_signatures[expr->detail].name);
	cedar_write(writer, "\":");
	write_items(writer, expr);
}

static void
write_operands(struct cedar_writer *writer, const struct cedar_expr *expr)
{
	switch ((int)expr->kind) {
	case CEDAR_NODE_IF:
		write_field(writer, "{\"if\":", expr->left);
		write_field(writer, ",\"then\":", expr->right);
		write_field(writer, ",\"else\":", expr->third);
		break;
	case CEDAR_NODE_NOT:
	case CEDAR_NODE_NEGATE:
	case CEDAR_NODE_IS_EMPTY:
		write_field(writer, "{\"arg\":", expr->left);
		break;
	default:
		write_field(writer, "{\"left\":", expr->left);
		write_field(writer, ",\"right\":", expr->right);
		break;
	}
	cedar_write(writer, "}}");
}

static void
write_variable(struct cedar_writer *writer, const struct cedar_expr *expr)
{
	cedar_write(writer, "\"");
	cedar_write(writer, cedar_variable_names[expr->detail]);
	cedar_write(writer, "\"}");
}

static void
write_expr(struct cedar_writer *writer, const struct cedar_expr *expr)
{
	if (writer->failed)
		return;
	if (writer->size > CEDAR_SOURCE_MAX) {
		writer->failed = true;
		return;
	}
	if (expr->kind == CEDAR_NODE_LITERAL) {
		write_literal(writer, &expr->value);
		return;
	}
	if (expr->kind == CEDAR_NODE_AND || expr->kind == CEDAR_NODE_OR) {
		write_chain(writer, expr);
		return;
	}
	if (expr->kind == CEDAR_NODE_CALL) {
		write_call(writer, expr);
		return;
	}
	if (expr->kind == CEDAR_NODE_STRANGE) {
		cedar_write(writer, "{\"Value\":");
		write_bare(writer, expr);
		cedar_write(writer, "}");
		return;
	}
	write_key(writer, (enum cedar_node)expr->kind);
	if (expr->kind == CEDAR_NODE_VARIABLE)
		write_variable(writer, expr);
	else if (expr->kind == CEDAR_NODE_ATTRIBUTE || expr->kind == CEDAR_NODE_HAS)
		write_named(writer, expr);
	else if (expr->kind == CEDAR_NODE_LIKE)
		write_like(writer, expr);
	else if (expr->kind == CEDAR_NODE_IS)
		write_is(writer, expr);
	else if (expr->kind == CEDAR_NODE_SET || expr->kind == CEDAR_NODE_RECORD)
		write_items(writer, expr);
	else
		write_operands(writer, expr);
}

static void
write_target(struct cedar_writer *writer, const struct cedar_scope *scope, const char *slot)
{
	const bool many =
	    scope->list && scope->count != 1; /* a list of one is written as the one, as the reference does */
	uint32_t i;

	if (scope->slot) {
		cedar_write(writer, "\"slot\":\"");
		cedar_write(writer, slot);
		cedar_write(writer, "\"");
		return;
	}
	cedar_write(writer, many ? "\"entities\":[" : "\"entity\":");
	for (i = 0; i < scope->count; i++) {
		if (i > 0)
			cedar_write(writer, ",");
		cedar_est_write_uid(writer, &scope->entities[i]);
	}
	if (many)
		cedar_write(writer, "]");
}

static void
write_scope(struct cedar_writer *writer, const char *name, const struct cedar_scope *scope, const char *slot)
{
	static const char *const ops[] = { "All", "==", "in", "is", "is" };

	cedar_write_format(writer, ",\"%s\":{\"op\":\"%s\"", name, ops[scope->kind]);
	if (scope->kind == CEDAR_SCOPE_IS || scope->kind == CEDAR_SCOPE_IS_IN) {
		cedar_write(writer, ",\"entity_type\":");
		cedar_json_write(writer, scope->type->type);
	}
	if (scope->kind == CEDAR_SCOPE_IS_IN) {
		cedar_write(writer, ",\"in\":{");
		write_target(writer, scope, slot);
		cedar_write(writer, "}");
	} else if (scope->kind == CEDAR_SCOPE_EQUAL || scope->kind == CEDAR_SCOPE_IN) {
		cedar_write(writer, ",");
		write_target(writer, scope, slot);
	}
	cedar_write(writer, "}");
}

void
cedar_est_write_policy(struct cedar_writer *writer, const struct cedar_policy *policy)
{
	uint32_t i;

	cedar_write(writer, policy->forbids ? "{\"effect\":\"forbid\"" : "{\"effect\":\"permit\"");
	write_scope(writer, "principal", &policy->principal, "?principal");
	write_scope(writer, "action", &policy->action, "");
	write_scope(writer, "resource", &policy->resource, "?resource");
	cedar_write(writer, ",\"conditions\":[");
	for (i = 0; i < policy->condition_count; i++) {
		cedar_write_format(writer, "%s{\"kind\":\"%s\",\"body\":", i > 0 ? "," : "",
		                   cedar_condition_unless(&policy->conditions[i]) ? "unless" : "when");
		write_expr(writer, cedar_condition_expr(&policy->conditions[i]));
		cedar_write(writer, "}");
	}
	cedar_write(writer, "]");
	for (i = 0; i < policy->annotation_count; i++) {
		cedar_write(writer, i == 0 ? ",\"annotations\":{" : ",");
		cedar_json_write(writer, cedar_policy_annotations(policy)[i].key);
		cedar_write(writer, ":");
		if (cedar_policy_annotations(policy)[i].value.data == NULL)
			cedar_write(writer, "null");
		else
			cedar_json_write(writer, cedar_policy_annotations(policy)[i].value);
	}
	cedar_write(writer, policy->annotation_count > 0 ? "}}" : "}");
}

static void
write_policies(struct cedar_writer *writer, const struct cedar_policy *policies, size_t count)
{
	bool first = true;
	size_t i;

	for (i = 0; i < count; i++) {
		if (policies[i].template != NULL)
			continue;
		if (!first)
			cedar_write(writer, ",");
		first = false;
		cedar_json_write(writer, policies[i].id);
		cedar_write(writer, ":");
		cedar_est_write_policy(writer, &policies[i]);
	}
}

static void
write_link(struct cedar_writer *writer, const struct cedar_policy *policy)
{
	bool principal = policy->template->principal.slot, resource = policy->template->resource.slot;

	cedar_write(writer, "{\"templateId\":");
	cedar_json_write(writer, policy->template->id);
	cedar_write(writer, ",\"newId\":");
	cedar_json_write(writer, policy->id);
	cedar_write(writer, ",\"values\":{");
	if (principal) {
		cedar_write(writer, "\"?principal\":{\"__entity\":");
		cedar_est_write_uid(writer, policy->principal.entities);
		cedar_write(writer, resource ? "}," : "}");
	}
	if (resource) {
		cedar_write(writer, "\"?resource\":{\"__entity\":");
		cedar_est_write_uid(writer, policy->resource.entities);
		cedar_write(writer, "}");
	}
	cedar_write(writer, "}}");
}

bool
cedar_policies_write_json(const struct cedar_memory *memory, const struct cedar_policies *set, struct cedar_text *out)
{
	struct cedar_writer writer;
	bool first = true;
	size_t i;

	cedar_writer_init(&writer, memory);
	cedar_write(&writer, "{\"templates\":{");
	write_policies(&writer, set->templates, set->template_count);
	cedar_write(&writer, "},\"staticPolicies\":{");
	write_policies(&writer, set->policies, set->count);
	cedar_write(&writer, "},\"templateLinks\":[");
	for (i = 0; i < set->count; i++) {
		if (set->policies[i].template == NULL)
			continue;
		if (!first)
			cedar_write(&writer, ",");
		first = false;
		write_link(&writer, &set->policies[i]);
	}
	cedar_write(&writer, "]}");
	if (writer.failed) {
		cedar_writer_dispose(&writer);
		return false;
	}
	*out = cedar_writer_text(&writer);
	return true;
}

void
cedar_text_free(const struct cedar_memory *memory, struct cedar_text text)
{
	struct cedar_memory own = cedar_memory_or_default(memory);

	cedar_memory_give(&own, (void *)text.data);
}
