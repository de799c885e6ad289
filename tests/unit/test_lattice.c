#include <math.h>
#include <string.h>

#include "num/lattice.h"
#include "num/tv_kernels_internal.h"
#include "support/dense_tv.h"
#include "support/fixture.h"
#include "util/rng.h"

enum { MOST_CELLS = 2500 };

/* Masks: voxels with probability `density` of a grid, or special ones. */
static const struct {
    bm_index dim[3];
    double density;
    enum { RANDOM, TWO_PARTS, INNER, LONE } kind;
} masks[] = {
    {{6, 5, 4}, 1, RANDOM},      {{13, 9, 7}, 0.5, RANDOM},    {{9, 9, 9}, 0.1, RANDOM},
    {{1, 1, 1}, 1, RANDOM},      {{40, 30, 1}, 0.7, RANDOM},   {{1, 30, 40}, 0.7, RANDOM},
    {{30, 1, 20}, 0.6, RANDOM},  {{17, 1, 1}, 1, RANDOM},      {{1, 1, 17}, 1, RANDOM},
    {{20, 6, 5}, 1, TWO_PARTS},  {{10, 9, 8}, 0.8, INNER},     {{7, 7, 7}, 1, LONE},
};
enum { MASKS = sizeof masks / sizeof *masks };

static bm_index mask(int which, bm_index *voxels)
{
    const bm_index *dim = masks[which].dim;
    struct bm_rng rng = bm_rng_stream(0, "test.lattice", (uint64_t)which);
    bm_index p = 0;
    for (bm_index c = 0; c < dim[0] * dim[1] * dim[2]; c++) {
        const bm_index x = c % dim[0], y = c / dim[0] % dim[1], z = c / dim[0] / dim[1];
        bool in = bm_rng_uniform(&rng) < masks[which].density;
        if (masks[which].kind == TWO_PARTS) in = x < 8 || x > 10;
        if (masks[which].kind == INNER)
            in = in && x > 1 && x < dim[0] - 1 && y > 2 && y < dim[1] - 2 && z > 0 &&
                 z < dim[2] - 1;
        if (masks[which].kind == LONE) in = (x == 3 && y == 3 && z == 3) || (z == 5 && x > 4);
        if (in) voxels[p++] = c;
    }
    return p;
}

struct both {
    bm_index voxels[MOST_CELLS]; /* the free ones */
    struct bm_lattice lattice;
    struct dense dense;
};

/* The loop test's index counts masks with the boundary inside, then zero; then the same with a part
 * of the voxels chosen. */
static void make(struct both *b, int index)
{
    static bm_index all[MOST_CELLS];
    static unsigned char some[MOST_CELLS];
    int which = index % MASKS;
    enum bm_boundary boundary = index / MASKS % 2 ? BM_BOUNDARY_ZERO : BM_BOUNDARY_INSIDE;
    const unsigned char *chosen = index < 2 * MASKS ? NULL : some;
    struct bm_rng rng = bm_rng_stream(0, "test.lattice.chosen", (uint64_t)which);
    bm_index p = mask(which, all), count = 0;
    for (bm_index j = 0; j < p; j++) {
        some[j] = j == 0 || bm_rng_uniform(&rng) < 0.4 || all[j] % masks[which].dim[0] > 7;
        if (!chosen || some[j]) b->voxels[count++] = all[j];
    }
    b->lattice = (struct bm_lattice)BM_LATTICE_INIT;
    ok(bm_lattice_make(&test_ctx, masks[which].dim, all, p, chosen, boundary, &b->lattice));
    ck_assert_int_eq(b->lattice.p, count);
    dense_make(&b->dense, masks[which].dim, all, p, chosen, boundary);
}

static void release(struct both *b)
{
    dense_release(&b->dense);
    bm_lattice_release(&b->lattice);
}

static float *nodes(const struct both *b, bm_index planes)
{
    float *v;
    ok(bm_calloc(&test_ctx, &v, planes * b->lattice.room, sizeof *v));
    return v;
}

