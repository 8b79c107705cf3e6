-- A connection, and with https a full handshake, for each request.
local folder = debug.getinfo(1, "S").source:match("^@(.*)/") or "."
dofile(folder .. "/report.lua")

wrk.headers["Connection"] = "close"
