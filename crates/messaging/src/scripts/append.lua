-- Stores one message of a room and tells the room, once, however often it is asked to.
-- KEYS: the answer given to this message id, the room's seq, the room's stream.
-- ARGV: how long an answer is remembered (ms), the message's JSON before seq, between seq and ts, after ts,
--       the room's channel, the Socket.IO packet before the message and after it.
-- Returns: {seq, ts}.
local answered = redis.call('GET', KEYS[1])
if answered then
  local seq, ts = string.match(answered, '^(%d+) (%d+)$')
  return { seq, ts }
end
-- One clock for all nodes: that of Redis.
local time = redis.call('TIME')
local ts = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local seq = string.format('%.0f', redis.call('INCR', KEYS[2]))
local chat = ARGV[2] .. seq .. ARGV[3] .. ts .. ARGV[4]
if not redis.call('XADD', KEYS[3], 'NOMKSTREAM', seq .. '-0', 'chat', chat, 'ts', ts) then
  -- A new room, or a removed one whose counter would otherwise expire under its new life.
  redis.call('PERSIST', KEYS[2])
  redis.call('XADD', KEYS[3], seq .. '-0', 'chat', chat, 'ts', ts)
end
redis.call('SET', KEYS[1], seq .. ' ' .. ts, 'PX', ARGV[1])
redis.call('PUBLISH', ARGV[5], seq .. '\n\n' .. ARGV[6] .. chat .. ARGV[7])
return { seq, ts }
