-- What of a message is read: JSON by its bytes, as Envoy has found it to be JSON.

local byte, char, find, gsub, lower, match, sub = string.byte, string.char, string.find, string.gsub, string.lower, string.match, string.sub
local floor = math.floor

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

-- The bytes of a character in UTF-8.
local function utf8(code)
  if code < 128 then return char(code) end
  local last = 128 + code % 64
  if code < 2048 then return char(192 + floor(code / 64), last) end
  local second = 128 + floor(code / 64) % 64
  if code < 65536 then return char(224 + floor(code / 4096), second, last) end
  return char(240 + floor(code / 262144), 128 + floor(code / 4096) % 64, second, last)
end

local SHORT = { b = '\b', f = '\f', n = '\n', r = '\r', t = '\t' }

-- What a string between its quotes means. Nil where it holds half of a character.
local function meant(raw)
  if not find(raw, '\\', 1, true) then return raw end
  local high, beside, broken
  local text = gsub(raw, '()\\(.)(%x?%x?%x?%x?)', function(at, letter, digits)
    if letter ~= 'u' then return (SHORT[letter] or letter) .. digits end
    local unit = tonumber(digits, 16)
    if unit < 55296 or unit > 57343 then return utf8(unit) end
    if unit < 56320 then
      broken = broken or high
      high, beside = unit, at + 6
      return ''
    end
    if not high or at ~= beside then
      broken = true
      return ''
    end
    unit, high = 65536 + (high - 55296) * 1024 + unit - 56320, nil
    return utf8(unit)
  end)
  if broken or high then return nil end
  return text
end

-- The members of the object that begins at a place: where the value of each key begins, how many there are, and where the object
-- ends. Nil where a key is doubled, and, with `known`, where one is not plain ASCII or is one of those in another case.
local function members(text, at, known)
  local found, count = {}, 0
  local from = skip(text, at + 1)
  if from and byte(text, from) == 125 then return found, count, from end
  while from and byte(text, from) == 34 do
    local close = string_end(text, from)
    if not close then return nil end
    local key = sub(text, from + 1, close - 1)
    if known then
      local right = known[lower(key)]
      if right and right ~= key or find(key, '[^ -~]') or find(key, '\\', 1, true) then return nil end
    else
      key = meant(key)
    end
    if not key or found[key] then return nil end
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
