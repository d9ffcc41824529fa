-- A connection of a user is still in a room.
-- KEYS: the room's users, the user's connections in the room.
-- ARGV: user id, connection id, how long a heartbeat counts (ms).
-- Returns: 1 if it kept its place, 0 if it has lost it and must join again.
if not redis.call('ZSCORE', KEYS[2], ARGV[2]) or not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  return 0
end
local time = redis.call('TIME')
local score = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('ZADD', KEYS[2], score, ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
redis.call('ZADD', KEYS[1], score, ARGV[1])
return 1
