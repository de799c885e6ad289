/* model.json of the three models, read as `--from DIR` reads it: a model, or a sentence that names
 * what is wrong. Images that stand beside it are not there, so only a connectome can be whole. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "brain/connectome_model.h"
#include "brain/decode_model.h"
#include "brain/dictlearn_model.h"
#include "fuzz/fuzz.h"

#define PREPARE \
    "\"mask\": \"auto\", \"smooth\": 0, \"detrend\": 1, \"standardize\": \"z\", " \
    "\"high-pass\": 0, \"low-pass\": 0, \"tr\": 0, \"confounds\": null, \"scrub\": 0, " \
    "\"resample\": null, \"subjects\": null, \"tolerance\": 0.0001, \"seed\": 0"

uint8_t *fuzz_seed(int i, size_t *n)
{
    static const char *const seeds[] = {
        "{\"format\": \"brainmine connectome 1\", \"version\": \"0.1.0\", \"parameters\": {"
        "\"atlas\": null, \"names\": null, \"header\": \"auto\", \"transpose\": false, "
        "\"model\": \"auto\", \"shrinkage\": 0.1, \"kind\": \"correlation,precision\", "
        "\"alpha\": \"auto\", \"rule\": \"best\", \"cv\": \"kfold:5\", \"compare\": false, "
        "\"min-coverage\": 0.5, \"threshold\": null, " PREPARE "}, \"input\": \"tables\", "
        "\"atlas\": null, \"model\": \"group-sparse\", \"subjects\": [\"sub-01\", \"sub-02\"], "
        "\"nodes\": [\"a\", \"b\", \"c\"], \"frames\": [80, 80], \"alpha\": 0.05}",
        "{\"format\": \"brainmine decoder 1\", \"version\": \"0.1.0\", \"parameters\": {" PREPARE
        ", \"samples\": \"s.tsv\", \"target\": \"1\", \"groups\": \"2\", \"runs\": null, "
        "\"keep\": \"face,house\", \"drop\": null, \"average\": \"none\", \"model\": \"svm\"}, "
        "\"run_column\": \"2\", \"estimator\": \"svm\", \"task\": \"classification\", "
        "\"classes\": [\"face\", \"house\"], \"intercept\": [-0.4], \"samples\": 216, "
        "\"voxels\": 530}",
        "{\"format\": \"brainmine atlas 1\", \"version\": \"0.1.0\", \"parameters\": {" PREPARE
        ", \"components\": \"2\", \"model\": \"msdl\"}, \"model\": \"msdl\", "
        "\"subjects\": [\"x\"], \"components\": 2, \"voxels\": 800, \"scale\": [4.1, 3.3], "
        "\"covariance\": [2, 1, 1, 2], \"energy\": 800, \"certificate\": {\"lambda\": 0.1, "
        "\"lambda_absolute\": 1.6, \"mu\": 3.2, \"noise\": 0.8, \"spread\": 0.2}}",
    };
    if ((size_t)i >= sizeof seeds / sizeof *seeds) return NULL;
    *n = strlen(seeds[i]);
    uint8_t *copy = malloc(*n);
    if (!copy) abort();
    memcpy(copy, seeds[i], *n);
    return copy;
}

static char dir[] = "/tmp/brainmine-fuzz-XXXXXX", file[sizeof dir + 16];

static void clean_up(void)
{
    unlink(file);
    rmdir(dir);
}

static void put(const uint8_t *bytes, size_t n)
{
    if (!file[0]) {
        if (!mkdtemp(dir) || atexit(clean_up)) abort();
        snprintf(file, sizeof file, "%s/model.json", dir);
    }
    unlink(file); /* a file that is cut and written again is flushed by some file systems */
    FILE *out = fopen(file, "wb");
    if (!out || fwrite(bytes, 1, n, out) != n || fclose(out)) abort();
}

/* A refusal is a sentence about the input. */
static void look(const struct bm_ctx *ctx, enum bm_status status)
{
    if (status == BM_OK) return;
    if ((status != BM_EINPUT && status != BM_EUSAGE) || !strchr(ctx->message, ':')) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct bm_ctx ctx;
    struct bm_mem mem;
    struct bm_connectome_model_file connectome = BM_CONNECTOME_MODEL_FILE_INIT;
    struct bm_decoder decoder = BM_DECODER_INIT;
    struct bm_dictlearn_model atlas = BM_DICTLEARN_MODEL_INIT;
    bm_ctx_init(&ctx);
    bm_mem_init(&mem);
    ctx.mem = &mem;
    put(bytes, n);
    look(&ctx, bm_connectome_load(&ctx, dir, &connectome));
    look(&ctx, bm_decoder_load(&ctx, dir, &decoder));
    look(&ctx, bm_dictlearn_load(&ctx, dir, &atlas));
    bm_connectome_model_release(&connectome);
    bm_decoder_release(&decoder);
    bm_dictlearn_model_release(&atlas);
    if (mem.live != 0) abort();
    return 0;
}
