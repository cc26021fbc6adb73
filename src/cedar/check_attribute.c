/* check_attribute.c - attributes and tags: are they there, and if they may be absent, did a `has` say otherwise? */
#include <stdio.h>

#include "cedar/check.h"

static const struct cedar_type *
shape_of(const struct cedar_type *type)
{
	if (type->kind == CEDAR_TYPE_NEVER)
		return &cedar_type_no_attributes;
	return type->kind == CEDAR_TYPE_ENTITY ? type->entity->shape : type;
}

static const char *
suggest_attribute(struct cedar_checker *checker, const struct cedar_type *shape, struct cedar_text name)
{
	const char **names, *nearest;
	char *help = cedar_arena_take(&checker->scratch, 100);
	uint32_t i;

	if (help == NULL || !cedar_check_may_suggest(checker, shape->count) ||
	    (names = cedar_arena_take(&checker->scratch, shape->count * sizeof *names)) == NULL)
		return NULL;
	for (i = 0; i < shape->count; i++) {
		names[i] = cedar_text_copy(&checker->scratch, shape->attributes[i].name).data;
		if (names[i] == NULL)
			return NULL;
	}
	nearest = cedar_nearest(name, names, shape->count);
	if (nearest == NULL)
		return NULL;
	snprintf(help, 100, "did you mean `%s`?", nearest);
	return help;
}

/* Action::"id" in the scratch arena, cut where it is long. */
static const char *
action_show(struct cedar_checker *checker)
{
	struct cedar_text id = checker->environment.action->uid.id;
	char *shown = cedar_arena_take(&checker->scratch, 80);

	if (shown == NULL)
		return "this action";
	snprintf(shown, 80, "Action::\"%.*s\"", id.size > 40 ? 40 : (int)id.size, id.data);
	return shown;
}

static void __attribute__((noinline)) fail_attribute(struct cedar_checker *checker, const struct cedar_expr *expr,
                                                     const struct cedar_type *type, bool optional)
{
	int size = expr->name->size > 60 ? 60 : (int)expr->name->size;
	char buffer[100];

	if (cedar_expr_object(expr)->kind == CEDAR_NODE_VARIABLE && cedar_expr_object(expr)->detail == CEDAR_CONTEXT)
		snprintf(buffer, sizeof buffer, "the context of %.40s", action_show(checker));
	else
		cedar_type_show(type, buffer, sizeof buffer);
	if (optional)
		cedar_check_fail(checker, expr->offset, "test it with `has` first, joined by &&",
		                 "the attribute `%.*s` of %s is optional and may be absent", size, expr->name->data,
		                 buffer);
	else
		cedar_check_fail(checker, expr->offset, suggest_attribute(checker, shape_of(type), *expr->name),
		                 "%s has no attribute `%.*s`", buffer, size, expr->name->data);
}

CEDAR_APART struct cedar_answer
cedar_check_attribute(struct cedar_checker *checker, const struct cedar_capability *prior,
                      const struct cedar_expr *expr)
{
	struct cedar_answer object = cedar_check_kind(checker, prior, cedar_expr_object(expr),
	                                              CEDAR_BIT_ENTITY | CEDAR_BIT_RECORD, "an entity or a record");
	const struct cedar_attribute *attribute;

	if (object.type == NULL)
		return cedar_answer_bad(NULL);
	attribute = cedar_attribute_find(shape_of(object.type), *expr->name);
	if (attribute != NULL &&
	    (attribute->required ||
	     cedar_known_has(prior, cedar_known_attribute(checker, cedar_expr_object(expr), *expr->name))))
		return cedar_answer_after(object.good, cedar_answer_good(attribute->type));
	fail_attribute(checker, expr, object.type, attribute != NULL);
	return cedar_answer_bad(attribute ? attribute->type : NULL);
}

