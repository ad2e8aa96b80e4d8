//! What should be read, by the model.

use std::collections::{BTreeMap, BTreeSet};

use super::{Batched, Chosen, Collector, Sampler, Sdk, To, Users};
use crate::lift::LiftError;
use crate::lift::names::labels;
use crate::model::access::AccessRules;
use crate::model::deployment::keys::OtelCollector;
use crate::model::flow::{Batch, Trigger};
use crate::model::server::Server;
use crate::model::telemetry::{Exporter, SpanProtocol, Tracing};
use crate::model::url::Url;
use crate::model::vocabulary::{Compression, PriorityBoost, Sampling};
use crate::model::{Model, Scope};

/// Attributes that name a user, beside `user.id` and the header.
const NAMING: [&str; 7] =
    ["user_id", "user.name", "user.full_name", "user.email", "user.hash", "enduser.id", "enduser.pseudo.id"];

/// Who chooses which traces are kept.
enum Kept {
    /// Nobody: all, or none.
    Same(Sampler),
    /// SDKs, this share.
    First(f64),
    /// The collector.
    Last { errors: bool, slower_than: Option<u64>, share: f64 },
}

fn keys(model: &Model) -> OtelCollector {
    model.deployment.otel_collector.clone().unwrap_or_default()
}

fn kept(tracing: &Tracing, model: &Model) -> Kept {
    let strategy = tracing.strategy.as_ref().map(|strategy| strategy.value);
    let rate = tracing.rate.as_ref().map_or(1.0, |rate| rate.value);
    let share = if strategy == Some(Sampling::AlwaysOff) {
        0.0
    } else if matches!(strategy, Some(Sampling::AlwaysOn | Sampling::RateLimiting)) {
        1.0
    } else {
        rate
    };
    let boosted = |word| tracing.priority_boost.as_ref().is_some_and(|boost| boost.value == word);
    let errors = boosted(PriorityBoost::ErrorSpans);
    let slower_than = keys(model).slow_after.filter(|_| boosted(PriorityBoost::SlowSpans)).map(|slow| slow.value.0);
    if share >= 1.0 {
        Kept::Same(Sampler::All)
    } else if errors || slower_than.is_some() || (strategy == Some(Sampling::Tail) && share > 0.0) {
        Kept::Last { errors, slower_than, share }
    } else if share > 0.0 {
        Kept::First(share)
    } else {
        Kept::Same(Sampler::None)
    }
}

/// What SDKs should be told.
pub(super) fn sdk(scope: &Scope, tracing: &Tracing, model: &Model) -> Sdk {
    let url = keys(model).endpoint.map(|url| url.value.to_string());
    let compression = Model::in_scope(&model.batch, scope).and_then(|batch| batch.compression.as_ref());
    let headers = [&tracing.request_id_header, &tracing.tenant_id_header].into_iter().flatten();
    Sdk {
        grpc: url.as_deref().and_then(SpanProtocol::of) == Some(SpanProtocol::OtlpGrpc),
        endpoint: url.map(|url| {
            let whole = url.trim_end_matches('/').ends_with("/v1/traces");
            (url, whole)
        }),
        compression: compression.map(|it| it.value).filter(|it| matches!(it, Compression::Gzip | Compression::None)),
        sampler: match kept(tracing, model) {
            Kept::Same(sampler) => sampler,
            Kept::First(share) => Sampler::Share(share),
            Kept::Last { .. } => Sampler::All,
        },
        headers: headers.map(|header| header.value.to_string()).collect(),
    }
}

