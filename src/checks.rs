//! Checks: what one section cannot see alone. One file a check, one line each in the list below.

// What a check is, and the model that every check has passed; every other file is a check.
mod check;
mod checked;

mod ambiguous_tool;
mod any_agent_overreach;
mod approval_not_bound;
mod audit_fields_missing;
mod audit_retention_too_short;
mod auth_level_gap;
mod auth_levels_not_cumulative;
mod batch_never_triggers;
mod batch_truncates;
mod breaker_blind_to_tool_errors;
mod breaker_opens_by_luck;
mod breaker_timeouts_inverted;
mod cache_smaller_than_inner_layer;
mod cache_ttl_not_increasing;
mod caller_without_issuer;
mod certificates_disabled;
mod chaos_target_unmatched;
mod class_weaker_than_lower;
mod colliding_metrics;
mod colliding_topics;
mod colon_in_metric_name;
mod compensation_disabled;
mod compensation_never_runs;
mod compensation_not_idempotent;
mod compensation_repeats_action;
mod conflicting_classification;
mod contradictory_outcome;
mod correlation_header_not_logged;
mod counter_without_total;
mod cross_unit_call_without_approval;
mod cyclic_workflow;
mod dead_retention;
mod decided_once;
mod delegation_by_fixed_claim;
mod delegation_without_login;
mod destructive_tool_low_level;
mod duplicate_dependency;
mod duplicate_label;
mod duplicate_subject;
mod earlier_call_out_of_reach;
mod error_boost_needs_tail_sampling;
mod eviction_not_offered;
mod eviction_without_ttl;
mod expected_outcome_unsupported;
mod factor_without_login;
pub mod failing_policy_test;
mod fallback_caches_sensitive_data;
mod fallback_without_cache;
mod flow_never_completes;
mod flush_interval_too_long;
mod grant_of_nothing;
mod health_interval_too_short;
mod health_timeout_not_below_interval;
mod high_cardinality_label;
mod histogram_without_unit;
mod ineffective_requirement;
mod issuer_as_audience;
mod legacy_exporter_endpoint;
mod level_below_derived;
mod load_balancing_factors_do_not_sum;
mod location_violates_class;
mod metric_suffix_of_another_kind;
mod missing_additional_control;
mod missing_at_rest_encryption;
mod missing_subject;
mod missing_unit;
mod misspelt_label;
mod misspelt_log_field;
mod mtls_not_strict;
mod namespace_mismatch;
mod never_allowed;
mod no_agents_declared;
mod no_auth_levels;
mod no_tools_declared;
mod one_layer_of_defence;
mod pattern_in_literal;
mod plaintext_in_transit;
mod pool_exceeds_bulkhead;
mod processor_without_topic;
mod production_data_in_tests;
mod recycle_time_not_whole;
mod redundant_alternative;
mod redundant_grant;
mod redundant_requirement;
mod reserved_label;
mod restricted_data_flow;
mod result_of_another_type;
mod retention_order;
mod saga_without_compensation;
mod secret_correlation_header;
mod self_dependency;
mod server_in_two_pools;
mod server_mentioned_once;
mod server_of_several_levels;
mod server_reads_and_destroys;
mod server_with_many_callers;
mod server_without_pool;
mod servers_in_a_cycle;
mod shared_audience;
mod shared_pool_not_enforceable;
mod shared_url;
mod suspended;
mod too_many_facts;
mod too_many_ways;
mod topic_without_subscriber;
mod unattended_flow_needs_human;
mod unbounded_argument;
mod unclassified_server;
mod undeclared_dependents;
mod unenforceable_requirement;
mod unit_widens_policy;
mod units_not_isolated;
mod unknown_argument;
mod unknown_class;
mod unknown_exporter_protocol;
mod unknown_fact;
mod unknown_failure_target;
mod unknown_level;
mod unknown_principal;
mod unknown_resource;
mod unknown_result;
mod unknown_scenario_step;
mod unknown_server;
mod unknown_step;
mod unknown_tool;
mod unknown_topic;
mod unknown_unit;
mod unreachable_step;
mod unreachable_tool;
mod unsupported_orchestration_value;
mod untested_flow;
mod unused_auth_level;
mod unused_class;
mod unused_control;
mod unverified_obligation;
pub mod waiver_without_value;
mod weak_attestation;
mod workflow_without_compensation;
mod zero_attempts;

use std::collections::BTreeMap;

use rayon::prelude::*;

pub use self::check::{Check, Input};
pub use self::checked::CheckedModel;
pub(crate) use self::checked::accept;
use crate::diagnostic::{Diagnostic, Report, Severity};
use crate::model::Model;
use crate::model::access::classification::Classification;
use crate::policy::whole::Whole;

