-- Takes a free lease, or renews the caller's own.
-- KEYS: the lease. ARGV: the caller's token, how long the lease lasts (ms).
-- Returns: 1 if the caller holds it now, else 0.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
