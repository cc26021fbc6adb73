/* target.h - private to https/: a request's target, taken apart and decoded; and how the reader's files say no. */
#pragma once
#include "https/http.h"

/* Sets path, query, segments and parameters from the target. */
fallible http_target_parse(const void *owner, struct http_request *, struct http_fault *);

/* Fills in the fault and returns the error that goes with the status. */
must_check err_t http_fault(struct http_fault *, int status, const char *because);
