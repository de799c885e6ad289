/* Options, and how operands, the table of subjects and lists of confounds become checked inputs. */
#include <math.h>
#include <sys/stat.h>

#include "brain/prepare_internal.h"
#include "io/table.h"
#include "signal/confounds.h"
#include "util/path.h"

/* Options ----------------------------------------------------------------------------------- */

/* Text of --confounds: length of its list of files; what follows the colon, or NULL. */
static const char *split_confounds(const char *text, size_t *files)
{
    const char *colon = strrchr(text, ':');
    if (colon && strchr(colon, '/')) colon = NULL; /* a colon in a folder's name */
    *files = colon ? (size_t)(colon - text) : strlen(text);
    return colon ? colon + 1 : NULL;
}

const char *bm_prepare_confounds_choice(const char *text)
{
    size_t files;
    return split_confounds(text, &files);
}

static enum bm_status check_confounds(struct bm_ctx *ctx, const char *text)
{
    size_t files;
    char shown[128];
    const char *what = split_confounds(text, &files);
    if (what ? bm_confounds_is_strategy(what) : files > 0) return BM_OK;
    return bm_fail(ctx, BM_EUSAGE, "wants FILE,...[:COLUMNS|STRATEGY], got '%s'",
                   bm_escape(shown, sizeof shown, text));
}

static enum bm_status check_resample(struct bm_ctx *ctx, const char *text)
{
    double mm;
    if (!bm_parse_double(text, &mm) || (isfinite(mm) && mm > 0)) return BM_OK;
    return bm_fail(ctx, BM_EUSAGE, "wants a voxel size > 0 in mm or an image, got '%s'", text);
}

static const char *const standardize_names[] = {"z", "psc", "none", NULL};

#define AT(field) offsetof(struct bm_prepare_opts, field)
const struct bm_param bm_prepare_params[] = {
    {BM_P_FILE, 'm', "mask", AT(mask), "FILE|auto|none",
     "voxels that take part: those not 0 in FILE; auto: the brain found in the mean of each image, "
     "where all images have it; none: every voxel",
     .flags = 0},
    {BM_P_REAL, 0, "smooth", AT(smooth_mm), "MM",
     "smoothing by a Gaussian inside the mask, full width at half maximum; 0 = none", .lo = 0,
     .hi = 100},
    {BM_P_INT, 0, "detrend", AT(detrend), "N",
     "order of the drift polynomial removed from each run; 0 removes the mean alone, -1 nothing",
     .lo = -1, .hi = 20},
    {BM_P_CHOICE, 0, "standardize", AT(standardize), "z|psc|none",
     "scale of each voxel in each run: z = standard deviation 1, psc = percent of its mean; over "
     "the volumes that scrubbing leaves. Voxels that do not vary become 0",
     .choices = standardize_names},
    {BM_P_REAL, 0, "high-pass", AT(high_pass_hz), "HZ",
     "remove frequencies below HZ, in one step with drift and confounds; 0 = none", .lo = 0,
     .hi = 1000},
    {BM_P_REAL, 0, "low-pass", AT(low_pass_hz), "HZ", "remove frequencies above HZ; 0 = none",
     .lo = 0, .hi = 1000},
    {BM_P_REAL, 0, "tr", AT(tr_s), "S", "seconds between volumes, instead of what the images say",
     .lo = 0, .hi = 1000, .flags = BM_P_OPEN_LO, .otherwise = "from the header"},
    {BM_P_TEXT, 0, "confounds", AT(confounds), "FILE,...[:COLUMNS|STRATEGY]",
     "tables of nuisance series to remove, one for each image in the same order. COLUMNS are names "
     "joined by commas; STRATEGY is motion6, motion24, wmcsf, gsr, acompcor or simple (several "
     "joined by +) of an fMRIPrep table; neither: all columns of numbers. With --subjects only "
     ":COLUMNS or :STRATEGY",
     .check = check_confounds},
    {BM_P_REAL, 0, "scrub", AT(scrub_mm), "FD",
     "drop volumes whose framewise displacement, from the confounds, is over FD mm; 0 = none",
     .lo = 0, .hi = 1000},
    {BM_P_TEXT, 0, "resample", AT(resample), "MM|FILE",
     "bring all images to voxels of MM, or to the grid of FILE. Without it grids that differ are "
     "an error",
     .check = check_resample},
    {BM_P_FILE, 0, "subjects", AT(subjects), "FILE",
     "table of the images instead of operands: columns subject, image and optionally run, "
     "confounds, volumes (first:end from 0, end not included: 0:120 is the first 120). Paths are "
     "relative to the table's folder",
     .flags = 0},
    BM_PARAM_END};
