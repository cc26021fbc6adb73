/* hash.c - SipHash-1-3 (J.-P. Aumasson, D. J. Bernstein), and its key.
 *
 * The key is drawn from the sixteen random bytes that the kernel gives to each process (AT_RANDOM), so whoever chooses the
 * ids of entities cannot make them collide. It is the same all over the process: what was compiled in different places
 * compares by its hashes.
 */
#include <sys/auxv.h>

#include "cedar/text.h"

struct state {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t
turned(uint64_t word, int bits)
{
	return word << bits | word >> (64 - bits);
}

static inline void
mix(struct state *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = turned(s->v1, 13) ^ s->v0;
	s->v3 = turned(s->v3, 16) ^ s->v2;
	s->v0 = turned(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = turned(s->v1, 17) ^ s->v2;
	s->v3 = turned(s->v3, 21) ^ s->v0;
	s->v2 = turned(s->v2, 32);
}

static inline void
take(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	mix(s);
	s->v0 ^= word;
}

uint64_t
cedar_text_hash(const struct cedar_key *key, struct cedar_text text, uint64_t seed)
{
	uint64_t first = key->words[0] ^ seed, second = key->words[1], word;
	struct state s = { first ^ 0x736f6d6570736575ull, second ^ 0x646f72616e646f6dull, first ^ 0x6c7967656e657261ull,
		           second ^ 0x7465646279746573ull };
	size_t at = 0;

	for (; text.size - at >= 8; at += 8) {
		memcpy(&word, text.data + at, 8);
		take(&s, word);
	}
	word = 0;
	if (at < text.size)
		memcpy(&word, text.data + at, text.size - at);
	take(&s, word | (uint64_t)text.size << 56);
	s.v2 ^= 0xFF;
	mix(&s);
	mix(&s);
	mix(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/* The bytes guard the process elsewhere too: only a hash of them is used. */
struct cedar_key
cedar_key_of_process(void)
{
	const unsigned char *given = (const unsigned char *)getauxval(AT_RANDOM);
	struct cedar_key drawn = { { 0 } };

	if (given == NULL)
		return drawn;
	memcpy(drawn.words, given, sizeof drawn.words);
	return (struct cedar_key){ { cedar_text_hash(&drawn, CEDAR_TEXT("cedar, one"), 0),
		                     cedar_text_hash(&drawn, CEDAR_TEXT("cedar, two"), 0) } };
}
