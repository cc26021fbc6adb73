/* store.c - entity stores: persistence, overlays, cycles, readers that are not stopped. */
#include "ask.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

static struct cedar_policies *
policies_of(const char *text)
{
	struct cedar_policies *policies;

	assert_true(cedar_policies_parse(NULL, text_of(text), &policies, NULL));
	return policies;
}

static bool
allows(const struct cedar_policies *policies, const struct cedar_entities *entities, struct cedar_builder *overlay,
       const char *user)
{
	struct cedar_request request = { uid_of("User", user), uid_of("Action", "a"), uid_of("R", "r"),
		                         cedar_context_empty() };
	struct cedar_scratch *scratch = cedar_scratch_new(NULL);
	struct cedar_response response;

	assert_true(cedar_authorize(policies, entities, overlay, &request, scratch, &response));
	cedar_scratch_free(scratch);
	return response.allow;
}

static struct cedar_entities *
store_of(const char *json)
{
	struct cedar_entities *entities;
	struct cedar_fault fault;

	if (!cedar_entities_parse_json(NULL, text_of(json), NULL, &entities, &fault))
		fail_msg("%u:%u %s", fault.line, fault.column, fault.message);
	return entities;
}

#define ENTITY(id, parents) "{\"uid\":{\"type\":\"User\",\"id\":\"" id "\"},\"attrs\":{},\"parents\":[" parents "]}"
#define UID(id) "{\"type\":\"User\",\"id\":\"" id "\"}"

static void
test_replacing_one(void **state)
{
	struct cedar_policies *policies = policies_of("permit(principal in User::\"top\", action, resource);");
	struct cedar_entities *old =
	                          store_of("[" ENTITY("a", UID("b")) "," ENTITY("b", UID("c")) "," ENTITY("c", "") "]"),
	                      *new;
	struct cedar_builder *builder = cedar_builder_new(NULL);

	(void)state;
	assert_int_equal(cedar_entities_count(old), 3);
	assert_false(allows(policies, old, NULL, "a"));
	cedar_entity_parent(builder, cedar_entity_add(builder, "User", "c"), "User", "top");
	assert_true(cedar_entities_with(NULL, old, builder, &new, NULL));
	assert_int_equal(cedar_entities_count(new), 3);
	assert_true(allows(policies, new, NULL, "a")); /* what stands below the changed one sees the change */
	assert_false(allows(policies, old, NULL, "a"));
	cedar_entities_free(old);
	assert_true(allows(policies, new, NULL, "b"));
	cedar_entities_free(new);
	cedar_builder_free(builder);
	cedar_policies_free(policies);
}

static void
test_overlay(void **state)
{
	struct cedar_policies *policies = policies_of("permit(principal in User::\"top\", action, resource);");
	struct cedar_entities *base = store_of("[" ENTITY("a", UID("b")) "," ENTITY("b", UID("top")) "]");
	struct cedar_builder *builder = cedar_builder_new(NULL);
	char name[16];
	int i;

	(void)state;
	cedar_entity_parent(builder, cedar_entity_add(builder, "User", "new"), "User", "a");
	assert_true(allows(policies, base, builder, "new"));
	cedar_entity_add(builder, "User", "a"); /* hides the one of the base */
	assert_false(allows(policies, base, builder, "a"));
	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "u%d", i);
		cedar_entity_parent(builder, cedar_entity_add(builder, "User", name), "User", "b");
	}
	assert_true(allows(policies, base, builder, "u99"));
	assert_false(allows(policies, base, builder, "u100"));
	cedar_builder_reset(builder);
	assert_true(allows(policies, base, builder, "a"));
	cedar_entities_free(base);
	cedar_builder_free(builder);
	cedar_policies_free(policies);
}

