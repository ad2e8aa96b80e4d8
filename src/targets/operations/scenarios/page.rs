//! The page of the target `scenarios`.

pub(super) const DOC: &str = "\
A folder for the central `integration_tests`, `central`, and one for each unit folder that has its own. In it:

- `scenarios.json`: the environments and scenarios, and the flows that each scenario is about.
- `scenarios.schema.json`: the JSON Schema of such a list.
- `run_scenarios.py`, `trials.py`, `inputs.py`: a program that runs them by the worker of the target `temporal`.

| configuration | what is run | |
|---|---|---|
| `steps` | every flow in Temporal that has all these steps | they have to be done |
| `inject_failure` | every flow that calls that server | |
| neither | every flow in Temporal | |
| `expected_outcome: compensating_transaction` | of these the flows that undo something | |
| `test_environments` | where it may run: `--environment NAME` | |

**What comes of a run.**

| `expected_outcome` | passes where |
|---|---|
| `success` | the flow ends, no step is left out, and the steps of the scenario are done |
| `failure` | the run fails |
| `compensating_transaction` | the run ends with what was done undone |
| `graceful_degradation` | the flow ends, and some step was left out (`failure_handling: continue`) |
| `load_shedding` | some calls are refused with 429, and some runs end well |
| `circuit_breaker_activation` | the worker's breaker of the broken server opens during the run |

**What is broken.** The program makes the calls, and breaks them itself, so no server has to be prepared:

| fault | the calls of steps to that server |
|---|---|
| `timeout` | get no answer in time, and are not sent |
| `slow`, `delay`, `latency` | are sent after half of their time |
| `down`, `crash`, `outage`, `partition`, `refused`, `restart`, `unavailable` | do not reach it |
| `reset`, `disconnect` | are made, and their answer is lost |
| `error`, `failure` | are answered by an error of the tool |
| `overload` | are made, by 50 runs at the same time |

What undoes a step reaches its server, because the scenario is about how the flow recovers.

**Where.** In `settings`, the file that `run.py` of the worker takes, `servers` says where the environment's servers are, and `tokens` where the \
tokens of flows come from: use an issuer of the environment. A flow is left out where that address has the host and port of a gateway or server of \
this workspace; compile with `--env NAME` where the environment has the name and files of one in `mcpctl.yaml`, and its own addresses count. `mcp_servers: [...]` leaves \
out flows that call any other server, and `production_mirror` those with a tool that is not annotated `read_only: true`.

**Inputs.** With `data: synthetic`, or without `data`, arguments are made up by the `inputSchema` that the servers show: the least that it takes, and \
always the same. `--arguments FILE` gives others, by flow, step and tool; with `sanitized_production` all of them come from there. \
`data: production` is refused.

**What to do.**

```sh
python3 -m venv venv && venv/bin/pip install -r bundle/temporal/worker/requirements.txt
venv/bin/python bundle/scenarios/central/run_scenarios.py --settings staging.json --environment staging
```

The program ends with 0 where every scenario that was run ends as expected, with 1 where one does not or none was run, and with 2 where it cannot begin. Of a scenario \
that fails it prints the outcome, the cause and the attempts that failed.

**From YAML to what was observed.** In the tests of this project the document's saga runs with the document's scenario:

```yaml
integration_tests:
  test_environments: [{name: staging, mcp_servers: full_deployment, data: synthetic}]
  test_scenarios: [{name: failure_recovery, inject_failure: payment_server_timeout, expected_outcome: compensating_transaction}]
```

The calls of `charge_card` get no answer, `refund_charge` and `release_reservation` are called, and the scenario passes. With `expected_outcome: success` it fails \
and says that the outcome is `compensating_transaction`.

**What is not there.** Event processors, and flows in other engines. What a run reads back from servers: the outcome of a flow is judged, not the data.";
