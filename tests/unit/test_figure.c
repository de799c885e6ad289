#include <math.h>
#include <stdio.h>
#include <string.h>

#include "render/figure.h"
#include "support/fixture.h"
#include "support/flat_renderer.h"
#include "support/images.h"
#include "util/text.h"

/* A ball of `value` around a place, 0 elsewhere, on a grid of voxels `mm`, turned about z by an
 * angle in degrees. NAN as rest: outside the ball. */
static const char *write_ball(const char *name, const double centre[3], double radius, double mm,
                              double degrees, float value, float rest)
{
    struct bm_volume volume = BM_VOLUME_INIT;
    double c = cos(degrees * acos(-1) / 180), s = sin(degrees * acos(-1) / 180);
    bm_index n = (bm_index)(260 / mm);
    double half = mm * (double)(n - 1) / 2;
    struct bm_grid grid = {.dim = {n, n, n},
                           .to_world = {{mm * c, -mm * s, 0, -half * c + half * s},
                                        {mm * s, mm * c, 0, -half * s - half * c - 18},
                                        {0, 0, mm, -half + 8},
                                        {0, 0, 0, 1}}};
    ok(bm_volume_alloc(&test_ctx, &volume, &grid, 1));
    for (bm_index v = 0; v < bm_grid_voxels(&grid); v++) {
        double at[3] = {(double)(v % n), (double)(v / n % n), (double)(v / (n * n))}, square = 0;
        for (int r = 0; r < 3; r++) {
            const double *row = grid.to_world[r];
            double x = row[0] * at[0] + row[1] * at[1] + row[2] * at[2] + row[3] - centre[r];
            square += x * x;
        }
        volume.data[v] = square <= radius * radius ? value : rest;
    }
    const char *path = test_write_frames(name, &volume, 0, 1);
    bm_volume_release(&volume);
    return path;
}

static const char *write_brain(void)
{
    return write_ball("brain.nii", (double[]){0, -18, 8}, 70, 8, 0, 100, 0);
}

/* Draw with what the options say; the sheet's labels stay for the test to look at. */
static void draw(const char *view, const struct bm_figure_opts *opts, const char *path,
                 struct bm_sheet *sheet)
{
    ok(bm_figure_draw(&test_ctx, view, opts, path, &flat_renderer, sheet));
}

/* Mean place of the coloured (not gray) pixels in shares of the sheet; false if there are none. */
static bool coloured(const struct bm_sheet *sheet, double *x, double *y)
{
    double n = 0;
    *x = *y = 0;
    for (int v = 0; v < sheet->canvas.height; v++)
        for (int u = 0; u < sheet->canvas.width; u++) {
            const unsigned char *p = sheet->canvas.rgba + 4 * (v * sheet->canvas.width + u);
            if (abs(p[0] - p[2]) < 60) continue;
            *x += u, *y += v, n++;
        }
    *x /= n * sheet->canvas.width;
    *y /= n * sheet->canvas.height;
    return n > 0;
}

static const char nodes[] = "name\tx\ty\tz\tmodule\n"
                            "a quite long name of a node\t-40\t10\t20\tthe first of all modules\n"
                            "b\t40\t10\t20\tsecond\nc\t0\t-60\t30\tthe first of all modules\n"
                            "d\t10\t-40\t-10\tsecond\n";
static const char matrix[] = "0\t1\t-0.5\t0.1\n1\t0\t0.25\t-1\n-0.5\t0.25\t0\t0\n0.1\t-1\t0\t0\n";

