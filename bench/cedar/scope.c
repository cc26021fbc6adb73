/* scope.c - what a decision takes, by the shape of the scopes and the number of policies. Every answer is checked while timing,
 * against what each policy says when it is asked alone. Exit 1 if an answer is wrong, or if p50 at 10,000 policies is more
 * than 1.5 times that at 10.
 *
 *   scope [MILLISECONDS]   for each figure, in five turns of which the best counts; 200 if it is not given
 */
#include "scopes.h"

#include <time.h>

enum { SLOTS = 1 << 16, COUNTS = 4, ROUNDS = 5 };

static uint64_t
nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t
percentile(const unsigned *histogram, uint64_t decisions, unsigned percent)
{
	uint64_t seen = 0;
	size_t i;

	for (i = 0; i < SLOTS - 1; i++) {
		seen += histogram[i];
		if (seen > decisions * percent / 100)
			break;
	}
	return i;
}

struct world {
	struct cedar_builder *builder;
	struct cedar_scratch *scratch;
	struct cedar_request requests[2];
};

/* p50; 0 on a wrong answer or failure. */
static uint64_t
measure(const struct world *world, const struct cedar_policies *policies, const struct scope_answer answers[2],
        uint64_t limit)
{
	unsigned *histogram = calloc(SLOTS, sizeof *histogram);
	uint64_t start = nanoseconds(), before = start, now = start, decisions, p50 = 0;

	for (decisions = 0; histogram != NULL && now - start < limit; decisions++) {
		const struct cedar_request *request = &world->requests[decisions & 1];
		struct cedar_response response;

		if (!cedar_authorize(policies, NULL, world->builder, request, world->scratch, &response) ||
		    !scope_agrees(&answers[decisions & 1], &response))
			break;
		now = nanoseconds();
		histogram[now - before < SLOTS ? now - before : SLOTS - 1]++;
		before = now;
	}
	if (histogram != NULL && now - start >= limit)
		p50 = percentile(histogram, decisions, 50);
	free(histogram);
	return p50;
}

/* One number of policies. */
struct prepared {
	struct cedar_policies *policies;
	struct scope_answer answers[2];
	char *text;
	uint64_t p50; /* the least that was measured: what else runs makes it more, never less */
};

static bool
prepare(const struct world *world, size_t scope, size_t count, struct prepared *out)
{
	size_t size = 0, i;

	*out = (struct prepared){ .text = scope_text(scope, 0, count, &size), .p50 = UINT64_MAX };
	if (out->text == NULL ||
	    !cedar_policies_parse(NULL, (struct cedar_text){ out->text, size }, &out->policies, NULL))
		return false;
	for (i = 0; i < 2; i++)
		if (!scope_expect(scope, count, &world->requests[i], world->builder, world->scratch, &out->answers[i]))
			return false;
	return true;
}

static void
prepared_free(struct prepared *prepared)
{
	cedar_policies_free(prepared->policies);
	free(prepared->answers[0].reasons);
	free(prepared->answers[1].reasons);
	free(prepared->text);
}

/* All numbers in turn, several times over. False on a wrong answer or failure. */
static bool
measure_scope(const struct world *world, size_t scope, uint64_t limit, uint64_t p50[COUNTS])
{
	static const size_t counts[COUNTS] = { 10, 100, 1000, 10000 };
	struct prepared prepared[COUNTS] = { { NULL, { { NULL, 0 }, { NULL, 0 } }, NULL, 0 } };
	bool good = true;
	size_t i, round;

	for (i = 0; i < COUNTS && good; i++)
		good = prepare(world, scope, counts[i], &prepared[i]);
	for (round = 0; round < ROUNDS; round++)
		for (i = 0; i < COUNTS && good; i++) {
			uint64_t measured = measure(world, prepared[i].policies, prepared[i].answers, limit / ROUNDS);

			good = measured > 0;
			if (measured < prepared[i].p50)
				prepared[i].p50 = measured;
		}
	for (i = 0; i < COUNTS; i++) {
		p50[i] = prepared[i].p50;
		prepared_free(&prepared[i]);
	}
	return good;
}

int
main(int argc, char **argv)
{
	uint64_t limit = (argc > 1 ? strtoul(argv[1], NULL, 10) : 200) * 1000000u, p50[COUNTS];
	struct world world = { .builder = cedar_builder_new(NULL), .scratch = cedar_scratch_new(NULL) };
	bool good = world.builder != NULL && world.scratch != NULL;
	double worst = 0, ratio;
	size_t i;

	world.requests[0] = scope_request(world.builder, "hot");
	world.requests[1] = scope_request(world.builder, "0");
	printf("%-46s %7s %7s %7s %7s %6s\n", "p50 in ns, by policies", "10", "100", "1,000", "10,000", "ratio");
	for (i = 0; good && i < SCOPES; i++) {
		good = measure_scope(&world, i, limit, p50);
		ratio = good ? (double)p50[COUNTS - 1] / (double)p50[0] : 0;
		printf("%-46s %7lu %7lu %7lu %7lu %6.2f\n", scopes[i].name, p50[0], p50[1], p50[2], p50[3], ratio);
		worst = ratio > worst ? ratio : worst;
	}
	printf("worst ratio: %.2f%s\n", worst, good ? "" : "; A WRONG ANSWER, or a failure");
	cedar_builder_free(world.builder);
	cedar_scratch_free(world.scratch);
	return !good || worst > 1.5;
}
