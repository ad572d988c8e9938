/* SPDX-License-Identifier: MIT */
/* The bytes of openapi.json. */
    .section .rodata
    .global description_json
description_json: .incbin "openapi.json"
    .global description_json_end
description_json_end: .byte 0

    .section .note.GNU-stack, "", %progbits
