/* policies.c - compiled policy sets. */
#include "cedar/policies.h"

#include <stdio.h>

#include "cedar/index.h"
#include "cedar/parse.h"

struct cedar_policies *
cedar_policies_new(const struct cedar_memory *memory)
{
	struct cedar_memory own = cedar_memory_or_default(memory);
	struct cedar_policies *policies = cedar_memory_take(&own, sizeof *policies);

	if (policies == NULL)
		return NULL;
	*policies = (struct cedar_policies){ .references = 1 };
	cedar_arena_init(&policies->arena, &own, 384);
	policies->arena.steady = true;
	return policies;
}

const struct cedar_policies *
cedar_policies_keep(const struct cedar_policies *policies)
{
	__atomic_add_fetch(&((struct cedar_policies *)policies)->references, 1, __ATOMIC_RELAXED);
	return policies;
}

void
cedar_policies_free(struct cedar_policies *policies)
{
	while (policies != NULL && __atomic_sub_fetch(&policies->references, 1, __ATOMIC_ACQ_REL) == 0) {
		struct cedar_policies *borrowed = (struct cedar_policies *)policies->borrowed;
		struct cedar_memory memory = policies->arena.memory;

		cedar_arena_dispose(&policies->arena);
		cedar_memory_give(&memory, policies->policies);
		cedar_memory_give(&memory, policies->templates);
		cedar_memory_give(&memory, policies);
		policies = borrowed;
	}
}

/* The arrays are apart from the arena, so that growing leaves nothing behind. */
static bool
policies_grow(const struct cedar_memory *memory, struct cedar_policy **items, size_t count, size_t capacity)
{
	struct cedar_policy *grown = cedar_memory_take(memory, capacity * sizeof *grown);

	if (grown == NULL)
		return false;
	if (count > 0)
		memcpy(grown, *items, count * sizeof *grown);
	cedar_memory_give(memory, *items);
	*items = grown;
	return true;
}

static bool
conditions_fold(struct cedar_policies *set, const struct cedar_policy *policy)
{
	uint32_t i;

	for (i = 0; i < policy->condition_count; i++)
		if (!cedar_fold(&set->arena, cedar_condition_expr(&policy->conditions[i])))
			return false;
	return true;
}

bool
cedar_policies_add(struct cedar_policies *set, const struct cedar_policy *policy)
{
	bool template = policy->slots != 0;
	struct cedar_policy **items = template ? &set->templates : &set->policies;
	size_t *count = template ? &set->template_count : &set->count;
	size_t *capacity = template ? &set->template_capacity : &set->capacity;

	if (*count == CEDAR_POLICIES_MAX)
		return false;
	if (*count == *capacity) {
		size_t wanted = *capacity < 4 ? 4 : *capacity + *capacity / 2;

		if (!policies_grow(&set->arena.memory, items, *count, wanted))
			return false;
		*capacity = wanted;
	}
	(*items)[(*count)++] = *policy;
	return policy->template != NULL || conditions_fold(set, policy);
}

/* Templates stay where they are: links point to them. */
static void
policies_trim(struct cedar_policies *set)
{
	if (set->count < set->capacity && set->count > 0 &&
	    policies_grow(&set->arena.memory, &set->policies, set->count, set->count))
		set->capacity = set->count;
}

bool
cedar_policies_finish(struct cedar_policies *set)
{
	policies_trim(set);
	cedar_arena_exact(&set->arena); /* nothing comes behind the index */
	set->index = cedar_index_new(&set->arena, set->policies, set->count);
	return set->index != NULL;
}

static struct cedar_text
number_id(struct cedar_interner *interner, size_t number)
{
	char buffer[32];
	int size = snprintf(buffer, sizeof buffer, "policy%zu", number);

	return cedar_intern_text(interner, (struct cedar_text){ buffer, (size_t)size });
}