#undef AT

/* Lists ------------------------------------------------------------------------------------- */

struct listing {
    struct bm_inputs in;
    bm_index cap, subject_cap;
    /* Tables of confounds: of each input if a table named them, else of each series. */
    char **confounds;
    bm_index n_confounds, confounds_cap;
};

/* First: the file's frames from here on; count: -1 = to the end. path is copied. */
static enum bm_status add_input(struct bm_ctx *ctx, struct listing *list, const char *path,
                                bm_index first, bm_index count)
{
    enum bm_status status = BM_OK;
    struct bm_inputs *in = &list->in;
    BM_TRY(bm_grow(ctx, &in->input, &list->cap, in->count + 1, sizeof *in->input));
    struct bm_input *input = &in->input[in->count];
    *input = (struct bm_input){.first = first, .count = count, .header = BM_IMAGE_INIT};
    in->count++;
    BM_TRY(bm_strdup(ctx, &input->path, path));
out:
    return status;
}

/* One more table of confounds; NULL path = none at this place. */
static enum bm_status add_confounds(struct bm_ctx *ctx, struct listing *list, const char *path,
                                    size_t length)
{
    enum bm_status status = BM_OK;
    BM_TRY(bm_grow(ctx, &list->confounds, &list->confounds_cap, list->n_confounds + 1,
                   sizeof *list->confounds));
    char **slot = &list->confounds[list->n_confounds];
    *slot = NULL;
    list->n_confounds++;
    if (!path) goto out;
    BM_TRY(bm_alloc(ctx, slot, (bm_index)length + 1, 1));
    memcpy(*slot, path, length);
    (*slot)[length] = '\0';
out:
    return status;
}

static enum bm_status list_confounds(struct bm_ctx *ctx, struct listing *list, const char *text)
{
    enum bm_status status = BM_OK;
    size_t length;
    split_confounds(text, &length);
    for (const char *s = text, *end = text + length; s < end;) {
        const char *comma = memchr(s, ',', (size_t)(end - s));
        size_t n = (size_t)((comma ? comma : end) - s);
        if (n == 0) BM_FAIL(ctx, BM_EUSAGE, "--confounds: an empty file name in '%s'", text);
        BM_TRY(add_confounds(ctx, list, s, n));
        s += n + (comma != NULL);
    }
out:
    return status;
}

/* The table of --subjects ------------------------------------------------------------------- */

enum { SUBJECT, IMAGE, RUN, CONFOUNDS, VOLUMES, COLUMNS };
static const char *const column_names[COLUMNS] = {"subject", "image", "run", "confounds",
                                                  "volumes"};

/* Cell of a column that may be absent or hold n/a: NULL then. */
static const char *cell(const struct bm_table *table, bm_index row, bm_index column)
{
    if (column < 0) return NULL;
    const char *text = bm_table_cell(table, row, column);
    return bm_cell_missing(text) ? NULL : text;
}

/* "first:end", end not included. */
static bool parse_range(const char *text, bm_index *first, bm_index *count)
{
    char part[24];
    int64_t a, b;
    size_t n = strcspn(text, ":");
    if (text[n] != ':' || n >= sizeof part) return false;
    memcpy(part, text, n);
    part[n] = '\0';
    if (!bm_parse_int(part, &a) || !bm_parse_int(text + n + 1, &b) || a < 0 || b <= a) return false;
    *first = (bm_index)a;
    *count = (bm_index)(b - a);
    return true;
}

/* A path of the table as seen from here. */
static enum bm_status from_table(struct bm_ctx *ctx, const char *table, const char *path,
                                 char **out)
{
    size_t folder = (size_t)(bm_path_base(table) - table);
    if (path[0] == '/' || folder == 0) return bm_strdup(ctx, out, path);
    size_t n = strlen(path);
    enum bm_status status = bm_alloc(ctx, out, (bm_index)(folder + n) + 1, 1);
    if (status != BM_OK) return status;
    memcpy(*out, table, folder);
    memcpy(*out + folder, path, n + 1);
    return BM_OK;
}

