#include "io/graph.h"

#include <cjson/cJSON.h>
#include <math.h>

#include "io/table.h"
#include "support/fixture.h"
#include "support/images.h"

/* Three nodes with awkward names; the second knows nothing but its name. */
static const struct bm_graph_node nodes[] = {
    {"a <b> & \"c\"\t\x01", {-12.5, 3, .1}, 27, 1, 1, .25, 1},
    {"\xc3\xa9 \xff", {NAN, NAN, NAN}, NAN, NAN, NAN, NAN, NAN},
    {"plain", {1, 2, 3}, 30, .5, 1, .25, 1}};
static double weights[] = {9, NAN, -.25, NAN, NAN, NAN, -.25, NAN, 9};
static const struct bm_mat W = {weights, 3, 3, 3, NULL};
static const struct bm_graph graph = {3, nodes, &W};
static const struct bm_graph_measure measures[] = {{"density", 1 / 3.}, {"path_length", NAN}};

static enum bm_status json(struct bm_ctx *ctx, const struct bm_graph *g, struct bm_text *out)
{
    return bm_graph_json(ctx, g, measures, 2, out);
}

static enum bm_status (*const formats[])(struct bm_ctx *, const struct bm_graph *,
                                         struct bm_text *) = {
    bm_graph_nodes,          bm_graph_edges, bm_graph_graphml, bm_graph_brainnet_nodes,
    bm_graph_brainnet_edges, json};
enum { FORMATS = sizeof formats / sizeof *formats };

static void table_of(const struct bm_text *text, struct bm_table *table)
{
    ok(bm_table_parse(&test_ctx, "made", text->data, text->length, table));
    ok(bm_table_take_header(&test_ctx, table));
}

static void cell_is(const struct bm_table *table, bm_index row, const char *column,
                    const char *wanted)
{
    bm_index col;
    ok(bm_table_column(&test_ctx, table, column, &col));
    ck_assert_str_eq(bm_table_cell(table, row, col), wanted);
}

START_TEST(table_of_nodes_has_a_row_a_node_and_says_what_is_not_known)
{
    struct bm_text text = BM_TEXT_INIT;
    struct bm_table table = BM_TABLE_INIT;
    ok(bm_graph_nodes(&test_ctx, &graph, &text));
    const char *header = "index\tname\tx\ty\tz\tvoxels\tcoverage\tdegree\tstrength\tmodule\n";
    ck_assert(strncmp(text.data, header, strlen(header)) == 0);
    table_of(&text, &table);
    ck_assert_int_eq(table.rows, 3);
    cell_is(&table, 0, "index", "1");
    cell_is(&table, 0, "name", "a <b> & \"c\"\\x09\\x01");
    cell_is(&table, 0, "x", "-12.5");
    cell_is(&table, 0, "z", "0.1");
    cell_is(&table, 1, "x", "n/a");
    cell_is(&table, 1, "module", "n/a");
    cell_is(&table, 2, "coverage", "0.5");
    bm_table_release(&table);
    bm_text_release(&text);
}
END_TEST

START_TEST(list_of_edges_has_each_pair_once_and_none_for_what_is_not_known)
{
    struct bm_text text = BM_TEXT_INIT;
    struct bm_table table = BM_TABLE_INIT;
    ok(bm_graph_edges(&test_ctx, &graph, &text));
    table_of(&text, &table);
    ck_assert_int_eq(table.rows, 1);
    cell_is(&table, 0, "i", "1");
    cell_is(&table, 0, "j", "3");
    cell_is(&table, 0, "name_j", "plain");
    cell_is(&table, 0, "weight", "-0.25");
    bm_table_release(&table);
    bm_text_release(&text);
}
END_TEST

START_TEST(graphml_escapes_names_and_leaves_out_what_is_not_known)
{
    struct bm_text text = BM_TEXT_INIT;
    ok(bm_graph_graphml(&test_ctx, &graph, &text));
    const char *const wanted[] = {
        "<graph id=\"connectome\" edgedefault=\"undirected\">",
        "<node id=\"n1\"><data key=\"name\">a &lt;b&gt; &amp; &quot;c&quot;\\x09\\x01</data>"
        "<data key=\"x\">-12.5</data>",
        "<node id=\"n2\"><data key=\"name\">\xc3\xa9 \\xff</data></node>",
        "<edge source=\"n1\" target=\"n3\"><data key=\"weight\">-0.25</data></edge>\n  </graph>"};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        ck_assert_msg(strstr(text.data, wanted[i]) != NULL, "no %s in\n%s", wanted[i], text.data);
    ck_assert_ptr_null(strstr(text.data, "nan"));
    ck_assert_int_lt(bm_utf8_invalid(text.data, text.length), 0);
    bm_text_release(&text);
}
END_TEST