macro_rules! checks {
    ($($name:ident,)*) => {
        /// Every check, sorted by name.
        pub static CHECKS: &[&Check] = &[$(&$name::CHECK,)*];
    };
}

checks! {
    ambiguous_tool,
    any_agent_overreach,
    approval_not_bound,
    audit_fields_missing,
    audit_retention_too_short,
    auth_level_gap,
    auth_levels_not_cumulative,
    batch_never_triggers,
    batch_truncates,
    breaker_blind_to_tool_errors,
    breaker_opens_by_luck,
    breaker_timeouts_inverted,
    cache_smaller_than_inner_layer,
    cache_ttl_not_increasing,
    caller_without_issuer,
    certificates_disabled,
    chaos_target_unmatched,
    class_weaker_than_lower,
    colliding_metrics,
    colliding_topics,
    colon_in_metric_name,
    compensation_disabled,
    compensation_never_runs,
    compensation_not_idempotent,
    compensation_repeats_action,
    conflicting_classification,
    contradictory_outcome,
    correlation_header_not_logged,
    counter_without_total,
    cross_unit_call_without_approval,
    cyclic_workflow,
    dead_retention,
    decided_once,
    delegation_by_fixed_claim,
    delegation_without_login,
    destructive_tool_low_level,
    duplicate_dependency,
    duplicate_label,
    duplicate_subject,
    earlier_call_out_of_reach,
    error_boost_needs_tail_sampling,
    eviction_not_offered,
    eviction_without_ttl,
    expected_outcome_unsupported,
    factor_without_login,
    failing_policy_test,
    fallback_caches_sensitive_data,
    fallback_without_cache,
    flow_never_completes,
    flush_interval_too_long,
    grant_of_nothing,
    health_interval_too_short,
    health_timeout_not_below_interval,
    high_cardinality_label,
    histogram_without_unit,
    ineffective_requirement,
    issuer_as_audience,
    legacy_exporter_endpoint,
    level_below_derived,
    load_balancing_factors_do_not_sum,
    location_violates_class,
    metric_suffix_of_another_kind,
    missing_additional_control,
    missing_at_rest_encryption,
    missing_subject,
    missing_unit,
    misspelt_label,
    misspelt_log_field,
    mtls_not_strict,
    namespace_mismatch,
    never_allowed,
    no_agents_declared,
    no_auth_levels,
    no_tools_declared,
    one_layer_of_defence,
    pattern_in_literal,
    plaintext_in_transit,
    pool_exceeds_bulkhead,
    processor_without_topic,
    production_data_in_tests,
    recycle_time_not_whole,
    redundant_alternative,
    redundant_grant,
    redundant_requirement,
    reserved_label,
    restricted_data_flow,
    result_of_another_type,
    retention_order,
    saga_without_compensation,
    secret_correlation_header,
    self_dependency,
    server_in_two_pools,
    server_mentioned_once,
    server_of_several_levels,
    server_reads_and_destroys,
    server_with_many_callers,
    server_without_pool,
    servers_in_a_cycle,
    shared_audience,
    shared_pool_not_enforceable,
    shared_url,
    suspended,
    too_many_facts,
    too_many_ways,
    topic_without_subscriber,
    unattended_flow_needs_human,
    unbounded_argument,
    unclassified_server,
    undeclared_dependents,
    unenforceable_requirement,
    unit_widens_policy,
    units_not_isolated,
    unknown_argument,
    unknown_class,
    unknown_exporter_protocol,
    unknown_fact,
    unknown_failure_target,
    unknown_level,
    unknown_principal,
    unknown_resource,
    unknown_result,
    unknown_scenario_step,
    unknown_server,
    unknown_step,
    unknown_tool,
    unknown_topic,
    unknown_unit,
    unreachable_step,
    unreachable_tool,
    unsupported_orchestration_value,
    untested_flow,
    unused_auth_level,
    unused_class,
    unused_control,
    unverified_obligation,
    waiver_without_value,
    weak_attestation,
    workflow_without_compensation,
    zero_attempts,
}

/// Levels that `mcpctl.yaml` sets: `None` switches a check off.
pub type Levels = BTreeMap<String, Option<Severity>>;

/// Runs every check.
#[must_use]
pub fn run(model: &Model, whole: Whole<'_>) -> Vec<Diagnostic> {
    let classes = Classification::of(&model.access);
    let of_check = |check: &&Check| {
        let mut report = Report::default();
        (check.run)(&Input::new(model, whole, &classes), &mut report);
        report.diagnostics
    };
    // A few checks are far longer than the rest, so each is handed out alone.
    let found: Vec<Vec<Diagnostic>> = CHECKS.par_iter().with_max_len(1).map(of_check).collect();
    found.into_iter().flatten().collect()
}
