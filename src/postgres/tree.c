#include "postgres/tree.h"

#include "base/memory.h"

enum { WAITING_MAX = 1 << 20 };

static bool
read_varint(struct slice *rest, uint64_t *out)
{
	uint64_t value = 0;
	for (unsigned i = 0; i < 10 && i < rest->size; i++) {
		value |= (uint64_t)(rest->data[i] & 0x7f) << (7 * i);
		if (rest->data[i] < 0x80) {
			*rest = slice_from(*rest, i + 1);
			*out = value;
			return true;
		}
	}
	return false;
}

static int
holds(int type, int number)
{
	for (const struct tree_field *f = tree_types[type].fields; f->number; f++)
		if (f->number == number)
			return f->holds;
	return TREE_NUMBER;
}

bool
tree_next(int type, struct slice *rest, struct tree_value *v)
{
	uint64_t key, size;
	if (rest->size == 0 || !read_varint(rest, &key) || key >> 3 > INT32_MAX)
		return false;
	*v = (struct tree_value){ .number = (int)(key >> 3) };
	v->holds = holds(type, v->number);
	switch (key & 7) {
	case 0:
		return read_varint(rest, &v->value);
	case 2:
		if (!read_varint(rest, &size) || size > rest->size)
			return false;
		v->bytes = slice_of(rest->data, (size_t)size);
		*rest = slice_from(*rest, (size_t)size);
		return true;
	default:
		return false;
	}
}

static struct node
unwrapped(struct node n)
{
	struct tree_value v;
	struct slice rest = n.bytes;
	if (n.type != TREE_NODE)
		return n;
	if (!tree_next(TREE_NODE, &rest, &v) || v.holds < 0)
		return (struct node){ .type = -1 };
	return (struct node){ v.holds, v.bytes };
}

static bool
find(struct node n, int field, size_t nth, struct tree_value *out)
{
	struct slice rest = n.bytes;
	struct tree_value v;
	if (n.type < 0)
		return false;
	while (tree_next(n.type, &rest, &v))
		if (v.number == field && nth-- == 0) {
			*out = v;
			return true;
		}
	return false;
}

struct node
tree_node(struct node n, int field, size_t nth)
{
	struct tree_value v;
	if (!find(n, field, nth, &v) || v.holds < 0)
		return (struct node){ .type = -1 };
	return unwrapped((struct node){ v.holds, v.bytes });
}

struct slice
tree_text(struct node n, int field)
{
	struct tree_value v;
	return find(n, field, 0, &v) ? v.bytes : slice_of(NULL, 0);
}

uint64_t
tree_number(struct node n, int field)
{
	struct tree_value v;
	return find(n, field, 0, &v) ? v.value : 0;
}

size_t
tree_count(struct node n, int field)
{
	struct slice rest = n.bytes;
	struct tree_value v;
	size_t count = 0;
	while (n.type >= 0 && tree_next(n.type, &rest, &v))
		count += v.number == field;
	return count;
}

struct slice
tree_string(struct node n, int field, size_t nth)
{
	struct node item = tree_node(n, field, nth);
	if (item.type == TREE_A_CONST)
		item = tree_node(item, TREE_A_CONST_F_SVAL, 0);
	return item.type == TREE_STRING ? tree_text(item, TREE_STRING_F_SVAL) : slice_of(NULL, 0);
}

struct waiting {
	struct node *nodes;
	size_t count, room;
};

static bool
push(struct waiting *w, struct node n)
{
	if (w->count == WAITING_MAX)
		return false;
	if (w->count == w->room) {
		w->room = w->room ? 2 * w->room : 64;
		w->nodes = memory_grow(NULL, w->nodes, sizeof *w->nodes, w->room);
	}
	w->nodes[w->count++] = n;
	return true;
}

static bool
push_children(struct waiting *w, struct node n)
{
	struct slice rest = n.bytes;
	struct tree_value v;
	while (rest.size) {
		if (!tree_next(n.type, &rest, &v))
			return false;
		if (v.holds >= 0 && !push(w, (struct node){ v.holds, v.bytes }))
			return false;
	}
	return true;
}

bool
tree_walk(struct node root, bool (*visit)(void *, struct node), void *argument)
{
	struct waiting w = { 0 };
	bool good = push(&w, root);
	while (good && w.count) {
		struct node n = w.nodes[--w.count];
		if (n.type == TREE_NODE || visit(argument, n))
			good = push_children(&w, n);
	}
	talloc_free(w.nodes);
	return good;
}
