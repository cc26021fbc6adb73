/* conform.h - private. Do values, entities and requests fit a schema? */
#pragma once
#include "cedar/entity.h"
#include "cedar/type.h"

enum { CEDAR_CONFORM_MESSAGE = 200 };

/* Both always false. Adds to a fault that a type is not declared one that is near; says so of an action, and adds one. */
bool cedar_conform_type_unknown(const struct cedar_schema *, struct cedar_text name, struct cedar_fault *);
bool
cedar_conform_action_unknown(const struct cedar_schema *, const struct cedar_uid_text *action, struct cedar_fault *);

/* Something unknown fits any type; then nothing more is known of the set that it stands in. */
bool cedar_conform_value(const struct cedar_type *, const struct cedar_value *);
/* Entities named anywhere inside are none that an enumeration lacks, and no undeclared actions. The message says which. */
CEDAR_CHECKED bool
cedar_conform_uids(const struct cedar_schema *, const struct cedar_value *, char message[CEDAR_CONFORM_MESSAGE]);
CEDAR_CHECKED bool
cedar_conform_uid(const struct cedar_schema *, const struct cedar_uid *, char message[CEDAR_CONFORM_MESSAGE]);
/* Attributes, tags, parents. Of an action: that it is as declared; for that its builder must be sealed (and must not hold
 * the schema's own actions yet). */
CEDAR_CHECKED bool
cedar_conform_entity(const struct cedar_schema *, const struct cedar_entity *, char message[CEDAR_CONFORM_MESSAGE]);