/* An atlas of as many balls as fit, on a lattice, with a table of names beside it. */
static const char *write_regions(const char **names)
{
    struct bm_volume volume = BM_VOLUME_INIT;
    struct bm_text table = BM_TEXT_INIT;
    test_make_image(&volume, 24, 28, 24, 1, 0);
    bm_index voxels = bm_grid_voxels(&volume.grid), label = 0;
    for (bm_index v = 0; v < voxels; v++) {
        bm_index at[3] = {v % 24, v / 24 % 28, v / (24 * 28)};
        label = 1 + at[0] / 4 + 6 * (at[1] / 4 + 7 * (at[2] / 4));
        volume.data[v] = (float)label;
    }
    ok(bm_text_add(&test_ctx, &table, "index\tname\n"));
    for (bm_index l = 1; l <= label; l++)
        ok(bm_text_add(&test_ctx, &table, "%td\t%s %td\n", l,
                       l % 3 ? "gyrus" : "a part of the sulcus whose name is longer than others",
                       l));
    const char *path = test_write_frames("regions.nii", &volume, 0, 1);
    *names = test_write_text("regions.tsv", table.data);
    bm_text_release(&table);
    bm_volume_release(&volume);
    return path;
}

static void check_labels(const struct bm_sheet *sheet, const char *what, const char *size)
{
    for (bm_index i = 0; i < sheet->canvas.n_labels; i++) {
        const struct bm_box *a = &sheet->canvas.labels[i];
        ck_assert_msg(a->x0 >= 0 && a->y0 >= 0 && a->x1 <= sheet->canvas.width &&
                          a->y1 <= sheet->canvas.height, "%s at %s: label %td is cut", what, size,
                      i);
        for (bm_index j = 0; j < i; j++) {
            const struct bm_box *b = &sheet->canvas.labels[j];
            ck_assert_msg(a->x0 >= b->x1 || b->x0 >= a->x1 || a->y0 >= b->y1 || b->y0 >= a->y1,
                          "%s at %s: labels %td and %td meet", what, size, i, j);
        }
    }
}

/* The property that matters at every size: labels lie on the sheet, and none meets another. What
 * tells where and what one sees is there at all sizes: cuts, sides, ends of the scale. */
START_TEST(text_is_never_cut_and_never_meets_other_text)
{
    static const char *const sizes[] = {"400x300", "1000x800", "4000x3000", "400x1200", "1600x300"};
    enum { SIZES = sizeof sizes / sizeof *sizes, KINDS = 7 };
    static const char *const titles[] = {
        NULL, "A title that is much too long for any figure of a small size because it "
        "goes on and on about contrasts, sessions, subjects, thresholds and corrections, and then "
        "says it once more for all who have not read it the first time"};
    struct bm_renderer typesetter = {.text = flat_renderer.text};
    const char *map = write_ball("map.nii", (double[]){-30, -20, 30}, 22, 8, 0, -3.25f, 0);
    const char *table = test_write_text("nodes.tsv", nodes), *brain = write_brain(), *names;
    const char *square = test_write_text("matrix.tsv", matrix), *regions = write_regions(&names);
    for (int kind = 0; kind < KINDS; kind++)
        for (int s = 0; s < SIZES; s++) {
            const char *view = bm_figure_views[_i].name;
            bool file = strcmp(view, "graph") == 0 || strcmp(view, "matrix") == 0;
            bool labels = kind >= 5;
            /* Kinds differ in the cuts, which only slices have, in the title and in the map. */
            if (kind > 1 && kind != 5 && (_i > 0 || s != kind % SIZES)) continue;
            struct bm_figure_opts opts = bm_figure_default;
            struct bm_sheet sheet = BM_SHEET_INIT;
            opts.look.size = sizes[s];
            opts.look.title = titles[kind % 2];
            opts.brain.background = brain;
            opts.map.threshold = kind % 3 && !labels ? "2" : NULL;
            opts.map.names = labels ? names : NULL;
            opts.view.axis = kind % 5;
            opts.graph.nodes = opts.matrix.nodes = table;
            opts.graph.edges = "0";
            opts.graph.style = kind % 2;
            ok(bm_figure_draw(&test_ctx, view, &opts, file ? square : labels ? regions : map,
                              &typesetter, &sheet));
            ck_assert_ptr_null(sheet.canvas.rgba);
            ck_assert_int_ge(sheet.canvas.n_labels, kind % 2 ? 4 : 3);
            check_labels(&sheet, view, sizes[s]);
            bm_sheet_release(&sheet);
        }
}
END_TEST

