/* wire.h - private: PostgreSQL's messages, cut and made: protocol 3.0 and 3.2 (PostgreSQL 18 documentation, ch. 55).
 *
 * A message is a type, a length that counts itself, and a body. Both sides are read as a stream: first the head, then
 * the body in pieces as they come, so that a body of a gigabyte passes in the memory of one read.
 */
#pragma once
#include "base/cursor.h"
#include "base/err.h"
#include "postgres/bytes.h"

enum { WIRE_HEAD = 5, STARTUP_MAX = 10000 };

#define CODE_SSL 80877103u
#define CODE_GSSENC 80877104u
#define CODE_CANCEL 80877102u

/* One direction of one connection. */
struct frames {
	uint8_t head[WIRE_HEAD];
	size_t have;                    /* bytes of the head */
	bool inside;                    /* a body is being read … */
	uint8_t type;
	uint32_t size, rest;            /* … of that size, of which this is to come */
	bool failed;                    /* a length that cannot be */
};

struct piece {
	bool begins, ends;
	uint8_t type;
	uint32_t size;                  /* of the whole body */
	struct slice body;
};

/* The next head (begins) or piece of a body; takes it off `input`. False: more is needed, or frames->failed. */
bool frames_next(struct frames *, struct slice *input, struct piece *);

/* The head of a message with a body of `size`. */
void wire_head(uint8_t out[static WIRE_HEAD], uint8_t type, uint32_t size);

/* A string that ends with a NUL, without it; failed where there is none. */
struct slice read_text(struct reader *);

/* ---- messages made: begin, put, end ---- */

size_t message_begin(const void *owner, struct bytes *, uint8_t type);
void message_text(const void *owner, struct bytes *, struct slice);    /* with its NUL; what follows a NUL inside is cut off */
void message_u8(const void *owner, struct bytes *, uint8_t);
void message_be16(const void *owner, struct bytes *, uint16_t);
void message_be32(const void *owner, struct bytes *, uint32_t);
void message_end(struct bytes *, size_t begun);
void message_empty(const void *owner, struct bytes *, uint8_t type);

/* An ErrorResponse. `position` 0, detail and hint NULL: not there. */
struct complaint {
	const char *severity;           /* ERROR, FATAL */
	const char *sqlstate, *message, *detail, *hint;
	unsigned position;              /* in characters, from 1 */
};
void message_error(const void *owner, struct bytes *, const struct complaint *);
/* The SQLSTATE in an ErrorResponse's body (or its beginning); "XX000" where there is none. */
void error_sqlstate(struct slice body, char out[static 6]);
/* The number at the end of a command tag: rows returned or changed; 0 and false where it has none. */
bool tag_rows(struct slice tag, uint64_t *rows);

/* ---- the first packet ---- */

enum { STARTUP_PARAMETERS = 32, CANCEL_KEY_MAX = 256 };

struct startup {
	uint32_t code;                  /* a CODE_…, or the version */
	struct slice user, database, options;
	size_t count;                   /* the rest */
	struct { struct slice name, value; } parameters[STARTUP_PARAMETERS];
	size_t unknown_count;           /* protocol options (_pq_.…), none of which we know */
	struct slice unknown[STARTUP_PARAMETERS];
	uint32_t pid;                   /* of a CancelRequest */
	struct slice key;
};

/* How long the packet at the start of `input` is; 0: not known yet. Fails with E_REQUEST for lengths that cannot be. */
fallible startup_size(struct slice input, size_t *size);
/* Slices point into `packet`. Fails with E_REQUEST. */
fallible startup_parse(struct slice packet, struct startup *out);
/* Takes "-c name=value" and "--name=value" apart, with backslash escapes, as PostgreSQL does for `options`. Values are
 * `owner`'s. Fails with E_REQUEST for anything else. */
fallible options_each(const void *owner, struct slice options, err_t (*each)(void *, struct slice name, struct slice value),
                      void *argument);
