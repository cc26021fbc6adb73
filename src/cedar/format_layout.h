/* format_layout.h - private to the formatter: lines of pieces. */
#pragma once
#include "cedar/format.h"

struct cedar_layout {
	struct cedar_writer writer;
	const struct cedar_pieces *pieces;
	size_t column, indent, step, width;
	unsigned nesting;
	bool line_open;  /* something stands in this line */
	bool must_break; /* a comment ended the line */
};

static inline const struct cedar_piece *
cedar_layout_piece_at(const struct cedar_layout *layout, size_t index)
{
	return &layout->pieces->items[index];
}

void cedar_layout_break(struct cedar_layout *);
void cedar_layout_remarks(struct cedar_layout *, const struct cedar_piece *);
/* A piece with the comments before it. */
void cedar_layout_piece(struct cedar_layout *, size_t index);
void cedar_layout_flat(struct cedar_layout *, size_t from, size_t to);
bool cedar_layout_fits(const struct cedar_layout *, size_t from, size_t to);
void cedar_layout_group(struct cedar_layout *, size_t open);
void cedar_layout_close(struct cedar_layout *, size_t index);
/* An expression, or what stands in brackets. */
void cedar_layout_expr(struct cedar_layout *, size_t from, size_t to);
