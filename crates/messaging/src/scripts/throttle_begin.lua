-- Counts an attempt in every bucket, unless one of them says to wait.
-- KEYS: the buckets: when the last attempt will be forgotten and when the next one may be made (ms since the epoch).
-- ARGV: for each bucket, its free attempts, the first wait and how long it takes to forget one (ms).
-- Returns: {0, for each bucket when the next attempt may be made}, or {the milliseconds to wait}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local forgotten = {}
local wait = 0
for i, key in ipairs(KEYS) do
  local last, next_at = string.match(redis.call('GET', key) or '', '^(%d+) (%d+)$')
  forgotten[i] = math.max(tonumber(last or 0), now)
  wait = math.max(wait, tonumber(next_at or 0) - now)
end
if wait > 0 then
  return { wait }
end
local answer = { 0 }
for i, key in ipairs(KEYS) do
  local free, first, forget = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  local last = forgotten[i] + forget
  local count = math.ceil((last - now) / forget)
  -- The last free one is followed by the first wait: of a thousand at once, no more than the free ones are admitted.
  local delay = count < free and 0 or math.min(forget, first * 2 ^ (count - free))
  local next_at = string.format('%.0f', now + delay)
  redis.call('SET', key, string.format('%.0f', last) .. ' ' .. next_at, 'PX', string.format('%.0f', last - now))
  answer[i + 1] = next_at
end
return answer
