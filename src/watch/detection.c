/* `detection`: named searches, and the condition over them. */
#include "base/memory.h"
#include "watch/rule.h"

static err_t
parse_map(struct rule *r, struct slice path, const struct yaml *map, uint32_t *node, struct watch_fault *fault)
{
	uint32_t *nodes = NEW_ARRAY(r, uint32_t, map->count + 1);
	if (map->count == 0)
		return fault_at(fault, map->line, path, "expected at least one field");
	for (size_t i = 0; i < map->count; i++)
		TRY(item_parse(r, path, map->values[2 * i], map->values[2 * i + 1], &nodes[i], fault));
	return rule_add_node(r, NODE_AND, nodes, map->count, node, fault);
}

static err_t
parse_list(struct rule *r, struct slice path, const struct yaml *list, uint32_t *node, struct watch_fault *fault)
{
	uint32_t *nodes = NEW_ARRAY(r, uint32_t, list->count + 1);
	if (list->count == 0)
		return fault_at(fault, list->line, path, "expected at least one keyword or map of fields");
	for (size_t i = 0; i < list->count; i++) {
		const struct yaml *y = list->values[i];
		if (y->kind == YAML_MAP)
			TRY(parse_map(r, path, y, &nodes[i], fault));
		else if (y->kind == YAML_SCALAR)
			TRY(item_parse(r, path, NULL, y, &nodes[i], fault));
		else
			return fault_at(fault, y->line, path, "expected keywords or maps of fields, no list in a list");
	}
	return rule_add_node(r, NODE_OR, nodes, list->count, node, fault);
}

static err_t
parse_search(struct rule *r, const struct yaml *name, const struct yaml *value, uint32_t *node, struct watch_fault *fault)
{
	struct slice path = slice_text(memory_format(r, "detection.%.*s", SLICE_ARGUMENTS(name->text)));
	if (value->kind == YAML_MAP)
		return parse_map(r, path, value, node, fault);
	if (value->kind == YAML_LIST)
		return parse_list(r, path, value, node, fault);
	return item_parse(r, path, NULL, value, node, fault);
}

static err_t
parse_conditions(struct rule *r, const struct yaml *detection, const struct yaml *text, const uint32_t *nodes,
                 struct watch_fault *fault)
{
	if (text->kind == YAML_SCALAR)
		return condition_parse(r, text, detection, nodes, &r->root, fault);
	uint32_t *each = NEW_ARRAY(r, uint32_t, text->count + 1);
	if (text->kind != YAML_LIST || text->count == 0)
		return fault_at(fault, text->line, LITERAL("detection.condition"), "expected a condition or a list of them");
	for (size_t i = 0; i < text->count; i++)
		TRY(condition_parse(r, text->values[i], detection, nodes, &each[i], fault));
	return rule_add_node(r, NODE_OR, each, text->count, &r->root, fault);
}

err_t
detection_parse(struct rule *r, const struct yaml *detection, struct watch_fault *fault)
{
	const struct yaml *condition = yaml_find(detection, "condition");
	if (detection->kind != YAML_MAP)
		return fault_at(fault, detection->line, LITERAL("detection"), "expected a map of searches and a condition");
	if (!condition)
		return fault_at(fault, detection->line, LITERAL("detection.condition"), "expected a condition");
	uint32_t *nodes = NEW_ARRAY(r, uint32_t, detection->count);
	for (size_t i = 0; i < detection->count; i++) {
		const struct yaml *name = detection->values[2 * i];
		if (slice_is(name->text, "condition") || slice_is(name->text, "timeframe"))
			continue;
		TRY(parse_search(r, name, detection->values[2 * i + 1], &nodes[i], fault));
	}
	return parse_conditions(r, detection, condition, nodes, fault);
}