static bool
parse_each(struct cedar_policies *set, struct cedar_interner *interner, struct cedar_arena *work,
           struct cedar_fault *fault)
{
	struct cedar_parser parser;
	struct cedar_policy policy;
	size_t number = 0;

	if (!cedar_parser_start(&parser, interner, work, set->source, fault))
		return false;
	while (parser.lexer.token.kind != CEDAR_TOKEN_END) {
		if (!cedar_parse_policy(&parser, &policy))
			return false;
		policy.id = number_id(interner, number++);
		if (policy.id.data == NULL || !cedar_policies_add(set, &policy))
			return cedar_fault_set(fault, set->source, parser.lexer.before,
			                       "out of memory, or too many policies");
	}
	if (!cedar_lines_take(&set->arena, set->source, &set->lines) || !cedar_policies_finish(set))
		return cedar_fault_set(fault, set->source, 0, "out of memory");
	return true;
}

static bool
parse_all(struct cedar_policies *set, struct cedar_fault *fault)
{
	struct cedar_interner interner;
	struct cedar_arena work;
	bool done;

	cedar_interner_init(&interner, &set->arena);
	cedar_arena_init(&work, &set->arena.memory, 1024);
	done = parse_each(set, &interner, &work, fault);
	cedar_arena_dispose(&work);
	cedar_interner_dispose(&interner);
	return done;
}

bool
cedar_policies_parse(const struct cedar_memory *memory, struct cedar_text source, struct cedar_policies **out,
                     struct cedar_fault *fault)
{
	struct cedar_policies *set;

	if (source.size > CEDAR_SOURCE_MAX)
		return cedar_fault_set(fault, (struct cedar_text){ 0 }, 0, "the text is longer than %d bytes",
		                       (int)CEDAR_SOURCE_MAX);
	set = cedar_policies_new(memory);
	if (set == NULL)
		return cedar_fault_set(fault, source, 0, "out of memory");
	set->source = source;
	if (!parse_all(set, fault)) {
		cedar_policies_free(set);
		return false;
	}
	*out = set;
	return true;
}

size_t
cedar_policies_count(const struct cedar_policies *set)
{
	return set->count;
}

struct cedar_text
cedar_policy_id(const struct cedar_policies *set, size_t index)
{
	return set->policies[index].id;
}

struct cedar_text
cedar_policy_annotation(const struct cedar_policies *set, size_t index, const char *key)
{
	const struct cedar_policy *policy = &set->policies[index];
	size_t i;

	for (i = 0; i < policy->annotation_count; i++)
		if (cedar_text_is(cedar_policy_annotations(policy)[i].key, key))
			return cedar_policy_annotations(policy)[i].value.data != NULL
			           ? cedar_policy_annotations(policy)[i].value
			           : CEDAR_TEXT("");
	return (struct cedar_text){ 0 };
}

struct cedar_text
cedar_policy_source(const struct cedar_policies *set, size_t index)
{
	const struct cedar_policy *policy = &set->policies[index];

	return set->source.size == 0 ? (struct cedar_text){ 0 }
	                             : (struct cedar_text){ set->source.data + policy->start, policy->size };
}

bool
cedar_policy_forbids(const struct cedar_policies *set, size_t index)
{
	return set->policies[index].forbids;
}

size_t
cedar_policies_memory(const struct cedar_policies *set)
{
	return sizeof *set + set->arena.held + (set->capacity + set->template_capacity) * sizeof *set->policies +
	       (set->borrowed ? cedar_policies_memory(set->borrowed) : 0);
}

size_t
cedar_templates_count(const struct cedar_policies *set)
{
	return set->template_count;
}

struct cedar_text
cedar_template_id(const struct cedar_policies *set, size_t index)
{
	return set->templates[index].id;
}

const struct cedar_policy *
cedar_template_find(const struct cedar_policies *set, struct cedar_text id)
{
	size_t i;

	for (i = 0; i < set->template_count; i++)
		if (cedar_text_equal(set->templates[i].id, id))
			return &set->templates[i];
	return NULL;
}
