/* link.c - templates to policies. */
#include "cedar/policies.h"

/* The scope with its slot filled; `uid` NULL where there is no slot. */
static struct cedar_scope
scope_filled(const struct cedar_scope *scope, const struct cedar_uid *uid)
{
	struct cedar_scope filled = *scope;

	if (scope->slot) {
		filled.entities = uid;
		filled.count = 1;
		filled.slot = false;
	}
	return filled;
}

bool
cedar_template_link(const struct cedar_policy *template, struct cedar_text id, const struct cedar_uid *principal,
	const struct cedar_uid *resource, struct cedar_policy *out, struct cedar_fault *fault)
{
	struct cedar_policy policy = *template;
	bool takes_principal = template->slots & 1, takes_resource = template->slots & 2;

	if (takes_principal != (principal != NULL))
		return cedar_fault_set(fault, (struct cedar_text){ 0 }, 0, "the template %s ?principal",
			takes_principal ? "needs a value for" : "has no slot");
	if (takes_resource != (resource != NULL))
		return cedar_fault_set(fault, (struct cedar_text){ 0 }, 0, "the template %s ?resource",
			takes_resource ? "needs a value for" : "has no slot");
	policy.id = id;
	policy.slots = 0;
	policy.template = template;
	policy.principal = scope_filled(&template->principal, principal);
	policy.resource = scope_filled(&template->resource, resource);
	*out = policy;
	return true;
}

static bool
id_taken(const struct cedar_policies *set, struct cedar_text id)
{
	size_t i;

	for (i = 0; i < set->count; i++)
		if (cedar_text_equal(set->policies[i].id, id))
			return true;
	return cedar_template_find(set, id) != NULL;
}

static struct cedar_uid *
uid_from_text(struct cedar_arena *arena, const struct cedar_uid_text *text)
{
	struct cedar_uid uid;

	if (text == NULL)
		return NULL;
	uid = cedar_uid_of(arena, text->type, text->id);
	return cedar_uid_copy(arena, &uid);
}

/* The new set borrows expressions and texts of the old one, and keeps it alive. */
static bool
copy_all(struct cedar_policies *set, const struct cedar_policies *from)
{
	size_t i;

	for (i = 0; i < from->template_count; i++)
		if (!cedar_policies_add(set, &from->templates[i]))
			return false;
	for (i = 0; i < from->count; i++)
		if (!cedar_policies_add(set, &from->policies[i]))
			return false;
	set->source = from->source;
	set->lines = from->lines;
	set->borrowed = cedar_policies_keep(from);
	return true;
}

static bool
link_into(struct cedar_policies *set, const struct cedar_policies *from, const struct cedar_policy *template,
	struct cedar_text id, const struct cedar_uid_text *principal, const struct cedar_uid_text *resource,
	struct cedar_fault *fault)
{
	struct cedar_uid *first = uid_from_text(&set->arena, principal), *second = uid_from_text(&set->arena, resource);
	struct cedar_policy policy;

	id = cedar_text_copy(&set->arena, id);
	if ((principal != NULL && first == NULL) || (resource != NULL && second == NULL) || id.data == NULL)
		return cedar_fault_set(fault, (struct cedar_text){ 0 }, 0, "out of memory");
	if (!cedar_template_link(template, id, first, second, &policy, fault))
		return false;
	if (!copy_all(set, from) || !cedar_policies_add(set, &policy) || !cedar_policies_finish(set))
		return cedar_fault_set(fault, (struct cedar_text){ 0 }, 0, "out of memory");
	return true;
}

bool
cedar_policies_link(const struct cedar_policies *from, struct cedar_text template_id, struct cedar_text new_id,
	const struct cedar_uid_text *principal, const struct cedar_uid_text *resource, struct cedar_policies **out,
	struct cedar_fault *fault)
{
	const struct cedar_policy *template = cedar_template_find(from, template_id);
	struct cedar_policies *set;

	if (template == NULL)
		return cedar_fault_set(fault, (struct cedar_text){ 0 }, 0, "there is no template of this id");
	if (id_taken(from, new_id))
		return cedar_fault_set(fault, (struct cedar_text){ 0 }, 0, "there is a policy of this id already");
	set = cedar_policies_new(&from->arena.memory);
	if (set == NULL)
		return cedar_fault_set(fault, (struct cedar_text){ 0 }, 0, "out of memory");
	if (!link_into(set, from, template, new_id, principal, resource, fault)) {
		cedar_policies_free(set);
		return false;
	}
	*out = set;
	return true;
}
