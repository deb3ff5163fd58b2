/* SPDX-License-Identifier: MIT */
/*
 * plugin: shared text, private data. Two plug-ins run the host's own text (slot 0 SHAREd: one set
 * of pages, nothing copied) on data of their own (slot 1 COPY). Each spoils the host's settings as
 * badly as it can; the host and the other one never notice. A third writes to the text, and is
 * ended.
 */
#include "demo.h"

static char settings[64] = "the host's settings";
static const char *volatile text_constant = "constants are text: slot 0";

static const uint32_t plugin_plan = PLAN(PLAN_SHARE, PLAN_COPY, PLAN_NONE, PLAN_COPY);

/* What a plug-in is given, and what it finds; in the host's memory. */
struct job {
    const char *name;
    uint64_t host_text; /* sub-ID of the host's slot 0 */
};

static uint64_t sub_id(uint32_t slot) {
    struct quarter_stat stat = {0};
    quarter_stat(QUARTET_SLOT(slot), &stat);
    return stat.sub_id;
}

static int plugin(void *argument) {
    struct job *job = argument;
    int untouched = strcmp(settings, "the host's settings") == 0; /* by the plug-in before */
    memset(settings, 'X', sizeof(settings));
    snprintf(settings, sizeof(settings), "overwritten by %s", job->name);
    int same_text = sub_id(SLOT_TEXT) == job->host_text;
    return untouched && same_text ? 11 : 1;
}

static int vandal(void *argument) {
    (void)argument;
    *(volatile char *)(uintptr_t)text_constant = 'X';
    return 0;
}

static int plugin_check(const char *name) {
    struct job job = {.name = name, .host_text = sub_id(SLOT_TEXT)};
    char claim[96];
    long child = demo_must("quartet_clone", quartet_clone(plugin_plan, plugin, &job));
    int right = demo_wait(child) == 11;
    snprintf(claim, sizeof(claim), "%s ran the host's text and found clean data", name);
    return demo_claim(right, claim);
}

int main(void) {
    int failed = plugin_check("plug-in A") + plugin_check("plug-in B");
    failed += demo_claim(strcmp(settings, "the host's settings") == 0,
                         "the host's settings are as they were");
    uint32_t status =
        demo_wait(demo_must("quartet_clone", quartet_clone(plugin_plan, vandal, NULL)));
    failed += demo_claim((status & STATUS_FAULT) != 0 && STATUS_CODE(status) == FAULT_RIGHTS,
                         "a plug-in that writes to the shared text is ended by a fault");
    failed += demo_claim(text_constant[0] == 'c', "the text is as it was");
    return failed ? 1 : 0;
}
