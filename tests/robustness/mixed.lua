-- wrk: what clients do, right and wrong, on kept connections and on new ones.
local letters = string.rep("n", 400)
local blob = string.rep("b", 60000)
local json = { ["Content-Type"] = "application/json" }
local close = { ["Connection"] = "close" }
local turn = 0

function init()
  wrk.headers["X-Noise"] = "noise"
end

function request()
  turn = turn + 1
  local kind = turn % 16
  if kind < 7 then return wrk.format("GET", "/hello") end
  if kind == 7 then return wrk.format("GET", "/nowhere/" .. turn) end
  if kind == 8 then return wrk.format("GET", "/throw") end
  if kind == 9 then return wrk.format("POST", "/items", json, '{"name":"' .. letters:sub(1, turn % 400 + 1) .. '","count":3}') end
  if kind == 10 then return wrk.format("POST", "/items", json, '{"name":3}') end
  if kind == 11 then return wrk.format("POST", "/collect", nil, blob:sub(1, turn % 60000)) end
  if kind == 12 then return wrk.format("POST", "/upload", nil, blob:sub(1, turn % 60000)) end
  if kind == 13 then return wrk.format("GET", "/download/" .. (turn % 100000)) end
  if kind == 14 then return wrk.format("GET", "/hello", close) end
  return wrk.format("GET", "/blocking/0")
end
