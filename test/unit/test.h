/* test.h - cmocka with what it needs before it, and our errors in assertions. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/memory.h"
#include "base/slice.h"

#define assert_ok(call) assert_ptr_equal((call), NULL)
#define assert_err(call, error) assert_ptr_equal((call), (error))
