/* explain.c - which policies decided, or came closest, and what failed. */
#include "cedar/explain.h"

#include "cedar/evaluate.h"
#include "cedar/index.h"
#include "cedar/print.h"

struct inside {
	struct cedar_arena arena;
};

struct ranked {
	struct cedar_explanation explanation;
	unsigned long closeness;
	const struct cedar_expr *clause; /* printed once it is known to be kept */
};

struct asking {
	struct cedar_arena *arena;  /* of what is kept */
	struct cedar_arena working; /* of one evaluation */
	struct cedar_evaluation run;
	struct cedar_uid uids[3];
	struct ranked *ranked;
	size_t count, most;
	const struct cedar_response *response;
};

/* Does the condition need all operands of this chain to come out as it wants? `has a.b.c` is one test. */
static bool
is_chain_of(const struct cedar_expr *expr, bool wanted)
{
	return expr->kind == (wanted ? CEDAR_NODE_AND : CEDAR_NODE_OR) &&
	       (expr->kind == CEDAR_NODE_OR || expr->detail != CEDAR_HAS_PATH);
}

static bool
clause_holds(struct asking *asking, const struct cedar_expr *clause, bool wanted, struct ranked *ranked)
{
	bool truth;

	if (!cedar_evaluate_truth(&asking->run, clause, &truth)) {
		ranked->explanation.outcome = CEDAR_ERRED;
		ranked->explanation.message = asking->run.message;
		return false;
	}
	if (truth != wanted)
		ranked->explanation.outcome = CEDAR_FAILED_CONDITION;
	return truth == wanted;
}

/* The first operand that is not as wanted (true in a `when`, false in an `unless`), in the order of evaluation; if it is itself a
 * chain, in parentheses, the first of its own. False if there is none: the condition holds. */
static bool
clause_find(struct asking *asking, const struct cedar_condition *condition, struct ranked *ranked)
{
	bool wanted = !cedar_condition_unless(condition), whole = true;
	const struct cedar_expr *clause = cedar_condition_expr(condition);
	uint32_t i;

	for (; is_chain_of(clause, wanted); whole = false, clause = clause->items[i]) {
		for (i = 0; i < clause->count && clause_holds(asking, clause->items[i], wanted, ranked); i++)
			ranked->closeness++;
		if (i == clause->count)
			return false;
	}
	ranked->clause = clause;
	if (!whole || !clause_holds(asking, clause, wanted, ranked))
		return true;
	ranked->closeness++;
	return false;
}

static void
conditions_rank(struct asking *asking, const struct cedar_policy *policy, struct ranked *ranked)
{
	uint32_t i;

	for (i = 0; i < policy->condition_count; i++) {
		ranked->explanation.condition = i;
		ranked->explanation.unless = cedar_condition_unless(&policy->conditions[i]);
		if (clause_find(asking, &policy->conditions[i], ranked))
			return;
	}
	ranked->explanation.outcome = CEDAR_APPLIES;
	ranked->clause = NULL;
}

static void
policy_rank(struct asking *asking, const struct cedar_policy *policy, struct ranked *ranked)
{
	const struct cedar_scope *scopes[] = { &policy->principal, &policy->action, &policy->resource };
	bool all = true;
	int i;

	for (i = 0; i < 3; i++) {
		bool matched = cedar_scope_matches(scopes[i], &asking->uids[i], asking->run.parties[i]);

		ranked->explanation.matched[i] = matched;
		ranked->closeness += matched ? 1000000 : 0;
		all = all && matched;
	}
	ranked->explanation.message = "";
	ranked->explanation.outcome = CEDAR_FAILED_SCOPE;
	if (all)
		conditions_rank(asking, policy, ranked);
}

/* Keeps the best, and of equals the earlier. */
static void
ranked_keep(struct asking *asking, const struct ranked *ranked)
{
	size_t at = asking->count;

	if (at == asking->most && (at == 0 || asking->ranked[at - 1].closeness >= ranked->closeness))
		return;
	if (at < asking->most)
		asking->count++;
	else
		at--;
	for (; at > 0 && asking->ranked[at - 1].closeness < ranked->closeness; at--)
		asking->ranked[at] = asking->ranked[at - 1];
	asking->ranked[at] = *ranked;
}

