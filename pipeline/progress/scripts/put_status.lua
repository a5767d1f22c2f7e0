-- Writes a status, or deletes the key, unless a newer version of the row is there.
--
-- KEYS[1]  a status key
-- ARGV[1]  the new value, JSON with version; empty: delete the key
-- ARGV[2]  the version of the row that the value was made from
-- ARGV[3]  time to live in seconds; 0: for ever
-- Result   1 written or deleted; 0 left as it was

local stored = redis.call('GET', KEYS[1])
if stored then
  local ok, old = pcall(cjson.decode, stored)
  if ok and type(old) == 'table' and (tonumber(old.version) or 0) > tonumber(ARGV[2]) then return 0 end
end

if ARGV[1] == '' then
  redis.call('DEL', KEYS[1])
elseif ARGV[3] == '0' then
  redis.call('SET', KEYS[1], ARGV[1])
else
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3])
end
return 1
