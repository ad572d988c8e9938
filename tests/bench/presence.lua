-- SPDX-License-Identifier: MIT
-- For nginx: what presenced does for a callback, as far as Lua, cjson and a shared dictionary go. Checks Sign and
-- body, and keeps a row a platform, of which the later event stays.
local cjson = require "cjson.safe"
local ffi = require "ffi"
ffi.cdef "unsigned char *SHA256(const unsigned char *bytes, size_t n, unsigned char *digest);"
local digest = ffi.new "unsigned char[32]"

local app, token, tolerance_s = "1400000001", "bench", 60
local rows = ngx.shared.rows

local function answer(info)
    ngx.header["Content-Type"] = "application/json"
    ngx.print('{"ActionStatus":"', info and "FAIL" or "OK", '","ErrorCode":', info and 1 or 0,
        ',"ErrorInfo":"', info or "", '"}')
end

local function is_signed(query)
    local time = tonumber(query.RequestTime)
    if not time or not query.Sign or math.abs(ngx.time() - time) > tolerance_s then
        return false
    end
    local text = token .. query.RequestTime
    ffi.C.SHA256(text, #text, digest)
    local hex = {}
    for i = 0, 31 do
        hex[i + 1] = string.format("%02x", digest[i])
    end
    return table.concat(hex) == query.Sign
end

local function keep(user, platform, row)
    local key = user .. "\0" .. platform
    local known = rows:get(key)
    if not known or tonumber(known:match("^%d+")) <= row.time then
        rows:set(key, row.time .. " " .. row.action .. " " .. row.reason .. " " .. row.client .. " " ..
            ngx.now() * 1000)
    end
end

return function()
    local query = ngx.req.get_uri_args()
    if query.SdkAppid ~= app or not is_signed(query) then
        ngx.status = 403
        return answer "not signed"
    end
    ngx.req.read_body()
    local body = cjson.decode(ngx.req.get_body_data() or "")
    local info = type(body) == "table" and body.Info
    if type(info) ~= "table" or body.CallbackCommand ~= query.CallbackCommand or type(info.To_Account) ~= "string" or
        type(info.Action) ~= "string" or type(body.EventTime) ~= "number" then
        return answer "the body is not a State.StateChange"
    end
    local row = {time = body.EventTime, action = info.Action, reason = info.Reason or "", client = query.ClientIP or ""}
    keep(info.To_Account, query.OptPlatform or "Unknown", row)
    row.action, row.reason = "Kicked", "Kicked"
    for _, device in ipairs(body.KickedDevice or {}) do
        keep(info.To_Account, device.Platform, row)
    end
    answer()
end
