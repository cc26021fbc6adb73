/* format_layout.c - lines: what fits stands in one, what does not is broken at its loosest operators. */
#include "cedar/format_layout.h"

enum { NESTING_MAX = 60 }; /* deeper brackets are not broken any more */

void
cedar_layout_break(struct cedar_layout *layout)
{
	if (layout->line_open || layout->must_break)
		cedar_write(&layout->writer, "\n");
	layout->line_open = layout->must_break = false;
	layout->column = 0;
}

static void
line_put(struct cedar_layout *layout, struct cedar_text text, bool spaced)
{
	size_t i;

	if (layout->must_break)
		cedar_layout_break(layout);
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

void
cedar_layout_remarks(struct cedar_layout *layout, const struct cedar_piece *piece)
{
	uint32_t i;

	if (piece->remark_count == 0)
		return;
	cedar_layout_break(layout);
	for (i = 0; i < piece->remark_count; i++) {
		line_put(layout, layout->pieces->comments[piece->remark_first + i], false);
		cedar_layout_break(layout);
	}
}

/* Without the comments before it. */
static void
put_bare(struct cedar_layout *layout, size_t index)
{
	const struct cedar_piece *piece = cedar_layout_piece_at(layout, index);

	line_put(layout, piece->text, piece->spaced);
	if (piece->trailing.size > 0) {
		line_put(layout, piece->trailing, true);
		layout->must_break = true;
	}
}

void
cedar_layout_piece(struct cedar_layout *layout, size_t index)
{
	cedar_layout_remarks(layout, cedar_layout_piece_at(layout, index));
	put_bare(layout, index);
}

/* The closing bracket in a line of its own; comments before it belong to what it closes. */
void
cedar_layout_close(struct cedar_layout *layout, size_t index)
{
	cedar_layout_remarks(layout, cedar_layout_piece_at(layout, index));
	layout->indent -= layout->step;
	cedar_layout_break(layout);
	put_bare(layout, index);
}

void
cedar_layout_flat(struct cedar_layout *layout, size_t from, size_t to)
{
	for (; from < to; from++)
		cedar_layout_piece(layout, from);
}

/* Would the pieces, and what must follow them in the line, fit? Comments never do. */
bool
cedar_layout_fits(const struct cedar_layout *layout, size_t from, size_t to)
{
	const struct cedar_piece *first = cedar_layout_piece_at(layout, from),
	                         *last = cedar_layout_piece_at(layout, to - 1);
	size_t size = last->start + last->text.size - first->start;
	size_t column = layout->line_open && !layout->must_break ? layout->column + first->spaced : layout->indent;

	if (last->remarks != first->remarks || first->remark_count > 0)
		return false;
	return column + size <= layout->width;
}

/* What stands in brackets, an element to a line. */
void
cedar_layout_group(struct cedar_layout *layout, size_t open)
{
	size_t close = cedar_layout_piece_at(layout, open)->match, from = open + 1, at;

	cedar_layout_piece(layout, open);
	layout->indent += layout->step;
	cedar_layout_break(layout);
	for (at = from; at < close; at++) {
		if (cedar_layout_piece_at(layout, at)->match > at) {
			at = cedar_layout_piece_at(layout, at)->match;
			continue;
		}
		if (cedar_layout_piece_at(layout, at)->kind != CEDAR_TOKEN(','))
			continue;
		cedar_layout_expr(layout, from, at);
		cedar_layout_piece(layout, at);
		cedar_layout_break(layout);
		from = at + 1;
	}
	cedar_layout_expr(layout, from, close);
	cedar_layout_close(layout, close);
}

/* Opening it would gain nothing. */
static bool
is_small(const struct cedar_layout *layout, size_t open)
{
	const struct cedar_piece *first = cedar_layout_piece_at(layout, open),
	                         *last = cedar_layout_piece_at(layout, first->match);

	return last->remarks == first->remarks && last->start - first->start < 8;
}

/* A chain of members, calls, indices: groups that do not fit are opened. */
static void
put_chain(struct cedar_layout *layout, size_t from, size_t to)
{
	for (; from < to; from++) {
		size_t match = cedar_layout_piece_at(layout, from)->match;

		if (match <= from) {
			cedar_layout_piece(layout, from);
			continue;
		}
		if (layout->nesting >= NESTING_MAX || is_small(layout, from) ||
		    cedar_layout_fits(layout, from, match + 1))
			cedar_layout_flat(layout, from, match + 1);
		else
			cedar_layout_group(layout, from);
		from = match;
	}
}

static bool
is_relation(const struct cedar_layout *layout, size_t at)
{
	static const char *const words[] = { "in", "has", "like", "is" };
	const struct cedar_piece *piece = cedar_layout_piece_at(layout, at);
	size_t i;

	if (piece->kind >= CEDAR_TOKEN_EQUAL && piece->kind <= CEDAR_TOKEN_GREATER_EQUAL)
		return true;
	if (piece->kind == CEDAR_TOKEN('<') || piece->kind == CEDAR_TOKEN('>'))
		return true;
	if (piece->kind != CEDAR_TOKEN_WORD || cedar_layout_piece_at(layout, at - 1)->kind == CEDAR_TOKEN('.'))
		return false;
	for (i = 0; i < sizeof words / sizeof *words; i++)
		if (cedar_text_is(piece->text, words[i]))
			return true;
	return false;
}

enum looseness { LOOSE_OR, LOOSE_AND, LOOSE_RELATION, LOOSE_ADD, LOOSE_MULTIPLY, LOOSE_COUNT };

static enum looseness
looseness_of(const struct cedar_layout *layout, size_t at, size_t from)
{
	const struct cedar_piece *piece = cedar_layout_piece_at(layout, at);

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
loosest(const struct cedar_layout *layout, size_t from, size_t to)
{
	enum looseness least = LOOSE_COUNT;
	size_t at;

	for (at = from; at < to; at++) {
		enum looseness here = looseness_of(layout, at, from);

		if (cedar_layout_piece_at(layout, at)->match > at)
			at = cedar_layout_piece_at(layout, at)->match;
		else if (here < least)
			least = here;
	}
	return least;
}

/* Lines end with the operator; what follows a relation or an arithmetic sign is set in. */
static void
put_split(struct cedar_layout *layout, size_t from, size_t to, enum looseness where)
{
	size_t set_in = where >= LOOSE_RELATION ? layout->step : 0, at, start = from;

	for (at = from; at < to; at++) {
		if (cedar_layout_piece_at(layout, at)->match > at) {
			at = cedar_layout_piece_at(layout, at)->match;
			continue;
		}
		if (looseness_of(layout, at, from) != where)
			continue;
		cedar_layout_expr(layout, start, at);
		cedar_layout_piece(layout, at);
		if (start == from)
			layout->indent += set_in;
		start = at + 1;
		if (set_in == 0 || !cedar_layout_fits(layout, start, to))
			cedar_layout_break(layout);
	}
	cedar_layout_expr(layout, start, to);
	layout->indent -= start == from ? 0 : set_in;
}

/* The `then` or `else` that belongs to the `if` at `from`. */
static size_t
branch_find(const struct cedar_layout *layout, size_t from, size_t to, const char *word)
{
	size_t open = 0, at;

	for (at = from + 1; at < to; at++) {
		const struct cedar_piece *piece = cedar_layout_piece_at(layout, at);

		if (piece->match > at) {
			at = piece->match;
			continue;
		}
		if (piece->kind != CEDAR_TOKEN_WORD || cedar_layout_piece_at(layout, at - 1)->kind == CEDAR_TOKEN('.'))
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
put_if(struct cedar_layout *layout, size_t from, size_t to)
{
	size_t then = branch_find(layout, from, to, "then"), otherwise;

	for (;;) { /* `else if` goes on at the same depth */
		otherwise = branch_find(layout, then, to, "else");
		cedar_layout_piece(layout, from);
		layout->indent += layout->step;
		cedar_layout_expr(layout, from + 1, then);
		cedar_layout_break(layout);
		cedar_layout_piece(layout, then);
		cedar_layout_expr(layout, then + 1, otherwise);
		cedar_layout_break(layout);
		if (otherwise >= to)
			break;
		cedar_layout_piece(layout, otherwise);
		if (otherwise + 1 >= to || !cedar_text_is(cedar_layout_piece_at(layout, otherwise + 1)->text, "if")) {
			cedar_layout_expr(layout, otherwise + 1, to);
			break;
		}
		layout->indent -= layout->step;
		from = otherwise + 1;
		then = branch_find(layout, from, to, "then");
	}
	layout->indent -= layout->step;
}

void
cedar_layout_expr(struct cedar_layout *layout, size_t from, size_t to)
{
	enum looseness where;

	if (from >= to)
		return;
	if (layout->nesting >= NESTING_MAX || cedar_layout_fits(layout, from, to)) {
		cedar_layout_flat(layout, from, to);
		return;
	}
	layout->nesting++;
	where = loosest(layout, from, to);
	if (cedar_layout_piece_at(layout, from)->kind == CEDAR_TOKEN_WORD &&
	    cedar_text_is(cedar_layout_piece_at(layout, from)->text, "if"))
		put_if(layout, from, to);
	else if (where == LOOSE_COUNT)
		put_chain(layout, from, to);
	else
		put_split(layout, from, to, where);
	layout->nesting--;
}
