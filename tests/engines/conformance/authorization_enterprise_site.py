"""What runs for Enterprise-Managed Authorization: an identity provider, an authorization server that accepts its
assertions, servers behind one gateway and two, and a workspace whose issuer has `kind: enterprise_managed`."""

from . import workspace
from .authorization_enterprise_server import BEARER, EXCHANGE, ID_JAG, ID_TOKEN, Client, GrantServer, IdentityProvider
from .authorization_server import USER
from .authorization_workspace import REQUIREMENTS, WRITE, Site, levels, registry

# The agent of the workspace, and a client that both servers know and the workspace does not.
PORTAL = Client("portal-at-idp", "idp secret: portal", "portal-1", "secret: portal/+")
STRANGER = Client("stranger-at-idp", "idp secret: stranger", "stranger-1", "secret: stranger/+")
CLIENTS = [PORTAL, STRANGER]
TOOLS = {
    "plain": [],
    # Only the token of a user who logged in shows this.
    "delegated": ["user_delegation"],
    "writing": ["can_write"],
}
SERVERS = {"near": (1, TOOLS), "far": (2, TOOLS)}
EVIDENCE = {"user_delegation": {"claim": "auth_time", "present": True}, "can_write": REQUIREMENTS["can_write"]}


class EnterpriseSite(Site):
    name, servers = "enterprise", SERVERS

    def log_in(self, resources: set[str]) -> None:
        self.login = GrantServer(CLIENTS, resources)
        self.idp = IdentityProvider(CLIENTS, resources, self.login.url, {WRITE})
        self.ending.callback(self.idp.stop)
        self.login.trusted = self.idp.signer

    def asserted(self, client: Client, server: str, scopes: str = "", **more) -> str:
        """The assertion that a client gets for a server. `more` replaces fields of its request."""
        form = {"grant_type": EXCHANGE, "requested_token_type": ID_JAG, "subject_token_type": ID_TOKEN}
        form |= {"audience": self.login.url, "resource": self.url(server), "scope": scopes}
        form |= {"subject_token": self.idp.id_token(USER, client)}
        form |= {"client_id": client.idp, "client_secret": client.idp_secret}
        return self.idp.token(form | more)["access_token"]

    def issued(self, client: Client, server: str, scopes: str = "", **more) -> str:
        """The token that it gets for the assertion."""
        form = {"grant_type": BEARER, "scope": scopes, "client_id": client.name, "client_secret": client.secret}
        form |= {} if "assertion" in more else {"assertion": self.asserted(client, server, scopes)}
        return self.login.token(form | more)["access_token"]

    def documents(self, port: int) -> list[dict]:
        trusted = {"issuer": self.login.url, "kind": "enterprise_managed", "jwks_file": "keys/issuer.json"}
        return [
            registry(port, self.listen, self.servers, {"portal": PORTAL.name}),
            {
                "identity": {
                    "issuers": [trusted | {"speaks_for": ["agents"]}],
                    "trust_domain": workspace.TRUST_DOMAIN,
                    "requirements": EVIDENCE,
                }
            },
            *levels(self.servers),
        ]
