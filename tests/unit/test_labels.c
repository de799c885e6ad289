#include <string.h>

#include "io/labels.h"
#include "support/fixture.h"
#include "support/images.h"

/* Every form has the names of labels 1 and 7, or of two labels in order. */
START_TEST(names_come_from_every_form_of_table)
{
    static const struct {
        const char *text;
        bool numbered;
    } forms[] = {{"index\tname\tx\n1\tleft part\t3\n7\tright part\t4\n", true},
                 {"name,index\nleft part,1\nright part,7\n", true},
                 {"1\tleft part\n7\tright part\n", true},
                 {"1 left_part 2001\r\n7 right_part 2002\r\n\r\n", true},
                 {"left part\nright part\n", false},
                 {"name\tvolume\nleft part\t3\nright part\t4\n", false}};
    struct bm_labels labels = BM_LABELS_INIT;
    const char *path = test_write_text("names.txt", forms[_i].text);
    ok(bm_labels_read(&test_ctx, path, &labels));
    ck_assert_int_eq(labels.n, 2);
    ck_assert_int_eq(strncmp(labels.name[0], "left", 4), 0);
    ck_assert_int_eq(strncmp(labels.name[1], "right", 5), 0);
    ck_assert_int_eq(labels.label != NULL, forms[_i].numbered);
    ck_assert_int_eq(bm_labels_find(&labels, 7), forms[_i].numbered ? 1 : -1);
    ck_assert_int_eq(bm_labels_find(&labels, 2), -1);
    bm_labels_release(&labels);
}
END_TEST

START_TEST(a_label_that_is_no_number_is_named_with_its_line)
{
    struct bm_labels labels = BM_LABELS_INIT;
    fails(bm_labels_read(&test_ctx, test_write_text("names.txt", "index\tname\n1\ta\nb\tc\n"),
                         &labels),
          BM_EINPUT, "names.txt:3: \"b\" is not a number");
}
END_TEST

Suite *labels_suite(void);
Suite *labels_suite(void)
{
    Suite *suite = suite_create("labels");
    TCase *tc = test_case(suite, "labels");
    tcase_add_loop_test(tc, names_come_from_every_form_of_table, 0, 6);
    tcase_add_test(tc, a_label_that_is_no_number_is_named_with_its_line);
    return suite;
}
