"""Graphs as text, drawn by Mermaid in Chromium and by Graphviz: each node and each edge of the data is in the picture, with its words."""

import html
import json
import re
import shutil
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from xml.etree import ElementTree

from tally import ROOT, check, run

SVG = "{http://www.w3.org/2000/svg}"
# Names that end a string, a node or a picture where they are not escaped.
HOSTILE = """mcp_registry:
  central_gateway: https://mcp.example.com
  servers:
    - {name: crm_server, url: "https://crm.mcp.example.com/mcp", location: cloud, tools: [{name: get_customer, annotations: {read_only: true}}]}
saga_definition:
  name: end
  steps:
    - {name: '"]; n9[x', mcp_server: crm_server, action: get_customer}
    - {name: 'end', mcp_server: crm_server, action: get_customer}
    - {name: '<b>é😀</b> & `x` #35;', mcp_server: crm_server, action: get_customer}
    - {name: 'a\\"b\\nc', mcp_server: crm_server, action: get_customer}
"""
MERMAID = """<!doctype html><meta charset="utf-8"><title>draw</title><script src="mermaid.min.js"></script><pre id="found"></pre><script>
const words = part => {
  const walk = document.createTreeWalker(part, NodeFilter.SHOW_TEXT), found = [];
  while (walk.nextNode()) if (walk.currentNode.data.trim()) found.push(walk.currentNode.data.replaceAll('\\u2060', ''));
  return found;
};
const draw = async () => {
  mermaid.initialize({startOnLoad: false});
  const found = [];
  for (const [number, text] of %s.entries()) {
    try {
      const place = document.body.appendChild(document.createElement('div'));
      place.innerHTML = (await mermaid.render('m' + number, text)).svg;
      found.push({nodes: [...place.querySelectorAll('g.node')].map(words), edges: place.querySelectorAll('path.flowchart-link').length,
        labels: [...place.querySelectorAll('g.edgeLabels g.edgeLabel')].map(words).filter(one => one.length),
        groups: [...place.querySelectorAll('g.cluster .cluster-label')].map(words)});
    } catch (error) { found.push({error: String(error)}); }
  }
  document.getElementById('found').textContent = 'FOUND' + JSON.stringify({found}) + 'DNUOF';
};
draw();
</script>"""
GRAPHVIZ = """import {readFileSync} from 'node:fs';
import {Graphviz} from '@hpcc-js/wasm-graphviz';
const graphviz = await Graphviz.load(), found = [];
for (const text of JSON.parse(readFileSync(0, 'utf8'))) {
  try { found.push({svg: graphviz.layout(text, 'svg', 'dot')}); } catch (error) { found.push({error: String(error)}); }
}
console.log(JSON.stringify(found));
"""


def graphs(mcpctl: Path, workspace: Path, hostile: Path) -> list[list[str]]:
    """The arguments of each picture."""
    of = [["fleet"], ["dependents"], ["access"], ["reach", "--of", "treasury_agent"], ["flow", "--of", "saga:order_fulfilment"]]
    flows = [["graph", *args, str(workspace)] for args in of]
    return [*flows, ["graph", "flow", "--of", "saga:end", str(hostile)]]


def ran(mcpctl: Path, args: list[str], *more: str) -> str:
    done = run(str(mcpctl), *args, *more)
    check(done.returncode in (0, 1) and bool(done.stdout), f"{args} {more}: {done.stderr}")
    return done.stdout


def by_mermaid(tools: Path, texts: list[str], work: Path, chromium: str) -> list[dict]:
    folder = work / "mermaid"
    folder.mkdir()
    shutil.copy(tools / "node/node_modules/mermaid/dist/mermaid.min.js", folder)
    (folder / "draw.html").write_text(MERMAID % json.dumps(texts).replace("</", "<\\/"))
    handler = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    flags = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update"
    done = run(
        chromium, *flags.split(), f"--user-data-dir={work}/profile", "--window-size=1400,1000", "--virtual-time-budget=60000", "--dump-dom",
        f"http://127.0.0.1:{server.server_address[1]}/draw.html",
    )  # fmt: skip
    server.shutdown()
    found = re.search(r"FOUND(\{.*\})DNUOF", done.stdout, re.S)
    check(bool(found), f"Chromium drew nothing: {done.stdout[-500:]}{done.stderr[-500:]}")
    return json.loads(html.unescape(found.group(1)))["found"] if found else []


def by_graphviz(tools: Path, texts: list[str]) -> list[dict]:
    script = tools / "node/draw.mjs"
    script.write_text(GRAPHVIZ)
    done = run("node", str(script), text=json.dumps(texts))
    check(done.returncode == 0, f"Graphviz: {done.stderr}")
    return [one if "error" in one else drawn_by_graphviz(one["svg"]) for one in json.loads(done.stdout or "[]")]


def drawn_by_graphviz(svg: str) -> dict:
    """Its JSON is not read: there, each backslash is doubled."""
    found = {"node": [], "edge": [], "cluster": []}
    for part in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        if part.get("class") in found:
            found[part.get("class")].append([text.text for text in part.iter(f"{SVG}text")])
    return {"nodes": found["node"], "edges": len(found["edge"]), "groups": found["cluster"], "labels": [one for one in found["edge"] if one]}


def examine(tools: Path, mcpctl: Path, work: Path, chromium: str) -> int:
    """How many pictures were drawn."""
    hostile = work / "hostile"
    hostile.mkdir()
    (hostile / "saga.yaml").write_text(HOSTILE)
    wanted = graphs(mcpctl, ROOT / "fixtures/projects/enterprise", hostile)
    mermaid = by_mermaid(tools, [ran(mcpctl, args, "--as", "mermaid") for args in wanted], work, chromium)
    graphviz = by_graphviz(tools, [ran(mcpctl, args, "--as", "dot") for args in wanted])
    drawn = 0
    for number, args in enumerate(wanted):
        data = json.loads(ran(mcpctl, args, "--format", "json"))
        squeezed = lambda found: sorted(" ".join(" ".join(one).split()) for one in found)
        nodes, labels = squeezed(one["lines"] for one in data["nodes"]), squeezed([one["label"]] for one in data["edges"] if one["label"])
        groups = sorted({one["within"] for one in data["nodes"] if one.get("within")})
        for name, pictures in (("Mermaid", mermaid), ("Graphviz", graphviz)):
            picture = pictures[number] if number < len(pictures) else {"error": "nothing was drawn"}
            about = f"{name}, {' '.join(args[:4])}"
            if "error" in picture:
                check(False, f"{about}: {picture['error']}")
                continue
            check(squeezed(picture["nodes"]) == nodes, f"{about}: nodes {squeezed(picture['nodes'])} and not {nodes}")
            check(picture["edges"] == len(data["edges"]), f"{about}: {picture['edges']} edges and not {len(data['edges'])}")
            check(squeezed(picture["labels"]) == labels, f"{about}: labels {squeezed(picture['labels'])} and not {labels}")
            check(squeezed(picture["groups"]) == groups, f"{about}: groups {squeezed(picture['groups'])} and not {groups}")
            drawn += 1
    return drawn