static void
test_refused(void **state)
{
	static const char *const texts[] = {
		"[" ENTITY("a", UID("a")) "]",
		"[" ENTITY("a", UID("b")) "," ENTITY("b", UID("a")) "]",
		"[" ENTITY("a", "") "," ENTITY("a", UID("b")) "]",
		"{}",
		"[1]",
		"[{\"uid\":1,\"attrs\":{},\"parents\":[]}]",
		"[{\"uid\":" UID("a") ",\"attrs\":{\"x\":null},\"parents\":[]}]",
		"[{\"uid\":" UID("a") ",\"attrs\":{\"x\":1.5},\"parents\":[]}]",
		"[{\"uid\":" UID("a") ",\"attrs\":{\"x\":1,\"x\":2},\"parents\":[]}]",
		"[{\"uid\":" UID("a") ",\"attrs\":{}}]",
		"[{\"uid\":" UID("a") ",\"attrs\":{\"x\":{\"__extn\":{\"fn\":\"ip\",\"arg\":\"x\"}}},\"parents\":[]}]",
		"[{\"uid\":" UID("a") ",\"attrs\":{\"x\":{\"__expr\":\"1\"}},\"parents\":[]}]",
		"[{\"uid\":{\"type\":\"A b\",\"id\":\"\"},\"attrs\":{},\"parents\":[]}]",
		"[]x",
		"[\"\\ud800\"]",
		""
	};
	struct cedar_entities *entities = NULL;
	struct cedar_fault fault;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof texts / sizeof *texts; i++)
		if (cedar_entities_parse_json(NULL, text_of(texts[i]), NULL, &entities, &fault))
			fail_msg("accepted: %s", texts[i]);
	cedar_entities_free(
	    store_of("[" ENTITY("a", UID("b")) "," ENTITY("a", UID("b")) "]")); /* the same twice is fine */
	cedar_entities_free(store_of(
	    "[{\"uid\":{\"__entity\":" UID("a") "},\"attrs\":{\"x\":{\"__extn\":{\"fn\":\"offset\",\"args\":["
	                                        "{\"__extn\":{\"fn\":\"datetime\",\"arg\":\"1970-01-01\"}},{\"__extn\":"
	                                        "{\"fn\":\"duration\",\"arg\":\"1s\"}}]}}},\"parents\":[]}]"));
}

enum { CHAIN = 20000 };

/* Each the parent of the next: "0" above all. */
static char *
chain_json(bool upward, bool closed)
{
	char *text = malloc((size_t)CHAIN * 120 + 16), *at = text;
	int i, n;

	at += sprintf(at, "[");
	for (i = 0; i < CHAIN; i++) {
		n = upward ? i : CHAIN - 1 - i;
		at += sprintf(at, "%s{\"uid\":{\"type\":\"User\",\"id\":\"%d\"},\"attrs\":{},\"parents\":[",
		              i ? "," : "", n);
		if (n > 0 || closed)
			at += sprintf(at, "{\"type\":\"User\",\"id\":\"%d\"}", n > 0 ? n - 1 : CHAIN - 1);
		at += sprintf(at, "]}");
	}
	sprintf(at, "]");
	return text;
}

static void
check_chain(struct cedar_entities *chain)
{
	struct cedar_policies *top = policies_of("permit(principal in User::\"0\", action, resource);");
	struct cedar_policies *middle =
	    policies_of("permit(principal, action, resource) when { principal in User::\"7777\" };");
	struct cedar_policies *above = policies_of("permit(principal in User::\"above\", action, resource);");
	struct cedar_builder *builder = cedar_builder_new(NULL);
	struct cedar_entities *changed;

	assert_true(allows(top, chain, NULL, "19999"));
	assert_true(allows(middle, chain, NULL, "19999"));
	assert_true(allows(middle, chain, NULL, "7777"));
	assert_false(allows(middle, chain, NULL, "7776"));
	cedar_entity_parent(builder, cedar_entity_add(builder, "User", "new"), "User", "19999");
	assert_true(allows(top, chain, builder, "new"));
	cedar_builder_reset(builder);
	cedar_entity_parent(builder, cedar_entity_add(builder, "User", "0"), "User", "above");
	assert_true(cedar_entities_with(NULL, chain, builder, &changed, NULL));
	assert_false(allows(above, chain, NULL, "19999"));
	cedar_entities_free(chain);
	assert_true(allows(above, changed, NULL, "19999"));
	assert_true(allows(top, changed, NULL, "19999"));
	cedar_entities_free(changed);
	cedar_builder_free(builder);
	cedar_policies_free(top);
	cedar_policies_free(middle);
	cedar_policies_free(above);
}

