/* SPDX-License-Identifier: MIT */
#include "region.h"

const char *const region_urls[RECONCILE_N_REGIONS][RECONCILE_N_HOSTS] = {
    {"https://console.tim.qq.com", "https://adminapi.my-imcloud.com"},
    {"https://adminapisgp.im.qcloud.com", "https://adminapisgp.my-imcloud.com"},
    {"https://adminapikr.im.qcloud.com", "https://adminapikr.my-imcloud.com"},
    {"https://adminapijpn.im.qcloud.com", "https://adminapijpn.my-imcloud.com"},
    {"https://adminapiger.im.qcloud.com", "https://adminapiger.my-imcloud.com"},
    {"https://adminapiusa.im.qcloud.com", "https://adminapiusa.my-imcloud.com"},
    {"https://adminapiidn.im.qcloud.com", "https://adminapiidn.my-imcloud.com"},
};
