-- Connections of a room are still in it.
-- KEYS: the room's users, then for each connection the user's connections in the room.
-- ARGV: how long a heartbeat counts (ms), then for each connection the user's id, then for each the connection's id.
-- Returns: {which connections, counted from 1, have lost their place and must join again; whether there are users in
--          the room no connection of whom has been heard of (1 or 0)}.
local count = #KEYS - 1
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local score = string.format('%.0f', now)
local listed = redis.call('ZMSCORE', KEYS[1], unpack(ARGV, 2, count + 1))
local lost = {}
local kept = {}
for i = 1, count do
  local key, connection = KEYS[i + 1], ARGV[i + count + 1]
  -- A score that was this one already is not a change.
  if listed[i] and (redis.call('ZADD', key, 'XX', 'CH', score, connection) == 1 or redis.call('ZSCORE', key, connection)) then
    redis.call('PEXPIRE', key, ARGV[1])
    table.insert(kept, score)
    table.insert(kept, ARGV[i + 1])
  else
    table.insert(lost, i)
  end
end
if #kept > 0 then
  redis.call('ZADD', KEYS[1], unpack(kept))
end
return { lost, redis.call('ZCOUNT', KEYS[1], '-inf', string.format('%.0f', now - ARGV[1])) > 0 and 1 or 0 }