static bool
text_keep(struct asking *asking, struct cedar_text text, struct cedar_text *out)
{
	*out = cedar_text_copy(asking->arena, text);
	return out->data != NULL;
}

static bool
clause_print(struct asking *asking, struct ranked *ranked)
{
	struct cedar_writer writer;
	bool kept;

	ranked->explanation.clause = CEDAR_TEXT("");
	if (ranked->clause == NULL)
		return true;
	cedar_writer_init(&writer, &asking->arena->memory);
	cedar_print_expr(&writer, ranked->clause);
	kept = !writer.failed && text_keep(asking, cedar_writer_text(&writer), &ranked->explanation.clause);
	cedar_writer_dispose(&writer);
	return kept;
}

static bool
rank_one(struct asking *asking, const struct cedar_policies *set, size_t policy)
{
	struct ranked ranked = { .explanation = { .policy = policy } };
	struct cedar_text message;

	cedar_arena_reset(&asking->working);
	policy_rank(asking, &set->policies[policy], &ranked);
	if (asking->working.failed)
		return false;
	if (ranked.explanation.message[0] != '\0') {
		if (!text_keep(asking, cedar_text_of(ranked.explanation.message), &message))
			return false;
		ranked.explanation.message = message.data;
	}
	ranked_keep(asking, &ranked);
	return true;
}

/* Those that the answer is about: the reasons, or without reasons all permits. */
static bool
rank_all(struct asking *asking, const struct cedar_policies *set)
{
	const struct cedar_response *response = asking->response;
	size_t i;

	for (i = 0; i < response->reason_count; i++)
		if (!rank_one(asking, set, response->reasons[i]))
			return false;
	for (i = 0; response->reason_count == 0 && i < set->count; i++)
		if (!set->policies[i].forbids && !rank_one(asking, set, i))
			return false;
	for (i = 0; i < asking->count; i++)
		if (!clause_print(asking, &asking->ranked[i]))
			return false;
	return true;
}

static bool
explain(struct asking *asking, const struct cedar_policies *set, struct cedar_explained *out)
{
	struct cedar_explanation *items = cedar_arena_take(asking->arena, asking->most * sizeof *items);
	size_t i;

	asking->ranked = cedar_arena_take(asking->arena, asking->most * sizeof *asking->ranked);
	if (items == NULL || asking->ranked == NULL || !rank_all(asking, set))
		return false;
	for (i = 0; i < asking->count; i++)
		items[i] = asking->ranked[i].explanation;
	out->allow = asking->response->allow;
	out->count = asking->count;
	out->items = items;
	return true;
}

bool
cedar_explain(const struct cedar_memory *memory, const struct cedar_policies *set, const struct cedar_entities *base,
              struct cedar_builder *overlay, const struct cedar_request *request, size_t most,
              struct cedar_explained *out)
{
	struct cedar_memory own = cedar_memory_or_default(memory);
	struct inside *inside = cedar_memory_take(&own, sizeof *inside);
	struct cedar_scratch *scratch = cedar_scratch_new(&own);
	struct asking asking = { .most = most < set->count ? most : set->count };
	struct cedar_explained explained = { .inside = inside };
	struct cedar_response response;
	bool good =
	    inside != NULL && scratch != NULL && cedar_authorize(set, base, overlay, request, scratch, &response);

	if (inside != NULL)
		cedar_arena_init(&inside->arena, &own, 4096);
	cedar_arena_init(&asking.working, &own, 16384);
	if (good) {
		asking.arena = &inside->arena;
		asking.response = &response;
		cedar_evaluation_start(&asking.run, asking.uids, base, overlay, request, &asking.working);
		good = explain(&asking, set, &explained);
	}
	cedar_arena_dispose(&asking.working);
	cedar_scratch_free(scratch);
	if (good)
		*out = explained;
	else
		cedar_explained_free(&explained);
	return good;
}

void
cedar_explained_free(struct cedar_explained *explained)
{
	struct inside *inside = explained->inside;
	struct cedar_memory memory;

	if (inside == NULL)
		return;
	memory = inside->arena.memory;
	cedar_arena_dispose(&inside->arena);
	cedar_memory_give(&memory, inside);
	*explained = (struct cedar_explained){ 0 };
}
