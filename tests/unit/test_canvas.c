#include <math.h>
#include <stdlib.h>

#include "render/canvas.h"
#include "support/fixture.h"
#include "support/flat_renderer.h"
#include "util/rng.h"

static const struct bm_rgb white = {255, 255, 255}, black = {0, 0, 0};

/* Ink on a white sheet, in pixels. */
static double ink(const struct bm_canvas *canvas)
{
    double sum = 0;
    for (int i = 0; i < canvas->width * canvas->height; i++)
        sum += (255 - canvas->rgba[4 * i]) / 255.;
    return sum;
}

START_TEST(shapes_cover_their_area)
{
    struct bm_canvas canvas = BM_CANVAS_INIT;
    ok(bm_canvas_alloc(&test_ctx, &canvas, &flat_renderer, 100, 100, white, false));
    bm_canvas_fill(&canvas, (struct bm_box){10.25, 10.5, 30.5, 40}, black, 1);
    near(ink(&canvas), 20.25 * 29.5, .5, 0);
    double before = ink(&canvas);
    bm_canvas_disc(&canvas, 60.3, 60.8, 12, black, 1);
    near(ink(&canvas) - before, acos(-1) * 144, 3, 0);
    before = ink(&canvas);
    bm_canvas_triangle(&canvas, (double[]){50, 90, 70}, (double[]){5, 10, 40}, black);
    near(ink(&canvas) - before, .5 * (40 * 35 - 5 * 20), 6, 0);
    bm_canvas_release(&canvas);
}
END_TEST

START_TEST(shapes_may_leave_the_sheet)
{
    struct bm_canvas canvas = BM_CANVAS_INIT;
    ok(bm_canvas_alloc(&test_ctx, &canvas, &flat_renderer, 20, 10, white, false));
    bm_canvas_line(&canvas, -50, 5, 70, 5, 2, black, 1);
    bm_canvas_fill(&canvas, (struct bm_box){-5, -5, 100, 1}, black, 1);
    near(ink(&canvas), 20 * 2 + 20, .5, 0);
    bm_canvas_release(&canvas);
}
END_TEST

START_TEST(colours_on_a_transparent_sheet_come_out_as_they_went_in)
{
    struct bm_canvas canvas = BM_CANVAS_INIT;
    ok(bm_canvas_alloc(&test_ctx, &canvas, &flat_renderer, 2, 1, white, true));
    bm_canvas_mix(&canvas, 0, 0, (struct bm_rgb){200, 100, 40}, .5);
    bm_canvas_finish(&canvas);
    const unsigned char want[8] = {200, 100, 40, 128, 0, 0, 0, 0};
    for (int i = 0; i < 8; i++) ck_assert_int_le(abs(canvas.rgba[i] - want[i]), 1);
    bm_canvas_release(&canvas);
}
END_TEST

/* A hundred labels at random: whatever was placed lies on the sheet, apart from the others. */
START_TEST(labels_never_meet_nor_leave_the_sheet)
{
    struct bm_canvas canvas = BM_CANVAS_INIT;
    struct bm_rng rng = bm_rng_stream(7, "test.labels", 0);
    ok(bm_canvas_alloc(&test_ctx, &canvas, &flat_renderer, 300, 200, white, false));
    int count = 0;
    for (int i = 0; i < 100; i++) {
        bool placed;
        double x = 340 * bm_rng_uniform(&rng) - 20, y = 240 * bm_rng_uniform(&rng) - 20;
        struct bm_text_style style = {.px = 10, .upright = i % 3 == 0};
        ok(bm_canvas_label(&test_ctx, &canvas, x, y, (struct bm_anchor){.5, 0}, "label", style,
                           black, &placed));
        count += placed;
    }
    ck_assert_int_eq(count, canvas.n_labels);
    ck_assert_int_gt(count, 10);
    for (int i = 0; i < count; i++) {
        const struct bm_box *a = &canvas.labels[i];
        ck_assert(a->x0 >= 0 && a->y0 >= 0 && a->x1 <= 300 && a->y1 <= 200);
        for (int j = 0; j < i; j++) {
            const struct bm_box *b = &canvas.labels[j];
            ck_assert(a->x0 >= b->x1 || b->x0 >= a->x1 || a->y0 >= b->y1 || b->y0 >= a->y1);
        }
    }
    bm_canvas_release(&canvas);
}
END_TEST

Suite *canvas_suite(void);
Suite *canvas_suite(void)
{
    Suite *suite = suite_create("canvas");
    TCase *tc = test_case(suite, "canvas");
    tcase_add_test(tc, shapes_cover_their_area);
    tcase_add_test(tc, shapes_may_leave_the_sheet);
    tcase_add_test(tc, colours_on_a_transparent_sheet_come_out_as_they_went_in);
    tcase_add_test(tc, labels_never_meet_nor_leave_the_sheet);
    return suite;
}
