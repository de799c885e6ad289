/* model.json and what is read back of it: round trip, and damage of every kind. */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "brain/decode_report.h"
#include "support/fixture.h"
#include "support/images.h"
#include "support/study.h"
#include "util/path.h"

/* Two classes of three, or numbers. */
static void make(struct test_study *study, const char *model, const char *target)
{
    test_study_make(study, 3, 10);
    study->rows.target = target;
    if (strcmp(target, "label") == 0) study->rows.drop = "key";
    study->opts.cv = study->opts.inner_cv = "kfold:2";
    if (bm_estimator_find(model)->caps & BM_USES_ALPHA) study->opts.alpha = "0.3max";
    ok(test_study_fit(study, model));
}

/* ---- round trip ---- */

static const struct {
    const char *model, *target;
    bool three;
} cases[] = {{"tv-l1", "label", false}, {"ridge", "target", false}, {"svm", "label", true},
             {"correlation", "label", true}, {"logistic", "label", false}};

START_TEST(a_model_read_back_predicts_what_its_fit_did)
{
    struct test_study study;
    struct bm_decoder decoder = BM_DECODER_INIT;
    struct bm_rows rows = BM_ROWS_INIT;
    struct bm_mat F = BM_MAT_INIT;
    test_study_make(&study, 3, 10);
    study.rows.target = cases[_i].target;
    if (strcmp(cases[_i].target, "label") == 0 && !cases[_i].three)
        study.rows.keep = "face,house";
    study.opts.cv = study.opts.inner_cv = "kfold:2";
    study.opts.select = strcmp(cases[_i].model, "tv-l1") == 0 ? "30%" : NULL;
    ok(test_study_fit(&study, cases[_i].model));
    ok(bm_decoder_load(&test_ctx, test_study_write(&study, "model"), &decoder));
    const struct bm_fit *fit = &study.decoding.selected.fit[study.decoding.selected.n_sets - 1];
    ck_assert_str_eq(decoder.estimator->name, cases[_i].model);
    ck_assert_int_eq(decoder.n_classes, study.plan.rows.n_classes);
    for (bm_index k = 0; k < decoder.n_classes; k++)
        ck_assert_str_eq(decoder.class_name[k], study.plan.rows.class_name[k]);
    ck_assert_int_eq(decoder.targets, fit->decision.cols);
    for (bm_index k = 0; k < decoder.targets; k++)
        near(decoder.intercept[k], fit->intercept[k], 0, 0); /* to the last digit */
    ck_assert_int_eq(decoder.mask.p, study.decoding.mask.p);
    ok(bm_decoder_apply(&test_ctx, &decoder, &study.rows, &study.inputs, &rows, &F));
    ck_assert_int_eq(rows.n, study.plan.rows.n);
    ck_assert_mem_eq(rows.first, study.plan.rows.first, (size_t)rows.n * sizeof *rows.first);
    double most = 0, score;
    for (bm_index i = 0; i < F.rows; i++)
        for (bm_index k = 0; k < F.cols; k++) most = fmax(most, fabs(*bm_mat_at(&F, i, k)));
    test_mat_near(&F, &fit->decision, 1e-4 * most, 0);
    const struct bm_metric *metric = study.plan.metrics[0];
    ok(bm_decoder_score(&test_ctx, &decoder, &rows, &F, metric, &score));
    ck_assert(score > 0.5 && score <= 1); /* accuracy or r2, on the training samples */
    bm_decoder_release(&decoder);
    bm_rows_release(&rows);
    bm_mat_release(&F);
    test_study_release(&study);
}
END_TEST

START_TEST(preparation_and_averaging_come_back)
{
    struct test_study study;
    struct bm_decoder decoder = BM_DECODER_INIT;
    test_study_make(&study, 2, 5);
    study.prepare.smooth_mm = 4.5;
    study.prepare.detrend = 2;
    study.prepare.standardize = BM_STD_PSC;
    study.prepare.high_pass_hz = 0.01;
    study.opts.average = BM_AVERAGE_BLOCK;
    study.opts.cv = study.opts.inner_cv = "kfold:2";
    ok(test_study_fit(&study, "ridge"));
    const char *dir = test_study_write(&study, "model");
    ok(bm_decoder_load(&test_ctx, dir, &decoder));
    near(decoder.prepare.smooth_mm, 4.5, 0, 0);
    near(decoder.prepare.high_pass_hz, 0.01, 0, 0);
    ck_assert_int_eq(decoder.prepare.detrend, 2);
    ck_assert_int_eq(decoder.prepare.standardize, BM_STD_PSC);
    ck_assert_int_eq(decoder.average, BM_AVERAGE_BLOCK);
    ck_assert(strncmp(decoder.prepare.mask, dir, strlen(dir)) == 0); /* its own mask */
    ck_assert_str_eq(decoder.run_column, "run");
    bm_decoder_release(&decoder);
    test_study_release(&study);
}
END_TEST

