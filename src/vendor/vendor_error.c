/* SPDX-License-Identifier: MIT */
#include "presenced/vendor_error.h"

#include "presenced/array.h"

#include <stddef.h>

static const struct vendor_error errors[] = {
    {60002, VENDOR_ERROR_REQUEST, "the URL of the request is wrong"},
    {60003, VENDOR_ERROR_REQUEST, "the JSON of the request is wrong"},
    {60004, VENDOR_ERROR_RETRY, "Tencent's servers cannot reach each other"},
    {60005, VENDOR_ERROR_RETRY, "Tencent's servers have an error"},
    {60007, VENDOR_ERROR_RATE, "there are more calls a second than were bought"},
    {60008, VENDOR_ERROR_RETRY, "Tencent's servers took too long"},
    {60010, VENDOR_ERROR_CONFIGURATION, "the identifier is not an administrator of the app"},
    {60012, VENDOR_ERROR_REQUEST, "sdkappid is missing"},
    {60014, VENDOR_ERROR_RETRY, "Tencent's servers have an error"},
    {60015, VENDOR_ERROR_REQUEST, "an id is not a string"},
    {60016, VENDOR_ERROR_PLAN, "the app is disabled"},
    {60017, VENDOR_ERROR_PLAN, "the app may not make this call"},
    {60018, VENDOR_ERROR_RATE, "there are more calls a second than were bought"},
    {60020, VENDOR_ERROR_PLAN, "the app's plan has ended, or does not have this call"},
    {60021, VENDOR_ERROR_CONFIGURATION, "the app does not allow calls from this machine's address"},
    {60025, VENDOR_ERROR_REQUEST, "a parameter of the URL is wrong"},
    {60026, VENDOR_ERROR_CONFIGURATION, "the app lives in another region than the host that was asked"},
    {60028, VENDOR_ERROR_PLAN, "the trial's calls of this day are used up"},
    {70001, VENDOR_ERROR_USERSIG, "the UserSig has expired: is this machine's clock right?"},
    {70003, VENDOR_ERROR_CONFIGURATION, "the UserSig was not made with this app's key"},
    {70009, VENDOR_ERROR_CONFIGURATION, "the UserSig was not made with this app's key"},
    {70013, VENDOR_ERROR_CONFIGURATION, "the UserSig was made for another identifier"},
    {70014, VENDOR_ERROR_CONFIGURATION, "the UserSig was made for another app"},
    {70016, VENDOR_ERROR_CONFIGURATION, "Tencent has no key of this app: is it the right region's host?"},
    {70020, VENDOR_ERROR_CONFIGURATION, "Tencent has no such app: is it the right region's host?"},
    {70050, VENDOR_ERROR_CONFIGURATION, "the UserSig was wrong too often; wait a minute"},
    {70107, VENDOR_ERROR_USER, "there is no such user"},
    {70169, VENDOR_ERROR_RETRY, "Tencent's servers took too long"},
    {70500, VENDOR_ERROR_RETRY, "Tencent's servers have an error"},
    {90001, VENDOR_ERROR_REQUEST, "the JSON of the request is malformed"},
    {90003, VENDOR_ERROR_REQUEST, "To_Account is missing or of the wrong type"},
    {90009, VENDOR_ERROR_CONFIGURATION, "the identifier is not an administrator of the app"},
    {90011, VENDOR_ERROR_REQUEST, "there are more than 500 ids"},
    {90012, VENDOR_ERROR_USER, "the id is not registered"},
    {90028, VENDOR_ERROR_REQUEST, "To_Account is not an array"},
    {90029, VENDOR_ERROR_REQUEST, "To_Account is empty"},
    {90048, VENDOR_ERROR_USER, "there is no such user"},
    {90994, VENDOR_ERROR_RETRY, "Tencent's servers have an error"},
    {90995, VENDOR_ERROR_RETRY, "Tencent's servers have an error"},
    {91000, VENDOR_ERROR_RETRY, "Tencent's servers have an error"},
};

const struct vendor_error *vendor_error_find(unsigned code)
{
    for (size_t i = 0; i < N_ELEMENTS(errors); i++) {
        if (errors[i].code == code) {
            return &errors[i];
        }
    }
    return NULL;
}
