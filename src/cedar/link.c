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

/* What is made of one link after the other borrows from the set that was parsed, and only from that one: those in between
 * may go. */
struct linking {
	const struct cedar_policies *root;
	struct cedar_policies *set;
	struct cedar_interner *interner; /* over the set's arena */
};

static const struct cedar_uid *
uid_keep(const struct linking *linking, struct cedar_text type, struct cedar_text id)
{
	struct cedar_uid uid = cedar_uid_of(&linking->set->arena, type, id);

	return cedar_intern_uids(linking->interner, &uid, 1);
}

static bool
link_add(const struct linking *linking, const struct cedar_policy *template, struct cedar_text id,
         const struct cedar_uid_text *principal, const struct cedar_uid_text *resource, struct cedar_fault *fault)
{
	const struct cedar_uid *first = principal ? uid_keep(linking, principal->type, principal->id) : NULL;
	const struct cedar_uid *second = resource ? uid_keep(linking, resource->type, resource->id) : NULL;
	struct cedar_policy policy;

	id = cedar_intern_text(linking->interner, id);
	if ((principal != NULL && first == NULL) || (resource != NULL && second == NULL) || id.data == NULL)
		return cedar_fault_set(fault, (struct cedar_text){ 0 }, 0, "out of memory");
	if (!cedar_template_link(template, id, first, second, &policy, fault))
		return false;
	return cedar_policies_add(linking->set, &policy) ||
	       cedar_fault_set(fault, (struct cedar_text){ 0 }, 0, "out of memory");
}

/* An earlier link, whose texts lie in a set that may go. */
static bool
link_again(const struct linking *linking, const struct cedar_policy *link, struct cedar_fault *fault)
{
	const struct cedar_policy *template = link->template;
	struct cedar_uid_text filled[2];

	if (template->slots & 1)
		filled[0] = (struct cedar_uid_text){ link->principal.entities->type, link->principal.entities->id };
	if (template->slots & 2)
		filled[1] = (struct cedar_uid_text){ link->resource.entities->type, link->resource.entities->id };
	return link_add(linking, template, link->id, template->slots & 1 ? &filled[0] : NULL,
	                template->slots & 2 ? &filled[1] : NULL, fault);
}

static bool
copy_all(const struct linking *linking, const struct cedar_policies *from, struct cedar_fault *fault)
{
	const struct cedar_policies *root = linking->root;
	size_t i;

	linking->set->source = root->source;
	linking->set->lines = root->lines;
	linking->set->borrowed = cedar_policies_keep(root);
	for (i = 0; i < root->template_count; i++)
		if (!cedar_policies_add(linking->set, &root->templates[i]))
			return cedar_fault_set(fault, (struct cedar_text){ 0 }, 0, "out of memory");
	for (i = 0; i < root->count; i++)
		if (!cedar_policies_add(linking->set, &root->policies[i]))
			return cedar_fault_set(fault, (struct cedar_text){ 0 }, 0, "out of memory");
	for (; i < from->count; i++)
		if (!link_again(linking, &from->policies[i], fault))
			return false;
	return true;
}

static bool
link_into(struct cedar_policies *set, const struct cedar_policies *from, struct cedar_text template_id,
          struct cedar_text id, const struct cedar_uid_text *principal, const struct cedar_uid_text *resource,
          struct cedar_fault *fault)
{
	const struct cedar_policies *root = from->borrowed ? from->borrowed : from;
	struct cedar_interner interner;
	struct linking linking = { root, set, &interner };
	bool done;

	cedar_interner_init(&interner, &set->arena);
	done = copy_all(&linking, from, fault) &&
	       link_add(&linking, cedar_template_find(root, template_id), id, principal, resource, fault);
	cedar_interner_dispose(&interner);
	if (!done)
		return false;
	return cedar_policies_finish(set) || cedar_fault_set(fault, (struct cedar_text){ 0 }, 0, "out of memory");
}

bool
cedar_policies_link(const struct cedar_policies *from, struct cedar_text template_id, struct cedar_text new_id,
                    const struct cedar_uid_text *principal, const struct cedar_uid_text *resource,
                    struct cedar_policies **out, struct cedar_fault *fault)
{
	struct cedar_policies *set;

	if (cedar_template_find(from, template_id) == NULL)
		return cedar_fault_set(fault, (struct cedar_text){ 0 }, 0, "there is no template of this id");
	if (id_taken(from, new_id))
		return cedar_fault_set(fault, (struct cedar_text){ 0 }, 0, "there is a policy of this id already");
	set = cedar_policies_new(&from->arena.memory);
	if (set == NULL)
		return cedar_fault_set(fault, (struct cedar_text){ 0 }, 0, "out of memory");
	if (!link_into(set, from, template_id, new_id, principal, resource, fault)) {
		cedar_policies_free(set);
		return false;
	}
	*out = set;
	return true;
}