START_TEST(a_seed_is_recorded_to_the_last_digit)
{
    struct test_study study;
    struct bm_text json = BM_TEXT_INIT;
    make(&study, "svm", "label");
    test_ctx.seed = UINT64_MAX - 2;
    ok(bm_decoder_describe(&test_ctx, "0", &study.prepare, &study.rows, &study.opts, &study.plan,
                           &study.decoding, NULL, 0, 1e-4, &json));
    ck_assert_ptr_nonnull(strstr(json.data, "18446744073709551613"));
    ck_assert_ptr_null(strstr(json.data, test_dir())); /* no folder of this machine */
    bm_text_release(&json);
    test_study_release(&study);
}
END_TEST

/* ---- damage ---- */

static void write_model(const char *dir, const char *bytes, size_t n)
{
    char path[512];
    snprintf(path, sizeof path, "%s/model.json", dir);
    ok(bm_write_file(&test_ctx, path, bytes, n, true));
}

static char *read_model(const char *dir, int64_t *n)
{
    char path[512], *bytes = NULL;
    snprintf(path, sizeof path, "%s/model.json", dir);
    ok(bm_read_file(&test_ctx, path, 1 << 20, &bytes, n));
    return bytes;
}

static enum bm_status load(const char *dir)
{
    struct bm_decoder decoder = BM_DECODER_INIT;
    enum bm_status status = bm_decoder_load(&test_ctx, dir, &decoder);
    if (status != BM_OK) ck_assert(!decoder.json && !decoder.W && !decoder.mask_path);
    bm_decoder_release(&decoder);
    return status;
}

START_TEST(a_file_cut_anywhere_is_refused)
{
    struct test_study study;
    int64_t n;
    make(&study, "svm", "label");
    const char *dir = test_study_write(&study, "model");
    char *bytes = read_model(dir, &n);
    while (n > 0 && bytes[n - 1] == '\n') n--;
    for (int64_t cut = 0; cut < n; cut += 1 + cut % 7) {
        write_model(dir, bytes, (size_t)cut);
        fails(load(dir), BM_EINPUT, "model.json");
    }
    write_model(dir, bytes, (size_t)n);
    ok(load(dir));
    bm_free(bytes);
    test_study_release(&study);
}
END_TEST

START_TEST(bytes_after_the_object_are_refused)
{
    struct test_study study;
    struct bm_text text = BM_TEXT_INIT;
    int64_t n;
    make(&study, "svm", "label");
    const char *dir = test_study_write(&study, "model");
    char *bytes = read_model(dir, &n);
    ok(bm_text_add(&test_ctx, &text, "%s{}", bytes));
    write_model(dir, text.data, (size_t)text.length);
    fails(load(dir), BM_EINPUT, "is not one JSON object");
    bm_free(bytes);
    bm_text_release(&text);
    test_study_release(&study);
}
END_TEST

/* Each: a field ("a.b"), what stands there instead (JSON; NULL = nothing), the sentence. */
static const struct {
    const char *field, *value, *sentence;
} damages[] = {
    {"format", NULL, "model.json: field \"format\""},
    {"format", "\"brainmine decoder 2\"", "field \"format\" is \"brainmine decoder 2\""},
    {"format", "7", "field \"format\""},
    {"parameters", NULL, "field \""},
    {"parameters", "[1,2]", "field \""},
    {"parameters.standardize", NULL, "field \"standardize\""},
    {"parameters.standardize", "\"zz\"", "model.json: parameters: --standardize"},
    {"parameters.detrend", "1e300", "model.json: parameters: --detrend"},
    {"parameters.detrend", "1.5", "--detrend"},
    {"parameters.smooth", "-1", "--smooth"},
    {"parameters.smooth", "{}", "field \"smooth\""},
    {"parameters.average", "\"run\"", "field \"average\""},
    {"parameters.average", "1", "field \"average\""},
    {"estimator", NULL, "field \"estimator\""},
    {"estimator", "\"lasso\"", "field \"estimator\""},
    {"estimator", "3", "field \"estimator\""},
    {"classes", NULL, "field \"classes\""},
    {"classes", "{\"a\":1}", "field \"classes\""},
    {"classes", "[\"face\"]", "field \"classes\""},
    {"classes", "[\"face\", 2]", "field \"classes\""},
    {"classes", "[\"house\", \"face\"]", "field \"classes\""},
    {"classes", "[\"face\", \"face\"]", "field \"classes\""},
    {"classes", "[\"a\",\"b\",\"c\"]", "field \"intercept\""},
    {"intercept", NULL, "field \"intercept\""},
    {"intercept", "[]", "field \"intercept\""},
    {"intercept", "[1, 2]", "field \"intercept\""},
    {"intercept", "[null]", "field \"intercept\""},
    {"intercept", "[1e999]", "field \"intercept\""},
    {"intercept", "\"0\"", "field \"intercept\""},
    {"voxels", NULL, "field \"voxels\""},
    {"voxels", "-5", "field \"voxels\""},
    {"voxels", "1e300", "field \"voxels\""},
    {"voxels", "17", "mask.nii.gz: "},
};
enum { DAMAGES = sizeof damages / sizeof *damages };

