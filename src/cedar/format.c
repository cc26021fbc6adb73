/* format.c - policies laid out anew. */
#include "cedar/format_layout.h"

#include "cedar/convert.h"

static size_t
put_annotation(struct cedar_layout *layout, size_t at)
{
	size_t end = at + 2;

	if (cedar_layout_piece_at(layout, end)->kind == CEDAR_TOKEN('('))
		end = cedar_layout_piece_at(layout, end)->match + 1;
	cedar_layout_flat(layout, at, end);
	cedar_layout_break(layout);
	return end;
}

/* permit (…) */
static size_t
put_head(struct cedar_layout *layout, size_t at)
{
	size_t close = cedar_layout_piece_at(layout, at + 1)->match;

	cedar_layout_piece(layout, at);
	if (cedar_layout_fits(layout, at + 1, close + 1))
		cedar_layout_flat(layout, at + 1, close + 1);
	else
		cedar_layout_group(layout, at + 1);
	return close + 1;
}

/* when { … } */
static size_t
put_condition(struct cedar_layout *layout, size_t at)
{
	size_t close = cedar_layout_piece_at(layout, at + 1)->match;

	cedar_layout_break(layout);
	if (cedar_layout_fits(layout, at, close + 1)) {
		cedar_layout_flat(layout, at, close + 1);
		return close + 1;
	}
	cedar_layout_flat(layout, at, at + 2);
	layout->indent += layout->step;
	cedar_layout_break(layout);
	cedar_layout_expr(layout, at + 2, close);
	cedar_layout_close(layout, close);
	return close + 1;
}

static size_t
put_policy(struct cedar_layout *layout, size_t at)
{
	while (cedar_layout_piece_at(layout, at)->kind == CEDAR_TOKEN('@'))
		at = put_annotation(layout, at);
	at = put_head(layout, at);
	while (cedar_layout_piece_at(layout, at)->kind == CEDAR_TOKEN_WORD)
		at = put_condition(layout, at);
	cedar_layout_piece(layout, at);
	cedar_layout_break(layout);
	return at + 1;
}

static void
put_all(struct cedar_layout *layout)
{
	size_t at = 0;

	while (cedar_layout_piece_at(layout, at)->kind != CEDAR_TOKEN_END) {
		if (at > 0)
			cedar_write(&layout->writer, "\n");
		at = put_policy(layout, at);
	}
	if (at > 0 && cedar_layout_piece_at(layout, at)->remark_count > 0)
		cedar_write(&layout->writer, "\n");
	cedar_layout_remarks(layout, cedar_layout_piece_at(layout, at));
	if (layout->writer.size == 0)
		cedar_write(&layout->writer, "\n"); /* so that there is something to free */
}

bool
cedar_format_parsed(const struct cedar_memory *memory, struct cedar_text source, const struct cedar_format *format,
                    struct cedar_text *out, struct cedar_fault *fault)
{
	struct cedar_layout layout = { .width = format && format->width ? format->width : 80,
		                       .step = format && format->indent ? format->indent : 2 };
	struct cedar_pieces pieces;
	struct cedar_arena arena;
	bool done;

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

bool
cedar_format_text(const struct cedar_memory *memory, struct cedar_text source, const struct cedar_format *format,
                  struct cedar_text *out, struct cedar_fault *fault)
{
	struct cedar_policies *policies;

	if (!cedar_policies_parse(memory, source, &policies, fault))
		return false;
	cedar_policies_free(policies);
	return cedar_format_parsed(memory, source, format, out, fault);
}
