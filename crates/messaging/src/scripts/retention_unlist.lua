-- Takes a room off the list and tells everybody, unless it has become active.
-- KEYS: the list of rooms.
-- ARGV: the room's name, what counts as old (ms since the epoch), the channel, what to publish.
-- Returns: 1 if it was taken off, else 0.
local active = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not active or tonumber(active) >= tonumber(ARGV[2]) then
  return 0
end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1
