/* SPDX-License-Identifier: MIT */
/* Numbers of no system call. */
#include "user/bin/badcalls/badcalls.h"
#include "user/bin/badcalls/raw.h"

void bad_call_numbers(void) {
    EXPECT(E_NOSYS, raw_call(1000));
    EXPECT(E_NOSYS, raw_call(-1));
    EXPECT(E_NOSYS, raw_call(INT32_MAX));
    EXPECT(E_NOSYS, raw_call(INT32_MIN));
}
