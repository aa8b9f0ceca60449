/**
 * The scripts of the store. Redis runs a script as one step: no other command runs between its reads and writes. Each
 * script is sent whole each time (`EVAL`). They are short, and a server that was restarted, flushed or newly elected
 * needs nothing from before. They only call `GET`, `SET`, `DEL` and `PTTL`.
 */

/**
 * The text under a key. A value of another type counts as missing, because no store has written it. Otherwise a list that
 * somebody put there would end the sharing for good.
 */
const TEXT = `
local function text(key)
  local value = redis.pcall('GET', key)
  if type(value) ~= 'table' then return value end
  return not string.find(value.err, 'WRONGTYPE', 1, true) and redis.call('GET', key)
end`

/** Reads an entry and the milliseconds left. Key: the entry's. */
export const READ = `${TEXT}
local entry = text(KEYS[1])
return entry and { entry, redis.call('PTTL', KEYS[1]) }`

/** Writes an entry. With an owner, only while it holds the lock. Keys: entry, lock. Arguments: entry, ttl, owner. */
export const WRITE = `${TEXT}
if ARGV[3] and text(KEYS[2]) ~= ARGV[3] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`

/** Deletes a key if it has this value. Key: the entry's or the lock's. Argument: the value. */
export const DELETE = `${TEXT}
if text(KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`

/**
 * Takes a lock that is free, or extends the owner's own. One without an end (`PTTL` -1) is free, and so is one that
 * lasts longer than 5 s and than the asked time: no member has written it, and nobody might ever release it. In its last
 * millisecond (`PTTL` 0) a lock is still its owner's, as `WRITE` sees it. Key: the lock's. Arguments: owner, ttl.
 */
export const LOCK = `${TEXT}
local holder = text(KEYS[1])
if holder and holder ~= ARGV[1] then
  local left = redis.call('PTTL', KEYS[1])
  if left >= 0 and left <= math.max(5000, tonumber(ARGV[2])) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`
