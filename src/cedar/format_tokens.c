/* format_tokens.c - a text to pieces: tokens, their comments, which brackets belong together, where blanks go. */
#include "cedar/format.h"

static bool
comment_add(struct cedar_pieces *pieces, struct cedar_arena *arena, struct cedar_text comment)
{
	if (!cedar_arena_grow(arena, (void **)&pieces->comments, pieces->comment_count, &pieces->comment_capacity,
	                      sizeof *pieces->comments))
		return false;
	pieces->comments[pieces->comment_count++] = comment;
	return true;
}

/* The comments between two tokens. One in the line of the token before belongs to that. */
static bool
gap_read(struct cedar_pieces *pieces, struct cedar_arena *arena, struct cedar_text gap, struct cedar_piece *before)
{
	bool same_line = before != NULL;
	struct cedar_text comment;
	size_t at = 0;

	while (at < gap.size) {
		size_t start = at;

		if (gap.data[at] == '\n' || gap.data[at] == '\r')
			same_line = false;
		if (gap.data[at] != '/') {
			at++;
			continue;
		}
		while (at < gap.size && gap.data[at] != '\n' && gap.data[at] != '\r')
			at++;
		comment = (struct cedar_text){ gap.data + start, at - start };
		while (comment.size > 0 &&
		       (comment.data[comment.size - 1] == ' ' || comment.data[comment.size - 1] == '\t'))
			comment.size--;
		if (same_line)
			before->trailing = comment;
		else if (!comment_add(pieces, arena, comment))
			return false;
		same_line = false;
	}
	return true;
}

static bool
is_keyword(const struct cedar_pieces *pieces, size_t index)
{
	static const char *const words[] = { "permit", "forbid", "when", "unless", "in",  "has",
		                             "like",   "is",     "if",   "then",   "else" };
	const struct cedar_piece *piece = &pieces->items[index];
	size_t i;

	if (piece->kind != CEDAR_TOKEN_WORD || (index > 0 && pieces->items[index - 1].kind == CEDAR_TOKEN('.')))
		return false;
	for (i = 0; i < sizeof words / sizeof *words; i++)
		if (cedar_text_is(piece->text, words[i]))
			return true;
	return false;
}

/* Does a value end with this piece, so that what follows is an operator, a call or an index? */
static bool
ends_value(const struct cedar_pieces *pieces, size_t index)
{
	switch (pieces->items[index].kind) {
	case CEDAR_TOKEN_WORD:
		return !is_keyword(pieces, index);
	case CEDAR_TOKEN_NUMBER:
	case CEDAR_TOKEN_STRING:
	case CEDAR_TOKEN_SLOT:
	case CEDAR_TOKEN(')'):
	case CEDAR_TOKEN(']'):
	case CEDAR_TOKEN('}'):
		return true;
	default:
		return false;
	}
}

static bool
is_sign(const struct cedar_pieces *pieces, size_t index)
{
	int kind = pieces->items[index].kind;

	if (kind == CEDAR_TOKEN('!'))
		return true;
	return kind == CEDAR_TOKEN('-') && (index == 0 || !ends_value(pieces, index - 1));
}

static bool
wants_blank(const struct cedar_pieces *pieces, size_t index)
{
	int kind = pieces->items[index].kind, before;

	if (index == 0)
		return false;
	before = pieces->items[index - 1].kind;
	if (pieces->items[index].roomy || pieces->items[index - 1].roomy)
		return true;
	if (before == CEDAR_TOKEN('(') || before == CEDAR_TOKEN('[') || before == CEDAR_TOKEN('{') ||
	    before == CEDAR_TOKEN('.') || before == CEDAR_TOKEN('@') || before == CEDAR_TOKEN_PATH ||
	    is_sign(pieces, index - 1))
		return false;
	if (kind == CEDAR_TOKEN(')') || kind == CEDAR_TOKEN(']') || kind == CEDAR_TOKEN('}') ||
	    kind == CEDAR_TOKEN(',') || kind == CEDAR_TOKEN(';') || kind == CEDAR_TOKEN('.') ||
	    kind == CEDAR_TOKEN(':') || kind == CEDAR_TOKEN_PATH)
		return false;
	if (kind == CEDAR_TOKEN('(') || kind == CEDAR_TOKEN('['))
		return !ends_value(pieces, index - 1);
	return true;
}

