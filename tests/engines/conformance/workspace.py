"""The workspace of these tests: a central gateway, and a business unit behind a gateway of its own. Each server is in
it twice, with one gateway before it and with two. It is written for the ports and keys of one run."""

import json
import re
import subprocess
from pathlib import Path

ISSUER, AUDIENCE, TRUST_DOMAIN = "https://login.example.org", "mcp-gateway", "example.org"
# How many gateways are before a server, and what the names of such servers begin with.
HOPS = {1: "near", 2: "far"}
# What the reference server of the suite has. The names with underscores appear while a test runs.
TOOLS = """__transient_tool_for_list_changed json_schema_2020_12_tool test_audio_content test_elicitation
test_elicitation_sep1034_defaults test_elicitation_sep1330_enums test_embedded_resource test_error_handling
test_image_content test_input_required_result_capabilities test_input_required_result_elicitation
test_input_required_result_list_roots test_input_required_result_multi_round test_input_required_result_multiple_inputs
test_input_required_result_request_state test_input_required_result_sampling test_input_required_result_tampered_state
test_logging_tool test_missing_capability test_multiple_content_types test_reconnection test_sampling test_simple_text
test_streaming_elicitation test_tool_with_logging test_tool_with_progress test_trigger_prompt_change
test_trigger_tool_change test_x_mcp_header""".split()
# The schema of the one tool that marks an argument, without which the gateways compare nothing.
MARKED = {
    "test_x_mcp_header": {
        "type": "object",
        "properties": {
            "region": {"type": "string", "description": "mirrored into Mcp-Param-Region", "x-mcp-header": "Region"},
            "level": {"type": "integer", "description": "non-mirrored argument"},
        },
    }
}
PROMPTS = """__transient_prompt_for_list_changed test_input_required_result_prompt test_prompt_with_arguments
test_prompt_with_embedded_resource test_prompt_with_image test_simple_prompt""".split()
RESOURCES = ["test://static-binary", "test://static-text", "test://watched-resource", "test://template/*/data"]
# What the recording server has: `narrow` may call the first tool alone, and the last one takes a second factor.
GRANTED, FORBIDDEN, STEP_UP = "lookup", "erase", "pay"


def subject(agent: str) -> str:
    return f"spiffe://{TRUST_DOMAIN}/ns/test/sa/{agent}"


def server(name: str, hops: int, port: int, tools: list, resources: list[str], prompts: list[str]) -> dict:
    return {
        "name": name,
        "url": f"http://127.0.0.1:{port}/mcp",
        "location": "cloud",
        "business_unit": "unit" if hops == 2 else "central",
        "tools": tools,
        "resources": [{"uri": uri} for uri in resources],
        "prompts": [{"name": name} for name in prompts],
    }


def tool(name: str, **more) -> dict:
    return {"name": name, "annotations": {"read_only": True, "destructive": False, "idempotent": True}} | more


def documents(ports: dict[str, int], gateways: dict[str, int]) -> list[dict]:
    """`ports` are those of the upstream servers, by the name of each server in the workspace."""
    servers = []
    for hops, prefix in HOPS.items():
        for kind in ("stateful", "stateless"):
            servers.append(
                server(
                    f"{prefix}_{kind}",
                    hops,
                    ports[f"{prefix}_{kind}"],
                    [tool(name, **({"input_schema": MARKED[name]} if name in MARKED else {})) for name in TOOLS],
                    RESOURCES,
                    PROMPTS,
                )
            )
        recorded = [tool(GRANTED), tool(FORBIDDEN), tool(STEP_UP, auth_level=2)]
        servers.append(
            server(f"{prefix}_recorder", hops, ports[f"{prefix}_recorder"], recorded, ["note://one"], ["greet"])
        )
    names = [one["name"] for one in servers]
    recorders = [name for name in names if name.endswith("_recorder")]
    narrow = [f"{name}/{allowed}" for name in recorders for allowed in (GRANTED, STEP_UP)]
    return [
        {
            "mcp_registry": {
                "central_gateway": f"https://127.0.0.1:{gateways['central']}",
                "business_units": [{"name": "unit", "gateway": f"https://127.0.0.1:{gateways['unit']}"}],
                "servers": servers,
                "agents": [
                    {
                        "name": "suite",
                        "business_unit": "central",
                        "subject": subject("suite"),
                        "may_call": [f"{name}/*" for name in names],
                    },
                    {"name": "narrow", "business_unit": "central", "subject": subject("narrow"), "may_call": narrow},
                ],
            }
        },
        {
            "identity": {
                "issuer": ISSUER,
                "audiences": [AUDIENCE],
                "jwks_file": "keys/issuer.json",
                "trust_domain": TRUST_DOMAIN,
                "requirements": {"mfa": {"claim": "amr", "contains": "mfa", "scope": "mcp.mfa"}},
            }
        },
        {
            "progressive_auth": {
                "levels": [
                    {"level": 1, "requirements": ["service_account_token"]},
                    {"level": 2, "requirements": ["service_account_token", "mfa"]},
                ]
            }
        },
        {"data_routing": {"classifications": [{"level": "public", "mcp_servers": names, "min_auth_level": 1}]}},
    ]


def write(
    folder: Path, jwks: str, ports: dict[str, int], gateways: dict[str, int], admin: dict[str, int], tls: Path
) -> None:
    write_documents(folder, jwks, documents(ports, gateways), gateways, admin, tls)


def write_documents(
    folder: Path, jwks: str, written: list[dict], gateways: dict[str, int], admin: dict[str, int], tls: Path
) -> None:
    """JSON is YAML, too."""
    (folder / "keys").mkdir(parents=True)
    (folder / "keys/issuer.json").write_text(jwks)
    text = "---\n".join(json.dumps(one, indent=1) + "\n" for one in written)
    (folder / "workspace.yaml").write_text(text)

    def gateway(name: str) -> dict:
        files = {"cert": f"{tls}/{name}.crt", "key": f"{tls}/{name}.key", "ca": f"{tls}/ca.crt"}
        return {"listen": f"127.0.0.1:{gateways[name]}", "admin": f"127.0.0.1:{admin[name]}", "tls": files}

    settings = {"targets": {"envoy": gateway("central") | {"gateways": {"unit": gateway("unit")}}}}
    (folder / "mcpctl.yaml").write_text(json.dumps(settings, indent=1) + "\n")


def compiled(mcpctl: Path, folder: Path) -> Path:
    """The folder of gateways; the workspace has to be without errors first."""
    out = folder.with_name(folder.name + "-bundle")
    for command in (["validate", folder], ["compile", folder, "--target", "envoy", "--out", out]):
        done = subprocess.run([mcpctl, *command], capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise SystemExit(f"{command[0]}: {done.returncode}\n{done.stdout}{done.stderr}")
    return out / "envoy"


def spoil(bundle: Path, old: str, new: str) -> int:
    """Changes what was compiled, so that the tests can show that they see it; how often the old text was there."""
    total = 0
    for path in sorted(bundle.rglob("*.yaml")):
        text, count = re.subn(old, new, path.read_text())
        total += count
        path.write_text(text)
    return total
