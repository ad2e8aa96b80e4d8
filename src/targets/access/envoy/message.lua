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

-- The most resources that one subscription can name.
local MOST = 4

-- What a subscription is for: `nothing` in particular, or `some` resources, whose URIs follow. Nil for more than MOST, and for what is
-- not known.
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
  local at = skip(text, list + 1)
  if at and byte(text, at) == 93 then return 'nothing' end
  local uris = {}
  while at and byte(text, at) == 34 and #uris < MOST do
    local close = string_end(text, at)
    local after = close and skip(text, close + 1)
    if not after then return nil end
    local uri = gsub(sub(text, at + 1, close - 1), '\\/', '/')
    if find(uri, '[^ -~]') or find(uri, '\\', 1, true) then return nil end
    uris[#uris + 1] = uri
    if byte(text, after) == 93 then return 'some', uris end
    if byte(text, after) ~= 44 then return nil end
    at = skip(text, after + 1)
  end
  return nil
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
