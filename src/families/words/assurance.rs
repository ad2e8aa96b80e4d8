//! Words about tests and experiments: integration tests, chaos experiments.

use super::Word;
use super::access::rows;
use crate::families::FamilyId;

pub(super) const WORDS: &[(FamilyId, &[Word])] =
    &[(FamilyId::IntegrationTests, INTEGRATION_TESTS), (FamilyId::ChaosExperiments, CHAOS_EXPERIMENTS)];

const INTEGRATION_TESTS: &[Word] = rows! {
    "test_environments[].mcp_servers" {
        "full_deployment"
            means "the environment has every server of the workspace; the same as without the key"
            becomes "`scenarios`: flows may call any server, at an address of the environment's own; the check \
                `tests-reach-production` finds servers that an environment of `mcpctl.yaml` leaves at the workspace's \
                address"
            not "the deployment of production: a flow is left out where an address is the workspace's";
        "production_mirror"
            means "the environment has copies of the servers of production"
            becomes "`scenarios`: flows with a tool that is not annotated `read_only: true` are left out; the rest as \
                for `full_deployment`"
            not "calls to production: a flow is left out where an address is the workspace's";
    }
    "test_environments[].data" {
        "synthetic"
            means "the data is made up; the same as without the key"
            becomes "`scenarios`: arguments are made up by the `inputSchema` that servers show, where `--arguments` \
                has none"
            not "generated records in servers: only arguments are made up";
        "sanitized_production"
            means "the data is copied from production, without what identifies people"
            becomes "`scenarios`: all arguments come from `--arguments`, and it is an error where one is missing; the \
                check `production-data-in-tests` finds it beside servers of the most sensitive class"
            not "a program that removes what identifies people: do that before";
        "production"
            means "the data is copied from production as it is"
            becomes "`scenarios` refuses to run in the environment; the check `production-data-in-tests` finds it \
                beside servers of the most sensitive class";
    }
    "test_scenarios[].expected_outcome" {
        "success"
            means "the flow ends well, no step is left out, and the steps of the scenario are done"
            becomes "`scenarios`: passes on the outcome `success`; the check `contradictory-outcome` judges it"
            not "a check of the data: only the outcome of the flow is judged";
        "failure"
            means "the run of the flow fails"
            becomes "`scenarios`: passes on the outcome `failure`; the check `contradictory-outcome` judges it"
            not "a scenario that fails: it passes when the run fails";
        "compensating_transaction"
            means "the run ends with what was done undone"
            becomes "`scenarios`: runs flows that undo something alone, and passes on the outcome \
                `compensating_transaction`; the checks `expected-outcome-unsupported` and `contradictory-outcome` \
                judge it"
            not "the end of a single compensation: the whole run is judged";
        "graceful_degradation"
            means "the flow ends well, and some step was left out"
            becomes "`scenarios`: passes on the outcome `success` with a step left out; the checks \
                `expected-outcome-unsupported` and `contradictory-outcome` judge it"
            not "a fallback that a gateway serves";
        "load_shedding"
            means "some calls are refused with 429, and some runs end well"
            becomes "`scenarios`: passes on that, of 50 runs at the same time with the fault `overload`; the checks \
                `expected-outcome-unsupported` and `contradictory-outcome` judge it"
            not "any call that fails: refused means the status 429";
        "circuit_breaker_activation"
            means "the breaker towards the broken server opens during the run"
            becomes "`scenarios`: passes when the breaker of the worker opens; the checks \
                `expected-outcome-unsupported` and `contradictory-outcome` judge it"
            not "the breaker of a gateway: an experiment of `chaos` asks for that";
    }
};

const CHAOS_EXPERIMENTS: &[Word] = rows! {
    "network_partitions[].expected" {
        "success"
            means "the service at `SERVICE_URL` answers with 200 while the fault is on"
            becomes "`chaos`: a probe of `experiment.json` by HTTP, in the time that a call may take"
            not "the outcome of a flow: a scenario of `integration_tests` asks for that";
        "failure"
            means "a flow fails"
            becomes "nothing: no `experiment.json` is written, and the note `not-expressible` says to write a scenario \
                of `integration_tests`"
            not "an experiment that fails";
        "compensating_transaction"
            means "a flow ends with what was done undone"
            becomes "nothing: no `experiment.json` is written, and the note `not-expressible` says to write a scenario \
                of `integration_tests`; the check `expected-outcome-unsupported` judges it";
        "graceful_degradation"
            means "the service at `SERVICE_URL` answers with 200 or 203 while the fault is on"
            becomes "`chaos`: a probe of `experiment.json` by HTTP, in the time that a call may take; the check \
                `expected-outcome-unsupported` asks for `fallback_strategies`"
            not "proof that a fallback was used: an answer with 200 counts as well";
        "load_shedding"
            means "a gateway refuses calls beyond a bulkhead while the fault is on"
            becomes "`chaos`: a probe that asks Prometheus for `envoy_cluster_upstream_rq_pending_overflow` and \
                `envoy_cluster_upstream_rq_active_overflow`; the check `expected-outcome-unsupported` asks for a pool \
                of the server"
            not "load that the experiment makes: send calls yourself";
        "circuit_breaker_activation"
            means "a gateway cuts a server off while the fault is on"
            becomes "`chaos`: a probe that asks Prometheus for `envoy_cluster_outlier_detection_ejections_active`; the \
                checks `expected-outcome-unsupported` and `breaker-opens-by-luck` judge it"
            not "the breaker of the worker of `temporal`: only gateways are asked";
    }
};
