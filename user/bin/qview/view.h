/* SPDX-License-Identifier: MIT */
/* The parts of qview: see ../qview.c. One thread; the other one only waits for a key. */
#ifndef QVIEW_VIEW_H
#define QVIEW_VIEW_H

#include <quartet.h>

#define CPU_LIMIT 32u
#define PROCESS_LIMIT 64u

/* What happened in a quarter since the last picture. */
#define NEWS_FAULTS 1u
#define NEWS_SHOOTDOWNS 2u

struct fact_process {
    struct info_process info;
    uint32_t news[SLOT_COUNT]; /* NEWS_* */
};

struct facts {
    struct info_machine machine;
    struct info_cpu cpu[CPU_LIMIT];
    char cpu_name[CPU_LIMIT][12]; /* of the process that runs there */
    struct fact_process process[PROCESS_LIMIT];
    uint32_t cpus, processes; /* of those above */
    uint32_t more;            /* processes that are not among them */
};

/* facts.c */
void facts_read(struct facts *facts);
uint64_t facts_digit_quarter(const struct info_cpu *cpu, uint32_t slot); /* sub-ID; 0: none */

/* canvas.c: pixels as 0xRRGGBB. What lies outside is left out. */
int canvas_open(const struct quartet_surface *surface); /* 0, or -1 with errno set */
uint32_t canvas_width(void);
uint32_t canvas_height(void);
void canvas_fill(uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint32_t rgb);
void canvas_frame(uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint32_t rgb);
void canvas_text(uint32_t x, uint32_t y, const char *text, uint32_t rgb);
void canvas_show(void); /* bring what has changed to the screen */

/* paint.c, text.c */
void paint(const struct facts *facts);
void text_show(const struct facts *facts);

#endif
