/* SPDX-License-Identifier: MIT */
/* An example of the format:
 *
 *   # HELP presenced_users Users by state.
 *   # TYPE presenced_users gauge
 *   presenced_users{app="1400000000",state="online"} 12
 *
 * https://prometheus.io/docs/instrumenting/exposition_formats/ */
#include "exposition.h"

struct exposition_family {
    const struct metric *metric;
    struct buf lines;
};

void exposition_fini(struct exposition *exposition)
{
    for (size_t i = 0; i < exposition->n; i++) {
        buf_fini(&exposition->families[i].lines);
    }
    free(exposition->families);
    *exposition = (struct exposition){.families = NULL};
}

/* Writes `value` / 10^decimals without trailing zeros. */
static void write_decimal(struct buf *out, uint64_t value, unsigned decimals)
{
    uint64_t divisor = 1;
    for (unsigned i = 0; i < decimals; i++) {
        divisor *= 10;
    }
    buf_append_u64(out, value / divisor);
    uint64_t rest = value % divisor;
    if (rest > 0) {
        buf_append_char(out, '.');
    }
    for (; rest > 0; rest %= divisor) {
        divisor /= 10;
        buf_append_char(out, (char)('0' + rest / divisor));
    }
}

static void write_escaped(struct buf *out, struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        switch (value.ptr[i]) {
        case '\\':
            buf_append(out, STR("\\\\"));
            break;
        case '"':
            buf_append(out, STR("\\\""));
            break;
        case '\n':
            buf_append(out, STR("\\n"));
            break;
        default:
            buf_append_char(out, value.ptr[i]);
        }
    }
}

static void write_labels(struct buf *out, const struct metric *metric, const struct str *values)
{
    for (unsigned i = 0; i < METRIC_N_LABELS_MAX && metric->labels[i] != NULL; i++) {
        buf_appendf(out, "%c%s=\"", i == 0 ? '{' : ',', metric->labels[i]);
        write_escaped(out, values[i]);
        buf_append_char(out, '"');
    }
    if (metric->labels[0] != NULL) {
        buf_append_char(out, '}');
    }
}

static void write_value(struct buf *out, const struct metric_sample *sample)
{
    buf_append(out, str_from(sample->metric->name));
    write_labels(out, sample->metric, sample->labels);
    buf_append_char(out, ' ');
    write_decimal(out, sample->value, sample->metric->unit);
    buf_append_char(out, '\n');
}

/* Buckets are cumulative: each counts all values up to its bound. */
static void write_histogram(struct buf *out, const struct metric *metric,
                            const struct histogram_counts *counts)
{
    uint64_t n = 0;
    for (size_t i = 0; i < counts->n_bounds; i++) {
        n += counts->n[i];
        buf_appendf(out, "%s_bucket{le=\"", metric->name);
        write_decimal(out, counts->bounds[i], metric->unit);
        buf_append(out, STR("\"} "));
        buf_append_u64(out, n);
        buf_append_char(out, '\n');
    }
    n += counts->n[counts->n_bounds];
    buf_appendf(out, "%s_bucket{le=\"+Inf\"} ", metric->name);
    buf_append_u64(out, n);
    buf_appendf(out, "\n%s_sum ", metric->name);
    write_decimal(out, counts->sum, metric->unit);
    buf_appendf(out, "\n%s_count ", metric->name);
    buf_append_u64(out, n);
    buf_append_char(out, '\n');
}

/* Returns NULL if out of memory. */
static struct exposition_family *find_or_add(struct exposition *exposition, const struct metric *metric)
{
    for (size_t i = exposition->n; i-- > 0;) { /* from the end, because it is usually the last */
        if (exposition->families[i].metric == metric) {
            return &exposition->families[i];
        }
    }
    if (exposition->n == exposition->n_allocated) {
        size_t n = exposition->n_allocated == 0 ? 64 : 2 * exposition->n_allocated;
        struct exposition_family *families = reallocarray(exposition->families, n, sizeof(*families));
        if (families == NULL) {
            return NULL;
        }
        exposition->families = families;
        exposition->n_allocated = n;
    }
    struct exposition_family *family = &exposition->families[exposition->n++];
    *family = (struct exposition_family){.metric = metric};
    return family;
}

void exposition_add(struct exposition *exposition, const struct metric_sample *sample)
{
    struct exposition_family *family = find_or_add(exposition, sample->metric);
    if (family == NULL) {
        exposition->failed = true;
    } else if (sample->histogram != NULL) {
        write_histogram(&family->lines, sample->metric, sample->histogram);
    } else {
        write_value(&family->lines, sample);
    }
}

void exposition_write(const struct exposition *exposition, struct buf *out)
{
    static const char *const types[] = {
        [METRIC_COUNTER] = "counter",
        [METRIC_GAUGE] = "gauge",
        [METRIC_HISTOGRAM] = "histogram",
    };
    out->failed |= exposition->failed;
    for (size_t i = 0; i < exposition->n; i++) {
        const struct exposition_family *family = &exposition->families[i];
        const struct metric *metric = family->metric;
        buf_appendf(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name,
                    types[metric->type]);
        buf_append(out, buf_str(&family->lines));
        out->failed |= family->lines.failed;
    }
}
