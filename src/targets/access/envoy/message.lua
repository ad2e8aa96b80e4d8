-- What a message is, told by its top-level keys: `request` or `response`. For anything else nothing is said, and the rules deny it.
-- It also says what a subscription is for, and takes headers away that only revisions without sessions have, from all others.

local NAMESPACE = 'mcpctl.message'
local STATELESS = '2026-07-28'
local byte, find, gsub, lower, sub = string.byte, string.find, string.gsub, string.lower, string.sub

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

-- The first byte that is no space, from a place on.
local function skip(text, at)
  return find(text, '[^ \t\r\n]', at)
end

-- The bytes that may follow a backslash, but for `u`.
local ESCAPES = { [34] = true, [47] = true, [92] = true, [98] = true, [102] = true, [110] = true, [114] = true, [116] = true }

-- The end of the string that begins at a place. Nil where it holds a control character, or an escape that JSON does not have: Envoy
-- takes both, and a lax reader takes them for something else.
local function string_end(text, at)
  local from = at + 1
  while true do
    local found = find(text, '[%z\1-\31"\\]', from)
    if not found then return nil end
    local here = byte(text, found)
    if here == 34 then return found end
    if here ~= 92 then return nil end
    local escape = byte(text, found + 1)
    if ESCAPES[escape] then
      from = found + 2
    elseif escape == 117 and find(text, '^%x%x%x%x', found + 2) then
      from = found + 6
    else
      return nil
    end
  end
end

-- The end of the value that begins at a place.
local function value_end(text, at)
  local first = byte(text, at)
  if first == 34 then return string_end(text, at) end
  if first ~= 123 and first ~= 91 then
    local after = find(text, '[,%]}%s]', at)
    return after and after > at and after - 1 or nil
  end
  local depth, from = 0, at
  while true do
    local found = find(text, '["{}%[%]]', from)
    if not found then return nil end
    local here = byte(text, found)
    if here == 34 then
      found = string_end(text, found)
      if not found then return nil end
    elseif here == 123 or here == 91 then
      depth = depth + 1
    else
      depth = depth - 1
      if depth == 0 then return found end
    end
    from = found + 1
  end
end

-- The members of the object that begins at a place: where the value of each key begins, how many there are, and where the object
-- ends. Nil where a key is doubled, is not plain ASCII, or is one of `known` in another case.
local function members(text, at, known)
  local found, count = {}, 0
  local from = skip(text, at + 1)
  if from and byte(text, from) == 125 then return found, count, from end
  while from and byte(text, from) == 34 do
    local close = string_end(text, from)
    if not close then return nil end
    local key = sub(text, from + 1, close - 1)
    if find(key, '[^ -~]') or find(key, '\\', 1, true) or found[key] then return nil end
    local meant = known[lower(key)]
    if meant and meant ~= key then return nil end
    local colon = skip(text, close + 1)
    if not colon or byte(text, colon) ~= 58 then return nil end
    local value = skip(text, colon + 1)
    local last = value and value_end(text, value)
    if not last then return nil end
    found[key], count = value, count + 1
    local next = skip(text, last + 1)
    if not next then return nil end
    if byte(text, next) == 125 then return found, count, next end
    if byte(text, next) ~= 44 then return nil end
    from = skip(text, next + 1)
  end
  return nil
end

local function is_object(text, at)
  return at and byte(text, at) == 123
end

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
  if not is_object(text, own.params) then return 'request', 'nothing' end
  local params = members(text, own.params, PARAMS)
  if not params then return nil end
  if is_object(text, params.ref) and not members(text, params.ref, REF) then return nil end
  return 'request', subscribed(text, params)
end

function envoy_on_request(handle)
  local headers = handle:headers()
  if headers:get('mcp-protocol-version') ~= STATELESS then
    local foreign = {}
    for name in pairs(headers) do
      if name == 'mcp-method' or name == 'mcp-name' or sub(name, 1, 10) == 'mcp-param-' then foreign[#foreign + 1] = name end
    end
    for _, name in ipairs(foreign) do headers:remove(name) end
  end
  if headers:get(':method') ~= 'POST' then return end
  local body = handle:body()
  if not body then return end
  local metadata = handle:streamInfo():dynamicMetadata()
  local is, wants, uri = kind(body:getBytes(0, body:length()))
  if is then metadata:set(NAMESPACE, 'kind', is) end
  if wants then metadata:set(NAMESPACE, 'subscribes', wants) end
  if uri then metadata:set(NAMESPACE, 'uri', uri) end
end
