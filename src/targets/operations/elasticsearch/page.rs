//! The page of the target `elasticsearch`.

pub(super) const DOC: &str = "\
A folder for the central `logging_config`, `central`, and one for each unit folder that has its own. Beside them is `rsyslog.conf`, what \
all folders use. In a folder:

- `lifecycles/NAME.json`: how long records are kept, as a body of `PUT _ilm/policy/NAME`.
- `templates/NAME.json`: what records may hold, as a body of `PUT _index_template/NAME`.
- `apply.sh`: gives both to a cluster.
- `rsyslog.conf`: rulesets that ship records.
- `audit.schema.json`, `records.schema.json`: JSON Schemas of records, for whoever writes or reads them.

| configuration | Elasticsearch | |
|---|---|---|
| `retention.audit_logs`, `audit_retention` of the federation | `mcp-central-audit` | at least the longer of both, in whole days, rounded up |
| `retention.operational_logs` | `mcp-central-operational` | at most that time, or at least it with `at_least` |
| `retention.debug_logs` | `mcp-central-debug` | the same |
| `fields` | the properties of templates and schemas | `dynamic: strict`: a record with any other field is refused |
| `log_level` | | rsyslog stores no record of a level below it |
| `structured_logging: true`, or without it | | a line is a record of JSON |
| `structured_logging: false` | | a line is text, and is kept as it is in `message` |

**Streams.** Records are in data streams: `logs-mcp.audit-central` holds those of gateways, `logs-mcp.operational-central` those of servers \
and workers, and `logs-mcp.debug-central` the ones among these of the levels `debug` and `trace`. A unit with a `logging_config` of its own has \
streams, lifecycles and templates of its own (`logs-mcp.audit-UNIT`). In the names of streams, `_` stands for `-` of a unit.

**How long.** Elasticsearch counts from the rollover of an index. Where records are kept for at most a time, an index is written to for a \
day (for half of the time, if that is less), and the rest of the time is `min_age`: its oldest record is deleted in time. Where they are kept for at least a time, \
`min_age` is that time, and an index is written to for 30 days. Elasticsearch looks every ten minutes, so deletion can be twenty \
minutes late. An index of 50 GB rolls over earlier. Without a time, records stay until somebody deletes them.

**Names.** A field keeps the name that `logging_config` gives it. The Elastic Common Schema's name for the same is an alias, so both find it:

| field | alias |
|---|---|
| `request_id` | `http.request.id` |
| `user_id` | `user.id` |
| `tenant_id` | `organization.id` |
| `tool_name`, `tool` | `gen_ai.tool.name` |
| `caller`, `agent` | `gen_ai.agent.id` |
| `status`, `status_code` | `http.response.status_code` |
| `error_code`, `error_message` | `error.code`, `error.message` |
| `level` | `log.level` |
| `session_id`, `span_id`, `trace_id` | `session.id`, `span.id`, `trace.id` |
| `user_agent` | `user_agent.original` |

`execution_time` has no alias, because it is in milliseconds and `event.duration` in nanoseconds. An alias is left out where a declared field has its name.

**What to do.** Apply the files, with credentials for curl from a file of your own:

```sh
MCP_ELASTICSEARCH=https://logs.example.org:9200 sh bundle/elasticsearch/central/apply.sh --config credentials.curl
```

A changed template is for the next index of a stream: `POST logs-mcp.audit-central/_rollover` begins one.

Then let rsyslog read the files that the gateways' standard output and the servers' records go to. Write what belongs to the machine into a file of your own:

```text
global(workDirectory=\"/var/spool/rsyslog\")
module(load=\"imfile\")
include(file=\"/etc/mcp/bundle/elasticsearch/rsyslog.conf\")
include(file=\"/etc/mcp/bundle/elasticsearch/central/rsyslog.conf\")
input(type=\"imfile\" file=\"/var/log/envoy/access.log\" tag=\"mcp\" ruleset=\"mcp-central-audit\")
input(type=\"imfile\" file=\"/var/log/mcp/*.log\" tag=\"mcp\" ruleset=\"mcp-central-records\")
```

Give rsyslog `MCP_ELASTICSEARCH`, the URL of the cluster, and `MCP_REFUSED`, a folder. In \
`records.json` there it writes what the cluster refuses, with the reason: a record with an undeclared field, and a record that was stored before. \
Protect that folder, because refused records are in it as they came. Apply the templates before rsyslog ships anything: a stream that begins without one takes any field.

While the cluster is away, records wait, in memory and then on disk, up to a gigabyte. A rsyslog that is ended while the cluster is away loses some \
of what it has taken in. Remove its files `imfile-state*` before it starts again: it then reads the files from the beginning, and what has \
been stored before is not stored twice. For credentials, put a proxy that adds them beside rsyslog: its configuration has no place for secrets that stays out of files.

**Once.** Gateways give every record a `record_id`, and a record that arrives twice is stored once. Give yours one, too; one without it is \
stored as often as it arrives.

**From YAML to what was observed.** In the tests of this project a running Envoy answers and denies calls with this configuration:

```yaml
logging_config: {log_level: info, fields: [request_id, user_id, tool_name], retention: {audit_logs: 7_years}}
```

Its log is shipped twice, with a foreign field added to one line. Every other line is stored once, and a search for `user.id` finds those of a user.

**What is not there.** A pipeline of the OpenTelemetry Collector for logs: `tracing_config` says where spans go, and nothing says where logs go. \
Replicas, shards and tiers, which depend on the cluster: put them into a template of your own with a higher priority, or into component templates. Who may read the records.";
