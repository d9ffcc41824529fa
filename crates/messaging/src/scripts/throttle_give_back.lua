-- Takes back an attempt that was counted.
-- KEYS: the buckets.
-- ARGV: for each bucket, how long it takes to forget an attempt (ms), and when the next one might be made after it.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i, key in ipairs(KEYS) do
  local last, next_at = string.match(redis.call('GET', key) or '', '^(%d+) (%d+)$')
  if last then
    last = tonumber(last) - ARGV[2 * i - 1]
    -- The wait that this attempt began ends with it; one that a later attempt began does not.
    if next_at == ARGV[2 * i] then
      next_at = string.format('%.0f', now)
    end
    if last > now then
      redis.call('SET', key, string.format('%.0f', last) .. ' ' .. next_at, 'PX', string.format('%.0f', last - now))
    else
      redis.call('DEL', key)
    end
  end
end
