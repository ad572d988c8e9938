/* SPDX-License-Identifier: MIT */
/* The bytes of the page's files, each from page_NAME to page_NAME_end. */
#define PAGE_FILE(symbol, name, content_type) \
    .global page_##symbol; \
    page_##symbol: .incbin name; \
    .global page_##symbol##_end; \
    page_##symbol##_end: .byte 0;

    .section .rodata
#include "files.def"

    .section .note.GNU-stack, "", %progbits
