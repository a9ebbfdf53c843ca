#!/usr/bin/env bash
# tests/e2e/service.sh [--set section.key=value …] -- COMMAND…: runs COMMAND against a real service (service.py).
exec /usr/bin/python3 "$(dirname "$0")/service.py" "$@"
