#!/usr/bin/env python3
"""Makes the topics of topics.json what they should be: `apply_topics.py CLIENT.properties [--dry-run]`.

CLIENT.properties holds what a client of the cluster needs, by the names of librdkafka: `bootstrap.servers`, and how it proves who it
is. Topics that are missing are created, partitions are added, and configuration is set. Nothing is ever deleted, and no partition is
taken away: where that would be needed, this ends with 1 and has changed nothing. Needs the package confluent-kafka.
"""

import json
import pathlib
import sys

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic, ResourceType

SECONDS = 30


def properties(path):
    """The settings of a file with a line for each."""
    lines = (line.strip() for line in pathlib.Path(path).read_text().splitlines())
    return dict(map(str.strip, line.split("=", 1)) for line in lines if line and not line.startswith("#"))


def done(futures):
    for future in futures.values():
        future.result(SECONDS)


def config_of(admin, name):
    """The configuration of a topic, by key."""
    answers = admin.describe_configs([ConfigResource(ResourceType.TOPIC, name)], request_timeout=SECONDS)
    return {key: entry.value for answer in answers.values() for key, entry in answer.result(SECONDS).items()}


def main(settings, dry_run):
    wanted = json.loads(pathlib.Path(__file__).with_name("topics.json").read_text())
    admin = AdminClient(properties(settings))
    there = {name: len(topic.partitions) for name, topic in admin.list_topics(timeout=SECONDS).topics.items()}
    shrunk = [topic for topic in wanted if there.get(topic["name"], 0) > topic.get("partitions", sys.maxsize)]
    for topic in shrunk:
        print(f"{topic['name']}: has {there[topic['name']]} partitions, and Kafka cannot make it {topic['partitions']}", file=sys.stderr)
    if shrunk:
        return 1
    for topic in wanted:
        name, partitions, config = topic["name"], topic.get("partitions", -1), topic.get("config", {})
        if name not in there:
            new = NewTopic(name, partitions, topic["replicationFactor"], config=config)
            done(admin.create_topics([new], validate_only=dry_run, request_timeout=SECONDS))
            print(f"{name}: created")
            continue
        if partitions > there[name]:
            done(admin.create_partitions([NewPartitions(name, partitions)], validate_only=dry_run, request_timeout=SECONDS))
            print(f"{name}: {there[name]} partitions become {partitions}")
        known = config_of(admin, name)
        changed = {key: value for key, value in config.items() if known.get(key) != value}
        if changed:
            entries = [ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET) for key, value in changed.items()]
            resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries)
            done(admin.incremental_alter_configs([resource], validate_only=dry_run, request_timeout=SECONDS))
            print(f"{name}: {', '.join(f'{key} becomes {value}' for key, value in changed.items())}")
    return 0


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--dry-run"]
    if len(arguments) != 1:
        sys.exit(__doc__)
    try:
        sys.exit(main(arguments[0], "--dry-run" in sys.argv))
    except KafkaException as fault:
        sys.exit(str(fault))
