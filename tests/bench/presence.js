// SPDX-License-Identifier: MIT
// What presenced does for a callback, in memory, with Node.js's own https: checks Sign and body, and keeps a row a
// platform, of which the later event stays. Arguments: certificate, key. Prints its port.
"use strict";
const { createHash, timingSafeEqual } = require("crypto");
const { readFileSync } = require("fs");
const https = require("https");

const app = "1400000001", token = "bench", toleranceS = 60;
const users = new Map();

function answer(response, status, info) {
    const body = JSON.stringify({ ActionStatus: info ? "FAIL" : "OK", ErrorCode: info ? 1 : 0, ErrorInfo: info });
    response.writeHead(status, { "Content-Type": "application/json", "Content-Length": body.length });
    response.end(body);
}

function isSigned(query) {
    const time = query.get("RequestTime") ?? "";
    const sign = Buffer.from(createHash("sha256").update(token + time).digest("hex"));
    const given = Buffer.from(query.get("Sign") ?? "");
    return Math.abs(Date.now() / 1000 - Number(time)) <= toleranceS && given.length === sign.length &&
        timingSafeEqual(given, sign);
}

function put(rows, platform, row) {
    const known = rows.get(platform);
    if (known === undefined || known.eventTime <= row.eventTime) {
        rows.set(platform, row);
    }
}

function keep(event, platform, client) {
    const { Action: action, Reason: reason, To_Account: id } = event.Info;
    const times = { eventTime: event.EventTime, receivedTime: Date.now(), client };
    let rows = users.get(id);
    if (rows === undefined) {
        users.set(id, rows = new Map());
    }
    put(rows, platform, { ...times, action, reason });
    for (const device of event.KickedDevice ?? []) {
        put(rows, device.Platform, { ...times, action: "Kicked", reason: "Kicked" });
    }
}

function parse(bytes) {
    try {
        return JSON.parse(bytes);
    } catch {
        return null;
    }
}

function serve(request, response) {
    const query = new URLSearchParams(request.url.slice(request.url.indexOf("?")));
    if (query.get("SdkAppid") !== app || !isSigned(query)) {
        return answer(response, 403, "not signed");
    }
    const pieces = [];
    request.on("data", (piece) => pieces.push(piece));
    request.on("end", () => {
        const event = parse(Buffer.concat(pieces));
        if (event?.CallbackCommand !== query.get("CallbackCommand") || typeof event.Info?.To_Account !== "string" ||
            typeof event.Info.Action !== "string") {
            return answer(response, 200, "the body is not a State.StateChange");
        }
        keep(event, query.get("OptPlatform"), query.get("ClientIP"));
        answer(response, 200, "");
    });
}

const server = https.createServer({ cert: readFileSync(process.argv[2]), key: readFileSync(process.argv[3]),
    ciphers: "TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256" }, serve);
server.keepAliveTimeout = 60000;
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