static enum bm_status subject_number(struct bm_ctx *ctx, struct listing *list, const char *name,
                                     bm_index *number)
{
    enum bm_status status = BM_OK;
    struct bm_inputs *in = &list->in;
    for (bm_index s = 0; s < in->n_subjects; s++)
        if (strcmp(in->subject[s], name) == 0) {
            *number = s;
            return BM_OK;
        }
    BM_TRY(bm_grow(ctx, &in->subject, &list->subject_cap, in->n_subjects + 1,
                   sizeof *in->subject));
    BM_TRY(bm_strdup(ctx, &in->subject[in->n_subjects], name));
    *number = in->n_subjects++;
out:
    return status;
}

static enum bm_status list_row(struct bm_ctx *ctx, struct listing *list, const char *path,
                               const struct bm_table *table, bm_index row,
                               const bm_index column[COLUMNS])
{
    enum bm_status status = BM_OK;
    char *image = NULL, *confounds = NULL, shown[256], value[64];
    const char *text[COLUMNS];
    bm_index first = 0, count = -1;
    for (int c = 0; c < COLUMNS; c++) text[c] = cell(table, row, column[c]);
    for (int c = SUBJECT; c <= IMAGE; c++)
        if (!text[c])
            BM_FAIL(ctx, BM_EINPUT, "%s:%td: no value in column \"%s\"",
                    bm_escape(shown, sizeof shown, path), table->first_line + row,
                    column_names[c]);
    if (text[VOLUMES] && !parse_range(text[VOLUMES], &first, &count))
        BM_FAIL(ctx, BM_EINPUT,
                "%s:%td: volumes \"%s\": must be first:end, such as 0:120 for the first 120",
                bm_escape(shown, sizeof shown, path), table->first_line + row,
                bm_escape(value, sizeof value, text[VOLUMES]));
    BM_TRY(from_table(ctx, path, text[IMAGE], &image));
    BM_TRY(add_input(ctx, list, image, first, count));
    struct bm_input *input = &list->in.input[list->in.count - 1];
    BM_TRY(subject_number(ctx, list, text[SUBJECT], &input->subject));
    if (text[RUN]) BM_TRY(bm_strdup(ctx, &input->run, text[RUN]));
    if (text[CONFOUNDS]) BM_TRY(from_table(ctx, path, text[CONFOUNDS], &confounds));
    BM_TRY(add_confounds(ctx, list, confounds, confounds ? strlen(confounds) : 0));
out:
    bm_free(image);
    bm_free(confounds);
    return status;
}

static enum bm_status list_table(struct bm_ctx *ctx, struct listing *list, const char *path)
{
    enum bm_status status = BM_OK;
    struct bm_table table = BM_TABLE_INIT;
    bm_index column[COLUMNS];
    BM_TRY(bm_table_read(ctx, path, &table));
    BM_TRY(bm_table_take_header(ctx, &table));
    for (int c = 0; c < COLUMNS; c++) {
        column[c] = bm_table_find(&table, column_names[c]);
        if (c <= IMAGE) BM_TRY(bm_table_column(ctx, &table, column_names[c], &column[c]));
    }
    for (bm_index row = 0; row < table.rows; row++)
        BM_TRY(list_row(ctx, list, path, &table, row, column));
out:
    bm_table_release(&table);
    return status;
}

/* Headers and series ------------------------------------------------------------------------ */

static enum bm_status read_headers(struct bm_ctx *ctx, struct bm_inputs *in)
{
    enum bm_status status = BM_OK;
    char name[256];
    in->volumes = 0;
    for (bm_index i = 0; i < in->count; i++) {
        struct bm_input *input = &in->input[i];
        const struct bm_input *last = i > 0 ? input - 1 : NULL;
        if (last && strcmp(last->path, input->path) == 0) {
            input->header = last->header;
            input->file_bytes = last->file_bytes;
        } else {
            struct stat st;
            struct bm_image header = BM_IMAGE_INIT;
            BM_TRY(bm_image_read_header(ctx, input->path, &header));
            input->header = header;
            input->header.name = NULL; /* plain numbers: inputs of one file share them */
            bm_image_release(&header);
            input->file_bytes = stat(input->path, &st) == 0 ? (int64_t)st.st_size : 0;
        }
        bm_index nt = input->header.nt;
        if (input->count < 0) input->count = nt - input->first;
        if (input->first + input->count > nt)
            BM_FAIL(ctx, BM_EINPUT, "%s: volumes %td:%td asked for, the image has %td",
                    bm_escape(name, sizeof name, input->path), input->first,
                    input->first + input->count, nt);
        input->offset = in->volumes;
        in->volumes += input->count;
    }
out:
    return status;
}

