import { MAX_ID, MAX_MESSAGE, NEARLY, VERSION } from './message';
import { MAX_AHEAD } from './redis-clock';

/*
 * KEYS[1] is the hash of what is in force, ARGV[1] the channel. A value of the hash, and what is published, is the
 * server's time in ms, a space and the message. A field is the subject of its message.
 *
 * Another program may have written there, so a script trusts no value: what isn't exactly a message as this package writes
 * it counts as nothing.
 */

/** What the scripts know as locals. */
const CONSTANTS = Object.entries({
  VERSION,
  MAX_MESSAGE,
  MAX_ID,
  NEARLY_MS: NEARLY.ms,
  NEARLY_SHARE: NEARLY.share,
  // Fields of a hash. More can't be ours.
  MAX_FIELDS: 5_000,
  MAX_AHEAD,
  // ms. What ends later may be forged: it is no wait of a server, nor a maintenance.
  LONGEST: 86_400_000,
})
  .map(([name, value]) => `local ${name} = ${String(value)}`)
  .join('\n');

/** `now` is the server's clock, in ms. */
const START = `${CONSTANTS}
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)`;

/**
 * ARGV: channel, field, ms, message, digest of the backend, reason. Drops what ends at nearly the same time as
 * what is known. Keeps the later one, unless it ends so late that it may be a forged one.
 */
export const TELL = `${START}
local key, field, ms, digest = KEYS[1], ARGV[2], tonumber(ARGV[3]), ARGV[5]
local value = string.format('%.0f', now) .. ' ' .. ARGV[4]
if redis.call('TYPE', key).ok ~= 'hash' then redis.call('DEL', key) end
local function subject(fields)
  local scope = fields.s == nil and '' or tostring(fields.s)
  return tostring(fields.b) .. ' ' .. tostring(fields.r) .. ' ' .. tostring(fields.k) .. ' ' .. scope
end
local function ending(known)
  local n, message = string.match(known or '', '^(%d+) (.+)$')
  if not n or #message > MAX_MESSAGE or tonumber(n) > now + MAX_AHEAD then return end
  local inner = string.match(message, '^{"v":' .. VERSION .. ',"i":"[%w.]+","b":"%w+",(.*)"ms":[1-9][%d.e+]*}$')
  if not inner then return end
  inner = string.gsub(string.gsub(inner, '\\\\.', ''), '^"s":"[^"%z\\1-\\31]*",', '')
  if not string.match(inner, '^"r":"[%l-]+","k":"%l+",$') then return end
  local isJson, fields = pcall(cjson.decode, message)
  if isJson and subject(fields) == field and #fields.i <= MAX_ID then return tonumber(n) + fields.ms end
end
local longest = ms
if ARGV[6] == 'restore' then
  for _, each in ipairs(redis.call('HKEYS', key)) do
    if string.sub(each, 1, #digest + 1) == digest .. ' ' then redis.call('HDEL', key, each) end
  end
else
  local ends = ending(redis.call('HGET', key, field))
  if ends and math.abs(ends - now - ms) <= math.max(NEARLY_MS, ms * NEARLY_SHARE) then return 0 end
  if ends and ends > now + ms and ends - now <= LONGEST then field = nil end
end
if field then
  redis.call('HSET', key, field, value)
  if redis.call('HLEN', key) > MAX_FIELDS then
    redis.call('DEL', key)
    redis.call('HSET', key, field, value)
  end
  longest = math.max(longest, redis.call('PTTL', key))
  redis.call('PEXPIRE', key, string.format('%.0f', math.min(math.ceil(longest), 2 ^ 40)))
end
redis.call('PUBLISH', ARGV[1], value)
return 1`;

/** Returns the server's time, then the values. Too many can't be ours. */
export const LOAD = `${START}
local values = {}
if redis.call('TYPE', KEYS[1]).ok == 'hash' and redis.call('HLEN', KEYS[1]) <= MAX_FIELDS then
  values = redis.call('HVALS', KEYS[1])
end
table.insert(values, 1, string.format('%.0f', now))
return values`;

/** ARGV: channel. Writes and publishes, and leaves nothing behind. Whoever hears it takes it for no message. */
export const PROBE = `
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], ' ', '')
redis.call('HDEL', KEYS[1], ' ')
return redis.call('PUBLISH', ARGV[1], '')`;