START_TEST(damaged_fields_are_named)
{
    struct test_study study;
    int64_t n;
    make(&study, "svm", "label");
    const char *dir = test_study_write(&study, "model");
    char *bytes = read_model(dir, &n);
    for (int k = 0; k < DAMAGES; k++) {
        cJSON *json = cJSON_Parse(bytes), *object = json;
        const char *field = damages[k].field;
        if (strchr(field, '.')) {
            object = cJSON_GetObjectItem(json, "parameters");
            field = strchr(field, '.') + 1;
        }
        ck_assert_msg(cJSON_HasObjectItem(object, field), "no field %s", damages[k].field);
        if (damages[k].value)
            cJSON_ReplaceItemInObject(object, field, cJSON_CreateRaw(damages[k].value));
        else cJSON_DeleteItemFromObject(object, field);
        char *text = cJSON_PrintUnformatted(json);
        write_model(dir, text, strlen(text));
        fails(load(dir), BM_EINPUT, damages[k].sentence);
        cJSON_free(text);
        cJSON_Delete(json);
    }
    bm_free(bytes);
    test_study_release(&study);
}
END_TEST

START_TEST(what_is_no_model_is_refused)
{
    struct test_study study;
    struct bm_text deep = BM_TEXT_INIT;
    make(&study, "svm", "label");
    const char *dir = test_study_write(&study, "model");
    static const char *const texts[] = {"null", "3", "[]", "\"brainmine decoder 1\"", "{}", "\xff",
                                        "{\"format\":\"brainmine decoder 1\"}"};
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        write_model(dir, texts[k], strlen(texts[k]));
        fails(load(dir), BM_EINPUT, "model.json");
    }
    write_model(dir, "{}\0{}", 5);
    fails(load(dir), BM_EINPUT, "model.json");
    for (int k = 0; k < 200000; k++) ok(bm_text_add_bytes(&test_ctx, &deep, "[", 1));
    write_model(dir, deep.data, (size_t)deep.length);
    fails(load(dir), BM_EINPUT, "is not one JSON object");
    fails(load(test_path("no such folder")), BM_EINPUT, "model.json");
    bm_text_release(&deep);
    test_study_release(&study);
}
END_TEST

/* A sparse file, larger than any model. */
START_TEST(a_huge_file_is_refused_unread)
{
    struct test_study study;
    char path[512];
    make(&study, "svm", "label");
    const char *dir = test_study_write(&study, "model");
    snprintf(path, sizeof path, "%s/model.json", dir);
    FILE *file = fopen(path, "wb");
    ck_assert(fseek(file, 3L << 30, SEEK_SET) == 0 && fputc('}', file) != EOF);
    ck_assert_int_eq(fclose(file), 0);
    fails(load(dir), BM_EINPUT, "model.json");
    test_study_release(&study);
}
END_TEST

