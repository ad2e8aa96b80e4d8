"""Writes a comment on the pull request of a GitHub workflow, or replaces the one that it wrote before.

    comment.py NAME FILE

NAME tells the comments of several workspaces apart; FILE holds the text, as Markdown. A token that may not write comments, as that of
a pull request from a fork, is a warning: the summary of the job has the same text.
"""

import json
import os
import sys
import urllib.error
import urllib.request

# The most that a comment holds is 65,536 characters.
MOST = 65_000
CUT = "\n\nThe comment ends here, and the summary of the job has the rest.\n"


def ask(method: str, url: str, body: dict | None = None):
    request = urllib.request.Request(url, method=method, data=None if body is None else json.dumps(body).encode())
    request.add_header("Authorization", f"Bearer {os.environ['TOKEN']}")
    request.add_header("Accept", "application/vnd.github+json")
    request.add_header("X-GitHub-Api-Version", "2022-11-28")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def written_before(comments: str, mark: str):
    """The comments that begin with a mark, the oldest first."""
    for page in range(1, 101):
        found = ask("GET", f"{comments}?per_page=100&page={page}")
        yield from (one for one in found if (one.get("body") or "").startswith(mark))
        if len(found) < 100:
            return


def main(name: str, file: str) -> None:
    with open(os.environ["GITHUB_EVENT_PATH"], encoding="utf-8") as event:
        number = json.load(event)["pull_request"]["number"]
    with open(file, encoding="utf-8") as text:
        review = text.read()
    mark = f"<!-- mcpctl diff of {name.replace('--', '- -')} -->\n"
    body = mark + review
    if len(body) > MOST:
        body = body[: MOST - len(CUT)] + CUT
    api = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}"
    comments = f"{api}/issues/{number}/comments"
    try:
        for before in written_before(comments, mark):
            try:
                ask("PATCH", f"{api}/issues/comments/{before['id']}", {"body": body})
                return
            except urllib.error.HTTPError as error:
                # Anybody can write the same first line; a comment of somebody else stays as it is.
                if error.code not in (403, 404):
                    raise
        ask("POST", comments, {"body": body})
    except urllib.error.HTTPError as error:
        if error.code not in (401, 403, 404):
            raise
        print(f"::warning::mcpctl could not write a comment ({error.code}): the job needs `permissions: pull-requests: write`")


if __name__ == "__main__":
    main(*sys.argv[1:])
