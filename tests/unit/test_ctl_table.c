/* SPDX-License-Identifier: MIT */
#include "suite.h"
#include "table.h"

#include <locale.h>

static const char *const heads[] = {"USER", "N", "NOTHING", "PLATFORMS"};

static struct table table;
static struct buf out;

static void set_up(void)
{
    ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
    table_init(&table, heads, 4);
    out = (struct buf){0};
}

static void tear_down(void)
{
    table_fini(&table);
    buf_fini(&out);
}

static void add(const char *user, uint64_t n, const char *platforms)
{
    table_add(&table, TINT_GOOD, str_from(user));
    table_add_number(&table, n);
    table_add(&table, TINT_NONE, STR(""));
    table_add(&table, TINT_NONE, str_from(platforms));
}

static void expect(size_t width, bool tints, const char *text)
{
    buf_clear(&out);
    table_write(&table, width, tints, &out);
    ck_assert(!out.failed);
    ck_assert_msg(str_equal(buf_str(&out), str_from(text)), "%.*s", STR_FMT(buf_str(&out)));
}

START_TEST(columns_are_as_wide_as_what_stands_in_them)
{
    add("alice", 7, "Web");
    add("张三", 12345, "iOS, Windows");
    expect(0, false,
           "USER       N  PLATFORMS\n"
           "alice      7  Web\n"
           "张三   12345  iOS, Windows\n");
}
END_TEST

START_TEST(a_row_that_is_too_wide_is_cut_where_it_is_widest)
{
    add("alice-with-a-very-long-name", 7, "Web");
    expect(26, false,
           "USER          N  PLATFORMS\n"
           "alice-with-…  7  Web\n");
}
END_TEST

START_TEST(no_column_is_cut_to_nothing)
{
    add("alice-with-a-very-long-name", 7, "Web");
    expect(1, false,
           "USER      N  PLATFORM\n"
           "alice-w…  7  Web\n");
}
END_TEST

START_TEST(tints_take_no_room)
{
    add("bob", 1, "Web");
    expect(0, true,
           "\033[1mUSER\033[0m  \033[1mN\033[0m  \033[1mPLATFORMS\033[0m\n"
           "\033[32mbob\033[0m   1  Web\n");
}
END_TEST

START_TEST(a_users_id_gives_the_terminal_no_orders)
{
    add("\033[2J", 1, "Web");
    expect(0, true,
           "\033[1mUSER\033[0m       \033[1mN\033[0m  \033[1mPLATFORMS\033[0m\n"
           "\033[32m\\u{1b}[2J\033[0m  1  Web\n");
}
END_TEST

START_TEST(without_rows_there_are_no_heads)
{
    expect(0, false, "");
}
END_TEST

START_TEST(heads_may_be_left_out)
{
    table.heads = NULL;
    add("bob", 1, "Web");
    expect(0, false, "bob  1  Web\n");
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("ctl table");
    TCase *tcase = tcase_create("table");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, columns_are_as_wide_as_what_stands_in_them);
    tcase_add_test(tcase, a_row_that_is_too_wide_is_cut_where_it_is_widest);
    tcase_add_test(tcase, no_column_is_cut_to_nothing);
    tcase_add_test(tcase, tints_take_no_room);
    tcase_add_test(tcase, a_users_id_gives_the_terminal_no_orders);
    tcase_add_test(tcase, without_rows_there_are_no_heads);
    tcase_add_test(tcase, heads_may_be_left_out);
    suite_add_tcase(suite, tcase);
    return suite;
}