/* Finds the brackets that belong together; the stack is threaded through `match`. */
static void
brackets_match(struct cedar_pieces *pieces)
{
	uint32_t open = UINT32_MAX, i;

	for (i = 0; i < pieces->count; i++) {
		struct cedar_piece *piece = &pieces->items[i];

		piece->match = i;
		if (piece->kind == CEDAR_TOKEN('(') || piece->kind == CEDAR_TOKEN('[') ||
		    piece->kind == CEDAR_TOKEN('{')) {
			piece->match = open;
			open = i;
		} else if ((piece->kind == CEDAR_TOKEN(')') || piece->kind == CEDAR_TOKEN(']') ||
		            piece->kind == CEDAR_TOKEN('}')) &&
		           open != UINT32_MAX) {
			uint32_t outer = pieces->items[open].match;

			piece->match = open;
			pieces->items[open].match = i;
			open = outer;
		}
	}
}

/* Braces right behind when and unless, outside of all brackets. */
static void
conditions_mark(struct cedar_pieces *pieces)
{
	uint32_t i;

	for (i = 0; i + 1 < pieces->count; i++) {
		struct cedar_piece *piece = &pieces->items[i];

		if (piece->match > i) {
			i = piece->match;
			continue;
		}
		if (piece[1].kind != CEDAR_TOKEN('{') ||
		    !(cedar_text_is(piece->text, "when") || cedar_text_is(piece->text, "unless")))
			continue;
		piece[1].roomy = true;
		pieces->items[piece[1].match].roomy = true;
	}
}

static void
columns_count(struct cedar_pieces *pieces)
{
	uint32_t column = 0, remarks = 0;
	size_t i;

	for (i = 0; i < pieces->count; i++) {
		struct cedar_piece *piece = &pieces->items[i];

		piece->spaced =
		    wants_blank(pieces, i) && !(i > 0 && pieces->items[i - 1].roomy && piece->kind == CEDAR_TOKEN(';'));
		if (i > 0 && pieces->items[i - 1].trailing.size > 0)
			remarks++;
		remarks += piece->remark_count;
		piece->remarks = remarks;
		piece->start = column + piece->spaced;
		column = piece->start + (uint32_t)piece->text.size;
	}
}

static bool
piece_add(struct cedar_pieces *pieces, struct cedar_arena *arena, struct cedar_text source,
          const struct cedar_token *token)
{
	struct cedar_piece *piece;
	size_t start = token->offset, size = token->text.size;

	if (!cedar_arena_grow(arena, (void **)&pieces->items, pieces->count, &pieces->capacity, sizeof *pieces->items))
		return false;
	if (token->kind == CEDAR_TOKEN_STRING)
		size += 2; /* the quotes */
	piece = &pieces->items[pieces->count++];
	*piece = (struct cedar_piece){ .text = { source.data + start, size }, .kind = token->kind };
	return true;
}

bool
cedar_pieces_read(struct cedar_pieces *pieces, struct cedar_arena *arena, struct cedar_text source,
                  struct cedar_fault *fault)
{
	struct cedar_lexer lexer;
	size_t behind = 0;
	bool going = true;

	*pieces = (struct cedar_pieces){ 0 };
	if (!cedar_lex_start(&lexer, source, fault))
		return false;
	while (going) {
		struct cedar_text gap = { source.data + behind, lexer.token.offset - behind };
		uint32_t first = (uint32_t)pieces->comment_count;

		if (!gap_read(pieces, arena, gap, pieces->count > 0 ? &pieces->items[pieces->count - 1] : NULL) ||
		    !piece_add(pieces, arena, source, &lexer.token))
			return cedar_fault_set(fault, source, 0, "out of memory");
		pieces->items[pieces->count - 1].remark_first = first;
		pieces->items[pieces->count - 1].remark_count = (uint32_t)pieces->comment_count - first;
		behind = lexer.at;
		going = lexer.token.kind != CEDAR_TOKEN_END && lexer.token.kind != CEDAR_TOKEN_BAD;
		if (going)
			cedar_lex_next(&lexer);
	}
	brackets_match(pieces);
	conditions_mark(pieces);
	columns_count(pieces);
	return true;
}
