-- What a message is, told by its top-level keys: `request` or `response`. For anything else nothing is said, and the rules deny it.
-- It also says what a subscription is for.

local function set(...)
  local keys = {}
  for _, key in ipairs({ ... }) do keys[lower(key)] = key end
  return keys
end

-- Keys by their spelling in lower case. One in another case means nothing to a strict reader, and something to a lax one.
local MESSAGE = set('jsonrpc', 'id', 'method', 'params', 'result', 'error')
local PARAMS = set('name', 'uri', 'arguments', 'ref', 'argument', 'context', 'cursor', 'level', 'task', 'taskId', 'requestId',
  'reason', 'progressToken', 'progress', 'total', 'message', 'protocolVersion', 'capabilities', 'clientInfo', 'notifications',
  'inputResponses', 'requestState', '_meta')
local REF = set('type', 'name', 'uri', 'title')
local NOTIFICATIONS = set('toolsListChanged', 'promptsListChanged', 'resourcesListChanged', 'resourceSubscriptions')

-- What a subscription is for: `nothing` in particular, or `one` resource, whose URI follows. Nil for more, and for what is not known.
local function subscribed(text, params)
  if not params.notifications then return 'nothing' end
  if not is_object(text, params.notifications) then return nil end
  local wanted = members(text, params.notifications, NOTIFICATIONS)
  if not wanted then return nil end
  for key in pairs(wanted) do
    if NOTIFICATIONS[lower(key)] ~= key then return nil end
  end
  local list = wanted.resourceSubscriptions
  if not list then return 'nothing' end
  if byte(text, list) ~= 91 then return nil end
  local first = skip(text, list + 1)
  if first and byte(text, first) == 93 then return 'nothing' end
  if not first or byte(text, first) ~= 34 then return nil end
  local close = string_end(text, first)
  local after = close and skip(text, close + 1)
  local uri = close and gsub(sub(text, first + 1, close - 1), '\\/', '/')
  if not after or byte(text, after) ~= 93 or find(uri, '[^ -~]') or find(uri, '\\', 1, true) then return nil end
  return 'one', uri
end

-- What a message is; of a request also where its parameters begin, by their names.
local function kind(text)
  local first = skip(text, 1)
  if not is_object(text, first) then return nil end
  local own, count, last = members(text, first, MESSAGE)
  if not own or skip(text, last + 1) then return nil end
  if not own.method then
    local answers = own.result or own.error
    return answers and own.jsonrpc and own.id and count == 3 and 'response' or nil
  end
  if own.result or own.error then return nil end
  if not is_object(text, own.params) then return 'request', {} end
  local params = members(text, own.params, PARAMS)
  if not params then return nil end
  if is_object(text, params.ref) and not members(text, params.ref, REF) then return nil end
  return 'request', params
end
