/* unicode.h - private. Texts that show as something else than they are: turned around, or of letters that look alike. */
#pragma once
#include "cedar/text.h"

enum { CEDAR_SCRIPT_WORDS = 3 };

/* Bits of scripts. */
struct cedar_scripts {
	uint64_t words[CEDAR_SCRIPT_WORDS];
};

/* What stands in no range goes with any script. */
struct cedar_script_range {
	uint32_t first, last;
	uint32_t set; /* of cedar_script_sets; that of unknown characters is empty */
};

extern const struct cedar_script_range cedar_script_ranges[], cedar_identifier_ranges[];
extern const size_t cedar_script_range_count, cedar_identifier_range_count;
extern const struct cedar_scripts cedar_script_sets[];

enum cedar_suspicion {
	CEDAR_PLAIN,
	CEDAR_TURNS,        /* a control of direction */
	CEDAR_UNFIT,        /* of identifiers: outside of Unicode's General Security Profile (UTS 39) */
	CEDAR_MIXES_SCRIPTS /* no script has all its letters (UTS 39, single script) */
};

/* The first reason for suspicion, and the character that gives it. The text must be UTF-8. */
enum cedar_suspicion cedar_text_suspicion(struct cedar_text, bool identifier, uint32_t *point);
