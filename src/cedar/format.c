/* format.c - policies laid out anew: what fits stands in one line, what does not is broken at its loosest operators. */
#include "cedar/format.h"

#include "cedar/convert.h"

enum { NESTING_MAX = 60 }; /* deeper brackets are not broken any more */

struct layout {
	struct cedar_writer writer;
	const struct cedar_pieces *pieces;
	size_t column, indent, step, width;
	unsigned nesting;
	bool line_open;  /* something stands in this line */
	bool must_break; /* a comment ended the line */
};

static const struct cedar_piece *
piece_at(const struct layout *layout, size_t index)
{
	return &layout->pieces->items[index];
}

static void
line_break(struct layout *layout)
{
	if (layout->line_open || layout->must_break)
		cedar_write(&layout->writer, "\n");
	layout->line_open = layout->must_break = false;
	layout->column = 0;
}

static void
line_put(struct layout *layout, struct cedar_text text, bool spaced)
{
	size_t i;

	if (layout->must_break)
		line_break(layout);
	if (!layout->line_open) {
		for (i = 0; i < layout->indent; i++)
			cedar_write(&layout->writer, " ");
		layout->column = layout->indent;
	} else if (spaced) {
		cedar_write(&layout->writer, " ");
		layout->column++;
	}
	cedar_write_text(&layout->writer, text);
	layout->column += text.size;
	layout->line_open = true;
}

static void
put_remarks(struct layout *layout, const struct cedar_piece *piece)
{
	uint32_t i;

	if (piece->remark_count == 0)
		return;
	line_break(layout);
	for (i = 0; i < piece->remark_count; i++) {
		line_put(layout, layout->pieces->comments[piece->remark_first + i], false);
		line_break(layout);
	}
}

/* Without the comments before it. */
static void
put_bare(struct layout *layout, size_t index)
{
	const struct cedar_piece *piece = piece_at(layout, index);

	line_put(layout, piece->text, piece->spaced);
	if (piece->trailing.size > 0) {
		line_put(layout, piece->trailing, true);
		layout->must_break = true;
	}
}

static void
put_piece(struct layout *layout, size_t index)
{
	put_remarks(layout, piece_at(layout, index));
	put_bare(layout, index);
}

/* The closing bracket in a line of its own; comments before it belong to what it closes. */
static void
put_close(struct layout *layout, size_t index)
{
	put_remarks(layout, piece_at(layout, index));
	layout->indent -= layout->step;
	line_break(layout);
	put_bare(layout, index);
}

static void
put_flat(struct layout *layout, size_t from, size_t to)
{
	for (; from < to; from++)
		put_piece(layout, from);
}

/* Would the pieces, and what must follow them in the line, fit? Comments never do. */
static bool
fits(const struct layout *layout, size_t from, size_t to)
{
	const struct cedar_piece *first = piece_at(layout, from), *last = piece_at(layout, to - 1);
	size_t size = last->start + last->text.size - first->start;
	size_t column = layout->line_open && !layout->must_break ? layout->column + first->spaced : layout->indent;

	if (last->remarks != first->remarks || first->remark_count > 0)
		return false;
	return column + size <= layout->width;
}

static void put_expr(struct layout *, size_t from, size_t to);

/* What stands in brackets, an element to a line. */
static void
put_group(struct layout *layout, size_t open)
{
	size_t close = piece_at(layout, open)->match, from = open + 1, at;

	put_piece(layout, open);
	layout->indent += layout->step;
	line_break(layout);
	for (at = from; at < close; at++) {
		if (piece_at(layout, at)->match > at) {
			at = piece_at(layout, at)->match;
			continue;
		}
		if (piece_at(layout, at)->kind != CEDAR_TOKEN(','))
			continue;
		put_expr(layout, from, at);
		put_piece(layout, at);
		line_break(layout);
		from = at + 1;
	}
	put_expr(layout, from, close);
	put_close(layout, close);
}

/* Opening it would gain nothing. */
static bool
is_small(const struct layout *layout, size_t open)
{
	const struct cedar_piece *first = piece_at(layout, open), *last = piece_at(layout, first->match);

	return last->remarks == first->remarks && last->start - first->start < 8;
}