/* Complete lists would take 200 million links; the time is the processor's, generous for sanitizers. */
static void
test_deep_hierarchy(void **state)
{
	struct cedar_entities *entities;
	struct cedar_fault fault = { 0 };
	clock_t start = clock();
	char *text;
	int upward;

	(void)state;
	for (upward = 0; upward < 2; upward++) {
		text = chain_json(upward, false);
		check_chain(store_of(text));
		free(text);
	}
	text = chain_json(true, true);
	assert_false(cedar_entities_parse_json(NULL, text_of(text), NULL, &entities, &fault));
	assert_non_null(strstr(fault.message, "cycle"));
	free(text);
	assert_true(clock() - start < 20 * CLOCKS_PER_SEC);
}

/* Hierarchies whose closure has no bound are refused, in bounded time. */
static void
test_intricate_hierarchy(void **state)
{
	struct cedar_builder *builder = cedar_builder_new(NULL);
	struct cedar_entities *entities;
	struct cedar_fault fault = { 0 };
	unsigned seed = 1;
	char name[16], parent[16];
	int i, j;

	(void)state;
	for (i = 0; i < CHAIN; i++) {
		struct cedar_entity *entity;

		snprintf(name, sizeof name, "%d", i);
		entity = cedar_entity_add(builder, "User", name);
		for (j = 0; j < 3 && i > 0; j++) {
			seed = seed * 1103515245 + 12345;
			snprintf(parent, sizeof parent, "%u", seed / 65536 % (unsigned)i);
			cedar_entity_parent(builder, entity, "User", parent);
		}
	}
	assert_false(cedar_entities_with(NULL, NULL, builder, &entities, &fault));
	assert_non_null(strstr(fault.message, "intricate"));
	cedar_builder_free(builder);
}

