"""`python keycloak_realms.py PAGES FOLDER`: the realms that the tests run Keycloak with. They are those of the book's page, and one for
the mesh: the same as the page's `mcp`, but for its clients, whose mappers write what products read in place of `azp`."""

import copy
import json
import shutil
import sys
from pathlib import Path

NAME = "mesh"
# Each client with the claims that its mappers write into all of its tokens, whoever signs in.
CLIENTS = {
    "by-sub": {"sub": "care-agent"},
    "by-act": {"act.sub": "care-agent"},
    "nested": {"act.sub": "care-agent", "act.act.sub": "nobody"},
    "inner": {"act.act.sub": "care-agent", "sub": "care-agent"},
    "act-is-text": {"act": "care-agent", "sub": "care-agent"},
    "act-of-nobody": {"act.sub": "nobody", "sub": "care-agent"},
    "workload": {"act.sub": "care-agent", "sub": "spiffe://elsewhere.example/workload"},
    "for-others": {"act.sub": "care-agent"},
}
# Their tokens lack what the scope `mcp` writes, the audience first of all.
WITHOUT_SCOPE = {"for-others"}


def client(name: str, claims: dict[str, str]) -> dict:
    mappers = [{
        "name": claim, "protocol": "openid-connect", "protocolMapper": "oidc-hardcoded-claim-mapper",
        "config": {"claim.name": claim, "claim.value": value, "jsonType.label": "String", "access.token.claim": "true"},
    } for claim, value in claims.items()]  # fmt: skip
    return {
        "clientId": name, "secret": f"{name}-secret", "serviceAccountsEnabled": True, "standardFlowEnabled": True,
        "redirectUris": ["http://127.0.0.1/signed-in"], "defaultClientScopes": ["basic", "roles"] + ["mcp"] * (name not in WITHOUT_SCOPE),
        "optionalClientScopes": ["mcp.mfa", "notes.write"], "protocolMappers": mappers,
    }  # fmt: skip


def of_mesh(page: dict) -> dict:
    found = copy.deepcopy(page)
    return found | {"realm": NAME, "clients": [client(*one) for one in CLIENTS.items()]}


def main(pages: Path, folder: Path) -> None:
    shutil.copytree(pages, folder)
    page = json.loads((pages / "mcp-realm.json").read_text())
    (folder / f"{NAME}-realm.json").write_text(json.dumps(of_mesh(page), indent=2))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
