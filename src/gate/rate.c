/* How many passages a second one identity may begin: a flood by one is not everybody's, nor the book's. */
#include "gate/inside.h"

#include "base/clock.h"
#include "base/memory.h"

#include <pthread.h>
#include <sodium.h>

enum { BUCKETS = 1024, PROBES = 8, BURST_SECONDS = 2 };

/* The generic cell rate algorithm (ITU-T I.371): `due` is when the next passage would come, were they evenly spread. */
struct cell {
	uint64_t whose;
	int64_t due;
};

struct rate {
	pthread_mutex_t lock;
	uint8_t key[crypto_shorthash_KEYBYTES];
	int64_t people, applications;   /* passages a second; 0: as many as there are */
	struct cell cells[BUCKETS][PROBES];
};

struct rate *
rate_new(const void *owner, int64_t people, int64_t applications)
{
	struct rate *r = NEW(owner, struct rate);
	pthread_mutex_init(&r->lock, NULL);
	random_bytes(r->key, sizeof r->key);
	r->people = people;
	r->applications = applications;
	return r;
}

/* Its cell, or in its place the one that has been quiet for longest: who is put out begins anew with a whole burst. */
static struct cell *
cell_of(struct rate *r, uint64_t whose)
{
	struct cell *bucket = r->cells[whose % BUCKETS], *oldest = bucket;
	for (size_t i = 0; i < PROBES; i++) {
		if (bucket[i].whose == whose)
			return &bucket[i];
		if (bucket[i].due < oldest->due)
			oldest = &bucket[i];
	}
	*oldest = (struct cell){ .whose = whose };
	return oldest;
}

bool
rate_take(struct rate *r, const struct principal *who, int64_t monotonic)
{
	const int64_t most = who->kind == KIND_APPLICATION ? r->applications : r->people;
	uint64_t whose;
	if (most == 0)
		return true;
	crypto_shorthash((uint8_t *)&whose, who->actor.data, who->actor.size, r->key);
	pthread_mutex_lock(&r->lock);
	struct cell *c = cell_of(r, whose);
	int64_t due = c->due > monotonic ? c->due : monotonic;
	bool good = due - monotonic <= SECONDS(BURST_SECONDS);
	if (good)
		c->due = due + SECONDS(1) / most;
	pthread_mutex_unlock(&r->lock);
	return good;
}
