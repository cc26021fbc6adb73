/* convert.h - public: policies from one format to the other, and the formatter.
 *
 * Texts that are given back belong to the caller, who frees them with cedar_text_free and the same memory. They end with
 * a NUL that is not counted.
 */
#pragma once
#include "cedar/cedar.h"

/* The set in JSON, as the reference writes it: {"staticPolicies","templates","templateLinks"}. False when memory is out. */
CEDAR_CHECKED bool
cedar_policies_write_json(const struct cedar_memory *, const struct cedar_policies *, struct cedar_text *out);
/* The set as Cedar text: static policies in order, then templates. Ids and links have no place in the text: each
 * policy of a link is written out with its entities in place. False when memory is out. */
CEDAR_CHECKED bool
cedar_policies_write_text(const struct cedar_memory *, const struct cedar_policies *, struct cedar_text *out);

struct cedar_format {
	unsigned width;  /* columns of a line, 0: 80 */
	unsigned indent; /* columns of one step, 0: 2 */
};

/* The text laid out anew. Comments stay, and nothing but blanks and line ends changes. Refuses what does not parse. */
CEDAR_CHECKED bool cedar_format_text(const struct cedar_memory *, struct cedar_text source, const struct cedar_format *,
                                     struct cedar_text *out, struct cedar_fault *);
void cedar_text_free(const struct cedar_memory *, struct cedar_text);
