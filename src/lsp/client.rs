//! What a client can do, and what it is told that the server can do.

use std::path::PathBuf;

use lsp_types::{
    ClientCapabilities, CodeActionKind, CodeActionOptions, CodeActionProviderCapability, CompletionOptions,
    HoverProviderCapability, InitializeParams, InitializeResult, MarkupKind, OneOf, RenameOptions, SaveOptions,
    ServerCapabilities, ServerInfo, TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions,
    TextDocumentSyncSaveOptions, WorkDoneProgressOptions, WorkspaceFoldersServerCapabilities,
    WorkspaceServerCapabilities,
};

use super::position::Encoding;
use super::uri::path_of;

/// What makes a client ask for completions, beside letters.
const COMPLETES: [&str; 5] = [":", " ", "/", "[", "{"];

/// What of a client matters here.
#[derive(Debug, Clone, Default)]
pub struct Client {
    /// How it counts columns.
    pub encoding: Encoding,
    /// Whether it says which files change on the disk.
    pub watches: bool,
    /// Whether it takes edits with the version of the text that they are for.
    pub versioned_edits: bool,
    /// Whether it shows symbols in symbols.
    pub nested_symbols: bool,
    /// Whether it shows Markdown in a hover.
    pub markdown: bool,
    /// The folders that it has open.
    pub folders: Vec<PathBuf>,
}

impl Client {
    /// From what it says when it starts.
    #[must_use]
    pub fn of(params: &InitializeParams) -> Self {
        let ClientCapabilities { general, workspace, text_document, .. } = &params.capabilities;
        let offered = general.as_ref().and_then(|general| general.position_encodings.as_deref());
        let watched = workspace.as_ref().and_then(|workspace| workspace.did_change_watched_files.as_ref());
        let edits = workspace.as_ref().and_then(|workspace| workspace.workspace_edit.as_ref());
        let symbols = text_document.as_ref().and_then(|text| text.document_symbol.as_ref());
        let hover = text_document.as_ref().and_then(|text| text.hover.as_ref());
        let formats = hover.and_then(|hover| hover.content_format.as_deref());
        Self {
            encoding: Encoding::chosen(offered),
            watches: watched.and_then(|watched| watched.dynamic_registration).unwrap_or(false),
            versioned_edits: edits.and_then(|edits| edits.document_changes).unwrap_or(false),
            nested_symbols: symbols.and_then(|it| it.hierarchical_document_symbol_support).unwrap_or(false),
            markdown: formats.is_some_and(|formats| formats.contains(&MarkupKind::Markdown)),
            folders: folders(params),
        }
    }
}

fn folders(params: &InitializeParams) -> Vec<PathBuf> {
    if let Some(folders) = &params.workspace_folders {
        return folders.iter().filter_map(|folder| path_of(folder.uri.as_str())).collect();
    }
    // Clients older than folders of workspaces send one root.
    #[expect(deprecated, reason = "older clients send nothing else")]
    let root = params.root_uri.as_ref();
    root.and_then(|root| path_of(root.as_str())).into_iter().collect()
}

/// The answer to `initialize`.
#[must_use]
pub fn welcome(client: &Client) -> InitializeResult {
    let save = TextDocumentSyncSaveOptions::SaveOptions(SaveOptions { include_text: Some(false) });
    let sync = TextDocumentSyncOptions {
        open_close: Some(true),
        change: Some(TextDocumentSyncKind::INCREMENTAL),
        save: Some(save),
        ..TextDocumentSyncOptions::default()
    };
    let folders =
        WorkspaceFoldersServerCapabilities { supported: Some(true), change_notifications: Some(OneOf::Left(true)) };
    let capabilities = ServerCapabilities {
        position_encoding: Some(client.encoding.kind()),
        text_document_sync: Some(TextDocumentSyncCapability::Options(sync)),
        workspace: Some(WorkspaceServerCapabilities { workspace_folders: Some(folders), file_operations: None }),
        definition_provider: Some(OneOf::Left(true)),
        references_provider: Some(OneOf::Left(true)),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(COMPLETES.map(str::to_owned).to_vec()),
            ..CompletionOptions::default()
        }),
        code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(vec![CodeActionKind::QUICKFIX]),
            ..CodeActionOptions::default()
        })),
        rename_provider: Some(OneOf::Right(RenameOptions {
            prepare_provider: Some(true),
            work_done_progress_options: WorkDoneProgressOptions::default(),
        })),
        document_symbol_provider: Some(OneOf::Left(true)),
        document_formatting_provider: Some(OneOf::Left(true)),
        inlay_hint_provider: Some(OneOf::Left(true)),
        ..ServerCapabilities::default()
    };
    let server_info =
        ServerInfo { name: env!("CARGO_PKG_NAME").to_owned(), version: Some(env!("CARGO_PKG_VERSION").to_owned()) };
    InitializeResult { capabilities, server_info: Some(server_info) }
}