/* A chain of members, calls, indices: groups that do not fit are opened. */
static void
put_chain(struct layout *layout, size_t from, size_t to)
{
	for (; from < to; from++) {
		size_t match = piece_at(layout, from)->match;

		if (match <= from) {
			put_piece(layout, from);
			continue;
		}
		if (layout->nesting >= NESTING_MAX || is_small(layout, from) || fits(layout, from, match + 1))
			put_flat(layout, from, match + 1);
		else
			put_group(layout, from);
		from = match;
	}
}

static bool
is_relation(const struct layout *layout, size_t at)
{
	static const char *const words[] = { "in", "has", "like", "is" };
	const struct cedar_piece *piece = piece_at(layout, at);
	size_t i;

	if (piece->kind >= CEDAR_TOKEN_EQUAL && piece->kind <= CEDAR_TOKEN_GREATER_EQUAL)
		return true;
	if (piece->kind == CEDAR_TOKEN('<') || piece->kind == CEDAR_TOKEN('>'))
		return true;
	if (piece->kind != CEDAR_TOKEN_WORD || piece_at(layout, at - 1)->kind == CEDAR_TOKEN('.'))
		return false;
	for (i = 0; i < sizeof words / sizeof *words; i++)
		if (cedar_text_is(piece->text, words[i]))
			return true;
	return false;
}

enum looseness { LOOSE_OR, LOOSE_AND, LOOSE_RELATION, LOOSE_ADD, LOOSE_MULTIPLY, LOOSE_COUNT };

static enum looseness
looseness_of(const struct layout *layout, size_t at, size_t from)
{
	const struct cedar_piece *piece = piece_at(layout, at);

	if (at == from)
		return LOOSE_COUNT;
	if (piece->kind == CEDAR_TOKEN_OR)
		return LOOSE_OR;
	if (piece->kind == CEDAR_TOKEN_AND)
		return LOOSE_AND;
	if (is_relation(layout, at))
		return LOOSE_RELATION;
	if (piece->kind == CEDAR_TOKEN('+') || (piece->kind == CEDAR_TOKEN('-') && piece[1].spaced))
		return LOOSE_ADD;
	return piece->kind == CEDAR_TOKEN('*') ? LOOSE_MULTIPLY : LOOSE_COUNT;
}

/* The loosest operator outside of brackets. */
static enum looseness
loosest(const struct layout *layout, size_t from, size_t to)
{
	enum looseness least = LOOSE_COUNT;
	size_t at;

	for (at = from; at < to; at++) {
		enum looseness here = looseness_of(layout, at, from);

		if (piece_at(layout, at)->match > at)
			at = piece_at(layout, at)->match;
		else if (here < least)
			least = here;
	}
	return least;
}

/* Lines end with the operator; what follows a relation or an arithmetic sign is set in. */
static void
put_split(struct layout *layout, size_t from, size_t to, enum looseness where)
{
	size_t set_in = where >= LOOSE_RELATION ? layout->step : 0, at, start = from;

	for (at = from; at < to; at++) {
		if (piece_at(layout, at)->match > at) {
			at = piece_at(layout, at)->match;
			continue;
		}
		if (looseness_of(layout, at, from) != where)
			continue;
		put_expr(layout, start, at);
		put_piece(layout, at);
		if (start == from)
			layout->indent += set_in;
		start = at + 1;
		if (set_in == 0 || !fits(layout, start, to))
			line_break(layout);
	}
	put_expr(layout, start, to);
	layout->indent -= start == from ? 0 : set_in;
}

/* The `then` or `else` that belongs to the `if` at `from`. */
static size_t
branch_find(const struct layout *layout, size_t from, size_t to, const char *word)
{
	size_t open = 0, at;

	for (at = from + 1; at < to; at++) {
		const struct cedar_piece *piece = piece_at(layout, at);

		if (piece->match > at) {
			at = piece->match;
			continue;
		}
		if (piece->kind != CEDAR_TOKEN_WORD || piece_at(layout, at - 1)->kind == CEDAR_TOKEN('.'))
			continue;
		if (cedar_text_is(piece->text, "if"))
			open++;
		else if (open > 0 && cedar_text_is(piece->text, "else"))
			open--;
		else if (open == 0 && cedar_text_is(piece->text, word))
			return at;
	}
	return to;
}