START_TEST(brainnet_files_have_no_blank_in_a_name_and_no_nan)
{
    struct bm_text text = BM_TEXT_INIT;
    ok(bm_graph_brainnet_nodes(&test_ctx, &graph, &text));
    ck_assert_str_eq(text.data, "-12.5\t3\t0.1\t1\t0.25\ta_<b>_&_\"c\"\\x09\\x01\n"
                                "0\t0\t0\t0\t0\t\xc3\xa9_\\xff\n"
                                "1\t2\t3\t1\t0.25\tplain\n");
    bm_text_clear(&text);
    ok(bm_graph_brainnet_edges(&test_ctx, &graph, &text));
    ck_assert_str_eq(text.data, "0\t0\t-0.25\n0\t0\t0\n-0.25\t0\t0\n");
    bm_text_release(&text);
}
END_TEST

START_TEST(json_holds_measures_nodes_and_links)
{
    struct bm_text text = BM_TEXT_INIT;
    ok(json(&test_ctx, &graph, &text));
    cJSON *read = cJSON_Parse(text.data);
    ck_assert_ptr_nonnull(read);
    const cJSON *list = cJSON_GetObjectItem(read, "nodes");
    ck_assert(cJSON_GetObjectItem(read, "density")->valuedouble == 1 / 3.);
    ck_assert(cJSON_IsNull(cJSON_GetObjectItem(read, "path_length")));
    ck_assert(cJSON_IsFalse(cJSON_GetObjectItem(read, "directed")));
    ck_assert_int_eq(cJSON_GetArraySize(list), 3);
    ck_assert_str_eq(cJSON_GetObjectItem(cJSON_GetArrayItem(list, 2), "name")->valuestring,
                     "plain");
    ck_assert(cJSON_IsNull(cJSON_GetObjectItem(cJSON_GetArrayItem(list, 1), "x")));
    list = cJSON_GetObjectItem(read, "links");
    ck_assert_int_eq(cJSON_GetArraySize(list), 1);
    near(cJSON_GetObjectItem(list->child, "target")->valuedouble, 3, 0, 0);
    near(cJSON_GetObjectItem(list->child, "weight")->valuedouble, -.25, 0, 0);
    cJSON_Delete(read);
    bm_text_release(&text);
}
END_TEST

START_TEST(matrix_reads_back_to_the_last_bit)
{
    double values[] = {1 / 3., -2e-300, NAN, 0, 123456789012345678., 5e-324};
    const struct bm_mat M = {values, 3, 2, 3, NULL};
    const char *const names[] = {"first", "second one"}, *const others[] = {"first", "other"};
    struct bm_text text = BM_TEXT_INIT;
    struct bm_mat back = BM_MAT_INIT;
    ok(bm_matrix_table(&test_ctx, &M, names, &text));
    const char *path = test_write_text("matrix.tsv", text.data);
    ok(bm_matrix_read(&test_ctx, path, names, 2, 3, &back));
    for (int i = 0; i < 6; i++)
        ck_assert(i == 2 ? isnan(back.data[i]) : back.data[i] == values[i]);
    fails(bm_matrix_read(&test_ctx, path, others, 2, 3, &back), BM_EINPUT,
          "column 2 is \"second one\", needed \"other\"");
    fails(bm_matrix_read(&test_ctx, path, names, 2, 2, &back), BM_EINPUT, "3 x 2, needed 2 x 2");
    fails(bm_matrix_read(&test_ctx, path, names, 1, -1, &back), BM_EINPUT, "needed 3 x 1");
    ck_assert_int_eq(back.rows, 3); /* untouched */
    bm_mat_release(&back);
    bm_text_release(&text);
}
END_TEST

static enum bm_status make_again(void *arg)
{
    struct bm_text text = BM_TEXT_INIT;
    enum bm_status status = formats[*(int *)arg](&test_ctx, &graph, &text);
    bm_text_release(&text);
    return status;
}

START_TEST(refused_memory_is_survived)
{
    for (int f = 0; f < FORMATS; f++) test_survives_no_memory(make_again, &f);
}
END_TEST

Suite *graph_suite(void);
Suite *graph_suite(void)
{
    Suite *suite = suite_create("graph");
    TCase *tcase = test_case(suite, "graph");
    tcase_add_test(tcase, table_of_nodes_has_a_row_a_node_and_says_what_is_not_known);
    tcase_add_test(tcase, list_of_edges_has_each_pair_once_and_none_for_what_is_not_known);
    tcase_add_test(tcase, graphml_escapes_names_and_leaves_out_what_is_not_known);
    tcase_add_test(tcase, brainnet_files_have_no_blank_in_a_name_and_no_nan);
    tcase_add_test(tcase, json_holds_measures_nodes_and_links);
    tcase_add_test(tcase, matrix_reads_back_to_the_last_bit);
    tcase_add_test(tcase, refused_memory_is_survived);
    return suite;
}
