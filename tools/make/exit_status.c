/* SPDX-License-Identifier: MIT */
/*
 * A function for GNU make (its "load" feature): $(exit-status N) ends make with status N at once. make by itself
 * turns every failure into 2, and `make exec` has the guest's status to pass on.
 */
#include <gnumake.h>
#include <stdlib.h>

int plugin_is_GPL_compatible; /* make asks for it; the MIT licence is */
int exit_status_gmk_setup(const gmk_floc *place);

static char *exit_status(const char *name, unsigned int count, char **arguments) {
    (void)name;
    (void)count;
    exit(atoi(arguments[0]));
}

int exit_status_gmk_setup(const gmk_floc *place) {
    (void)place;
    gmk_add_function("exit-status", exit_status, 1, 1, GMK_FUNC_DEFAULT);
    return 1;
}
