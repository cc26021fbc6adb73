#include "watch/yaml.h"
#include "base/memory.h"
#include "watch/fault.h"

#include <libfyaml.h>
#include <stdlib.h>

struct anchor {
	struct slice name;
	struct yaml *node;
	bool whole;                     /* it has ended: an alias inside of it would be a cycle */
};

struct builder {
	void *owner;
	struct watch_fault *fault;
	struct yaml **documents;
	size_t document_count;
	struct yaml *open[YAML_DEPTH_MAX];
	size_t depth, nodes;
	struct anchor *anchors;
	size_t anchor_count;
};

static unsigned
event_line(struct fy_event *e)
{
	const struct fy_mark *mark = fy_event_start_mark(e);
	return mark ? (unsigned)mark->line + 1 : 0;
}

static struct slice
token_text(struct fy_token *token)
{
	size_t size = 0;
	const char *text = token ? fy_token_get_text(token, &size) : NULL;
	return slice_of(text, text ? size : 0);
}

static size_t
children(const struct yaml *node)
{
	return node->kind == YAML_MAP ? 2 * node->count + (node->text.size != 0) : node->count;
}

static void
push_child(struct yaml *parent, struct yaml *child)
{
	size_t at = children(parent);
	if ((at & (at - 1)) == 0)
		parent->values = memory_grow(parent, parent->values, sizeof *parent->values, at ? 2 * at : 1);
	parent->values[at] = child;
}

static bool
has_key(const struct yaml *map, struct slice key)
{
	for (size_t i = 0; i < map->count; i++)
		if (slice_equal(map->values[2 * i]->text, key))
			return true;
	return false;
}

/* In an open map, `text` tells whether a key waits for its value: it is emptied when the map ends. */
static err_t
map_add(struct builder *b, struct yaml *map, struct yaml *node)
{
	if (map->text.size) {
		push_child(map, node);
		map->text.size = 0;
		map->count++;
		return NULL;
	}
	if (node->kind != YAML_SCALAR)
		return fault_at(b->fault, node->line, LITERAL(""), "expected a text as the key of a map");
	if (has_key(map, node->text))
		return fault_at(b->fault, node->line, node->text, "expected each key once");
	push_child(map, node);
	map->text.size = 1;
	return NULL;
}

static err_t
node_add(struct builder *b, struct yaml *node)
{
	if (b->depth == 0) {
		b->documents = memory_grow(b->owner, b->documents, sizeof *b->documents, b->document_count + 1);
		b->documents[b->document_count++] = node;
		return NULL;
	}
	struct yaml *parent = b->open[b->depth - 1];
	if (parent->kind == YAML_MAP)
		return map_add(b, parent, node);
	push_child(parent, node);
	parent->count++;
	return NULL;
}

static err_t
count_nodes(struct builder *b, unsigned line, size_t weight)
{
	b->nodes += weight;
	if (b->nodes > YAML_NODES_MAX)
		return fault_at(b->fault, line, LITERAL(""), "expected at most %d values, aliases counted as what they stand for",
		                YAML_NODES_MAX);
	return NULL;
}

static err_t
node_new(struct builder *b, struct fy_event *e, enum yaml_kind kind, struct fy_token *anchor, struct fy_token *tag,
         struct yaml **out)
{
	unsigned line = event_line(e);
	TRY(count_nodes(b, line, 1));
	if (tag)
		return fault_at(b->fault, line, token_text(tag), "expected no tag: types are told by the text alone");
	struct yaml *node = NEW(b->owner, struct yaml);
	node->kind = kind;
	node->line = line;
	node->weight = 1;
	if (anchor) {
		b->anchors = memory_grow(b->owner, b->anchors, sizeof *b->anchors, b->anchor_count + 1);
		b->anchors[b->anchor_count++] =
		    (struct anchor){ memory_copy(b->owner, token_text(anchor)), node, kind == YAML_SCALAR };
	}
	*out = node;
	return NULL;
}