/// The collector that should be read; `None` where there should be none.
///
/// # Errors
/// Where two exporters have one name.
pub(super) fn collector(scope: &Scope, tracing: &Tracing, model: &Model) -> Result<Option<Collector>, LiftError> {
    let batch = Model::in_scope(&model.batch, scope);
    let declared = batch.and_then(|batch| batch.compression.as_ref()).map(|it| it.value);
    let mut sent: BTreeMap<&str, (To, Option<Compression>)> = BTreeMap::new();
    for exporter in &tracing.exporters {
        let Some(to) = to(exporter) else { continue };
        let takes = |word: &Compression| match (&to, word) {
            (_, Compression::Gzip | Compression::None) | (To::Http(_), _) => true,
            (To::Grpc { .. }, Compression::Zstd | Compression::Snappy) => true,
            (To::Grpc { .. }, Compression::Lz4) | (To::Zipkin(_), _) => false,
        };
        let compression = declared.filter(takes);
        sent.insert(&exporter.name.value, (to, compression));
    }
    let chosen = match kept(tracing, model) {
        Kept::Same(Sampler::None) => return Ok(None),
        Kept::Same(_) | Kept::First(_) => None,
        Kept::Last { errors, slower_than, share } => {
            let call = Model::in_scope(&model.breaker, scope).and_then(|breaker| breaker.timeout.as_ref());
            let wait = call.map_or(30_000, |timeout| timeout.value.0);
            let share = (share > 0.0).then(|| (share * 1e10).round() as u64);
            Some(Chosen { errors, slower_than, share, wait })
        }
    };
    if sent.is_empty() {
        return Ok(None);
    }
    let labels = labels(sent.keys().copied().collect::<Vec<_>>())?;
    let users = Users { deleted: deleted(tracing), hashed_for: hashed_for(model) };
    Ok(Some(Collector {
        exporters: labels.into_iter().filter_map(|(label, name)| Some((label, sent.remove(name)?))).collect(),
        chosen,
        batched: batch.map(batched).unwrap_or_default(),
        memory: keys(model).memory.map(|most| most.value.0 >> 20),
        users,
    }))
}

fn to(exporter: &Exporter) -> Option<To> {
    let text = exporter.endpoint.as_ref()?.value.as_str();
    let url = Url::parse(text)?;
    let (_, rest) = text.split_once("://")?;
    let bare = rest.trim_end_matches('/').find(['/', '?']).is_none();
    let whole = |path: &str| if bare { format!("{}{path}", text.trim_end_matches('/')) } else { text.to_owned() };
    let tls = text.starts_with("https:");
    let grpc = |port| Some(To::Grpc { host: url.host.to_owned(), port, tls });
    match exporter.protocol? {
        SpanProtocol::OtlpHttp => Some(To::Http(whole("/v1/traces"))),
        SpanProtocol::Zipkin => Some(To::Zipkin(whole("/api/v2/spans"))),
        SpanProtocol::OtlpGrpc => grpc(url.port.unwrap_or(if tls { 443 } else { 80 })),
        SpanProtocol::Jaeger => match url.port? {
            14268 | 14250 | 6831 | 6832 => grpc(4317),
            _ => None,
        },
    }
}

fn batched(batch: &Batch) -> Batched {
    let full = |trigger: &Option<crate::source::Spanned<Trigger>>| {
        trigger.as_ref().is_some_and(|trigger| matches!(trigger.value, Trigger::BatchFull))
    };
    let limits = batch.strategies.iter().filter(|it| full(&it.trigger)).filter_map(|it| it.max_items.as_ref());
    let limit = limits.map(|limit| limit.value).min();
    let size = batch.batch_size.as_ref().map(|size| size.value);
    Batched {
        size: size.or(limit),
        most: limit.filter(|limit| size.unwrap_or(0) <= *limit),
        time: batch.flush_interval.as_ref().map(|flush| flush.value.0),
    }
}

fn deleted(tracing: &Tracing) -> BTreeSet<String> {
    let header = tracing.user_id_header.as_ref().map(|header| header.value.to_lowercase());
    let both = header.into_iter().flat_map(|header| [header.replace('-', "_"), header]);
    let headers = both.map(|header| format!("http.request.header.{header}"));
    NAMING.into_iter().map(str::to_owned).chain(headers).collect()
}

/// The servers whose class allows a pseudonym, by the central classes and by those of their unit.
fn hashed_for(model: &Model) -> BTreeSet<String> {
    let set = keys(model).pseudonyms_up_to;
    let most = set.as_ref().map_or("internal", |class| class.value.as_str());
    let allows = |rules: &AccessRules, server: &str| {
        let Some(last) = rules.classes.iter().position(|class| class.name.value.as_str() == most) else { return false };
        rules
            .classes
            .iter()
            .rposition(|class| class.servers.iter().any(|it| it.value.as_str() == server))
            .is_some_and(|it| it <= last)
    };
    let allowed = |server: &&Server| {
        let name = server.name.value.as_str();
        let own = server.unit.as_ref().and_then(|unit| model.restated_for(&unit.value));
        allows(&model.access, name) && own.is_none_or(|rules| allows(&rules, name))
    };
    model.servers.values().filter(allowed).map(|server| server.name.value.to_string()).collect()
}
