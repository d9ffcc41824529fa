-- Removes what is old in a room: the room as a whole when nobody is there and nothing in it is newer, else one batch
-- of its oldest messages.
-- KEYS: the room's users, its stream, its seq.
-- ARGV: what counts as old (ms since the epoch); may the room be removed (1) or not (0); how long a heartbeat counts
--       (ms); most messages to look at; how long the seq outlives the room (s).
-- Returns: {removed as a whole (1 or 0), messages removed}.
local old = tonumber(ARGV[1])
local function is_old(entry)
  local fields = entry[2]
  for i = 1, #fields, 2 do
    if fields[i] == 'ts' then
      return tonumber(fields[i + 1]) < old
    end
  end
  return true
end

-- Heartbeats carry the time of Redis.
local time = redis.call('TIME')
local lost = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) - ARGV[3])
if ARGV[2] == '1' and redis.call('ZCOUNT', KEYS[1], '(' .. lost, '+inf') == 0 then
  local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
  if newest == nil or is_old(newest) then
    local messages = redis.call('XLEN', KEYS[2])
    redis.call('UNLINK', KEYS[1], KEYS[2])
    -- The numbers go on where they were if the room comes back: a client that still has the old messages must not
    -- take new ones for them.
    redis.call('EXPIRE', KEYS[3], ARGV[5])
    return { 1, messages }
  end
end

local last_old
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', ARGV[4])) do
  if not is_old(entry) then
    break
  end
  last_old = entry[1]
end
if last_old == nil then
  return { 0, 0 }
end
local next_seq = string.format('%.0f', tonumber(string.match(last_old, '^%d+')) + 1)
return { 0, redis.call('XTRIM', KEYS[2], 'MINID', '=', next_seq .. '-0') }
