-- SPDX-License-Identifier: MIT
-- For wrk: Logins of 1000 users, one after another, unsigned. Arguments: SdkAppid.
local n = 0

function init(args)
    app = args[1]
end

function request()
    local user = string.format("user%08d", n % 1000)
    n = n + 1
    return wrk.format("POST", "/?SdkAppid=" .. app ..
        "&CallbackCommand=State.StateChange&contenttype=json&ClientIP=192.0.2.4&OptPlatform=Web", nil,
        '{"CallbackCommand":"State.StateChange","EventTime":' .. 1700000000000 + n ..
        ',"Info":{"Action":"Login","To_Account":"' .. user .. '","Reason":"Register"}}')
end
