-- Headers that repeat what the body says. From revisions that have none they are removed. In the revision without sessions, Envoy's own
-- filter compares `Mcp-Method` and `Mcp-Name` with the body; `Mcp-Param-*` are compared here, where the route knows which header
-- repeats which argument of a tool. A request in which they differ is a `mismatch`.

local NAMESPACE = 'mcpctl.message'
local STATELESS = '2026-07-28'
local PARAM = 'mcp-param-'

-- Longest integer that is compared. Those that clients may repeat have sixteen digits.
local LONGEST = 40

-- An integer in the one form that all its spellings share. Nil for anything else.
local function integer(text)
  if #text > LONGEST then return nil end
  local sign, whole, point, fraction, e, exponent = match(text, '^(%-?)(%d+)(%.?)(%d*)([eE]?)([+-]?%d*)$')
  if not sign or find(whole, '^0%d') or (point == '') ~= (fraction == '') or (e == '') ~= (exponent == '') then return nil end
  local digits = gsub(whole .. fraction, '^0+', '')
  if digits == '' then return '0' end
  local kept = gsub(digits, '0+$', '')
  local power = (tonumber(exponent) or 0) - #fraction + #digits - #kept
  return power >= 0 and sign .. kept .. 'e' .. power or nil
end

-- Whether a header says the same as the value that begins at a place. One that claims to be base64 must be it, in its one form.
local function says(handle, header, text, at)
  local value = sub(text, at, value_end(text, at))
  local is_text = byte(value) == 34
  if is_text then value = meant(sub(value, 2, -2)) end
  if not value then return false end
  if sub(header, 1, 9) == '=?base64?' and sub(header, -2) == '?=' then
    if header ~= '=?base64?' .. handle:base64Escape(value) .. '?=' then return false end
    header = value
  elseif find(header, '[^\t -~]') or find(header, '^[\t ]') or find(header, '[\t ]$') then
    return false
  end
  if is_text or value == 'true' or value == 'false' then return header == value end
  local number = not find(header, '[eE]') and integer(header)
  return number and number == integer(value)
end

-- Where the argument at a path begins. Nil where it is not there, and false where an object on the way cannot be read.
local function argument(text, arguments, path, objects)
  local at = arguments
  for _, key in ipairs(path) do
    if not is_object(text, at) then return nil end
    if objects[at] == nil then objects[at] = members(text, at) or false end
    if not objects[at] then return false end
    at = objects[at][key]
  end
  return at
end

-- Whether a header and the argument that it repeats are both absent, or are the same. Lists and objects cannot be repeated.
local function agrees(handle, name, text, at)
  if at == false then return false end
  local headers = handle:headers()
  local count = headers:getNumValues(name)
  local first = at and byte(text, at)
  if not at or first == 91 or first == 123 or find(text, '^null', at) then return count == 0 end
  return count == 1 and says(handle, headers:get(name), text, at)
end

local function remove(headers, is_meant)
  local found = {}
  for name in pairs(headers) do
    if is_meant(name) then found[#found + 1] = name end
  end
  for _, name in ipairs(found) do headers:remove(name) end
end

-- The header of a call that differs from the body, if there is one. Headers that repeat nothing are removed: but those of a tool whose
-- schema the route does not know are left as they are.
local function differing(handle, text, arguments)
  local read = handle:streamInfo():dynamicMetadata():get('envoy.filters.http.mcp')
  local declared = {}
  if read and read.method == 'tools/call' then
    local tool = read.params and read.params.name
    declared = type(tool) == 'string' and handle:metadata():get(tool) or nil
    if not declared then return nil end
  end
  remove(handle:headers(), function(name) return sub(name, 1, #PARAM) == PARAM and not declared[name] end)
  local objects = {}
  for name, path in pairs(declared) do
    if not agrees(handle, name, text, argument(text, arguments, path, objects)) then return name end
  end
  return nil
end

-- Says in a header of Envoy's own how long the token is good for, in whole seconds, so that no answer outlives it. Of these, the
-- filter that verified the token has allowed LATE for clocks that differ.
local LATE, MOST_SECONDS = 30, 99999999

local function ends_with_token(handle)
  local verified = handle:streamInfo():dynamicMetadata():get('envoy.filters.http.jwt_authn')
  local expires = verified and verified.claims and verified.claims.exp
  if type(expires) ~= 'number' then return end
  local left = math.max(1, math.min(MOST_SECONDS, floor(expires) + LATE - os.time()))
  handle:headers():replace('grpc-timeout', string.format('%dS', left))
  handle:clearRouteCache()
end

function envoy_on_request(handle)
  local headers = handle:headers()
  ends_with_token(handle)
  local stateless = headers:get('mcp-protocol-version') == STATELESS
  if not stateless then
    remove(headers, function(name) return name == 'mcp-method' or name == 'mcp-name' or sub(name, 1, #PARAM) == PARAM end)
  end
  if headers:get(':method') ~= 'POST' then return end
  local body = handle:body()
  if not body then return end
  local text = body:getBytes(0, body:length())
  local metadata = handle:streamInfo():dynamicMetadata()
  local is, params = kind(text)
  if not is then return end
  local differs = stateless and is == 'request' and differing(handle, text, params.arguments)
  if differs then
    metadata:set(NAMESPACE, 'kind', 'mismatch')
    metadata:set(NAMESPACE, 'header', differs)
    return
  end
  metadata:set(NAMESPACE, 'kind', is)
  if is == 'response' then return end
  local wants, uris = subscribed(text, params)
  if wants then metadata:set(NAMESPACE, 'subscribes', wants) end
  for place, uri in ipairs(uris or {}) do metadata:set(NAMESPACE, 'uri' .. place, uri) end
end
