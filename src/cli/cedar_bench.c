/* `sekisho cedar bench`: decides in turn, answers checked while timing. */
#include "cli/cedar_work.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <time.h>

enum { BENCH_REQUESTS_MAX = 1 << 20, BENCH_NANOSECONDS_MAX = 1 << 20 };

struct answer {
	bool allow;
	size_t reasons, errors;
};

struct bench {
	struct work *work;
	struct cedar_builder *builder;
	struct cedar_scratch *scratch;
	struct cedar_request *requests;
	struct answer *answers;
	size_t count, capacity;
	EVP_MD_CTX *digest;
	unsigned long *histogram;
};

static bool
bench_read(void *context, struct cedar_text row, unsigned line)
{
	struct bench *bench = context;
	struct cedar_fault fault = { 0 };
	struct cedar_request *grown;

	if (bench->count == bench->capacity) {
		bench->capacity = bench->capacity ? bench->capacity * 2 : 64;
		grown = realloc(bench->requests, bench->capacity * sizeof *grown);
		if (grown == NULL || bench->capacity > BENCH_REQUESTS_MAX)
			return false;
		bench->requests = grown;
	}
	if (cedar_request_parse_json(bench->builder, row, bench->work->schema, &bench->requests[bench->count],
	                             &fault)) {
		bench->count++;
		return true;
	}
	fprintf(stderr, "%s:%u:%u: %s\n", bench->work->requests_file, line, fault.column, fault.message);
	return false;
}

static bool
digest_ids(struct bench *bench, const struct cedar_response *response, bool errors)
{
	struct cedar_text *ids = sorted_ids(bench->work->policies, response, errors);
	size_t count = errors ? response->error_count : response->reason_count, i;

	for (i = 0; i < count && ids != NULL; i++) {
		if (i > 0)
			EVP_DigestUpdate(bench->digest, ",", 1);
		EVP_DigestUpdate(bench->digest, ids[i].data, ids[i].size);
	}
	free(ids);
	return ids != NULL;
}

/* Once around, untimed: the checksum, and what each answer must be again while timing. */
static bool
bench_first(struct bench *bench)
{
	struct cedar_response response;
	size_t i;

	bench->answers = calloc(bench->count, sizeof *bench->answers);
	if (bench->answers == NULL)
		return false;
	for (i = 0; i < bench->count; i++) {
		if (!cedar_authorize(bench->work->policies, bench->work->entities, NULL, &bench->requests[i],
		                     bench->scratch, &response))
			return false;
		bench->answers[i] = (struct answer){ response.allow, response.reason_count, response.error_count };
		EVP_DigestUpdate(bench->digest, response.allow ? "allow\t" : "deny\t", response.allow ? 6 : 5);
		if (!digest_ids(bench, &response, false) || EVP_DigestUpdate(bench->digest, "\t", 1) != 1 ||
		    !digest_ids(bench, &response, true) || EVP_DigestUpdate(bench->digest, "\n", 1) != 1)
			return false;
	}
	return true;
}

static uint64_t
nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static bool
bench_time(struct bench *bench, uint64_t *decisions, uint64_t *elapsed)
{
	const struct work *work = bench->work;
	uint64_t start = nanoseconds(), before = start, after = start, limit = (uint64_t)work->seconds * 1000000000u,
	         took;
	struct cedar_response response;
	size_t at = 0;

	for (*decisions = 0; work->decisions ? *decisions < work->decisions : after - start < limit; ++*decisions) {
		const struct answer *answer = &bench->answers[at];

		if (!cedar_authorize(work->policies, work->entities, NULL, &bench->requests[at], bench->scratch,
		                     &response) ||
		    response.allow != answer->allow || response.reason_count != answer->reasons ||
		    response.error_count != answer->errors)
			return false;
		after = nanoseconds();
		took = after - before;
		before = after;
		bench->histogram[took < BENCH_NANOSECONDS_MAX ? took : BENCH_NANOSECONDS_MAX - 1]++;
		at = at + 1 == bench->count ? 0 : at + 1;
	}
	*elapsed = after - start;
	return true;
}

static unsigned long
percentile(const struct bench *bench, uint64_t decisions, unsigned percent)
{
	uint64_t wanted = decisions * percent / 100, seen = 0;
	unsigned long i;

	for (i = 0; i < BENCH_NANOSECONDS_MAX - 1; i++) {
		seen += bench->histogram[i];
		if (seen > wanted)
			break;
	}
	return i;
}

static bool
bench_run(struct bench *bench)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	uint64_t decisions, elapsed;
	unsigned size, i;

	EVP_DigestInit_ex(bench->digest, EVP_sha256(), NULL);
	if (!bench_first(bench) || !bench_time(bench, &decisions, &elapsed)) {
		fprintf(stderr, "an answer changed while timing, or memory is out\n");
		return false;
	}
	EVP_DigestFinal_ex(bench->digest, hash, &size);
	printf("{\"decisions\":%lu,\"decisions_per_second\":%.0f,\"p50_ns\":%lu,\"p99_ns\":%lu,\"checksum\":\"",
	       (unsigned long)decisions, elapsed ? (double)decisions * 1e9 / (double)elapsed : 0.0,
	       percentile(bench, decisions, 50), percentile(bench, decisions, 99));
	for (i = 0; i < size; i++)
		printf("%02x", hash[i]);
	printf("\"}\n");
	return true;
}

int
command_bench(struct work *work)
{
	struct bench bench = { .work = work,
		               .builder = cedar_builder_new(NULL),
		               .scratch = cedar_scratch_new(NULL),
		               .digest = EVP_MD_CTX_new(),
		               .histogram = calloc(BENCH_NANOSECONDS_MAX, sizeof(unsigned long)) };
	char *requests = NULL;
	bool good = false;
	size_t size;

	if (work->seconds == 0 && work->decisions == 0)
		work->seconds = 3;
	if (bench.builder != NULL && bench.scratch != NULL && bench.digest != NULL && bench.histogram != NULL &&
	    load_for_requests(work) && (requests = read_file(work->requests_file, &size)) != NULL) {
		good = each_line(requests, size, bench_read, &bench) && bench.count > 0;
		good = good && bench_run(&bench);
	}
	free(requests);
	free(bench.requests);
	free(bench.answers);
	free(bench.histogram);
	EVP_MD_CTX_free(bench.digest);
	cedar_builder_free(bench.builder);
	cedar_scratch_free(bench.scratch);
	return good ? DONE : FAILED;
}