/* Where labels come does not depend on whether pictures are drawn. */
START_TEST(a_layout_alone_places_the_labels_of_the_figure)
{
    struct bm_renderer typesetter = {.text = flat_renderer.text};
    const char *map = write_ball("map.nii", (double[]){-30, -20, 30}, 22, 8, 0, -3.25f, 0);
    const char *table = test_write_text("nodes.tsv", nodes);
    const char *square = test_write_text("matrix.tsv", matrix);
    for (const struct bm_figure_view *view = bm_figure_views; view->name; view++) {
        struct bm_figure_opts opts = bm_figure_default;
        struct bm_sheet sheet[2] = {BM_SHEET_INIT, BM_SHEET_INIT};
        bool file = strcmp(view->name, "graph") == 0 || strcmp(view->name, "matrix") == 0;
        opts.look.size = "400x300";
        opts.graph.nodes = opts.matrix.nodes = table;
        draw(view->name, &opts, file ? square : map, &sheet[0]);
        ok(bm_figure_draw(&test_ctx, view->name, &opts, file ? square : map, &typesetter,
                          &sheet[1]));
        ck_assert_int_eq(sheet[0].canvas.n_labels, sheet[1].canvas.n_labels);
        for (bm_index i = 0; i < sheet[0].canvas.n_labels; i++)
            ck_assert_int_eq(memcmp(&sheet[0].canvas.labels[i], &sheet[1].canvas.labels[i],
                                    sizeof(struct bm_box)), 0);
        ck_assert_str_eq(bm_text_str(&sheet[0].notes), bm_text_str(&sheet[1].notes));
        bm_sheet_release(&sheet[0]);
        bm_sheet_release(&sheet[1]);
    }
}
END_TEST

static void keep_count(void *user, enum bm_log_level level, const char *line)
{
    int count;
    (void)level;
    const char *words = strstr(line, ": and ");
    if (words && sscanf(words, ": and %d more", &count) == 1) *(int *)user = count;
}

START_TEST(a_legend_says_how_many_names_it_leaves_out)
{
    int left_out = 0;
    struct bm_renderer typesetter = {.text = flat_renderer.text};
    struct bm_figure_opts opts = bm_figure_default;
    struct bm_sheet sheet = BM_SHEET_INIT, bare = BM_SHEET_INIT;
    const char *regions = write_regions(&opts.map.names);
    opts.look.size = "600x480";
    test_ctx.log = (struct bm_log){BM_LOG_DEBUG, keep_count, &left_out};
    ok(bm_figure_draw(&test_ctx, "glass", &opts, regions, &typesetter, &sheet));
    opts.look.colorbar = 1;
    ok(bm_figure_draw(&test_ctx, "glass", &opts, regions, &typesetter, &bare));
    /* 252 regions: most have no room, so the last label counts them. */
    bm_index named = sheet.canvas.n_labels - bare.canvas.n_labels - 1;
    ck_assert_int_ge(named, 10);
    ck_assert_int_eq(left_out, 252 - named);
    bm_sheet_release(&sheet);
    bm_sheet_release(&bare);
}
END_TEST

START_TEST(what_is_on_the_left_is_drawn_on_the_left)
{
    struct bm_figure_opts opts = bm_figure_default;
    const char *map = write_ball("map.nii", (double[]){-35, 20, 30}, 18, 4, 0, 5, 0);
    double x, y;
    opts.look.size = "400x400";
    opts.look.colorbar = 1;
    opts.brain.background = write_brain();
    opts.cuts.cuts = "30";
    opts.view.axis = BM_AXIS_Z;
    for (int mirrored = 0; mirrored < 2; mirrored++) {
        struct bm_sheet sheet = BM_SHEET_INIT;
        opts.brain.radiological = mirrored;
        draw(_i ? "glass" : "slices", &opts, map, &sheet);
        ck_assert(coloured(&sheet, &x, &y));
        ck_assert(mirrored ? x > .55 : x < .45);
        ck_assert_double_lt(y, .45); /* in front: above */
        bm_sheet_release(&sheet);
    }
}
END_TEST

