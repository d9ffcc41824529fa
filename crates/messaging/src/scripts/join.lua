-- A connection of a user is in a room, now: enters it, or keeps its place.
-- KEYS: the room's users, the user's connections in the room.
-- ARGV: user id, connection id, how long a heartbeat counts (ms), the room's channel, what to publish if the user
--       was not there.
-- Returns: {1 if the user was not there before, else 0; whether there are users in the room no connection of whom has
--          been heard of (1 or 0)}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lost = string.format('%.0f', now - ARGV[3])
local score = string.format('%.0f', now)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', lost)
redis.call('ZADD', KEYS[2], score, ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
local new = redis.call('ZADD', KEYS[1], score, ARGV[1])
if new == 1 then
  redis.call('PUBLISH', ARGV[4], ARGV[5])
end
return { new, redis.call('ZCOUNT', KEYS[1], '-inf', lost) > 0 and 1 or 0 }