/* Images of one frame each are the frames of one scan (of each subject, in a table). */
static enum bm_status make_series(struct bm_ctx *ctx, struct bm_inputs *in, bool named,
                                  double tr_s)
{
    enum bm_status status = BM_OK;
    bool single = true;
    for (bm_index i = 0; i < in->count; i++) single = single && in->input[i].header.nt == 1;
    BM_TRY(bm_calloc(ctx, &in->series, in->count, sizeof *in->series));
    for (bm_index i = 0; i < in->count; i++) {
        struct bm_input *input = &in->input[i];
        bool joins = i > 0 && single && (!named || input->subject == input[-1].subject);
        if (!joins)
            in->series[in->n_series++] = (struct bm_series){
                .offset = input->offset,
                .tr_s = tr_s > 0 ? tr_s : input->header.tr_s,
                .confounds = BM_MAT_INIT};
        input->series = in->n_series - 1;
        in->series[input->series].frames += input->count;
    }
out:
    return status;
}

/* Confounds --------------------------------------------------------------------------------- */

/* First row of the table that belongs to the series: a table may cover the whole file of which
 * the series is a range. */
static enum bm_status first_row(struct bm_ctx *ctx, const struct bm_input *input,
                                const struct bm_series *series, const struct bm_table *table,
                                bm_index *row)
{
    char name[2][256];
    bool whole = series->frames == input->count && table->rows == input->header.nt;
    if (!whole && table->rows != series->frames)
        return bm_fail(ctx, BM_EINPUT, "%s: %td rows, but %s: %td frames",
                       bm_escape(name[0], sizeof name[0], table->name), table->rows,
                       bm_escape(name[1], sizeof name[1], input->path), series->frames);
    *row = whole ? input->first : 0;
    return BM_OK;
}

static enum bm_status read_confounds(struct bm_ctx *ctx, const char *path, const char *what,
                                     bool scrub, const struct bm_input *input,
                                     struct bm_series *series)
{
    enum bm_status status = BM_OK;
    struct bm_table table = BM_TABLE_INIT;
    struct bm_mat all = BM_MAT_INIT;
    bm_index *rows = NULL, first = 0;
    double *displacement = NULL;
    BM_TRY(bm_table_read(ctx, path, &table));
    if (bm_table_looks_headed(&table)) BM_TRY(bm_table_take_header(ctx, &table));
    BM_TRY(first_row(ctx, input, series, &table, &first));
    BM_TRY(bm_confounds_select(ctx, &table, what, &all));
    BM_TRY(bm_alloc(ctx, &rows, series->frames, sizeof *rows));
    for (bm_index t = 0; t < series->frames; t++) rows[t] = first + t;
    BM_TRY(bm_mat_pick(ctx, &series->confounds, &all, rows, series->frames, NULL, all.cols));
    if (!scrub) goto out;
    BM_TRY(bm_alloc(ctx, &displacement, table.rows, sizeof *displacement));
    BM_TRY(bm_confounds_displacement(ctx, &table, displacement));
    memmove(displacement, displacement + first, (size_t)series->frames * sizeof *displacement);
    series->displacement = displacement;
    displacement = NULL;
out:
    bm_free(displacement);
    bm_free(rows);
    bm_mat_release(&all);
    bm_table_release(&table);
    return status;
}