/* An entity need not be in the store, so `has` is not sure to be true of it even where the attribute is required. */
CEDAR_APART struct cedar_answer
cedar_check_has(struct cedar_checker *checker, const struct cedar_capability *prior, const struct cedar_expr *expr)
{
	struct cedar_answer object = cedar_check_kind(checker, prior, cedar_expr_object(expr),
	                                              CEDAR_BIT_ENTITY | CEDAR_BIT_RECORD, "an entity or a record");
	const struct cedar_attribute *attribute;
	struct cedar_answer answer = { .type = &cedar_type_bool, .good = true };

	if (object.type == NULL)
		return cedar_answer_bad(&cedar_type_bool);
	attribute = cedar_attribute_find(shape_of(object.type), *expr->name);
	if (attribute == NULL)
		return cedar_answer_after(
		    object.good,
		    cedar_answer_good(object.type->kind == CEDAR_TYPE_NEVER ? &cedar_type_bool : &cedar_type_false));
	answer.known = cedar_known_attribute(checker, cedar_expr_object(expr), *expr->name);
	if ((attribute->required && object.type->kind == CEDAR_TYPE_RECORD) || cedar_known_has(prior, answer.known))
		answer.type = &cedar_type_true;
	return cedar_answer_after(object.good, answer);
}

static bool
fail_tags_unknown(struct cedar_checker *checker, const struct cedar_expr *expr, const struct cedar_type *type)
{
	if (type->kind == CEDAR_TYPE_NEVER)
		cedar_check_fail(checker, expr->offset, NULL, "the tags of something unknown cannot be checked");
	return type->kind == CEDAR_TYPE_NEVER;
}

CEDAR_APART struct cedar_answer
cedar_check_has_tag(struct cedar_checker *checker, const struct cedar_capability *prior, const struct cedar_expr *expr)
{
	struct cedar_answer entity = cedar_check_kind(checker, prior, expr->left, CEDAR_BIT_ENTITY, "an entity");
	struct cedar_answer tag = cedar_check_kind(checker, prior, expr->right, CEDAR_BIT_STRING, "String");
	struct cedar_answer answer = cedar_answer_good(&cedar_type_bool);

	if (entity.type == NULL || fail_tags_unknown(checker, expr, entity.type))
		return cedar_answer_bad(NULL);
	answer.known = cedar_known_tag(checker, expr->left, expr->right);
	if (entity.type->entity->tags == NULL)
		answer.type = &cedar_type_false;
	else if (cedar_known_has(prior, answer.known))
		answer.type = &cedar_type_true;
	return cedar_answer_after(entity.good && tag.good, answer);
}

static void __attribute__((noinline))
fail_tag(struct cedar_checker *checker, const struct cedar_expr *expr, const struct cedar_type *type)
{
	struct cedar_text tag = expr->right->kind == CEDAR_NODE_LITERAL ? expr->right->value.text : CEDAR_TEXT("");
	char buffer[100];

	cedar_check_fail(checker, expr->offset, "test it with .hasTag(…) first, joined by &&",
	                 tag.size > 0 ? "the tag `%.*s` of %s may be absent" : "%.*sthe tag of %s may be absent",
	                 tag.size > 40 ? 40 : (int)tag.size, tag.data, cedar_type_show(type, buffer, sizeof buffer));
}

CEDAR_APART struct cedar_answer
cedar_check_get_tag(struct cedar_checker *checker, const struct cedar_capability *prior, const struct cedar_expr *expr)
{
	struct cedar_answer entity = cedar_check_kind(checker, prior, expr->left, CEDAR_BIT_ENTITY, "an entity");
	struct cedar_answer tag = cedar_check_kind(checker, prior, expr->right, CEDAR_BIT_STRING, "String");
	const struct cedar_type *type;

	if (entity.type == NULL || fail_tags_unknown(checker, expr, entity.type))
		return cedar_answer_bad(NULL);
	type = entity.type->entity->tags;
	if (!cedar_known_has(prior, cedar_known_tag(checker, expr->left, expr->right))) {
		fail_tag(checker, expr, entity.type);
		return cedar_answer_bad(NULL);
	}
	if (type == NULL) {
		cedar_check_fail(checker, expr->offset, NULL, "entities of the type `%.*s` have no tags",
		                 entity.type->entity->name.size > 60 ? 60 : (int)entity.type->entity->name.size,
		                 entity.type->entity->name.data);
		return cedar_answer_bad(NULL);
	}
	return cedar_answer_after(entity.good && tag.good, cedar_answer_good(type));
}