static err_t
take_scalar(struct builder *b, struct fy_event *e)
{
	struct yaml *node;
	TRY(node_new(b, e, YAML_SCALAR, e->scalar.anchor, e->scalar.tag, &node));
	node->text = memory_copy(node, token_text(e->scalar.value));
	node->plain = e->scalar.value == NULL || fy_token_scalar_style(e->scalar.value) == FYSS_PLAIN;
	return node_add(b, node);
}

static err_t
take_start(struct builder *b, struct fy_event *e)
{
	struct yaml *node;
	bool map = e->type == FYET_MAPPING_START;
	if (b->depth == YAML_DEPTH_MAX)
		return fault_at(b->fault, event_line(e), LITERAL(""), "expected at most %d levels", YAML_DEPTH_MAX);
	TRY(node_new(b, e, map ? YAML_MAP : YAML_LIST, map ? e->mapping_start.anchor : e->sequence_start.anchor,
	             map ? e->mapping_start.tag : e->sequence_start.tag, &node));
	TRY(node_add(b, node));
	b->open[b->depth++] = node;
	return NULL;
}

static err_t
take_end(struct builder *b)
{
	struct yaml *node = b->open[--b->depth];
	size_t count = node->kind == YAML_MAP ? 2 * node->count : node->count;
	for (size_t i = 0; i < count; i++)
		node->weight += node->values[i]->weight;
	for (size_t i = 0; i < b->anchor_count; i++)
		if (b->anchors[i].node == node)
			b->anchors[i].whole = true;
	return NULL;
}

static err_t
take_alias(struct builder *b, struct fy_event *e)
{
	struct slice name = token_text(e->alias.anchor);
	for (size_t i = b->anchor_count; i-- > 0;) {
		const struct anchor *a = &b->anchors[i];
		if (!slice_equal(a->name, name))
			continue;
		if (!a->whole)
			return fault_at(b->fault, event_line(e), name, "expected no alias inside of what it stands for");
		TRY(count_nodes(b, event_line(e), a->node->weight));
		return node_add(b, a->node);
	}
	return fault_at(b->fault, event_line(e), name, "expected an anchor of this name before");
}

static err_t
take_event(struct builder *b, struct fy_event *e)
{
	switch (e->type) {
	case FYET_SCALAR:
		return take_scalar(b, e);
	case FYET_SEQUENCE_START:
	case FYET_MAPPING_START:
		return take_start(b, e);
	case FYET_SEQUENCE_END:
	case FYET_MAPPING_END:
		return take_end(b);
	case FYET_ALIAS:
		return take_alias(b, e);
	case FYET_DOCUMENT_START:
		b->anchor_count = 0;
		return NULL;
	case FYET_NONE:
	case FYET_STREAM_START:
	case FYET_STREAM_END:
	case FYET_DOCUMENT_END:
	default:
		return NULL;
	}
}

static err_t
stream_fault(struct fy_diag *diag, struct watch_fault *fault)
{
	void *at = NULL;
	const struct fy_diag_error *e = fy_diag_errors_iterate(diag, &at);
	if (!e || !e->msg)
		return fault_at(fault, 0, LITERAL(""), "expected YAML");
	return fault_at(fault, e->line > 0 ? (unsigned)e->line : 0, LITERAL(""), "expected YAML: %s", e->msg);
}

static err_t
take_events(struct fy_parser *parser, struct builder *b, struct fy_diag *diag)
{
	err_t error = NULL;
	struct fy_event *e;
	while (!error && (e = fy_parser_parse(parser)) != NULL) {
		error = take_event(b, e);
		fy_parser_event_free(parser, e);
	}
	if (!error && (fy_parser_get_stream_error(parser) || b->depth > 0))
		error = stream_fault(diag, b->fault);
	return error;
}

