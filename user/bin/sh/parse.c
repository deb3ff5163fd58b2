/* SPDX-License-Identifier: MIT */
/*
 * From text to a tree, by recursive descent:
 *     list     = { pipelines ( ";" | "&" | newline ) }
 *     pipelines = pipeline { ( "&&" | "||" ) pipeline }
 *     pipeline = [ "!" ] command { "|" command }
 *     command  = { assignment | word | redirect } | "(" list ")" { redirect }
 * Words keep their quotes: expand.c removes them when the command runs. A text that ends inside a
 * quote or before a command that must follow is incomplete: the caller adds a line and parses
 * again.
 */
#include "sh.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *at;            /* what is left of the text */
static const char *last_end;      /* the end of the last token that was taken */
static enum parse_result outcome; /* PARSE_OK until something is wrong */

static void fail_at(const char *place) {
    if (outcome != PARSE_OK) {
        return;
    }
    if (*place == '\0') {
        outcome = PARSE_INCOMPLETE;
        return;
    }
    outcome = PARSE_ERROR;
    int length = *place == '\n' ? 0 : (int)strcspn(place, " \t\n");
    fprintf(stderr, "sh: syntax error near `%.*s'\n", length ? length : 7,
            length ? place : "newline");
}

static void skip_blanks(void) {
    for (;;) {
        at += strspn(at, " \t\r");
        if (at[0] == '\\' && at[1] == '\n') {
            at += 2;
        } else if (at[0] == '#') {
            at += strcspn(at, "\n");
        } else {
            return;
        }
    }
}

static void skip_newlines(void) {
    for (skip_blanks(); *at == '\n'; skip_blanks()) {
        at++;
    }
}

/* Take OPERATOR if it stands here and is not the beginning of a longer one. */
static bool take(const char *operator) {
    skip_blanks();
    size_t length = strlen(operator);
    if (strncmp(at, operator, length) != 0) {
        return false;
    }
    if (length == 1 && (*at == '&' || *at == '|') && at[1] == *at) {
        return false;
    }
    at += length;
    last_end = at;
    return true;
}

/* The first character after the quoted part that begins at TEXT, or the terminating zero. */
static const char *quote_end(const char *text) {
    char quote = *text++;
    while (*text != '\0' && *text != quote) {
        text += quote == '"' && text[0] == '\\' && text[1] != '\0' ? 2 : 1;
    }
    if (*text == '\0') {
        fail_at(text);
        return text;
    }
    return text + 1;
}

/* A word in the arena, or null if none stands here. */
static const char *take_word(void) {
    skip_blanks();
    const char *start = at;
    while (*at != '\0' && strchr(" \t\r\n;&|<>()", *at) == NULL) {
        if (*at == '\'' || *at == '"') {
            at = quote_end(at);
        } else if (*at == '\\' && at[1] == '\0') {
            fail_at(at + 1);
            at++;
        } else {
            at += *at == '\\' ? 2 : 1;
        }
    }
    if (at == start) {
        return NULL;
    }
    last_end = at;
    return arena_text(start, (size_t)(at - start));
}

/* [N]<WORD [N]>WORD [N]>>WORD [N]>&N: false if no redirection stands here. */
static bool take_redirect(struct redirect ***tail) {
    skip_blanks();
    const char *operator= at + strspn(at, "0123456789");
    if ((*operator!= '<' && * operator!= '>') || operator- at> 2) {
        return false;
    }
    struct redirect *redirect = arena_take(sizeof *redirect);
    redirect->fd = operator> at ? atoi(at) : * operator== '>';
    at = operator;
    if (take(">>")) {
        redirect->kind = REDIRECT_APPEND;
    } else if (take(">&") || take("<&")) {
        redirect->kind = REDIRECT_DUPLICATE;
    } else {
        redirect->kind = *at++ == '<' ? REDIRECT_READ : REDIRECT_WRITE;
    }
    redirect->text = take_word();
    if (redirect->text == NULL) {
        fail_at(at);
    }
    **tail = redirect;
    *tail = &redirect->next;
    return true;
}

static bool is_assignment(const char *text) {
    const char *equals = strchr(text, '=');
    return equals != NULL && name_is_valid(text, (size_t)(equals - text));
}

static struct list *parse_list(bool in_parentheses);

static struct command *parse_command(void) {
    struct command *command = arena_take(sizeof *command);
    struct word **word_tail = &command->words, **assignment_tail = &command->assignments;
    struct redirect **redirect_tail = &command->redirects;
    const char *text;

    if (take("(")) {
        command->subshell = parse_list(true);
        if (command->subshell == NULL || !take(")")) {
            fail_at(at);
        }
    }
    while (outcome == PARSE_OK) {
        if (take_redirect(&redirect_tail)) {
            continue;
        }
        if (command->subshell != NULL || (text = take_word()) == NULL) {
            break;
        }
        struct word *word = arena_take(sizeof *word);
        word->text = text;
        struct word ***tail =
            command->words == NULL && is_assignment(text) ? &assignment_tail : &word_tail;
        **tail = word;
        *tail = &word->next;
    }
    bool empty = !command->words && !command->assignments && !command->redirects;
    return empty && !command->subshell ? NULL : command;
}

static bool take_exclamation(void) {
    skip_blanks();
    if (at[0] != '!' || (at[1] != ' ' && at[1] != '\t')) {
        return false;
    }
    at++;
    return true;
}

static struct pipeline *parse_pipeline(void) {
    struct pipeline *pipeline = arena_take(sizeof *pipeline);
    skip_blanks();
    const char *start = at;
    while (take_exclamation()) {
        pipeline->negate = !pipeline->negate;
    }
    struct command **tail = &pipeline->commands;
    do {
        if (tail != &pipeline->commands) {
            skip_newlines();
        }
        *tail = parse_command();
        if (*tail == NULL) {
            fail_at(at);
            return NULL;
        }
        tail = &(*tail)->next;
    } while (outcome == PARSE_OK && take("|"));
    pipeline->text = arena_text(start, (size_t)(last_end - start));
    return pipeline;
}

static struct pipeline *parse_pipelines(void) {
    struct pipeline *first = parse_pipeline(), *last = first;
    while (outcome == PARSE_OK) {
        enum connector connector = take("&&")   ? CONNECT_AND
                                   : take("||") ? CONNECT_OR
                                                : CONNECT_NONE;
        if (connector == CONNECT_NONE) {
            break;
        }
        skip_newlines();
        last->next = parse_pipeline();
        if (last->next != NULL) {
            last = last->next;
            last->connector = connector;
        }
    }
    return first;
}

static struct list *parse_list(bool in_parentheses) {
    struct list *first = NULL, **tail = &first;
    for (;;) {
        skip_newlines();
        if (*at == '\0' || (in_parentheses && *at == ')') || outcome != PARSE_OK) {
            return first;
        }
        struct list *list = arena_take(sizeof *list);
        const char *start = at;
        list->pipelines = parse_pipelines();
        if (outcome != PARSE_OK) {
            return first;
        }
        list->text = arena_text(start, (size_t)(last_end - start));
        *tail = list;
        tail = &list->next;
        list->background = take("&");
        if (!list->background && !take(";")) {
            skip_blanks();
            if (*at != '\0' && *at != '\n' && !(in_parentheses && *at == ')')) {
                fail_at(at);
            }
        }
    }
}

enum parse_result parse_line(const char *text, struct list **result) {
    at = last_end = text;
    outcome = PARSE_OK;
    *result = parse_list(false);
    if (outcome == PARSE_OK && *result == NULL) {
        return PARSE_EMPTY;
    }
    return outcome;
}
