/* scope.c - what a decision takes, by the shape of the scopes and the number of policies. Every answer is checked while timing,
 * against what each policy says when it is asked alone. Exit 1 if an answer is wrong, or if p50 at 10,000 policies is more
 * than 1.5 times that at 10.
 *
 *   scope [MILLISECONDS]   for each figure; 200 if it is not given
 */
#include "scopes.h"

#include <time.h>

enum { SLOTS = 1 << 16 };

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
measure(const struct world *world, const struct cedar_policies *policies, const struct scope_answer answers[2], uint64_t limit)
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

static uint64_t
measure_count(struct world *world, size_t scope, size_t count, uint64_t limit)
{
	struct scope_answer answers[2] = { 0 };
	struct cedar_policies *policies = NULL;
	size_t size = 0;
	char *text = scope_text(scope, 0, count, &size);
	uint64_t p50 = 0;

	if (text != NULL && cedar_policies_parse(NULL, (struct cedar_text){ text, size }, &policies, NULL) &&
		scope_expect(scope, count, &world->requests[0], world->builder, world->scratch, &answers[0]) &&
		scope_expect(scope, count, &world->requests[1], world->builder, world->scratch, &answers[1]))
		p50 = measure(world, policies, answers, limit);
	free(answers[0].reasons);
	free(answers[1].reasons);
	cedar_policies_free(policies);
	free(text);
	return p50;
}

int
main(int argc, char **argv)
{
	static const size_t counts[] = { 10, 100, 1000, 10000 };
	uint64_t limit = (argc > 1 ? strtoul(argv[1], NULL, 10) : 200) * 1000000u;
	struct world world = { .builder = cedar_builder_new(NULL), .scratch = cedar_scratch_new(NULL) };
	double worst = 0;
	bool wrong = world.builder == NULL || world.scratch == NULL;
	size_t i, j;

	world.requests[0] = scope_request(world.builder, "hot");
	world.requests[1] = scope_request(world.builder, "0");
	printf("%-46s %7s %7s %7s %7s %6s\n", "p50 in ns, by policies", "10", "100", "1,000", "10,000", "ratio");
	for (i = 0; !wrong && i < SCOPES; i++) {
		uint64_t p50[4];

		for (j = 0; j < 4; j++)
			wrong |= (p50[j] = measure_count(&world, i, counts[j], limit)) == 0;
		printf("%-46s %7lu %7lu %7lu %7lu %6.2f\n", scopes[i].name, p50[0], p50[1], p50[2], p50[3], (double)p50[3] / (double)p50[0]);
		if ((double)p50[3] / (double)p50[0] > worst)
			worst = (double)p50[3] / (double)p50[0];
	}
	printf("worst ratio: %.2f%s\n", worst, wrong ? "; A WRONG ANSWER, or a failure" : "");
	cedar_builder_free(world.builder);
	cedar_scratch_free(world.scratch);
	return wrong || worst > 1.5;
}
