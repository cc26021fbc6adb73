/* Which literals to wait for before a rule is looked at. */
#include "base/memory.h"
#include "watch/set.h"

#include <math.h>
#include <stdlib.h>

struct child {
	uint32_t weight, place, node;
};

static int
by_weight(const void *a, const void *b)
{
	const struct child *x = a, *y = b;
	if (x->weight != y->weight)
		return x->weight < y->weight ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

/* Atoms in a row are walked without their nodes. */
static uint32_t
find_run(const struct rule *r, const struct node *n)
{
	if (n->kind == NODE_NOT || n->kind == NODE_ATOM)
		return NONE;
	for (uint32_t i = 0; i < n->count; i++) {
		const struct node *child = &r->nodes[r->links[n->first + i]];
		if (child->kind != NODE_ATOM || child->first != r->nodes[r->links[n->first]].first + i)
			return NONE;
	}
	return r->nodes[r->links[n->first]].first;
}

void
rule_order(struct rule *r)
{
	struct child *children = NEW_ARRAY(r, struct child, r->link_count + 1);
	for (uint32_t i = 0; i < r->node_count; i++) {
		struct node *n = &r->nodes[i];
		n->weight = n->kind == NODE_ATOM;
		for (uint32_t k = 0; k < n->count; k++) {
			uint32_t node = r->links[n->first + k];
			children[k] = (struct child){ r->nodes[node].weight, k, node };
			if (__builtin_add_overflow(n->weight, children[k].weight, &n->weight))
				n->weight = UINT32_MAX;
		}
		qsort(children, n->count, sizeof *children, by_weight);
		for (uint32_t k = 0; k < n->count; k++)
			r->links[n->first + k] = children[k].node;
		n->run = find_run(r, n);
	}
	talloc_free(children);
}

struct choosing {
	const struct bucket *bucket;
	const struct compiled *rule;
	double *costs;                  /* of each node: how often its literals may be found; infinite without */
};

/* Texts that many rules ask for are common: \powershell.exe. Short ones, too. */
static double
literal_cost(const struct literal *l)
{
	return (1.0 + l->uses) / ((double)l->text.size * (double)l->text.size);
}

static double
node_cost(const struct choosing *c, const struct node *n)
{
	const struct rule *r = c->rule->rule;
	double cost = n->kind == NODE_AND ? INFINITY : 0;
	if (n->kind == NODE_NOT)
		return INFINITY;
	if (n->kind == NODE_ATOM) {
		const struct check *check = &c->bucket->checks[c->rule->checks[n->first]];
		return check->literal == NONE ? INFINITY : literal_cost(&c->bucket->literals[check->literal]);
	}
	for (uint32_t i = 0; i < n->count; i++) {
		double child = c->costs[r->links[n->first + i]];
		cost = n->kind == NODE_OR ? cost + child : child < cost ? child : cost;
	}
	return cost;
}

struct found {
	uint32_t *literals;
	size_t count;
};

static void
take_atom(const struct choosing *c, const struct node *n, struct found *out)
{
	uint32_t literal = c->bucket->checks[c->rule->checks[n->first]].literal;
	for (size_t i = 0; i < out->count; i++)
		if (out->literals[i] == literal)
			return;
	out->literals[out->count++] = literal;
}

/* Of an AND the cheapest, of an OR all; a rule's depth is capped. */
static void
take_node(const struct choosing *c, uint32_t at, struct found *out)
{
	const struct rule *r = c->rule->rule;
	const struct node *n = &r->nodes[at];
	uint32_t best = 0;
	if (n->kind == NODE_ATOM) {
		take_atom(c, n, out);
		return;
	}
	for (uint32_t i = 0; i < n->count; i++) {
		if (n->kind == NODE_OR)
			take_node(c, r->links[n->first + i], out);
		else if (c->costs[r->links[n->first + i]] < c->costs[r->links[n->first + best]])
			best = i;
	}
	if (n->kind == NODE_AND)
		take_node(c, r->links[n->first + best], out);
}

/* A node comes after its children, so costs are known when they are asked for. */
static struct found
choose(const struct bucket *b, const struct compiled *rule, void *owner)
{
	const struct rule *r = rule->rule;
	struct choosing c = { b, rule, NEW_ARRAY(owner, double, r->node_count + 1) };
	struct found found = { NEW_ARRAY(owner, uint32_t, r->atom_count + 1), 0 };
	for (uint32_t i = 0; i < r->node_count; i++)
		c.costs[i] = node_cost(&c, &r->nodes[i]);
	if (isfinite(c.costs[r->root]))
		take_node(&c, r->root, &found);
	return found;
}

void
bucket_anchor(struct watch_set *s, struct bucket *b)
{
	void *scratch = NEW(s, char);
	struct found *found = NEW_ARRAY(scratch, struct found, b->rule_count + 1);
	uint32_t total = 0;
	b->always = NEW_ARRAY(s, uint32_t, b->rule_count + 1);
	for (uint32_t i = 0; i < b->rule_count; i++) {
		found[i] = choose(b, &b->rules[i], scratch);
		b->rules[i].anchored = found[i].count > 0;
		if (found[i].count == 0)
			b->always[b->always_count++] = i;
		for (size_t l = 0; l < found[i].count; l++)
			b->literals[found[i].literals[l]].count++;
	}
	for (uint32_t l = 0; l < b->literal_count; l++) {
		b->literals[l].first = total;
		total += b->literals[l].count;
		b->literals[l].count = 0;
	}
	b->anchored = NEW_ARRAY(s, uint32_t, total + 1);
	for (uint32_t i = 0; i < b->rule_count; i++)
		for (size_t l = 0; l < found[i].count; l++) {
			struct literal *literal = &b->literals[found[i].literals[l]];
			b->anchored[literal->first + literal->count++] = i;
		}
	talloc_free(scratch);
}
