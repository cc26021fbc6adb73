/* decoding.h - private: what PostgreSQL's test_decoding says of a change, a line each: read where it lies.
 *
 *     BEGIN · COMMIT · message: transactional: 1 prefix: sekisho, sz: 64 content:…
 *     table public.people: UPDATE: old-key: id[integer]:1 new-tuple: id[integer]:2 name[text]:'it''s'
 */
#pragma once
#include "base/slice.h"
#include "base/err.h"

enum decoded_kind { DECODED_BEGIN, DECODED_COMMIT, DECODED_CHANGE, DECODED_MARK, DECODED_OTHER };

struct decoded {
	enum decoded_kind kind;
	struct slice content;           /* of a message with our prefix */
	struct slice schema, table;     /* as written, quotes included */
	struct slice what;              /* INSERT, UPDATE, DELETE, TRUNCATE */
	struct slice columns;           /* the rest: decoded_column() reads them */
};

/* DECODED_OTHER: a line that is not of these forms. */
struct decoded decoded_line(struct slice line);

/* The next column of `rest`, name and value without their quotes' outermost; '' stays as it is written. False at the end, or
 * where the text goes on otherwise (it may have been cut). */
struct decoded_column {
	struct slice name, value;
};
bool decoded_next(struct slice *rest, struct decoded_column *);
