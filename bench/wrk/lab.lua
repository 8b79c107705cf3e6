-- The requests of a scenario of the comparison lab, from a file that LAB_REQUESTS names: one a line, sent in turns.
-- A line is the method, the path, the fields as "Name: value" with "|" between them, and the body, separated by tabs.
-- LAB_PATH, if it is set, stands for the path of each: that of a server of the user's own.
local folder = debug.getinfo(1, "S").source:match("^@(.*)/") or "."
dofile(folder .. "/report.lua")

local lines, own = {}, os.getenv("LAB_PATH")
for line in io.lines(os.getenv("LAB_REQUESTS")) do
  local method, path, fields, body = line:match("^(%S+)\t(%S+)\t([^\t]*)\t(.*)$")
  local headers = {}
  for name, value in fields:gmatch("([^|:]+): ([^|]*)") do headers[name] = value end
  lines[#lines + 1] = {method, own or path, headers, body ~= "" and body or nil}
end

if #lines == 1 then
  -- wrk repeats one request by itself, for less than a call of Lua.
  wrk.method, wrk.path, wrk.headers, wrk.body = lines[1][1], lines[1][2], lines[1][3], lines[1][4]
else
  local requests, turn = {}, 0
  function init(args)
    for i, line in ipairs(lines) do
      line[3]["Host"] = wrk.headers["Host"]
      requests[i] = wrk.format(line[1], line[2], line[3], line[4])
    end
  end
  function request()
    turn = turn % #requests + 1
    return requests[turn]
  end
end