static void
put_if(struct layout *layout, size_t from, size_t to)
{
	size_t then = branch_find(layout, from, to, "then"), otherwise;

	for (;;) { /* `else if` goes on at the same depth */
		otherwise = branch_find(layout, then, to, "else");
		put_piece(layout, from);
		layout->indent += layout->step;
		put_expr(layout, from + 1, then);
		line_break(layout);
		put_piece(layout, then);
		put_expr(layout, then + 1, otherwise);
		line_break(layout);
		if (otherwise >= to)
			break;
		put_piece(layout, otherwise);
		if (otherwise + 1 >= to || !cedar_text_is(piece_at(layout, otherwise + 1)->text, "if")) {
			put_expr(layout, otherwise + 1, to);
			break;
		}
		layout->indent -= layout->step;
		from = otherwise + 1;
		then = branch_find(layout, from, to, "then");
	}
	layout->indent -= layout->step;
}

static void
put_expr(struct layout *layout, size_t from, size_t to)
{
	enum looseness where;

	if (from >= to)
		return;
	if (layout->nesting >= NESTING_MAX || fits(layout, from, to)) {
		put_flat(layout, from, to);
		return;
	}
	layout->nesting++;
	where = loosest(layout, from, to);
	if (piece_at(layout, from)->kind == CEDAR_TOKEN_WORD && cedar_text_is(piece_at(layout, from)->text, "if"))
		put_if(layout, from, to);
	else if (where == LOOSE_COUNT)
		put_chain(layout, from, to);
	else
		put_split(layout, from, to, where);
	layout->nesting--;
}

static size_t
put_annotation(struct layout *layout, size_t at)
{
	size_t end = at + 2;

	if (piece_at(layout, end)->kind == CEDAR_TOKEN('('))
		end = piece_at(layout, end)->match + 1;
	put_flat(layout, at, end);
	line_break(layout);
	return end;
}

/* permit (…) */
static size_t
put_head(struct layout *layout, size_t at)
{
	size_t close = piece_at(layout, at + 1)->match;

	put_piece(layout, at);
	if (fits(layout, at + 1, close + 1))
		put_flat(layout, at + 1, close + 1);
	else
		put_group(layout, at + 1);
	return close + 1;
}

/* when { … } */
static size_t
put_condition(struct layout *layout, size_t at)
{
	size_t close = piece_at(layout, at + 1)->match;

	line_break(layout);
	if (fits(layout, at, close + 1)) {
		put_flat(layout, at, close + 1);
		return close + 1;
	}
	put_flat(layout, at, at + 2);
	layout->indent += layout->step;
	line_break(layout);
	put_expr(layout, at + 2, close);
	put_close(layout, close);
	return close + 1;
}

static size_t
put_policy(struct layout *layout, size_t at)
{
	while (piece_at(layout, at)->kind == CEDAR_TOKEN('@'))
		at = put_annotation(layout, at);
	at = put_head(layout, at);
	while (piece_at(layout, at)->kind == CEDAR_TOKEN_WORD)
		at = put_condition(layout, at);
	put_piece(layout, at);
	line_break(layout);
	return at + 1;
}

static void
put_all(struct layout *layout)
{
	size_t at = 0;

	while (piece_at(layout, at)->kind != CEDAR_TOKEN_END) {
		if (at > 0)
			cedar_write(&layout->writer, "\n");
		at = put_policy(layout, at);
	}
	if (at > 0 && piece_at(layout, at)->remark_count > 0)
		cedar_write(&layout->writer, "\n");
	put_remarks(layout, piece_at(layout, at));
	if (layout->writer.size == 0)
		cedar_write(&layout->writer, "\n"); /* so that there is something to free */
}

bool
cedar_format_text(const struct cedar_memory *memory, struct cedar_text source, const struct cedar_format *format,
	struct cedar_text *out, struct cedar_fault *fault)
{
	struct layout layout = { .width = format && format->width ? format->width : 80, .step = format && format->indent ? format->indent : 2 };
	struct cedar_policies *policies;
	struct cedar_pieces pieces;
	struct cedar_arena arena;
	bool done;

	if (!cedar_policies_parse(memory, source, &policies, fault))
		return false;
	cedar_policies_free(policies);
	cedar_arena_init(&arena, memory, 16384);
	cedar_writer_init(&layout.writer, memory);
	layout.pieces = &pieces;
	done = cedar_pieces_read(&pieces, &arena, source, fault);
	if (done) {
		put_all(&layout);
		done = !layout.writer.failed || cedar_fault_set(fault, source, 0, "out of memory");
	}
	cedar_arena_dispose(&arena);
	if (!done) {
		cedar_writer_dispose(&layout.writer);
		return false;
	}
	*out = cedar_writer_text(&layout.writer);
	return true;
}
