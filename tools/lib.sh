# shellcheck shell=bash
# Functions that the verbs of ./dev share. Sourced by dev with ROOT set and as the working directory.

say() { printf '\033[1m==\033[0m %s\n' "$*" | if [ -t 1 ]; then cat; else sed 's/\x1b\[[0-9]*m//g'; fi; }
warn() { printf 'dev: %s\n' "$*" >&2; }
# fail MESSAGE [WHAT-TO-TRY]: ends the run.
fail() {
  printf '\ndev: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf '     %s\n' "$2" >&2
  exit 1
}

# ---- verbs ----

# The everyday verbs first, the others by name.
verbs() {
  local everyday="build run test check format bench fuzz" name
  for name in $everyday; do [ ! -f "tools/dev.d/$name" ] || echo "$name"; done
  for name in tools/dev.d/*; do
    name=${name##*/}
    case " $everyday " in *" $name "*) ;; *) echo "$name" ;; esac
  done
}

# verb_usage VERB: "usage|summary" from its first "#: usage | summary" line.
verb_usage() { sed -n 's/^#: *\(.*[^ ]\) *| *\(.*\)$/\1|\2/p' "tools/dev.d/$1" | head -n 1; }

verb_help() {
  local line
  line=$(verb_usage "$1")
  printf './dev %s\n  %s\n' "${line%%|*}" "${line#*|}"
  sed -n '2,/^[^#]/s/^#   \{0,1\}\(.*\)$/  \1/p' "tools/dev.d/$1"
}

# The verb that differs least from what was typed (edit distance of at most 2), or nothing.
nearest_verb() {
  verbs | awk -v typed="$1" '
    function least(a, b) { return a < b ? a : b }
    function distance(a, b,   i, j, cost, d) {
      for (i = 0; i <= length(a); i++) d[i, 0] = i
      for (j = 0; j <= length(b); j++) d[0, j] = j
      for (i = 1; i <= length(a); i++)
        for (j = 1; j <= length(b); j++) {
          cost = substr(a, i, 1) == substr(b, j, 1) ? 0 : 1
          d[i, j] = least(least(d[i - 1, j] + 1, d[i, j - 1] + 1), d[i - 1, j - 1] + cost)
        }
      return d[length(a), length(b)]
    }
    { away = distance(typed, $1); if (best == "" || away < least_away) { best = $1; least_away = away } }
    END { if (best != "" && least_away <= 2) print best }'
}

# ---- packages ----

# The Debian packages of the named lists (tools/packages/NAME), one a line.
packages_of() {
  local list
  for list in "$@"; do
    [ -f "tools/packages/$list" ] || fail "there is no list of packages tools/packages/$list"
    sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "tools/packages/$list"
  done | sort -u
}

# Those of the packages on standard input that are not installed.
missing_packages() {
  local name
  while read -r name; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || echo "$name"
  done
}

# need LIST…: installs what is missing of the lists; root (or sudo) is used only when something is.
need() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    warn "this is not a Debian system, so nothing is installed: tools/packages lists what is needed."
    return 0
  fi
  local missing root=()
  missing=$(packages_of "$@" | missing_packages | tr '\n' ' ')
  [ -n "$missing" ] || return 0
  say "Debian packages to install (${*}): $missing"
  if [ -n "${WEIR_NO_INSTALL:-}" ]; then
    fail "these packages are missing, and WEIR_NO_INSTALL forbids installing them." "apt-get install $missing"
  fi
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      fail "installing packages needs root, and there is no sudo here. Run this as root once, then try again:" \
        "apt-get update && apt-get install --no-install-recommends $missing"
    fi
    echo "   This is the only step that needs root; sudo may ask for your password."
    root=(sudo)
    { [ -t 0 ] && [ -z "${CI:-}" ]; } || root=(sudo -n)
    # The setting must survive sudo, which clears the environment.
    root+=(env)
  else
    root=(env)
  fi
  local install=("${root[@]}" DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=300
    install --no-install-recommends)
  # The package lists of a fresh machine are empty, those of an old one may name versions that are gone: both show as a
  # failure, and `apt-get update` mends both.
  # shellcheck disable=SC2086
  if apt-get -s -qq install --no-install-recommends $missing >/dev/null 2>&1 &&
    "${install[@]}" $missing </dev/null >"$(package_log)" 2>&1; then
    return 0
  fi
  say "apt-get update"
  "${root[@]}" apt-get -q update </dev/null >"$(package_log)" 2>&1 ||
    { tail -n 5 "$(package_log)" >&2; warn "apt-get update failed; the log is $(package_log). Going on with the lists as they are."; }
  # shellcheck disable=SC2086
  "${install[@]}" $missing </dev/null >"$(package_log)" 2>&1 || {
    tail -n 20 "$(package_log)" >&2
    fail "the packages could not be installed; the log is $(package_log)." \
      "Is the network there, and does /etc/apt/sources.list name Debian 12 (bookworm) with main? Try: apt-get update"
  }
}

