//! Pages for a browser, each one file that asks for nothing beside itself.

use crate::render::escape::html;

/// What the page that searches access looks like, and what it does.
const CSS: &str = include_str!("page/explorer.css");
const SCRIPT: &str = include_str!("page/explorer.js");

/// What a report looks like.
pub const REPORT: &str = include_str!("page/report.css");

/// The beginning of a page, up to its body.
#[must_use]
pub fn head(title: &str, style: &str, policy: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';style-src 'unsafe-inline'{policy}\">\n\
         <title>{}</title>\n<style>\n{style}\n</style>\n</head>\n<body>\n",
        html(title)
    )
}

/// A page that searches access: `data` is JSON, `svg` a picture of it, or of something else.
#[must_use]
pub fn explorer(title: &str, summary: &str, data: &str, svg: &str) -> String {
    // Within JSON these characters only stand in texts, where an escape says the same.
    let data = data.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
    format!(
        "{}<h1>{}</h1>\n<p class=\"soft\">{}</p>\n\
         <h2>How can a principal reach data of a class?</h2>\n<form>\n\
         <label>Principal<input id=\"who\" list=\"known\" autocomplete=\"off\"></label><datalist id=\"known\"></datalist>\n\
         <label>Class<select id=\"class\"><option value=\"\">any</option></select></label>\n</form>\n<div id=\"ways\" aria-live=\"polite\"></div>\n\
         <h2>Who may use what</h2>\n<form>\n\
         <label>Search<input id=\"text\" type=\"search\" placeholder=\"a principal, server, tool or fact\"></label>\n\
         <label>Unit<select id=\"unit\"><option value=\"\">any</option></select></label>\n\
         <label>Class<select id=\"of\"><option value=\"\">any</option></select></label>\n\
         <label>Kind of caller<select id=\"kind\"><option value=\"\">any</option></select></label>\n</form>\n\
         <p id=\"count\" class=\"soft\" aria-live=\"polite\"></p>\n<div id=\"found\"></div>\n\
         <details><summary>Picture</summary><p class=\"soft\">Point at a node or an edge to read all of it.</p><div class=\"picture\">\n{svg}</div></details>\n\
         <noscript><p>The search on this page needs JavaScript; the picture does not.</p></noscript>\n\
         <script type=\"application/json\" id=\"data\">{data}</script>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        head(title, CSS, ";script-src 'unsafe-inline'"),
        html(title),
        html(summary),
    )
}
