/* SPDX-License-Identifier: MIT */
/*   # HELP presenced_users Users by state.
 *   # TYPE presenced_users gauge
 *   presenced_users{app="1400000000",state="online"} 12
 *
 * https://prometheus.io/docs/instrumenting/exposition_formats/ */
#include "exposition.h"

void exposition_begin(struct exposition *exposition, const struct metric_family *family)
{
    exposition->family = family;
    exposition->has_head = false;
}

static void write_head(struct exposition *exposition)
{
    static const char *const types[] = {
        [METRIC_COUNTER] = "counter",
        [METRIC_GAUGE] = "gauge",
        [METRIC_HISTOGRAM] = "histogram",
    };
    const struct metric_family *family = exposition->family;
    if (!exposition->has_head) {
        exposition->has_head = true;
        buf_appendf(exposition->out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name,
                    types[family->type]);
    }
}

/* `value` / 10^decimals, without zeros at the end. */
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

static void write_labels(struct buf *out, const struct metric_family *family, const struct str *values)
{
    for (unsigned i = 0; i < EXPOSITION_N_LABELS_MAX && family->labels[i] != NULL; i++) {
        buf_appendf(out, "%c%s=\"", i == 0 ? '{' : ',', family->labels[i]);
        write_escaped(out, values[i]);
        buf_append_char(out, '"');
    }
    if (family->labels[0] != NULL) {
        buf_append_char(out, '}');
    }
}

void exposition_sample(struct exposition *exposition, const struct metric_sample *sample)
{
    const struct metric_family *family = exposition->family;
    struct buf *out = exposition->out;
    write_head(exposition);
    buf_append(out, str_from(family->name));
    write_labels(out, family, sample->labels);
    buf_append_char(out, ' ');
    write_decimal(out, sample->value, family->unit);
    buf_append_char(out, '\n');
}

/* Buckets count what is not above their bound, so each holds those before it too. */
void exposition_histogram(struct exposition *exposition, const struct histogram_counts *counts)
{
    const struct metric_family *family = exposition->family;
    struct buf *out = exposition->out;
    uint64_t n = 0;
    write_head(exposition);
    for (size_t i = 0; i < counts->n_bounds; i++) {
        n += counts->n[i];
        buf_appendf(out, "%s_bucket{le=\"", family->name);
        write_decimal(out, counts->bounds[i], family->unit);
        buf_append(out, STR("\"} "));
        buf_append_u64(out, n);
        buf_append_char(out, '\n');
    }
    n += counts->n[counts->n_bounds];
    buf_appendf(out, "%s_bucket{le=\"+Inf\"} ", family->name);
    buf_append_u64(out, n);
    buf_appendf(out, "\n%s_sum ", family->name);
    write_decimal(out, counts->sum, family->unit);
    buf_appendf(out, "\n%s_count ", family->name);
    buf_append_u64(out, n);
    buf_append_char(out, '\n');
}