/* The hash that there was before it had a key: ids that collide under it are made in no time, as for any without a key. */
static uint64_t
known_mix(uint64_t hash, uint64_t word)
{
	__uint128_t product = (__uint128_t)(hash ^ word) * 0x9E3779B97F4A7C15ull;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static void
colliding_id(unsigned number, char id[17])
{
	uint64_t type = known_mix(known_mix(1 ^ 0x8EBC6AF09C88C6E3ull, 5), 0x72657355 ^ 0x1D8E4E27C47D124Full), first,
	         second;
	char digits[16];

	type = known_mix(type, 0xEB44ACCAB455D165ull);
	snprintf(digits, sizeof digits, "%08u", number);
	memcpy(&first, digits, 8);
	second = 0x4142434445464748ull ^
	         known_mix(known_mix(type ^ 0x8EBC6AF09C88C6E3ull, 17), first ^ 0x589965CC75374CC3ull);
	memcpy(id, &first, 8);
	memcpy(id + 8, &second, 8);
	id[16] = '\0';
}

static void
test_prepared_collisions(void **state)
{
	struct cedar_builder *builder = cedar_builder_new(NULL);
	struct cedar_entities *entities;
	clock_t start = clock();
	unsigned made = 0, number;
	char id[17];

	(void)state;
	for (number = 0; made < CHAIN; number++) {
		colliding_id(number, id);
		if (strlen(id) != 16)
			continue;
		cedar_entity_add(builder, "User", id);
		made++;
	}
	assert_true(cedar_entities_with(NULL, NULL, builder, &entities, NULL));
	assert_int_equal(cedar_entities_count(entities), CHAIN);
	assert_true(clock() - start < 10 * CLOCKS_PER_SEC);
	cedar_entities_free(entities);
	cedar_builder_free(builder);
}

static void
test_overlay_in_a_circle(void **state)
{
	struct cedar_policies *policies = policies_of("permit(principal, action, resource);");
	struct cedar_request request = { uid_of("User", "a"), uid_of("Action", "a"), uid_of("R", "r"),
		                         cedar_context_empty() };
	struct cedar_builder *builder = cedar_builder_new(NULL);
	struct cedar_scratch *scratch = cedar_scratch_new(NULL);
	struct cedar_response response;

	(void)state;
	cedar_entity_parent(builder, cedar_entity_add(builder, "User", "a"), "User", "b");
	cedar_entity_parent(builder, cedar_entity_add(builder, "User", "b"), "User", "a");
	assert_false(cedar_authorize(policies, NULL, builder, &request, scratch, &response));
	assert_false(response.allow);
	cedar_builder_reset(builder);
	assert_true(cedar_authorize(policies, NULL, builder, &request, scratch, &response));
	cedar_scratch_free(scratch);
	cedar_builder_free(builder);
	cedar_policies_free(policies);
}

/* Readers decide on a snapshot while it is replaced under a lock that they hold only to take the next one. */

struct shared {
	pthread_mutex_t lock;
	struct cedar_entities *entities[64];
	int newest;
	bool done;
	const struct cedar_policies *policies;
};

static void *
reader_run(void *context)
{
	struct shared *shared = context;
	struct cedar_scratch *scratch = cedar_scratch_new(NULL);
	struct cedar_request request = { uid_of("User", "a"), uid_of("Action", "a"), uid_of("R", "r"),
		                         cedar_context_empty() };
	struct cedar_response response;
	bool done = false;

	while (!done) {
		struct cedar_entities *entities;
		int i;

		pthread_mutex_lock(&shared->lock);
		entities = shared->entities[shared->newest];
		done = shared->done;
		pthread_mutex_unlock(&shared->lock);
		for (i = 0; i < 100; i++)
			if (!cedar_authorize(shared->policies, entities, NULL, &request, scratch, &response) ||
			    !response.allow)
				return "a reader was denied";
	}
	cedar_scratch_free(scratch);
	return NULL;
}

static void
test_threads(void **state)
{
	struct shared shared = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct cedar_policies *policies = policies_of("permit(principal in User::\"top\", action, resource);");
	struct cedar_builder *builder = cedar_builder_new(NULL);
	pthread_t readers[3];
	int i;

	(void)state;
	shared.policies = policies;
	shared.entities[0] = store_of("[" ENTITY("a", UID("b")) "," ENTITY("b", UID("top")) "]");
	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, reader_run, &shared), 0);
	for (i = 1; i < 64; i++) {
		char name[16];

		cedar_builder_reset(builder);
		snprintf(name, sizeof name, "m%d", i);
		cedar_entity_parent(builder, cedar_entity_add(builder, "User", "b"), "User", name);
		cedar_entity_parent(builder, cedar_entity_add(builder, "User", name), "User", "top");
		assert_true(cedar_entities_with(NULL, shared.entities[i - 1], builder, &shared.entities[i], NULL));
		pthread_mutex_lock(&shared.lock);
		shared.newest = i;
		pthread_mutex_unlock(&shared.lock);
	}
	pthread_mutex_lock(&shared.lock);
	shared.done = true;
	pthread_mutex_unlock(&shared.lock);
	for (i = 0; i < 3; i++) {
		void *wrong;

		pthread_join(readers[i], &wrong);
		assert_null(wrong);
	}
	for (i = 0; i < 64; i++)
		cedar_entities_free(shared.entities[i]);
	cedar_builder_free(builder);
	cedar_policies_free(policies);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replacing_one),
		cmocka_unit_test(test_overlay),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_deep_hierarchy),
		cmocka_unit_test(test_intricate_hierarchy),
		cmocka_unit_test(test_prepared_collisions),
		cmocka_unit_test(test_overlay_in_a_circle),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
