-- SPDX-License-Identifier: MIT
-- For wrk: a batch of 1000 ids, of which every second is known. Arguments: SdkAppid.
function init(args)
    local ids = {}
    for i = 0, 999 do
        ids[#ids + 1] = string.format(i % 2 == 0 and '"user%06d"' or '"nobody%06d"', i)
    end
    local body = '{"app":' .. args[1] .. ',"users":[' .. table.concat(ids, ",") .. "]}"
    request_bytes = wrk.format("POST", "/v1/users/query", {["Content-Type"] = "application/json"}, body)
end

function request()
    return request_bytes
end
