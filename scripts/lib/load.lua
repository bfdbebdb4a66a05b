-- The load of scripts/load, for wrk: sales with random order ids, in turn by Yaplet with a customer and by Tapfiliate's postback, of
-- several affiliates of the demo world. Arguments: the key, a seed, and for how many seconds requests are sent; then no more
-- are, so that those under way are answered before wrk ends. Prints one line, see `done`.

local ffi = require("ffi")
ffi.cdef("typedef struct { long seconds, microseconds; } timeval; int gettimeofday(timeval *now, void *zone);")
local clock = ffi.new("timeval")

local COUPONS = { "JANE10OFF", "SANDRA10", "PETER10", "GOLD20", "PARTNER_CODE" }
local REFERRAL_CODES = { "nwjinmy", "ztdkzgf", "peterp1", "goldg20", "patp1" }
-- Longer than any run, in milliseconds.
local NEVER = 86400000

local threads = {}

local function now()
  ffi.C.gettimeofday(clock, nil)
  return tonumber(clock.seconds) + tonumber(clock.microseconds) / 1e6
end

function setup(thread)
  thread:set("number", #threads)
  table.insert(threads, thread)
end

function init(args)
  key = args[1]
  math.randomseed(tonumber(args[2]) * 1000 + number)
  ends = now() + tonumber(args[3])
  -- wrk asks the first thread for one request that it does not send.
  sent = number == 0 and -1 or 0
  -- Answers by what they are.
  outcomes, receipts, failures = 0, 0, 0
end

function delay()
  return now() < ends and 0 or NEVER
end

function request()
  sent = sent + 1
  local order = string.format("load-%08x%08x", math.random(0, 2 ^ 31 - 1), math.random(0, 2 ^ 31 - 1))
  local amount = math.random(1, 50000) / 100
  local turn = sent % #COUPONS + 1
  if sent % 2 == 0 then
    local query = "?referral_code=" .. REFERRAL_CODES[turn] .. "&amount=" .. amount .. "&external_id=" .. order
    return wrk.format("GET", "/1.7/pb/con/c/" .. query, { ["X-Api-Key"] = key })
  end
  local body = string.format(
    '{"order_id": "%s", "total_amount": %.2f, "currency": "USD", "customer": {"email": "%s@example.com", "name": "Jane Doe"}}',
    order, amount, order)
  local headers = { ["Y-API-Key"] = key, ["Content-Type"] = "application/json" }
  return wrk.format("POST", "/api/affiliates/track/" .. COUPONS[turn], headers, body)
end

function response(status)
  if status == 202 then
    receipts = receipts + 1
  elseif status >= 200 and status < 300 then
    outcomes = outcomes + 1
  else
    failures = failures + 1
  end
end

-- outcomes receipts failures unanswered p50 p99, the latter two in microseconds.
function done(summary, latency)
  local total = { sent = 0, outcomes = 0, receipts = 0, failures = 0 }
  for _, thread in ipairs(threads) do
    for name in pairs(total) do
      total[name] = total[name] + thread:get(name)
    end
  end
  local unanswered = total.sent - total.outcomes - total.receipts - total.failures
  io.write(string.format("result %d %d %d %d %d %d\n", total.outcomes, total.receipts, total.failures, unanswered,
    latency:percentile(50), latency:percentile(99)))
end
