// The extension starts `mcpctl lsp` and shows what it says; all that is known about the YAML is in the server.
'use strict';
const { execFile } = require('node:child_process');
const vscode = require('vscode');
const { LanguageClient } = require('vscode-languageclient/node');

// Pages of a large fleet are a few megabytes.
const MOST_BYTES = 64 * 1024 * 1024;

let client;

const program = () => vscode.workspace.getConfiguration('mcpctl').get('path') || 'mcpctl';

async function start() {
  const command = program();
  client = new LanguageClient('mcpctl', 'mcpctl', { command, args: ['lsp'] }, { documentSelector: [{ language: 'yaml', scheme: 'file' }] });
  try {
    await client.start();
  } catch (error) {
    client = undefined;
    vscode.window.showErrorMessage(`${command} does not start: ${error.message}. Install mcpctl, or set mcpctl.path.`);
  }
}

async function stop() {
  const running = client;
  client = undefined;
  await running?.stop();
}

// The page that searches access, in a tab beside the text.
function access() {
  const folder = vscode.workspace.workspaceFolders?.[0];
  if (!folder) return vscode.window.showErrorMessage('Open a folder with a workspace of mcpctl first.');
  execFile(program(), ['graph', 'access', '.', '--as', 'html'], { cwd: folder.uri.fsPath, maxBuffer: MOST_BYTES }, (error, page, said) => {
    if (error) return vscode.window.showErrorMessage(`mcpctl cannot draw access: ${said || error.message}`);
    const panel = vscode.window.createWebviewPanel('mcpctl.access', 'Who may use what', vscode.ViewColumn.Beside, { enableScripts: true });
    panel.webview.html = page;
  });
}

async function activate(context) {
  context.subscriptions.push(
    vscode.commands.registerCommand('mcpctl.restart', async () => {
      await stop();
      await start();
    }),
    vscode.commands.registerCommand('mcpctl.access', access),
    vscode.workspace.onDidChangeConfiguration(async event => {
      if (!event.affectsConfiguration('mcpctl.path')) return;
      await stop();
      await start();
    }),
  );
  await start();
}

module.exports = { activate, deactivate: stop };
