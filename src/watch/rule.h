/* rule.h - private: a rule as a tree of what it asks of an event. */
#pragma once
#include "watch/fault.h"
#include "watch/text.h"
#include "watch/yaml.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum {
	RULE_NODES_MAX = 32768,
	RULE_DEPTH_MAX = 64,            /* of a condition: trees are walked by functions that call themselves */
	RULE_VARIANTS_MAX = 1024,       /* texts that one value becomes by its modifiers */
};

enum part_kind { PART_TEXT, PART_ONE, PART_RUN, PART_DASH };

/* `*` is a run, `?` is one character, a dash (of `windash`) any of - / and three long ones. */
struct part {
	enum part_kind kind;
	struct slice text;
};

struct pattern {
	struct part *parts;
	size_t count;
};

enum atom_kind { ATOM_PATTERN, ATOM_REGEX, ATOM_CIDR, ATOM_EXISTS, ATOM_NULL, ATOM_COMPARE, ATOM_FIELD };
enum comparison { COMPARE_EQUAL, COMPARE_LESS, COMPARE_LESS_EQUAL, COMPARE_GREATER, COMPARE_GREATER_EQUAL };
enum time_part { PART_OF_NO_TIME, PART_MINUTE, PART_HOUR, PART_DAY, PART_WEEK, PART_MONTH, PART_YEAR };
enum place { PLACE_WHOLE, PLACE_START, PLACE_END, PLACE_INSIDE };

/* One question about one field, or about any value where `field` is empty (a keyword). */
struct atom {
	enum atom_kind kind;
	enum comparison comparison;
	enum time_part time_part;
	enum place place;               /* of the other field's value in this one's */
	bool cased;                     /* otherwise pattern and value are compared folded */
	bool wanted;                    /* of exists */
	unsigned line;
	struct slice field, other;
	struct pattern pattern;
	struct slice expression;        /* of a regular expression: as written, with its options */
	uint32_t options;
	pcre2_code *regex;
	struct slice held;              /* by every text that matches, folded; empty where none is known */
	struct network network;
	long double number;
};

enum node_kind { NODE_AND, NODE_OR, NODE_NOT, NODE_ATOM };

struct node {
	enum node_kind kind;
	uint32_t first, count;          /* children in `links`; of an atom: `first` is its index */
	uint32_t depth;
	uint32_t weight, run;           /* once in a set: atoms below; children that are atoms in a row begin there, or NONE */
};

enum correlation_kind { EVENT_COUNT, VALUE_COUNT, TEMPORAL, TEMPORAL_ORDERED };

struct alias {
	struct slice name, rule, field;
};

struct limit {
	enum comparison comparison;
	uint64_t count;
};

struct correlation {
	enum correlation_kind kind;
	struct slice *rules, *group_by;
	struct rule **counted;          /* what `rules` names, once resolved */
	size_t rule_count, group_count;
	struct alias *aliases;
	size_t alias_count;
	int64_t timespan;
	struct slice field;             /* whose values are counted */
	struct limit limits[4];
	size_t limit_count;
	bool generate;                  /* the rules it counts also count by themselves */
};

struct rule {
	struct watch_rule head;         /* first: the public half */
	uint32_t index;
	struct atom *atoms;
	struct node *nodes;
	uint32_t *links;
	uint32_t atom_count, node_count, link_count, root;
	struct correlation *correlation;
	uint32_t chain;                 /* correlations below it, the longest way */
};

struct watch_rules {
	struct rule **list;
	size_t count;
};

/* ---- rule_tree.c: growing the tree ---- */

fallible rule_add_atom(struct rule *, const struct atom *, uint32_t *node, struct watch_fault *);
/* The node of all children: of one child that child itself. */
fallible rule_add_node(struct rule *, enum node_kind, const uint32_t *children, size_t count, uint32_t *node,
                       struct watch_fault *);

/* ---- pattern.c ---- */

/* A value with its wildcards and escapes. */
struct pattern pattern_parse(void *owner, struct slice text);
struct pattern pattern_of_text(void *owner, struct slice text);
void pattern_surround(void *owner, struct pattern *, bool before, bool after);
/* Dashes that lead a flag become any dash. */
void pattern_windash(void *owner, struct pattern *);
void pattern_fold(void *owner, struct pattern *);
bool pattern_is_plain(const struct pattern *);
bool pattern_matches(const struct pattern *, struct slice text);

/* ---- encode.c: what base64 and utf16 make of a pattern; false where that cannot be ---- */

bool encode_wide(void *owner, struct pattern *, bool big_endian, bool mark);
bool encode_base64(void *owner, struct pattern *);
bool encode_base64_offsets(void *owner, const struct pattern *, struct pattern out[static 3]);

/* ---- item.c, detection.c, condition.c, correlation_parse.c: parts of a rule's text ---- */

fallible item_parse(struct rule *, struct slice path, const struct yaml *key, const struct yaml *value, uint32_t *node,
                    struct watch_fault *);
fallible detection_parse(struct rule *, const struct yaml *detection, struct watch_fault *);
fallible condition_parse(struct rule *, const struct yaml *text, const struct yaml *detection, const uint32_t *nodes,
                         uint32_t *node, struct watch_fault *);
fallible correlation_parse(struct rule *, const struct yaml *, struct watch_fault *);

/* ---- regex.c ---- */

fallible regex_compile(struct rule *, struct atom *, struct slice field, struct watch_fault *);
/* The longest text that every match holds, folded; empty where none is known. */
struct slice regex_literal(void *owner, struct slice expression, uint32_t options);
