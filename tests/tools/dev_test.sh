#!/usr/bin/env bash
# dev_test.sh ROOT: the entry point ./dev without building anything.
set -uo pipefail
root=$1
failures=0
# expect NAME STATUS PATTERN COMMAND…: the command ends with STATUS and prints something that matches PATTERN.
expect() {
  local name=$1 status=$2 pattern=$3 output got=0
  shift 3
  output=$("$@" 2>&1 </dev/null) || got=$?
  if [ "$got" != "$status" ] || ! grep -qE -- "$pattern" <<<"$output"; then
    printf 'FAILED %s: status %s (expected %s), looked for "%s" in:\n%s\n' "$name" "$got" "$status" "$pattern" "$output"
    failures=$((failures + 1))
  fi
}
cd / || exit 1
dev=$root/dev
expect "help lists the verbs" 0 '^  test ' "$dev" help
expect "--help is help" 0 '^  build ' "$dev" --help
expect "no verb is help" 0 'usage: ./dev VERB' "$dev"
expect "help of a verb" 0 '^./dev fuzz \[seconds\]' "$dev" help fuzz
expect "--help of a verb" 0 '^./dev check' "$dev" check --help
expect "--help of a verb that has its own" 0 '--scenario' "$dev" profile --help
expect "unknown verb names the nearest" 2 'Did you mean "test"' "$dev" tset
expect "unknown verb far from all" 2 'there is no "frobnicate"\. Try' "$dev" frobnicate
expect "a path is no verb" 2 'there is no "../lib.sh"' "$dev" ../lib.sh
expect "unknown preset" 1 'there is no preset "relase"' "$dev" build relase
expect "unknown option of check" 1 'check knows only' "$dev" check --fast
for verb in build run test check bench compare conformance fuzz format; do
  expect "verb $verb has a summary" 0 '^  [A-Z]' "$dev" help "$verb"
done

cd "$root" || exit 1
# shellcheck source=tools/lib.sh
. "$root/tools/lib.sh"
expect "lists of packages lose comments" 0 '^g\+\+$' packages_of build
expect "lists have names only" 1 '' grep -vE '^[a-z0-9][a-z0-9+.-]+$' <(packages_of build test clang check bench coverage)
expect "an unknown list" 1 'there is no list of packages' packages_of nonsense
same() { [ "$2" = "$3" ] || { echo "FAILED $1: got \"$2\", expected \"$3\""; failures=$((failures + 1)); }; }
if command -v dpkg-query >/dev/null; then
  same "installed packages are not missing" "$(printf 'dpkg\nweir-no-such-package\n' | missing_packages)" weir-no-such-package
fi
same "at least one job" "$(($(jobs_at_once) >= 1))" 1
same "the first preset" "$(presets | head -n 1)" dev
[ "$failures" = 0 ] && echo "all well"
exit "$((failures > 0))"
