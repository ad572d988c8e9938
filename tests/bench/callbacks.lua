-- SPDX-License-Identifier: MIT
-- For wrk: signed Logins with the documented body, of 100,000 users in turn, each newer than the one before.
-- Arguments: SdkAppid, RequestTime, Sign.
local n = 0
local whole

function init(args)
    local target = "/?SdkAppid=" .. args[1] ..
        "&CallbackCommand=State.StateChange&contenttype=json&ClientIP=192.0.2.4&OptPlatform=Web&RequestTime=" ..
        args[2] .. "&Sign=" .. args[3]
    local body = '{"CallbackCommand":"State.StateChange","EventTime":' .. args[2] .. '%03d' ..
        ',"Info":{"Action":"Login","To_Account":"user%06d","Reason":"Register"},' ..
        '"KickedDevice":[{"Platform":"Windows"},{"Platform":"Android"}]}'
    local request = wrk.format("POST", target, {["Content-Type"] = "application/json"}, body)
    -- What stands for a number has another length than the number.
    local length = #string.format(body, 0, 0)
    whole = request:gsub("Content%-Length: %d+", "Content-Length: " .. length)
end

function request()
    n = n + 1
    return string.format(whole, math.floor(n / 100000) % 1000, n % 100000)
end