static enum bm_status attach_confounds(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                                       struct listing *list)
{
    enum bm_status status = BM_OK;
    struct bm_inputs *in = &list->in;
    size_t length;
    const char *what = opts->confounds ? split_confounds(opts->confounds, &length) : NULL;
    char name[256];
    bool warned = false;
    if (!opts->subjects && list->n_confounds > 0 && list->n_confounds != in->n_series)
        BM_FAIL(ctx, BM_EUSAGE, "--confounds names %td files for %td image series",
                list->n_confounds, in->n_series);
    for (bm_index i = 0; i < in->count; i++) {
        const struct bm_input *input = &in->input[i];
        struct bm_series *series = &in->series[input->series];
        if (input->offset != series->offset) continue;
        bm_index slot = opts->subjects ? i : input->series;
        const char *path = slot < list->n_confounds ? list->confounds[slot] : NULL;
        if (path) {
            BM_TRY(read_confounds(ctx, path, what, opts->scrub_mm > 0, input, series));
            BM_TRY(bm_strdup(ctx, &series->confounds_path, path));
        } else if (opts->scrub_mm > 0)
            BM_FAIL(ctx, BM_EUSAGE, "--scrub needs confounds, and %s has none",
                    bm_escape(name, sizeof name, input->path));
        if ((opts->high_pass_hz > 0 || opts->low_pass_hz > 0) && !(series->tr_s > 0))
            BM_FAIL(ctx, BM_EINPUT, "%s: pixdim[4]: no TR in the header, and filters need one "
                    "(give --tr)", bm_escape(name, sizeof name, input->path));
        double fastest = series->tr_s > 0 ? 1 / (2 * series->tr_s) : INFINITY;
        if (opts->low_pass_hz >= fastest && !warned)
            bm_warn(ctx, "%s: --low-pass %g Hz removes nothing: with a TR of %g s the highest "
                    "frequency is %g Hz", bm_escape(name, sizeof name, input->path),
                    opts->low_pass_hz, series->tr_s, fastest);
        warned = warned || opts->low_pass_hz >= fastest;
    }
out:
    return status;
}

/* ------------------------------------------------------------------------------------------- */

enum bm_status bm_inputs_open(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                              const char *const *operands, bm_index n_operands,
                              struct bm_inputs *out)
{
    enum bm_status status = BM_OK;
    struct listing list = {.in = BM_INPUTS_INIT};
    size_t files = 0;
    if (opts->confounds) split_confounds(opts->confounds, &files);
    if (opts->high_pass_hz > 0 && opts->low_pass_hz > 0 &&
        opts->high_pass_hz >= opts->low_pass_hz)
        BM_FAIL(ctx, BM_EUSAGE, "--high-pass %g Hz must be below --low-pass %g Hz",
                opts->high_pass_hz, opts->low_pass_hz);
    if (opts->subjects) {
        if (n_operands > 0)
            BM_FAIL(ctx, BM_EUSAGE, "images are given both by --subjects and as operands");
        if (files > 0)
            BM_FAIL(ctx, BM_EUSAGE, "with --subjects the files of confounds stand in its column "
                    "confounds; give --confounds :COLUMNS or :STRATEGY");
        BM_TRY(list_table(ctx, &list, opts->subjects));
    } else {
        if (n_operands == 0) BM_FAIL(ctx, BM_EUSAGE, "no images given");
        for (bm_index i = 0; i < n_operands; i++)
            BM_TRY(add_input(ctx, &list, operands[i], 0, -1));
        BM_TRY(bm_inputs_name(ctx, &list.in));
        if (opts->confounds) {
            if (files == 0) BM_FAIL(ctx, BM_EUSAGE, "--confounds names no file");
            BM_TRY(list_confounds(ctx, &list, opts->confounds));
        }
    }
    BM_TRY(read_headers(ctx, &list.in));
    BM_TRY(make_series(ctx, &list.in, opts->subjects != NULL, opts->tr_s));
    BM_TRY(attach_confounds(ctx, opts, &list));
    BM_TRY(bm_inputs_warn_twins(ctx, &list.in));
    *out = list.in;
    list.in = (struct bm_inputs)BM_INPUTS_INIT;
out:
    for (bm_index i = 0; i < list.n_confounds; i++) bm_free(list.confounds[i]);
    bm_free(list.confounds);
    bm_inputs_release(&list.in);
    return status;
}

void bm_inputs_release(struct bm_inputs *inputs)
{
    for (bm_index i = 0; i < inputs->count; i++) {
        bm_free(inputs->input[i].path);
        bm_free(inputs->input[i].run);
    }
    for (bm_index s = 0; s < inputs->n_series; s++) {
        bm_mat_release(&inputs->series[s].confounds);
        bm_free(inputs->series[s].displacement);
        bm_free(inputs->series[s].confounds_path);
    }
    for (bm_index s = 0; s < inputs->n_subjects; s++) bm_free(inputs->subject[s]);
    bm_free(inputs->input);
    bm_free(inputs->series);
    bm_free(inputs->subject);
    *inputs = (struct bm_inputs)BM_INPUTS_INIT;
}