/* The same ball on a straight grid and on one turned by 30 degrees. */
START_TEST(an_oblique_grid_gives_the_picture_of_a_straight_one)
{
    struct bm_figure_opts opts = bm_figure_default;
    struct bm_sheet sheet[2] = {BM_SHEET_INIT, BM_SHEET_INIT};
    double sum = 0;
    opts.look.size = "300x240";
    opts.look.colorbar = 1;
    opts.map.threshold = "1";
    opts.cuts.cuts = "-30,-20,30";
    for (int i = 0; i < 2; i++)
        draw(_i ? "glass" : "slices", &opts,
             write_ball("map.nii", (double[]){-30, -20, 30}, 24, 4, 30 * i, 5, 0), &sheet[i]);
    bm_index bytes = 4 * (bm_index)sheet[0].canvas.width * sheet[0].canvas.height;
    for (bm_index k = 0; k < bytes; k++)
        sum += abs(sheet[0].canvas.rgba[k] - sheet[1].canvas.rgba[k]);
    ck_assert_double_lt(sum / (double)bytes, 1.2); /* of 255: edges of voxels */
    bm_sheet_release(&sheet[0]);
    bm_sheet_release(&sheet[1]);
}
END_TEST

START_TEST(an_empty_map_is_drawn_with_a_warning)
{
    struct bm_figure_opts opts = bm_figure_default;
    struct bm_sheet sheet = BM_SHEET_INIT;
    double x, y;
    opts.look.size = "300x240";
    for (int kind = 0; kind < 2; kind++) {
        const char *map = write_ball("zero.nii", (double[]){0, 0, 0}, 9, 20, 0, kind ? NAN : 0, 0);
        for (int v = 0; v < 4; v++) {
            draw(bm_figure_views[v].name, &opts, map, &sheet);
            ck_assert(!coloured(&sheet, &x, &y));
            bm_sheet_release(&sheet);
        }
    }
}
END_TEST

START_TEST(one_voxel_is_seen_in_every_view_of_planes)
{
    struct bm_figure_opts opts = bm_figure_default;
    struct bm_sheet sheet = BM_SHEET_INIT;
    double x, y;
    const char *map = write_ball("one.nii", (double[]){-5, -13, 13}, 5.5, 10, 0, 2, NAN);
    opts.look.size = "300x240";
    opts.look.colorbar = 1;
    for (int v = 0; v < 2; v++) {
        opts.map.threshold = v ? "1.9" : NULL;
        draw(bm_figure_views[v].name, &opts, map, &sheet);
        ck_assert(coloured(&sheet, &x, &y));
        bm_sheet_release(&sheet);
    }
}
END_TEST

/* A volume of several frames, each a ball elsewhere. */
static const char *write_atlas(double tr_s)
{
    struct bm_volume volume = BM_VOLUME_INIT;
    test_make_image(&volume, 12, 12, 12, 3, 0);
    bm_index voxels = bm_grid_voxels(&volume.grid);
    for (bm_index t = 0; t < 3; t++)
        for (bm_index v = 0; v < voxels; v++) volume.data[t * voxels + v] = v / 576 == t ? 2 : 0;
    volume.tr_s = tr_s;
    volume.xform.pixdim[4] = tr_s;
    const char *path = test_write_frames("atlas.nii", &volume, 0, 3);
    bm_volume_release(&volume);
    return path;
}

