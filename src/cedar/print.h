/* print.h - private. Expressions back to Cedar text. */
#pragma once
#include "cedar/expr.h"

void cedar_print_expr(struct cedar_writer *, const struct cedar_expr *);
