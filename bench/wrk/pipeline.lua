-- The same request, 16 at a time in one write.
local folder = debug.getinfo(1, "S").source:match("^@(.*)/") or "."
dofile(folder .. "/report.lua")

local batch
function init(args)
  local one = wrk.format(nil, wrk.path)
  batch = one:rep(16)
end

function request() return batch end
