/* A server that says anything while we log in: SCRAM, parameters, keys, errors; nothing is believed that is not proven. */
#include "fuzz.h"

#include "postgres/upstream_inside.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct database database = { .host = { (const uint8_t *)"db", 2 }, .role = { (const uint8_t *)"r", 1 },
	                                          .password = { (const uint8_t *)"p", 1 } };
	if (size > 8192)
		return 0;
	SCOPED struct upstream_pool *pool = upstream_pool_new(NULL);
	struct upstream *u = NEW(pool, struct upstream);
	u->pool = pool;
	u->options.database = &database;
	u->state = UPSTREAM_LOGIN;
	u->fd = -1;
	struct slice rest = slice_of(data, size), said = { NULL, 0 };
	size_t step = size ? 1u + data[0] : 1;
	while (rest.size && u->state == UPSTREAM_LOGIN) {
		struct slice some = slice_of(rest.data, rest.size < step ? rest.size : step), left = some;
		if (upstream_login(u, &left, &said))
			break;
		rest = slice_from(rest, some.size - left.size);
	}
	assert(u->state == UPSTREAM_LOGIN || u->step == LOGIN_IN);
	assert(u->key_size <= CANCEL_KEY_MAX);
	return 0;
}