START_TEST(several_maps_are_an_atlas_and_one_can_be_chosen)
{
    struct bm_figure_opts opts = bm_figure_default;
    struct bm_subject subject = BM_SUBJECT_INIT;
    const char *path = write_atlas(0);
    ok(bm_subject_open(&test_ctx, &opts, path, &subject));
    ck_assert(subject.labels);
    ck_assert_int_eq(subject.n_regions, 3);
    ck_assert_double_eq(subject.map.data[0], 1);
    ck_assert_double_eq(subject.map.data[576], 2);
    bm_subject_release(&subject);
    opts.map.frame = 1;
    subject = (struct bm_subject)BM_SUBJECT_INIT;
    ok(bm_subject_open(&test_ctx, &opts, path, &subject));
    ck_assert_double_eq(subject.map.data[576], opts.map.labels == BM_LABELS_NO ? 2 : 1);
    bm_subject_release(&subject);
    opts.map.frame = 3;
    fails(bm_subject_open(&test_ctx, &opts, path, &subject), BM_EINPUT, "there are 3");
}
END_TEST

START_TEST(percentiles_are_those_of_sorted_numbers)
{
    float x[] = {5, 1, 4, 2, 3, 9, 9, 0.5f};
    static const double want[][2] = {{0, .5}, {50, 3.5}, {100, 9}, {25, 1.75}};
    for (size_t i = 0; i < 4; i++) near(bm_percentile(x, 8, want[i][0]), want[i][1], 1e-6, 0);
}
END_TEST