START_TEST(gradient_and_adjoint_are_those_of_the_plain_grid)
{
    struct both b;
    make(&b, _i);
    struct bm_rng rng = bm_rng_stream(0, "test.lattice.values", (uint64_t)_i);
    bm_index room = b.lattice.room, p = b.lattice.p;
    float *w = nodes(&b, 1), *v = nodes(&b, 3), *g = nodes(&b, 3), *out = nodes(&b, 1);
    static double x[MOST_CELLS], grad[3 * MOST_CELLS], back[MOST_CELLS];
    for (bm_index j = 0; j < p; j++)
        x[j] = (double)(w[b.lattice.node_of[j]] = (float)bm_rng_normal(&rng));
    ck_assert_int_eq(b.lattice.edges, b.dense.edges);
    bm_kernel_tv_gradient(&b.lattice, w, g);
    dense_gradient(&b.dense, x, grad);
    double sum = 0, dense_sum = 0, scale = 1e-300;
    for (bm_index i = 0; i < 3 * room; i++) sum += (double)g[i] * (double)g[i];
    for (bm_index i = 0; i < 3 * b.dense.cells; i++) dense_sum += grad[i] * grad[i];
    near(sum, dense_sum, 0, 1e-6);
    for (bm_index j = 0; j < p; j++)
        for (int d = 0; d < 3; d++)
            near((double)g[d * room + b.lattice.node_of[j]],
                 grad[d * b.dense.cells + b.voxels[j]], 0, 1e-6);

    /* <Dw, v> = <w, D'v> for any v; and D'D w in one go. */
    for (bm_index i = 0; i < 3 * room; i++)
        v[i] = g[i] != 0 ? (float)bm_rng_normal(&rng) : 0;
    bm_kernel_tv_adjoint(&b.lattice, v, out);
    double left = 0, right = 0;
    for (bm_index i = 0; i < 3 * room; i++) {
        left += (double)g[i] * (double)v[i];
        scale += fabs((double)g[i] * (double)v[i]);
    }
    for (bm_index i = 0; i < room; i++) right += (double)w[i] * (double)out[i];
    near(left, right, 1e-6 * scale, 0);
    bm_kernel_tv_laplacian(&b.lattice, w, out);
    dense_adjoint(&b.dense, grad, back);
    for (bm_index j = 0; j < p; j++) near((double)out[b.lattice.node_of[j]], back[j], 1e-5, 0);
    bm_free(w);
    bm_free(v);
    bm_free(g);
    bm_free(out);
    release(&b);
}
END_TEST

/* Spread the lowest voxel number over each component; a fixed 0 spreads as -1. */
static void label(const struct dense *d, bm_index *labels)
{
    bool changed = true;
    for (bm_index c = 0; c < d->cells; c++) labels[c] = d->voxel[c];
    while (changed) {
        changed = false;
        bm_index step = 1;
        for (int a = 0; a < 3; step *= d->dim[a++])
            for (bm_index c = 0; c < d->cells; c++) {
                if (!d->counts[a * d->cells + c] || labels[c] == labels[c + step]) continue;
                bm_index low = labels[c] < labels[c + step] ? labels[c] : labels[c + step];
                labels[c] = labels[c + step] = low;
                changed = true;
            }
    }
}

START_TEST(components_are_the_free_connected_parts)
{
    struct both b;
    make(&b, _i);
    static bm_index labels[MOST_CELLS];
    label(&b.dense, labels);
    bm_index parts = 0;
    for (bm_index j = 0; j < b.lattice.p; j++) {
        bm_index own = labels[b.voxels[j]];
        if (own == j) ck_assert_int_eq(b.lattice.component[j], parts++);
        else if (own < 0) ck_assert_int_eq(b.lattice.component[j], -1);
        else ck_assert_int_eq(b.lattice.component[j], b.lattice.component[own]);
    }
    ck_assert_int_eq(b.lattice.n_components, parts);
    release(&b);
}
END_TEST

