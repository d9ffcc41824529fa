-- Takes users off the list, unless they have become active.
-- KEYS: the list of users.
-- ARGV: what counts as old (ms since the epoch), then user ids.
-- Returns: the ids that stay.
local kept = {}
for i = 2, #ARGV do
  local active = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if active and tonumber(active) >= tonumber(ARGV[1]) then
    table.insert(kept, ARGV[i])
  else
    redis.call('ZREM', KEYS[1], ARGV[i])
  end
end
return kept