START_TEST(weights_that_do_not_belong_are_refused)
{
    struct test_study study;
    struct bm_nifti_meta meta = {.datatype = 0};
    struct bm_volume other = BM_VOLUME_INIT;
    make(&study, "svm", "label");
    const char *dir = test_study_write(&study, "model");
    const char *path = test_path("model/weights.nii.gz");
    struct bm_volume *weights = &study.decoding.weights;
    float *value = &weights->data[study.decoding.mask.voxels[7]], keep = *value;
    *value = NAN;
    ok(bm_volume_write(&test_ctx, path, weights, &meta, true));
    fails(load(dir), BM_EINPUT, "weights.nii.gz: a weight in the mask is not finite");
    *value = keep;
    struct bm_grid grid = weights->grid;
    grid.dim[0]--;
    ok(bm_volume_alloc(&test_ctx, &other, &grid, 1));
    ok(bm_volume_write(&test_ctx, path, &other, &meta, true));
    fails(load(dir), BM_EINPUT, "shape");
    bm_volume_release(&other);
    ok(bm_volume_alloc(&test_ctx, &other, &weights->grid, 2));
    other.xform = weights->xform;
    ok(bm_volume_write(&test_ctx, path, &other, &meta, true));
    fails(load(dir), BM_EINPUT, "weights.nii.gz: 2 maps, model.json has 1 intercepts");
    bm_volume_release(&other);
    ck_assert_int_eq(remove(path), 0);
    fails(load(dir), BM_EINPUT, "weights.nii.gz");
    ok(bm_volume_write(&test_ctx, path, weights, &meta, true));
    ok(load(dir));
    ck_assert_int_eq(remove(test_path("model/mask.nii.gz")), 0);
    fails(load(dir), BM_EINPUT, "mask.nii.gz");
    test_study_release(&study);
}
END_TEST

/* ---- memory ---- */

static enum bm_status load_and_apply(void *arg)
{
    struct test_study *study = arg;
    struct bm_decoder decoder = BM_DECODER_INIT;
    struct bm_rows rows = BM_ROWS_INIT;
    struct bm_mat F = BM_MAT_INIT;
    struct bm_text json = BM_TEXT_INIT;
    enum bm_status status = bm_decoder_describe(&test_ctx, "0", &study->prepare, &study->rows,
                                                &study->opts, &study->plan, &study->decoding, NULL,
                                                0, 1e-4, &json);
    if (status == BM_OK) status = bm_decoder_load(&test_ctx, test_path("model"), &decoder);
    if (status == BM_OK)
        status = bm_decoder_apply(&test_ctx, &decoder, &study->rows, &study->inputs, &rows, &F);
    bm_text_release(&json);
    bm_decoder_release(&decoder);
    bm_rows_release(&rows);
    bm_mat_release(&F);
    return status;
}

START_TEST(refused_memory_is_survived)
{
    struct test_study study;
    make(&study, "svm", "label");
    test_study_write(&study, "model");
    test_survives_no_memory(load_and_apply, &study);
    test_study_release(&study);
}
END_TEST

/* cJSON has its own door: refuse its k-th block. */
static long blocks_left;

static void *sparing(size_t size)
{
    if (blocks_left-- <= 0) return NULL;
    return malloc(size);
}

START_TEST(memory_refused_to_json_is_survived)
{
    struct test_study study;
    struct bm_source source = {.role = "image", .name = "a.nii", .sha256 = "00"};
    cJSON_Hooks hooks = {sparing, free};
    enum bm_status status = BM_ENOMEM;
    make(&study, _i ? "ridge" : "svm", _i ? "target" : "label");
    cJSON_InitHooks(&hooks);
    for (long k = 0; status != BM_OK; k++) {
        struct bm_text json = BM_TEXT_INIT;
        blocks_left = k;
        status = bm_decoder_describe(&test_ctx, "0", &study.prepare, &study.rows, &study.opts,
                                     &study.plan, &study.decoding, &source, 1, 1e-4, &json);
        ck_assert(status == BM_OK || (status == BM_ENOMEM && json.length == 0));
        ck_assert_int_lt(k, 10000);
        bm_text_release(&json);
    }
    cJSON_InitHooks(NULL);
    test_study_release(&study);
}
END_TEST

Suite *decode_model_suite(void);
Suite *decode_model_suite(void)
{
    Suite *suite = suite_create("decode_model");
    TCase *trip = test_case(suite, "round trip");
    tcase_add_loop_test(trip, a_model_read_back_predicts_what_its_fit_did, 0, 5);
    tcase_add_test(trip, preparation_and_averaging_come_back);
    tcase_add_test(trip, a_seed_is_recorded_to_the_last_digit);
    TCase *damage = test_case(suite, "damage");
    tcase_add_test(damage, a_file_cut_anywhere_is_refused);
    tcase_add_test(damage, bytes_after_the_object_are_refused);
    tcase_add_test(damage, damaged_fields_are_named);
    tcase_add_test(damage, what_is_no_model_is_refused);
    tcase_add_test(damage, a_huge_file_is_refused_unread);
    tcase_add_test(damage, weights_that_do_not_belong_are_refused);
    TCase *memory = test_case(suite, "memory");
    tcase_add_test(memory, refused_memory_is_survived);
    tcase_add_loop_test(memory, memory_refused_to_json_is_survived, 0, 2);
    return suite;
}
