package redis

// A key's entry is a text of bytes:
//
//	1  state   F reserved when it was free, R reserved when it was resumable,
//	           S resumable, D done
//	2  body    16 bytes, the hash of the request
//	18 stamp   12 bytes
//	30 holder  of F and R: 16 bytes
//	46 until   of F and R: the deadline, in decimal milliseconds since 1970
//	30 answer  of D: the results, as in [appendDone]
//
// A reservation whose deadline has passed is resumable: its owner may have died
// with something written. Deadlines are by the server's clock; entries expire
// when a repeated request need not be known any more.

const (
	stateFresh   = 'F'
	stateResumed = 'R'
	stateDone    = 'D'

	replyRunning  = 'B'
	replyConflict = 'C'
)

// reserveScript takes a key. ARGV: the holder, the body, the stamp of a fresh
// one, for how long, and after how long the entry expires, both in ms. It gives
// F when the key was free; R and the stamp to go on under; D, the stamp and the
// results of an answer; B when another request with the key is running; C when
// the key was used with another body; X when the entry is none of ours.
const reserveScript = `
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function take(state, stamp)
  local till = string.format('%.0f', now + ARGV[4])
  redis.call('SET', KEYS[1], state .. ARGV[2] .. stamp .. ARGV[1] .. till, 'PX', ARGV[5])
end
local held = redis.call('GET', KEYS[1])
if not held then
  take('F', ARGV[3])
  return 'F'
end
local state, stamp = held:sub(1, 1), held:sub(18, 29)
local same = held:sub(2, 17) == ARGV[2]
if state == 'F' or state == 'R' then
  if same and held:sub(30, 45) == ARGV[1] then
    return state .. stamp
  end
  if tonumber(held:sub(46)) > now then
    return 'B'
  end
end
if state ~= 'F' and state ~= 'R' and state ~= 'S' and state ~= 'D' then
  return 'X'
end
if not same then
  return 'C'
end
if state == 'D' then
  return 'D' .. held:sub(18)
end
take('R', stamp)
return 'R' .. stamp
`

// doneScript stores an answer, unless another holder has the key by now, or it
// has an answer. ARGV: the holder, the entry, after how many ms it expires. What
// is resumable under the same stamp was the holder's: the records are the same.
const doneScript = `
local held = redis.call('GET', KEYS[1])
if held then
  local state = held:sub(1, 1)
  if state == 'F' or state == 'R' then
    if held:sub(30, 45) ~= ARGV[1] then
      return 0
    end
  elseif state == 'D' or held:sub(2, 29) ~= ARGV[2]:sub(2, 29) then
    return 0
  end
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
`

// letGoScript ends a reservation without an answer. ARGV: the holder; free or
// keep, see whatIfFresh.
const letGoScript = `
local held = redis.call('GET', KEYS[1])
if not held then
  return 0
end
local state = held:sub(1, 1)
if state ~= 'F' and state ~= 'R' or held:sub(30, 45) ~= ARGV[1] then
  return 0
end
if state == 'F' and ARGV[2] == 'free' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], 'S' .. held:sub(2, 29), 'KEEPTTL')
end
return 1
`
