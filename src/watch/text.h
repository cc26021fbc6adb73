/* text.h - private: folding case, networks, numbers, times: what values are compared by. */
#pragma once
#include "base/slice.h"

/* Lower case of Latin, Greek, Cyrillic, Armenian and full-width letters; other bytes, broken UTF-8 too, stay. Writes at
 * most text.size bytes to `out`, which may be text.data, and returns how many. */
size_t fold_text(struct slice text, uint8_t *out);

/* Bytes of the character at the start of `text`; 1 where it is no whole UTF-8 character. */
size_t character_size(struct slice text);

struct network {
	uint8_t address[16];
	uint8_t bits;
	bool six;
};
bool network_parse(struct slice text, struct network *);
bool network_holds(const struct network *, struct slice address);

enum { NUMBER_TEXT = 48 };
bool number_parse(struct slice text, long double *);
/* One text for one number: 4688, 4688.0 and 4.688e3 are the same. Returns its length; 0 where it is none. */
size_t number_text(struct slice text, char out[static NUMBER_TEXT]);

struct calendar {
	int year, month, day, hour, minute, second;
	int microsecond, offset;        /* of UTC in minutes */
};
/* 2026-11-24T10:27:44.1Z, with a blank or no zone, or the date alone. No zone is taken as UTC. */
bool calendar_parse(struct slice text, struct calendar *);
/* Week of the year by ISO 8601. */
int calendar_week(const struct calendar *);
int64_t calendar_time(const struct calendar *);