START_TEST(a_full_grid_has_no_outside)
{
    struct both inside, zero;
    make(&inside, 0);
    make(&zero, MASKS);
    ck_assert_int_eq(inside.lattice.edges, 5 * 5 * 4 + 6 * 4 * 4 + 6 * 5 * 3);
    ck_assert_int_eq(zero.lattice.edges, inside.lattice.edges);
    ck_assert_int_eq(zero.lattice.n_components, 1);
    release(&inside);
    release(&zero);
}
END_TEST

START_TEST(the_small_problem_has_270_edges_and_the_eigenvalue_of_its_table)
{
    bm_index voxels[TINY_VOXELS];
    struct bm_lattice lattice = BM_LATTICE_INIT;
    tiny_voxels(voxels);
    ok(bm_lattice_make(&test_ctx, tiny_dim, voxels, TINY_VOXELS, NULL, BM_BOUNDARY_INSIDE,
                       &lattice));
    ck_assert_int_eq(lattice.edges, 270);
    ck_assert_int_eq(lattice.n_components, 1);
    float *x, *y;
    double value = 0;
    ok(bm_calloc(&test_ctx, &x, 2 * lattice.room, sizeof *x));
    y = x + lattice.room;
    struct bm_rng rng = bm_rng_stream(0, "test.power", 0);
    for (bm_index j = 0; j < lattice.p; j++) x[lattice.node_of[j]] = (float)bm_rng_normal(&rng);
    for (int k = 0; k < 2000; k++) {
        double square = 0, cross = 0, size = 0;
        bm_kernel_tv_laplacian(&lattice, x, y);
        for (bm_index i = 0; i < lattice.room; i++) {
            square += (double)x[i] * (double)x[i];
            cross += (double)x[i] * (double)y[i];
            size += (double)y[i] * (double)y[i];
        }
        value = cross / square;
        for (bm_index i = 0; i < lattice.room; i++) x[i] = y[i] / (float)sqrt(size);
    }
    near(value, 10.451188446, 0, 1e-6);
    bm_free(x);
    bm_lattice_release(&lattice);
}
END_TEST

START_TEST(an_empty_mask_is_refused)
{
    struct bm_lattice lattice = BM_LATTICE_INIT;
    fails(bm_lattice_make(&test_ctx, tiny_dim, NULL, 0, NULL, BM_BOUNDARY_INSIDE, &lattice),
          BM_EINPUT, "mask has 0 voxels");
    ck_assert_ptr_null(lattice.rows);
}
END_TEST

static enum bm_status make_tiny(void *arg)
{
    struct bm_lattice lattice = BM_LATTICE_INIT;
    enum bm_status status = bm_lattice_make(&test_ctx, tiny_dim, arg, TINY_VOXELS, NULL,
                                            BM_BOUNDARY_ZERO, &lattice);
    bm_lattice_release(&lattice);
    return status;
}

START_TEST(making_one_survives_no_memory)
{
    bm_index voxels[TINY_VOXELS];
    tiny_voxels(voxels);
    test_survives_no_memory(make_tiny, voxels);
}
END_TEST

Suite *lattice_suite(void);
Suite *lattice_suite(void)
{
    Suite *suite = suite_create("lattice");
    TCase *tcase = test_case(suite, "lattice");
    tcase_add_loop_test(tcase, gradient_and_adjoint_are_those_of_the_plain_grid, 0, 4 * MASKS);
    tcase_add_loop_test(tcase, components_are_the_free_connected_parts, 0, 4 * MASKS);
    tcase_add_test(tcase, a_full_grid_has_no_outside);
    tcase_add_test(tcase, the_small_problem_has_270_edges_and_the_eigenvalue_of_its_table);
    tcase_add_test(tcase, an_empty_mask_is_refused);
    tcase_add_test(tcase, making_one_survives_no_memory);
    return suite;
}
