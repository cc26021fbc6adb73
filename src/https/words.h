/* words.h - private: header values that are compared without regard to case (RFC 9110). */
#pragma once
#include "base/err.h"
#include "base/slice.h"

/* Does it begin with the word (in lower case)? */
bool words_start(struct slice, const char *word);
/* The language that weighs most in Accept-Language (RFC 9110 §12.5.4); English where there is none or neither is asked for. */
enum language words_language(struct slice accept);