/* libfyaml 0.7.12 never returns from some broken directives (found by fuzzing), and no rule needs one. */
static err_t
refuse_directives(struct slice text, struct watch_fault *fault)
{
	unsigned line = 1;
	bool start = true;
	size_t at = slice_starts(text, LITERAL("\xEF\xBB\xBF")) ? 3 : 0;
	for (; at < text.size; at++) {
		uint8_t c = text.data[at];
		if (start && c == '%')
			return fault_at(fault, line, LITERAL(""), "expected no directive: a line does not begin with '%%'");
		start = c == '\n' || c == '\r';
		line += c == '\n';
	}
	return NULL;
}

err_t
yaml_parse(void *owner, struct slice text, struct yaml ***documents, size_t *count, struct watch_fault *fault)
{
	struct builder b = { .owner = owner, .fault = fault };
	if (text.size > YAML_SIZE_MAX)
		return fault_at(fault, 0, LITERAL(""), "expected at most %d bytes", YAML_SIZE_MAX);
	TRY(refuse_directives(text, fault));
	struct fy_diag_cfg diag_cfg;
	fy_diag_cfg_default(&diag_cfg);
	diag_cfg.fp = NULL;
	struct fy_diag *diag = fy_diag_create(&diag_cfg);
	struct fy_parse_cfg cfg = { .flags = FYPCF_DEFAULT_VERSION_1_2 | FYPCF_COLLECT_DIAG, .diag = diag };
	if (diag)
		fy_diag_set_collect_errors(diag, true);
	struct fy_parser *parser = diag ? fy_parser_create(&cfg) : NULL;
	err_t error = NULL;
	if (!parser || fy_parser_set_string(parser, text.data ? (const char *)text.data : "", text.size) != 0)
		error = fault_at(fault, 0, LITERAL(""), "expected YAML");
	else
		error = take_events(parser, &b, diag);
	if (parser)
		fy_parser_destroy(parser);
	if (diag)
		fy_diag_destroy(diag);
	if (error)
		return error;
	*documents = b.documents;
	*count = b.document_count;
	return NULL;
}

const struct yaml *
yaml_find(const struct yaml *map, const char *key)
{
	if (!map || map->kind != YAML_MAP)
		return NULL;
	for (size_t i = 0; i < map->count; i++)
		if (slice_is(map->values[2 * i]->text, key))
			return map->values[2 * i + 1];
	return NULL;
}

static bool
is_one_of(const struct yaml *y, const char *const *words)
{
	for (; y->kind == YAML_SCALAR && y->plain && *words; words++)
		if (slice_is(y->text, *words))
			return true;
	return false;
}

bool
yaml_is_null(const struct yaml *y)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL", NULL };
	return is_one_of(y, words);
}

bool
yaml_is_boolean(const struct yaml *y, bool *value)
{
	static const char *const yes[] = { "true", "True", "TRUE", NULL }, *const no[] = { "false", "False", "FALSE", NULL };
	if (!is_one_of(y, yes) && !is_one_of(y, no))
		return false;
	*value = is_one_of(y, yes);
	return true;
}

bool
yaml_is_number(const struct yaml *y, long double *value)
{
	char text[64], *end = NULL;
	if (y->kind != YAML_SCALAR || !y->plain || y->text.size == 0 || y->text.size >= sizeof text)
		return false;
	memcpy(text, y->text.data, y->text.size);
	text[y->text.size] = '\0';
	if (strlen(text) != y->text.size)
		return false;
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'o')) {
		unsigned long long whole = strtoull(text + 2, &end, text[1] == 'x' ? 16 : 8);
		*value = (long double)whole;
		return text[2] != '\0' && text[2] != '-' && text[2] != '+' && *end == '\0';
	}
	if (strspn(text, "0123456789+-.eE") != y->text.size || !strpbrk(text, "0123456789"))
		return false;
	*value = strtold(text, &end);
	return *end == '\0';
}
