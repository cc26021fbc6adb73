/* schema_scan.h - private. Reading a schema text, word by word: what its two files share. */
#pragma once
#include "cedar/lex.h"
#include "cedar/schema_raw.h"

struct cedar_scan {
	struct cedar_lexer lexer;
	struct cedar_raw_schema *raw;
	unsigned depth;
};

/* Each sets the fault where it answers false or NULL. */
bool cedar_scan_out_of_memory(struct cedar_scan *);
bool cedar_scan_expected(struct cedar_scan *, const char *what);
bool cedar_scan_accept(struct cedar_scan *, const char *word);
bool cedar_scan_word(struct cedar_scan *, struct cedar_text *out);
bool cedar_scan_string(struct cedar_scan *, struct cedar_text *out);
/* A word or a string. */
bool cedar_scan_label(struct cedar_scan *, struct cedar_text *out);
bool cedar_scan_path(struct cedar_scan *, struct cedar_raw_name *out);
/* One, or several in brackets. */
bool cedar_scan_names(struct cedar_scan *, bool actions, struct cedar_raw_names *out);
/* Annotations are checked and left behind: nothing of the validator looks at them. */
bool cedar_scan_annotations(struct cedar_scan *);
struct cedar_raw_type *cedar_scan_type_new(struct cedar_scan *, enum cedar_raw_kind kind);
/* The brace is read already. */
const struct cedar_raw_type *cedar_scan_record(struct cedar_scan *, struct cedar_raw_type *type);
const struct cedar_raw_type *cedar_scan_type(struct cedar_scan *);
