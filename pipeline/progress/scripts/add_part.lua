-- Keeps what share of its work a child of an array has done, unless it was further on before, and adds all up.
--
-- KEYS[1]  the hash of the job's parts
-- ARGV[1]  the child's number
-- ARGV[2]  what it has done, 0 to 1
-- ARGV[3]  now, in epoch seconds
-- ARGV[4]  time to live in seconds
-- Result   {the sum over all children, when the first of them began}, as strings

redis.call('HSETNX', KEYS[1], 'began', ARGV[3])
local before = tonumber(redis.call('HGET', KEYS[1], ARGV[1])) or 0
if tonumber(ARGV[2]) > before then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
redis.call('EXPIRE', KEYS[1], ARGV[4])

local sum, began = 0, ARGV[3]
local fields = redis.call('HGETALL', KEYS[1])
for at = 1, #fields, 2 do
  if fields[at] == 'began' then
    began = fields[at + 1]
  else
    sum = sum + (tonumber(fields[at + 1]) or 0)
  end
end
return {tostring(sum), began}
