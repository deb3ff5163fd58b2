/* SPDX-License-Identifier: MIT */
/* What the parts of badcalls share: one expectation, and the state that no refused call changes. */
#ifndef BADCALLS_H
#define BADCALLS_H

#include <quartet.h>
#include <stdio.h>

/* RESULT is the negated error WANTED, and the state is as it was after the last state_keep. */
void expect(const char *what, long result, long wanted);
#define EXPECT(error, call) expect(#call, call, error)

void state_keep(void); /* the state is another one now, and rightly so */

/* The same, when the machine is quiet: processes of the same line may start and end on other CPUs. */
void state_settle(void);

/* An endpoint at which nobody receives, and a session to call it: only refused calls return. */
extern long own_endpoint, file_session;

void wild_pointers(void);
void bad_handles(void);
void wrong_types(void);
void weak_rights(void);
void bad_ranges(void);
void bad_space_changes(void);
void bad_gifts(void);
void bad_processes_and_threads(void);
void bad_call_numbers(void);

/* Called for each handle that is none, and once for all else. */
void bad_notification_handle(int handle);
void bad_notifications(void);
void bad_pager_handle(int handle);
void bad_pagers(void);
void bad_device_handle(int handle);
void bad_devices(void);

#endif
