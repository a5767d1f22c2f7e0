-- Writes a job's progress, unless what is there is further on.
--
-- KEYS[1]  a progress key
-- ARGV[1]  the new value, JSON with job_id, attempt, percent and started_at (epoch seconds of the attempt's start)
-- ARGV[2]  time to live in seconds
-- Result   1 written; 0 left as it was: a newer attempt of the job, the same one further on, or a newer job

local function decoded(text)
  local ok, value = pcall(cjson.decode, text)
  if ok and type(value) == 'table' then return value end
  return nil
end

local function number(value)
  return tonumber(value) or 0
end

local new = decoded(ARGV[1])
local stored = redis.call('GET', KEYS[1])
local old = stored and decoded(stored)

if old then
  if old.job_id == new.job_id then
    if number(old.attempt) > number(new.attempt) then return 0 end
    if number(old.attempt) == number(new.attempt) and number(old.percent) > number(new.percent) then return 0 end
  elseif number(old.started_at) > number(new.started_at) then
    return 0
  end
end

redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
