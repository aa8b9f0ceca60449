/**
 * The scripts of the store. Redis runs a script as one step: no other command runs between its reads and writes. Each
 * script is sent whole each time (`EVAL`). They are short, and a server that was restarted, flushed or newly elected
 * needs nothing from before. They only call `GET`, `SET`, `DEL` and `PTTL`.
 */

/** Reads an entry and the milliseconds left. Key: the entry's. */
export const READ = `
local entry = redis.call('GET', KEYS[1])
return entry and { entry, redis.call('PTTL', KEYS[1]) }`

/** Writes an entry. With an owner, only while it holds the lock. Keys: entry, lock. Arguments: entry, ttl, owner. */
export const WRITE = `
if ARGV[3] and redis.call('GET', KEYS[2]) ~= ARGV[3] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`

/** Deletes a key if it has this value. Key: the entry's or the lock's. Argument: the value. */
export const DELETE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`

/** Takes a lock that is free, or extends the owner's own. Key: the lock's. Arguments: owner, ttl. */
export const LOCK = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`
