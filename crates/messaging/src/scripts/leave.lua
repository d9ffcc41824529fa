-- A connection of a user has left a room; or, with an empty connection id, whatever has not been heard of is gone.
-- KEYS: the room's users, the user's connections in the room.
-- ARGV: user id, connection id, how long a heartbeat counts (ms), the room's channel, what to publish if the user
--       is gone with it.
-- Returns: 1 if the user is gone, else 0.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREM', KEYS[2], ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now - ARGV[3]))
if redis.call('ZCARD', KEYS[2]) == 0 and redis.call('ZREM', KEYS[1], ARGV[1]) == 1 then
  redis.call('PUBLISH', ARGV[4], ARGV[5])
  return 1
end
return 0
