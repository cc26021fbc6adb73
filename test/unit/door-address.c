/* The table of connections per address against a plain array that counts the same. */
#include "test.h"

#include "door/inside.h"

#include <arpa/inet.h>
#include <stdlib.h>

enum { ADDRESSES = 200, ROOM = 300 };

static struct address_key
key_of(int n)
{
	struct address_key k = { { 0 } };
	memcpy(k.bytes, &n, sizeof n);
	return k;
}

static void
the_table_counts_as_an_array_does(void **state)
{
	(void)state;
	struct address_table t;
	void *owner = talloc_new(NULL);
	unsigned counts[ADDRESSES] = { 0 }, total = 0;
	srandom(4711);
	address_table_open(owner, &t, ROOM);
	for (int i = 0; i < 200000; i++) {
		int n = (int)(random() % ADDRESSES);
		unsigned limit = 1 + (unsigned)n % 5;
		if (random() % 100 < (i / 20000 % 2 ? 35 : 65) && total < ROOM) {
			bool fits = address_table_add(&t, key_of(n), limit);
			assert_int_equal(fits, counts[n] < limit);
			counts[n] += fits;
			total += fits;
		} else if (counts[n]) {
			address_table_drop(&t, key_of(n));
			counts[n]--;
			total--;
		}
	}
	for (int n = 0; n < ADDRESSES; n++)
		while (counts[n]--)
			address_table_drop(&t, key_of(n));
	for (int n = 0; n < ADDRESSES; n++) {
		assert_true(address_table_add(&t, key_of(n), 1));
		assert_false(address_table_add(&t, key_of(n), 1));
	}
	talloc_free(owner);
}

static struct address_key
key_at(const char *text, bool v6, struct peer *peer)
{
	struct sockaddr_storage at = { 0 };
	if (v6) {
		at.ss_family = AF_INET6;
		inet_pton(AF_INET6, text, &((struct sockaddr_in6 *)&at)->sin6_addr);
	} else {
		at.ss_family = AF_INET;
		inet_pton(AF_INET, text, &((struct sockaddr_in *)&at)->sin_addr);
	}
	return address_of(&at, peer);
}

static bool
same(struct address_key a, struct address_key b)
{
	return memcmp(&a, &b, sizeof a) == 0;
}

static void
a_64_prefix_is_one_address(void **state)
{
	(void)state;
	struct peer p;
	struct address_key a = key_at("2001:db8:1:2::1", true, &p);
	assert_string_equal(p.address, "2001:db8:1:2::1");
	assert_true(same(a, key_at("2001:db8:1:2:ffff::9", true, &p)));
	assert_false(same(a, key_at("2001:db8:1:3::1", true, &p)));
	struct address_key b = key_at("127.0.0.1", false, &p);
	assert_string_equal(p.address, "127.0.0.1");
	assert_true(same(b, key_at("127.0.0.1", false, &p)));
	assert_false(same(b, key_at("127.0.0.2", false, &p)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_counts_as_an_array_does),
		cmocka_unit_test(a_64_prefix_is_one_address),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
