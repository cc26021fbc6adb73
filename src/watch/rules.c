/* A file of rules: what stands beside the detection. */
#include "base/memory.h"
#include "watch/rule.h"

struct watch_rules *
watch_rules_new(void *owner)
{
	return NEW(owner, struct watch_rules);
}

size_t
watch_rules_count(const struct watch_rules *rules)
{
	return rules->count;
}

const struct watch_rule *
watch_rules_get(const struct watch_rules *rules, size_t index)
{
	return &rules->list[index]->head;
}

static err_t
parse_word(struct rule *r, const struct yaml *document, const char *key, const char **out, struct watch_fault *fault)
{
	const struct yaml *y = yaml_find(document, key);
	*out = "";
	if (!y || yaml_is_null(y))
		return NULL;
	if (y->kind != YAML_SCALAR)
		return fault_at(fault, y->line, slice_text(key), "expected a text");
	*out = memory_text(r, y->text);
	return NULL;
}

static err_t
parse_level(const struct yaml *document, enum watch_level *out, struct watch_fault *fault)
{
	static const char *const names[] = { "informational", "low", "medium", "high", "critical" };
	const struct yaml *y = yaml_find(document, "level");
	*out = LEVEL_NONE;
	if (!y)
		return NULL;
	for (size_t i = 0; i < 5; i++)
		if (y->kind == YAML_SCALAR && slice_is(y->text, names[i])) {
			*out = (enum watch_level)(i + 1);
			return NULL;
		}
	return fault_at(fault, y->line, LITERAL("level"), "expected informational, low, medium, high or critical");
}

static err_t
check_status(const struct yaml *document, struct watch_fault *fault)
{
	static const char *const names[] = { "stable", "test", "experimental", "deprecated", "unsupported" };
	const struct yaml *y = yaml_find(document, "status");
	for (size_t i = 0; y && i < 5; i++)
		if (y->kind == YAML_SCALAR && slice_is(y->text, names[i]))
			return NULL;
	return y ? fault_at(fault, y->line, LITERAL("status"), "expected stable, test, experimental, deprecated or unsupported")
	         : NULL;
}

static err_t
parse_source_word(const struct yaml *source, const char *key, struct slice *out, struct watch_fault *fault)
{
	const struct yaml *y = yaml_find(source, key);
	if (!y || yaml_is_null(y))
		return NULL;
	if (y->kind != YAML_SCALAR)
		return fault_at(fault, y->line, slice_text(key), "expected a text");
	*out = y->text;
	return NULL;
}

static err_t
parse_source(const struct yaml *document, struct watch_source *out, struct watch_fault *fault)
{
	const struct yaml *y = yaml_find(document, "logsource");
	if (!y || y->kind != YAML_MAP)
		return fault_at(fault, y ? y->line : document->line, LITERAL("logsource"), "expected a map of category, product or service");
	TRY(parse_source_word(y, "category", &out->category, fault));
	TRY(parse_source_word(y, "product", &out->product, fault));
	TRY(parse_source_word(y, "service", &out->service, fault));
	if (out->category.size == 0 && out->product.size == 0 && out->service.size == 0)
		return fault_at(fault, y->line, LITERAL("logsource"), "expected category, product or service");
	return NULL;
}

static err_t
parse_tags(struct rule *r, const struct yaml *document, struct watch_fault *fault)
{
	const struct yaml *y = yaml_find(document, "tags");
	if (!y || yaml_is_null(y))
		return NULL;
	if (y->kind != YAML_LIST)
		return fault_at(fault, y->line, LITERAL("tags"), "expected a list of texts");
	r->head.tags = NEW_ARRAY(r, const char *, y->count + 1);
	for (size_t i = 0; i < y->count; i++) {
		if (y->values[i]->kind != YAML_SCALAR)
			return fault_at(fault, y->values[i]->line, LITERAL("tags"), "expected a list of texts");
		r->head.tags[i] = memory_text(r, y->values[i]->text);
	}
	r->head.tag_count = y->count;
	return NULL;
}

static err_t
parse_body(struct rule *r, const struct yaml *document, struct watch_fault *fault)
{
	const struct yaml *detection = yaml_find(document, "detection"), *correlation = yaml_find(document, "correlation");
	if (correlation)
		return correlation_parse(r, correlation, fault);
	TRY(parse_source(document, &r->head.source, fault));
	if (!detection)
		return fault_at(fault, document->line, LITERAL("detection"), "expected a map of searches and a condition");
	return detection_parse(r, detection, fault);
}

static err_t
parse_rule(struct rule *r, const struct yaml *document, struct watch_fault *fault)
{
	r->head.line = document->line;
	if (document->kind != YAML_MAP)
		return fault_at(fault, document->line, LITERAL(""), "expected a map: a rule");
	TRY(parse_word(r, document, "title", &r->head.title, fault));
	TRY(parse_word(r, document, "id", &r->head.id, fault));
	TRY(parse_word(r, document, "name", &r->head.name, fault));
	TRY(parse_word(r, document, "status", &r->head.status, fault));
	TRY(parse_word(r, document, "description", &r->head.description, fault));
	if (r->head.title[0] == '\0')
		return fault_at(fault, document->line, LITERAL("title"), "expected a title");
	if (yaml_find(document, "filter") && !yaml_find(document, "detection"))
		return fault_at(fault, document->line, LITERAL("filter"), "expected a rule or a correlation: filters are not applied here");
	TRY(check_status(document, fault));
	TRY(parse_level(document, &r->head.level, fault));
	TRY(parse_tags(r, document, fault));
	return parse_body(r, document, fault);
}

/* What describes a regression set, and the empty document behind a last `---`, is no rule. */
static bool
is_other(const struct yaml *document)
{
	return yaml_find(document, "regression_tests_info") != NULL || (document->kind == YAML_SCALAR && yaml_is_null(document));
}

static void
keep(struct watch_rules *rules, struct rule *r)
{
	r->index = (uint32_t)rules->count;
	rules->list = memory_grow(rules, rules->list, sizeof *rules->list, rules->count + 1);
	rules->list[rules->count++] = r;
}

void
watch_rules_read(struct watch_rules *rules, const char *file, struct slice text, size_t *parsed, size_t *skipped,
                 void (*refused)(void *context, const char *file, const struct watch_fault *), void *context)
{
	struct yaml **documents = NULL;
	size_t count = 0;
	struct watch_fault fault = { 0 };
	void *tree = NEW(rules, char);
	if (yaml_parse(tree, text, &documents, &count, &fault) != NULL)
		refused(context, file, &fault);
	for (size_t i = 0; i < count; i++) {
		if (is_other(documents[i])) {
			(*skipped)++;
			continue;
		}
		struct rule *r = NEW(tree, struct rule);        /* its texts are the tree's */
		r->head.file = talloc_strdup(r, file);
		fault = (struct watch_fault){ 0 };
		if (parse_rule(r, documents[i], &fault) != NULL) {
			refused(context, file, &fault);
			continue;
		}
		keep(rules, r);
		(*parsed)++;
	}
}
