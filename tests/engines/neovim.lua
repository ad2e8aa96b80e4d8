-- What tests/engines/neovim does in the editor.

local function fail(message)
  io.stderr:write(message .. '\n')
  os.exit(1)
end

local function wait(what, holds)
  if not vim.wait(30000, holds, 20) then
    fail('not within 30 seconds: ' .. what)
  end
  print('ok: ' .. what)
end

local function codes()
  local found = {}
  for _, finding in ipairs(vim.diagnostic.get(0)) do
    local data = finding.user_data and finding.user_data.lsp or {}
    found[finding.code or data.code] = finding
  end
  return found
end

local client

local function ask(method, params)
  local answers = vim.lsp.buf_request_sync(0, method, params, 30000)
  for _, answer in pairs(answers or {}) do
    if answer.error or answer.err then
      fail(method .. ': ' .. vim.inspect(answer))
    end
    return answer.result
  end
  fail(method .. ' has no answer')
end

local function encoding()
  return vim.lsp.get_client_by_id(client).offset_encoding
end

local function at(needle)
  for number, text in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, false)) do
    local from = text:find(needle, 1, true)
    if from then
      vim.api.nvim_win_set_cursor(0, { number, from })
      return vim.lsp.util.make_position_params(0, encoding())
    end
  end
  fail('`' .. needle .. '` is not in the file')
end

local function drive()
  vim.cmd('edit ' .. vim.fn.fnameescape(vim.env.FLEET .. '/extra.yaml'))
  -- These two are in every version since 0.5.
  client = vim.lsp.start_client({ name = 'mcpctl', cmd = { vim.env.MCPCTL, 'lsp' }, root_dir = vim.env.FLEET })
  if not client then
    fail('the server does not start')
  end
  vim.lsp.buf_attach_client(0, client)

  wait('a finding arrives', function() return codes()['unknown-server'] ~= nil end)
  local finding = codes()['unknown-server']
  local line = vim.api.nvim_buf_get_lines(0, finding.lnum, finding.lnum + 1, false)[1]
  local word = line:sub(finding.col + 1, finding.end_col)
  if word ~= 'orders_servr' then
    fail('the finding is at `' .. word .. '`')
  end
  print('ok: it is at the word that is wrong, behind an emoji')

  local hover = ask('textDocument/hover', at('mcp_server'))
  if not hover.contents.value:find('The server of action and compensation', 1, true) then
    fail('hover says ' .. vim.inspect(hover))
  end
  print('ok: hover explains a key')

  local params = at('orders_servr')
  local range = { start = params.position, ['end'] = params.position }
  local actions = ask('textDocument/codeAction', {
    textDocument = params.textDocument, range = range, context = { diagnostics = {} },
  })
  local fix
  for _, action in ipairs(actions) do
    if action.title:find('write `orders_server`', 1, true) then
      fix = action
    end
  end
  if not fix then
    fail('no fix is offered: ' .. vim.inspect(actions))
  end
  vim.lsp.util.apply_workspace_edit(fix.edit, encoding())
  wait('the finding is gone with the fix', function() return codes()['unknown-server'] == nil end)

  local places = ask('textDocument/definition', at('orders_server'))
  if not (places[1] and places[1].uri:find('registry.yaml', 1, true)) then
    fail('definition is ' .. vim.inspect(places))
  end
  print('ok: a name leads to the registry')

  vim.api.nvim_buf_set_lines(0, 0, -1, false, { 'saga_definition:', '  name: [' })
  wait('half of a text has its own finding', function() return codes()['yaml-syntax'] ~= nil end)
  vim.lsp.stop_client(client)
  wait('the server ends', function() return vim.lsp.get_client_by_id(client) == nil end)
end

local went, why = xpcall(drive, debug.traceback)
if not went then
  fail(why)
end
os.exit(0)
