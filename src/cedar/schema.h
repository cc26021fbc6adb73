/* schema.h - public: schemas, and what is checked against them.
 *
 * A schema says which entity types, attributes and actions there are. With it, policies can be validated before they
 * are used (strict mode, as the reference's validator at 4.10), and entities and requests when they are read.
 *
 * A schema never changes and may be read by any number of threads. Faults and memory are as in cedar.h.
 */
#pragma once
#include "cedar/cedar.h"

/* A schema in the human format. The schema keeps no reference to the text. */
CEDAR_CHECKED bool cedar_schema_parse(const struct cedar_memory *, struct cedar_text source, struct cedar_schema **out,
                                      struct cedar_fault *);
/* A schema in the JSON format: {"Namespace": {"entityTypes": …, "actions": …, "commonTypes": …}}. */
CEDAR_CHECKED bool cedar_schema_parse_json(const struct cedar_memory *, struct cedar_text source,
                                           struct cedar_schema **out, struct cedar_fault *);
void cedar_schema_free(struct cedar_schema *);

/* A fault found by the validator. `fault` holds its place in the text of the policies (line 0 if they came from JSON). */
struct cedar_problem {
	struct cedar_text policy; /* its id; owned by the policy set */
	bool warning;             /* valid all the same: the policy can never apply */
	struct cedar_fault fault;
};

enum { CEDAR_PROBLEMS_MAX = 1000 }; /* more are counted, not kept */

struct cedar_report {
	size_t count;  /* of those kept, in order of policies */
	size_t errors; /* 0: the policies are valid */
	size_t warnings;
	const struct cedar_problem *problems;
	void *inside; /* for cedar_report_free, as is `memory` */
	struct cedar_memory memory;
};

/* Validates every policy, template and link of the set. Answers false only when memory ran out; whether the policies are
 * valid stands in `out`. */
CEDAR_CHECKED bool cedar_validate(const struct cedar_memory *, const struct cedar_schema *,
                                  const struct cedar_policies *, struct cedar_report *out);
void cedar_report_free(struct cedar_report *);

/* Is the request one that the schema allows: types of principal and resource for the action, enumerated entities, context? */
CEDAR_CHECKED bool
cedar_schema_check_request(const struct cedar_schema *, const struct cedar_request *, struct cedar_fault *);
/* Does the context fit the action? NULL does not: it could not be made. */
CEDAR_CHECKED bool cedar_schema_check_context(const struct cedar_schema *, const struct cedar_uid_text *action,
                                              const struct cedar_value *context, struct cedar_fault *);
