#include "base/memory.h"
#include "watch/rule.h"

static bool
is_full(size_t count)
{
	return (count & (count - 1)) == 0;
}

static void *
grow_one(void *owner, void *array, size_t size, size_t count)
{
	return is_full(count) ? memory_grow(owner, array, size, count ? 2 * count : 1) : array;
}

static err_t
add(struct rule *r, struct node node, uint32_t *out, struct watch_fault *fault)
{
	if (r->node_count == RULE_NODES_MAX)
		return fault_at(fault, r->head.line, LITERAL("detection"), "expected at most %d values and operators", RULE_NODES_MAX);
	if (node.depth > RULE_DEPTH_MAX)
		return fault_at(fault, r->head.line, LITERAL("detection.condition"), "expected at most %d levels", RULE_DEPTH_MAX);
	r->nodes = grow_one(r, r->nodes, sizeof node, r->node_count);
	r->nodes[r->node_count] = node;
	*out = r->node_count++;
	return NULL;
}

err_t
rule_add_atom(struct rule *r, const struct atom *atom, uint32_t *node, struct watch_fault *fault)
{
	TRY(add(r, (struct node){ .kind = NODE_ATOM, .first = r->atom_count }, node, fault));
	r->atoms = grow_one(r, r->atoms, sizeof *atom, r->atom_count);
	r->atoms[r->atom_count++] = *atom;
	return NULL;
}

err_t
rule_add_node(struct rule *r, enum node_kind kind, const uint32_t *children, size_t count, uint32_t *node,
              struct watch_fault *fault)
{
	struct node n = { .kind = kind, .first = r->link_count, .count = (uint32_t)count };
	if (count == 1 && kind != NODE_NOT) {
		*node = children[0];
		return NULL;
	}
	if (r->link_count + count > 4 * (size_t)RULE_NODES_MAX)
		return fault_at(fault, r->head.line, LITERAL("detection"), "expected at most %d operands", 4 * RULE_NODES_MAX);
	for (size_t i = 0; i < count; i++) {
		uint32_t depth = r->nodes[children[i]].depth + 1;
		n.depth = depth > n.depth ? depth : n.depth;
		r->links = grow_one(r, r->links, sizeof *r->links, r->link_count);
		r->links[r->link_count++] = children[i];
	}
	return add(r, n, node, fault);
}
