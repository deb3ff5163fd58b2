/* SPDX-License-Identifier: MIT */
/*
 * Proves that the monitor's line takes keys as a person expects, that no key writes beyond it, and
 * that words, numbers and shortened names are taken for what they say and nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "debug/monitor/line.h"

static struct monitor_line line;
static char echo[MONITOR_ECHO];

/* Type KEYS; true if the last one, and no other, ends the line. */
static bool type(const char *keys) {
    bool complete = false;
    for (; *keys != 0; keys++) {
        assert_false(complete);
        complete = monitor_line_key(&line, *keys, echo);
        assert_true(strlen(echo) < MONITOR_ECHO);
    }
    return complete;
}

static void a_line_is_what_was_typed(void **state) {
    (void)state;
    monitor_line_start(&line);
    assert_true(type("ps 12\r"));
    assert_string_equal(line.text, "ps 12");
    assert_string_equal(echo, "\n");
}

static void erased_keys_are_gone(void **state) {
    (void)state;
    monitor_line_start(&line);
    assert_true(type("\b\x7Fpx\x7Fs\r"));
    assert_string_equal(line.text, "ps");
    monitor_line_start(&line);
    assert_true(type("nonsense\x15loc\x03help\n"));
    assert_string_equal(line.text, "help");
    monitor_line_start(&line);
    assert_false(type("ab\x15"));
    assert_string_equal(echo, "\b \b\b \b");
}

static void other_control_characters_are_nothing(void **state) {
    (void)state;
    monitor_line_start(&line);
    assert_true(type("\x1C\x1B\tps\x80\r"));
    assert_string_equal(line.text, "ps");
}

static void return_and_newline_are_one_end(void **state) {
    (void)state;
    monitor_line_start(&line);
    assert_true(type("a\r"));
    monitor_line_start(&line);
    assert_true(type("\nb\r"));
    assert_string_equal(line.text, "b");
    monitor_line_start(&line);
    assert_true(type("c\n"));
    monitor_line_start(&line);
    assert_true(type("\n"));
    assert_string_equal(line.text, "");
}

static void a_full_line_takes_no_more(void **state) {
    (void)state;
    monitor_line_start(&line);
    for (uint32_t i = 0; i < 3 * MONITOR_LINE; i++) {
        assert_false(monitor_line_key(&line, 'x', echo));
    }
    assert_string_equal(echo, "\a");
    assert_false(monitor_line_key(&line, '\x15', echo));
    assert_int_equal(strlen(echo), 3 * (MONITOR_LINE - 1));
    assert_true(type("y\r"));
    assert_string_equal(line.text, "y");
}

static void words_are_cut_at_spaces(void **state) {
    struct monitor_words words;
    char text[] = "  walk   0x10 3  ", empty[] = "   ", many[] = "a b c d e";
    (void)state;
    assert_true(monitor_split(text, &words));
    assert_int_equal(words.count, 3);
    assert_string_equal(words.word[0], "walk");
    assert_string_equal(words.word[1], "0x10");
    assert_string_equal(words.word[2], "3");
    assert_true(monitor_split(empty, &words));
    assert_int_equal(words.count, 0);
    assert_false(monitor_split(many, &words));
}

static void numbers_are_whole_or_nothing(void **state) {
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = {{"0", 0},
                {"42", 42},
                {"0x2A", 42},
                {"0Xff", 255},
                {"18446744073709551615", UINT64_MAX},
                {"0xffffffffffffffff", UINT64_MAX}};
    static const char *const bad[] = {
        "", "0x", "-1", "12a", "0xg", "x1", " 1", "18446744073709551616", "0x10000000000000000"};
    uint64_t value;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(monitor_number(good[i].text, &value));
        assert_int_equal(value, good[i].value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(monitor_number(bad[i], &value));
    }
}

static const char *name_of(uint32_t index) {
    static const char *const names[] = {"quarters", "quarter", "memory"};
    return names[index];
}

static void a_name_is_whole_or_a_beginning_of_one(void **state) {
    (void)state;
    assert_int_equal(monitor_choose("quarter", name_of, 3), 1);
    assert_int_equal(monitor_choose("quarters", name_of, 3), 0);
    assert_int_equal(monitor_choose("mem", name_of, 3), 2);
    assert_int_equal(monitor_choose("q", name_of, 3), 3);
    assert_int_equal(monitor_choose("memory2", name_of, 3), 3);
    assert_int_equal(monitor_choose("", name_of, 3), 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_what_was_typed),
        cmocka_unit_test(erased_keys_are_gone),
        cmocka_unit_test(other_control_characters_are_nothing),
        cmocka_unit_test(return_and_newline_are_one_end),
        cmocka_unit_test(a_full_line_takes_no_more),
        cmocka_unit_test(words_are_cut_at_spaces),
        cmocka_unit_test(numbers_are_whole_or_nothing),
        cmocka_unit_test(a_name_is_whole_or_a_beginning_of_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
