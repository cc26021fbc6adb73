/* report.h - public: the board over a time, for people and for programs. */
#pragma once
#include "assure/assure.h"

/* One HTML page with nothing outside it; the owner's of the look. */
fallible assure_report_html(struct look *, int64_t from, int64_t to, enum language, char **out);
/* OSCAL 1.2.1 assessment results. A new reference. */
json_t *assure_report_oscal(struct look *, int64_t from, int64_t to);