package_log() {
  mkdir -p build
  echo "build/packages.log"
}

# ---- building ----

# As many compilers as cores, but no more than memory carries (a large test file takes g++ about 1.5 GiB).
jobs_at_once() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/MemAvailable/ { print int($2 / 1572864) }' /proc/meminfo)
  [ "$memory" -ge 1 ] || memory=1
  echo $((cores < memory ? cores : memory))
}

presets() { sed -n '/"configurePresets"/,/"buildPresets"/s/^ *"name": *"\([a-z]*\)".*/\1/p' CMakePresets.json | grep -v '^base$'; }

# require_preset NAME: ends the run if there is no such preset.
require_preset() {
  presets | grep -qx -- "$1" || fail "there is no preset \"$1\"." "The presets are: $(presets | tr '\n' ' ')"
}

# configure PRESET: quiet unless something is wrong or worth knowing.
configure() {
  local preset=$1 log
  require_preset "$preset"
  case $preset in
    fuzz | clang) need build clang ;;
    *) need build ;;
  esac
  set_up_npm
  mkdir -p "build/$preset"
  log=build/$preset/configure.log
  say "configure $preset (log: $log)"
  if ! cmake --preset "$preset" >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    fail "configuring failed." "If the tree was moved or the packages changed, remove build/$preset and try again."
  fi
  grep -E '^-- weir: ' "$log" || true
}

# build PRESET [TARGET…]
build() {
  local preset=$1
  shift
  configure "$preset"
  say "build $preset${*:+: $*}"
  cmake --build "build/$preset" -j "$(jobs_at_once)" ${@:+--target "$@"} ||
    fail "the build failed; the first error above is the one to look at." "Once mended: ./dev build $preset"
}

# run_tests PRESET [CTEST-ARGUMENT…]: all the tests of a preset that is built; ctest's summary comes last.
run_tests() {
  local preset=$1
  shift
  set_up_python
  say "test $preset"
  ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$(nproc)" "$@"
}

# The docs page embeds swagger-ui-dist; without it the build works, with a plain page in its place.
set_up_npm() {
  [ -x tools/fetch-npm-package ] || return 0
  tools/fetch-npm-package --all || true
}

# The tests validate /openapi.json with a package from PyPI, in a virtual environment that all presets share. Without a
# network that test is skipped, and says so.
set_up_python() {
  local wanted=tools/python/requirements.txt folder=build/python
  ! cmp -s "$wanted" "$folder/installed.txt" || return 0
  say "Python packages of the tests ($wanted -> $folder; log: $folder.log)"
  mkdir -p build
  if rm -rf "$folder" && python3 -m venv "$folder" >"$folder.log" 2>&1 &&
    "$folder/bin/pip" install --disable-pip-version-check --no-input --retries 1 -q -r "$wanted" >>"$folder.log" 2>&1; then
    cp "$wanted" "$folder/installed.txt"
  else
    tail -n 3 "$folder.log" >&2
    warn "PyPI does not give the packages of $wanted: the test that validates /openapi.json will be skipped."
  fi
}

# ---- sources ----

# The project's C++ files, separated by NUL.
source_files() {
  local folders=()
  for folder in src bench examples tests fuzz apps; do [ ! -d "$folder" ] || folders+=("$folder"); done
  find "${folders[@]}" -type f \( -name '*.cpp' -o -name '*.hpp' \) -print0 | sort -z
}

# Files that differ from main (or, on main itself, from the commit before), with those not yet committed.
changed_files() {
  local base
  base=$(git merge-base HEAD main 2>/dev/null || true)
  [ -n "$base" ] && [ "$base" != "$(git rev-parse HEAD)" ] || base=$(git rev-parse -q --verify HEAD~1 || git rev-parse HEAD)
  { git diff --name-only --diff-filter=d "$base"; git ls-files --others --exclude-standard; } | sort -u
}
