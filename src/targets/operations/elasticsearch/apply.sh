#!/bin/sh
# Gives the lifecycles and templates beside it to Elasticsearch: `MCP_ELASTICSEARCH=https://HOST:9200 sh apply.sh [OPTION...]`.
# Options are those of curl, such as `--config FILE` with credentials. Removes nothing, and ends where Elasticsearch refuses a file.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
: "${MCP_ELASTICSEARCH:?the URL of the cluster}"

# put FOLDER PATH OPTION...: a template names its lifecycle, which must be there before it.
put() {
    folder=$1 path=$2
    shift 2
    for file in "$here/$folder"/*.json; do
        [ -e "$file" ] || continue
        name=${file##*/}
        printf '%s/%s: ' "$folder" "$name"
        curl --silent --show-error --fail-with-body "$@" --request PUT --header 'content-type: application/json' \
            --data-binary "@$file" "${MCP_ELASTICSEARCH%/}/$path/${name%.json}"
        printf '\n'
    done
}

put lifecycles _ilm/policy "$@"
put templates _index_template "$@"
