"""Runs whose calls go to one of several servers, by the class of their data."""

from .flow_results import history
from .flows import Runs

PLAN = "saga-archive"
SERVERS = {"open_archive": ["discard", "keep"], "staff_archive": ["discard", "keep"], "vault_archive": ["discard", "keep"], "mail_server": ["announce", "withdraw"]}
# The least sensitive server that takes the data: none is of the class `internal`.
FITS = {"public": "open_archive", "internal": "staff_archive", "confidential": "staff_archive", "restricted": "vault_archive"}


def given(word: object) -> dict:
    return {"store": {"keep": {"about": {"data_class": word}, "text": "of-the-call"}}}


async def routed(runs: Runs) -> None:
    for word, server in FITS.items():
        run = f"routed-{word}"
        runs.bench.tell(run, "keep", {"place": server})
        outcome = await runs.to_the_end(run, PLAN, given(word))
        runs.check(run, ["keep", "announce"], outcome, "success")
        made = [(one.server, one.arguments) for one in runs.bench.of(run)]
        wanted = [(server, given(word)["store"]["keep"]), ("mail_server", {"place": server})]
        runs.tally.check(made == wanted, f"{run}: the calls are {made} and not {wanted}")

        # What undoes a call goes where the call went, whatever its own arguments say.
        run = f"routed-back-{word}"
        runs.bench.tell(run, "keep", {"place": server})
        runs.bench.tell(run, "announce", "status 403")
        arguments = given(word)
        arguments["store"]["discard"] = {"about": {"data_class": "public" if word == "restricted" else "restricted"}} if word != "internal" else {}
        outcome = await runs.to_the_end(run, PLAN, arguments)
        runs.check(run, ["keep", "announce", "withdraw", "discard"], outcome, "compensating_transaction")
        undone = [one.server for one in runs.bench.of(run) if one.tool == "discard"]
        runs.tally.check(undone == [server], f"{run}: it is undone at {undone}")
    # What is no class goes nowhere, and nothing is undone that was never tried.
    for number, word in enumerate(["secret", "Public", "", None, ["public"], {"public": 1}, 1]):
        run = f"not-routed-{number}"
        handle = await runs.start(run, PLAN, given(word))
        outcome = await runs.outcome(handle)
        runs.check(run, [], outcome, "compensating_transaction")
        runs.tally.check(outcome.get("cause", "").startswith("NoServer"), f"{run}: {outcome}")
        text = await history(handle)
        runs.tally.check("NoServer" in text and "no server accepts" in text, f"{run}: the history does not say why")
    for number, arguments in enumerate([{}, {"store": {"keep": {}}}, {"store": {"keep": {"about": "public"}}}, {"store": {"keep": {"data_class": "public"}}}]):
        run = f"not-routed-without-{number}"
        outcome = await runs.to_the_end(run, PLAN, arguments)
        runs.check(run, [], outcome, "compensating_transaction")
