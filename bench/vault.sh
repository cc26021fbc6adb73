#!/bin/sh
# vault.sh: get and put over TLS beside nginx serving the same bytes to the same load tool, in one run; a ratio each.
# Aim: get at least 0.5 of nginx at 64 connections. Answers are checked: any that is not 2xx fails the row.
set -eu
cd "$(dirname "$0")/.."
exec /usr/bin/python3 -W ignore bench/vault.py "$@"
