/**
 * What a store does, as scripts that Redis runs as one step: no other command comes between the look and the write.
 * They are sent as a whole each time (`EVAL`). They are short, and a server that was restarted, flushed or newly
 * elected then has nothing to miss. `GET`, `SET`, `DEL` and `PTTL` are all they call.
 */

/** Entry and milliseconds left. Key: the entry's. */
export const READ = `
local entry = redis.call('GET', KEYS[1])
return entry and { entry, redis.call('PTTL', KEYS[1]) }`

/** Writes an entry; for an owner only while he holds the lock. Keys: entry, lock. Arguments: entry, ttl, owner. */
export const WRITE = `
if ARGV[3] and redis.call('GET', KEYS[2]) ~= ARGV[3] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`

/** Deletes what is under a key if it is this. Key: the entry's or the lock's. Argument: what it must hold. */
export const DELETE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`

/** Takes a lock that is free, or extends the owner's own. Key: the lock's. Arguments: owner, ttl. */
export const LOCK = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`
