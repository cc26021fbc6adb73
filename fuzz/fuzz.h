/* fuzz.h - what every target has: bytes come in, and what must always hold is asserted. */
#pragma once
#include "base/memory.h"
#include "base/slice.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