START_TEST(ranges_follow_signs_and_options)
{
    static const struct {
        const char *range;
        double least, most, threshold, lo, hi;
        bool two_sided;
    } cases[] = {{NULL, -2, 5, 1, -5, 5, true},      {NULL, 2, 5, 1, 1, 5, false},
                 {NULL, -5, -2, 1, -5, -1, false},   {"2:4", -2, 5, 0, -4, 4, true},
                 {"-3:3", -2, 5, 0, -3, 3, true},    {"1:3", 2, 5, 0, 1, 3, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bm_look_opts look = BM_LOOK_OPTS_DEFAULT;
        struct bm_scale scale;
        look.range = cases[i].range;
        ok(bm_scale_settle(&test_ctx, &look, cases[i].least, cases[i].most, cases[i].threshold,
                           false, &scale));
        near(scale.lo, cases[i].lo, 1e-12, 0);
        near(scale.hi, cases[i].hi, 1e-12, 0);
        ck_assert_int_eq(scale.two_sided, cases[i].two_sided);
    }
}
END_TEST

/* A legend and the pictures are of the same colours, however many regions there are. */
START_TEST(regions_are_named_and_coloured_by_their_labels)
{
    struct bm_figure_opts opts = bm_figure_default;
    struct bm_subject subject = BM_SUBJECT_INIT;
    const char *path = write_regions(&opts.map.names);
    opts.map.names = test_write_text("few.tsv", "index\tname\n3\tthree\n1\tone\n900\tnone\n");
    ok(bm_subject_open(&test_ctx, &opts, path, &subject));
    ck_assert_int_eq(subject.n_regions, 252);
    ck_assert_str_eq(subject.region_name[0], "one");
    ck_assert_str_eq(subject.region_name[1], "2"); /* has no name */
    ck_assert_str_eq(subject.region_name[2], "three");
    for (int r = 1; r <= 252; r++) {
        struct bm_rgb own = bm_subject_region_color(&subject, r), other = bm_region_color(r - 1);
        ck_assert_mem_eq(&own, &other, sizeof own);
    }
    struct bm_rgb first = bm_region_color(0), again = bm_region_color(BM_REGION_COLORS);
    ck_assert_mem_eq(&first, &again, sizeof first);
    bm_subject_release(&subject);
    opts.map.names = test_write_text("list.txt", "one\ntwo\n");
    fails(bm_subject_open(&test_ctx, &opts, path, &subject), BM_EINPUT,
          "list.txt: 2 names for 252 regions");
}
END_TEST

/* What is too faint to be seen makes no picture larger. */
START_TEST(a_picture_is_cut_to_what_can_be_seen)
{
    struct bm_figure_opts opts = bm_figure_default;
    struct bm_subject subject = BM_SUBJECT_INIT;
    double lo[3], hi[3];
    opts.brain.background = write_brain();
    /* 5 in a ball, and a thousandth of it all around: no threshold, and nothing is 0. */
    const char *path = write_ball("map.nii", (double[]){-30, -20, 30}, 22, 8, 0, 5, .005f);
    ok(bm_subject_open(&test_ctx, &opts, path, &subject));
    ck_assert(subject.fade);
    ck_assert(bm_subject_where(&subject, lo, hi));
    for (int d = 0; d < 3; d++) ck_assert_double_lt(hi[d] - lo[d], 60);
    ck_assert_double_lt(subject.hi[0] - subject.lo[0], 160); /* the brain's, not the image's 260 */
    ok(bm_subject_thin(&test_ctx, &subject, "99.9%"));
    ck_assert_double_gt(subject.scale.threshold, 4.9);
    bm_subject_release(&subject);
    opts.map.threshold = "0.001";
    subject = (struct bm_subject)BM_SUBJECT_INIT;
    ok(bm_subject_open(&test_ctx, &opts, path, &subject));
    ck_assert_double_gt(subject.hi[0] - subject.lo[0], 250);
    ok(bm_subject_thin(&test_ctx, &subject, "99%")); /* one was given: it stays */
    ck_assert_double_lt(subject.scale.threshold, .0011);
    bm_subject_release(&subject);
}
END_TEST

static enum bm_status draw_small(void *arg)
{
    struct bm_figure_opts opts = bm_figure_default;
    struct bm_sheet sheet = BM_SHEET_INIT;
    opts.look.size = "200x200";
    opts.look.title = "T";
    opts.view.axis = BM_AXIS_Z;
    opts.cuts.cuts = "0";
    opts.brain.mask = arg;
    enum bm_status status =
        bm_figure_draw(&test_ctx, "slices", &opts, arg, &flat_renderer, &sheet);
    bm_sheet_release(&sheet);
    return status;
}

START_TEST(drawing_survives_every_refused_allocation)
{
    test_survives_no_memory(
        draw_small, (void *)write_ball("m.nii", (double[]){0, -18, 8}, 40, 20, 0, 3, 0));
}
END_TEST

Suite *figure_suite(void);
Suite *figure_suite(void)
{
    Suite *suite = suite_create("figure");
    TCase *tc = test_case(suite, "figure");
    tcase_add_loop_test(tc, text_is_never_cut_and_never_meets_other_text, 0, 6);
    tcase_add_test(tc, a_layout_alone_places_the_labels_of_the_figure);
    tcase_add_test(tc, a_legend_says_how_many_names_it_leaves_out);
    tcase_add_loop_test(tc, what_is_on_the_left_is_drawn_on_the_left, 0, 2);
    tcase_add_loop_test(tc, an_oblique_grid_gives_the_picture_of_a_straight_one, 0, 2);
    tcase_add_test(tc, an_empty_map_is_drawn_with_a_warning);
    tcase_add_test(tc, one_voxel_is_seen_in_every_view_of_planes);
    tcase_add_test(tc, several_maps_are_an_atlas_and_one_can_be_chosen);
    tcase_add_test(tc, regions_are_named_and_coloured_by_their_labels);
    tcase_add_test(tc, a_picture_is_cut_to_what_can_be_seen);
    tcase_add_test(tc, percentiles_are_those_of_sorted_numbers);
    tcase_add_test(tc, ranges_follow_signs_and_options);
    tcase_add_test(tc, drawing_survives_every_refused_allocation);
    return suite;
}
