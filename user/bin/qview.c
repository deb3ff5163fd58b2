/* SPDX-License-Identifier: MIT */
/*
 * qview [-t] [-n COUNT]: the machine as a picture, four times a second. A row for each process, with a
 * box for each of its four slots, coloured by the sub-ID of the quarter there: who shares a quarter has
 * the same colour in the same column. Bright boxes are shared by several processes. The key q leaves.
 *
 * On the graphics screen if there is one (docs/screen.md), else, or with -t, as coloured text on the
 * terminal. With -n it leaves by itself after COUNT pictures.
 *
 * Parts in qview/: facts.c asks the kernel, paint.c lays the picture out, canvas.c has its pixels,
 * text.c is the other way to show the facts.
 */
#include "command.h"
#include "leave.h"

#include "qview/view.h"

#define USAGE "qview [-t] [-n COUNT]"
#define INTERVAL 250000u /* microseconds */

static struct facts facts;

static int run(void (*show)(const struct facts *facts), long count) {
    if (leave_start() < 0) {
        return command_fail("qview", "console");
    }
    for (long shown = 1;; shown++) {
        facts_read(&facts);
        show(&facts);
        if (shown == count || leave_wait(INTERVAL)) {
            break;
        }
    }
    leave_end();
    return EXIT_SUCCESS;
}

static int run_on_screen(struct quartet_surface *surface, long count) {
    int status = EXIT_FAILURE;
    if (canvas_open(surface) < 0) {
        command_fail("qview", "picture");
    } else {
        status = run(paint, count);
    }
    quartet_surface_close(surface);
    return status;
}

int main(int argc, char **argv) {
    struct quartet_surface surface;
    long count = 0;
    bool text = false;
    int option;
    while ((option = getopt(argc, argv, "tn:h")) != -1) {
        if (option == 't') {
            text = true;
        } else if (option != 'n' || command_number(optarg, 1, 1000000, &count) != 0) {
            return command_usage(USAGE, option);
        }
    }
    if (optind < argc) {
        return command_usage(USAGE, 0);
    }
    if (!text && quartet_surface_open(&surface) == 0) {
        return run_on_screen(&surface, count);
    }
    if (!text && errno != ENODEV) {
        return command_fail("qview", "screen");
    }
    if (count == 0 && !command_on_screen()) {
        count = 1;
    }
    int status = run(text_show, count);
    putchar('\n');
    return command_end("qview", status);
}
