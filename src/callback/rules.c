/* SPDX-License-Identifier: MIT */
#include "rules.h"

#include <errno.h>

static int compare_apps(const void *a, const void *b)
{
    return str_compare(((const struct callback_app *)a)->sdkappid,
                       ((const struct callback_app *)b)->sdkappid);
}

const struct callback_app *rules_find_app(const struct rules *rules, struct str sdkappid)
{
    struct callback_app wanted = {.sdkappid = sdkappid};
    return bsearch(&wanted, rules->apps, rules->n_apps, sizeof(wanted), compare_apps);
}

/* Copies bytes into memory from malloc(). Allocates even for no bytes, so that NULL always means out of
 * memory. */
static void *copy_of(const void *bytes, size_t size)
{
    char *copy = malloc(size + 1);
    if (copy != NULL && size > 0) {
        memcpy(copy, bytes, size);
    }
    return copy;
}

static bool copy_str(struct str text, struct str *ret_copy)
{
    *ret_copy = (struct str){copy_of(text.ptr, text.len), text.len};
    return ret_copy->ptr != NULL;
}

static void app_fini(struct callback_app *app)
{
    for (size_t i = 0; i < app->key.n_tokens; i++) {
        char *token = (char *)app->key.tokens[i].ptr;
        if (token != NULL) {
            explicit_bzero(token, app->key.tokens[i].len);
        }
        free(token);
    }
    free((char *)app->sdkappid.ptr);
}

static bool copy_app(const struct callback_app *app, struct callback_app *ret_copy)
{
    ret_copy->app = app->app;
    ret_copy->sign_tolerance_ms = app->sign_tolerance_ms;
    ret_copy->key.n_tokens = app->key.n_tokens;
    bool done = copy_str(app->sdkappid, &ret_copy->sdkappid);
    for (size_t i = 0; i < app->key.n_tokens; i++) {
        done = copy_str(app->key.tokens[i], &ret_copy->key.tokens[i]) && done;
    }
    return done;
}

void rules_free(struct rules *rules)
{
    if (rules == NULL) {
        return;
    }
    for (size_t i = 0; i < rules->n_apps; i++) {
        app_fini(&rules->apps[i]);
    }
    free(rules->apps);
    free(rules->allow);
    free(rules->trusted_proxies);
    free((char *)rules->path.ptr);
    free(rules);
}

static bool copy_apps(const struct callback_config *config, struct rules *rules)
{
    rules->apps = calloc(config->n_apps + 1, sizeof(*rules->apps));
    if (rules->apps == NULL) {
        return false;
    }
    for (size_t i = 0; i < config->n_apps; i++) {
        rules->n_apps++;
        if (!copy_app(&config->apps[i], &rules->apps[i])) {
            return false;
        }
    }
    qsort(rules->apps, rules->n_apps, sizeof(*rules->apps), compare_apps);
    return true;
}

static bool copy_config(const struct callback_config *config, struct rules *rules)
{
    rules->allow = copy_of(config->allow, config->n_allow * sizeof(*config->allow));
    rules->n_allow = config->n_allow;
    rules->trusted_proxies = copy_of(config->trusted_proxies,
                                     config->n_trusted_proxies * sizeof(*config->trusted_proxies));
    rules->n_trusted_proxies = config->n_trusted_proxies;
    rules->client_certificate_required = config->client_certificate_required;
    rules->other_commands_ok = config->other_commands_ok;
    return rules->allow != NULL && rules->trusted_proxies != NULL && copy_str(config->path, &rules->path) &&
           copy_apps(config, rules);
}

int rules_new(const struct callback_config *config, struct rules **ret_rules)
{
    struct rules *rules = calloc(1, sizeof(*rules));
    if (rules == NULL) {
        return -ENOMEM;
    }
    if (!copy_config(config, rules)) {
        rules_free(rules);
        return -ENOMEM;
    }
    *ret_rules = rules;
    return 0;
}
