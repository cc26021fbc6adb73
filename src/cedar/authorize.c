/* authorize.c - the decision: forbids win, errors are listed and skipped. */
#include "cedar/evaluate.h"
#include "cedar/index.h"

struct cedar_scratch {
	struct cedar_arena arena;
};

struct decision {
	struct cedar_arena *arena;
	size_t *reasons; /* of the effect that decides so far */
	size_t reason_count, reason_capacity;
	struct cedar_error *errors;
	size_t error_count, error_capacity;
	bool forbidden;
};

struct cedar_scratch *
cedar_scratch_new(const struct cedar_memory *memory)
{
	struct cedar_memory own = cedar_memory_or_default(memory);
	struct cedar_scratch *scratch = cedar_memory_take(&own, sizeof *scratch);

	if (scratch == NULL)
		return NULL;
	cedar_arena_init(&scratch->arena, &own, 65536);
	if (cedar_arena_take(&scratch->arena, 1) == NULL) {
		cedar_memory_give(&own, scratch);
		return NULL;
	}
	return scratch;
}

void
cedar_scratch_free(struct cedar_scratch *scratch)
{
	struct cedar_memory memory;

	if (scratch == NULL)
		return;
	memory = scratch->arena.memory;
	cedar_arena_dispose(&scratch->arena);
	cedar_memory_give(&memory, scratch);
}

/* Conditions hold when every `when` is true and every `unless` false. */
static bool
conditions_hold(struct cedar_evaluation *run, const struct cedar_policy *policy, bool *out)
{
	uint32_t i;

	*out = true;
	for (i = 0; i < policy->condition_count && *out; i++) {
		bool truth;

		if (!cedar_evaluate_truth(run, cedar_condition_expr(&policy->conditions[i]), &truth))
			return false;
		*out = truth != cedar_condition_unless(&policy->conditions[i]);
	}
	return true;
}

static bool
reason_add(struct decision *decision, size_t policy, bool forbids)
{
	if (decision->forbidden && !forbids)
		return true;
	if (forbids && !decision->forbidden) {
		decision->forbidden = true;
		decision->reason_count = 0;
	}
	if (!cedar_arena_grow(decision->arena, (void **)&decision->reasons, decision->reason_count,
	                      &decision->reason_capacity, sizeof *decision->reasons))
		return false;
	decision->reasons[decision->reason_count++] = policy;
	return true;
}

static bool
error_add(struct decision *decision, size_t policy, const char *message)
{
	if (!cedar_arena_grow(decision->arena, (void **)&decision->errors, decision->error_count,
	                      &decision->error_capacity, sizeof *decision->errors))
		return false;
	decision->errors[decision->error_count++] = (struct cedar_error){ policy, message };
	return true;
}

static bool
decide_one(struct cedar_evaluation *run, struct decision *decision, const struct cedar_policy *policy, size_t number)
{
	bool holds;

	if (!conditions_hold(run, policy, &holds))
		return !run->arena->failed && error_add(decision, number, run->message);
	return !holds || reason_add(decision, number, policy->forbids);
}

void
cedar_evaluation_start(struct cedar_evaluation *run, struct cedar_uid uids[3], const struct cedar_entities *base,
                       const struct cedar_builder *overlay, const struct cedar_request *request,
                       struct cedar_arena *arena)
{
	const struct cedar_uid_text *parties[] = { &request->principal, &request->action, &request->resource };
	int i;

	run->view = (struct cedar_view){ base, overlay };
	run->arena = arena;
	run->message = NULL;
	for (i = 0; i < 3; i++) {
		run->type_hashes[i] = cedar_type_hash(arena, parties[i]->type);
		uids[i] = cedar_uid_under(arena, run->type_hashes[i], parties[i]->type, parties[i]->id);
		run->variables[i] = (struct cedar_value){ .kind = CEDAR_ENTITY, .entity = &uids[i] };
		if (base != NULL)
			cedar_entities_prefetch(base, &uids[i]);
	}
	for (i = 0; i < 3; i++)
		run->parties[i] = cedar_view_find(&run->view, &uids[i]);
	run->variables[CEDAR_CONTEXT] = *request->context;
}

static bool
decide_all(const struct cedar_policies *set, struct cedar_evaluation *run, struct decision *decision,
           const struct cedar_uid uids[3])
{
	struct cedar_question question = { .parties = { &uids[0], &uids[1], &uids[2] },
		                           .type_hashes = run->type_hashes,
		                           .entities = { run->parties[0], run->parties[1], run->parties[2] } };
	const uint32_t *candidates = NULL;
	size_t count, i;

	if (!cedar_index_find(set->index, &question, run->arena, &candidates, &count))
		return false;
	for (i = 0; i < count && i < 16; i++) {
		const struct cedar_policy *policy = &set->policies[candidates[i]];

		if (policy->condition_count > 0)
			__builtin_prefetch(cedar_condition_expr(policy->conditions));
	}
	for (i = 0; i < count; i++)
		if (!decide_one(run, decision, &set->policies[candidates[i]], candidates[i]))
			return false;
	return true;
}

const struct cedar_value *
cedar_context_empty(void)
{
	static const struct cedar_value empty = { .kind = CEDAR_RECORD, .depth = 1 };

	return &empty;
}

/* A context out of JSON that holds unknowns may be unknown as a whole. One that is NULL could not be made: to take it for an
 * empty one would let a request pass that a policy forbids. */
static bool
context_fits(const struct cedar_value *context)
{
	return context != NULL &&
	       ((context->kind == CEDAR_RECORD && context->depth <= CEDAR_DEPTH_MAX) || context->kind == CEDAR_UNKNOWN);
}

bool
cedar_authorize(const struct cedar_policies *set, const struct cedar_entities *base, struct cedar_builder *overlay,
                const struct cedar_request *request, struct cedar_scratch *scratch, struct cedar_response *out)
{
	struct decision decision = { .arena = &scratch->arena };
	struct cedar_evaluation run;
	struct cedar_uid uids[3];

	cedar_arena_reset(&scratch->arena);
	*out = (struct cedar_response){ 0 };
	if (!context_fits(request->context))
		return false;
	if (overlay != NULL && !cedar_builder_seal(overlay, base))
		return false;
	cedar_evaluation_start(&run, uids, base, overlay, request, &scratch->arena);
	if (!decide_all(set, &run, &decision, uids))
		return false;
	out->allow = decision.reason_count > 0 && !decision.forbidden;
	out->reasons = decision.reasons;
	out->reason_count = decision.reason_count;
	out->errors = decision.errors;
	out->error_count = decision.error_count;
	return true;
}
