-- Generic cell rate algorithm: may one more event happen now?
-- KEYS: how far ahead of the sustained rate the caller is, as a time (µs).
-- ARGV: time between events at the sustained rate (µs), events that may happen at once.
-- Returns: 0 if it may, else the milliseconds to wait.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local ahead = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) + ARGV[1]
local excess = ahead - now - ARGV[1] * ARGV[2]
if excess > 0 then
  return math.ceil(excess / 1000)
end
redis.call('SET', KEYS[1], string.format('%.0f', ahead), 'PX', math.ceil((ahead - now) / 1000))
return 0
