# The functions of a gate, sourced by .ci/quick and .ci/run. Both run at the root of the repository.

step() { printf '\n==> %s (%d s so far)\n' "$*" "$SECONDS"; }
fail() { echo "ci: $*" >&2; exit 1; }

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Runs a command, and copies its output to $log.
run() {
  echo "+ $*"
  "$@" 2>&1 | tee "$log"
}

# Runs a build. A warning is a failure.
build() {
  run "$@"
  ! grep -E '(^|[^[:alnum:]])warning:' "$log" >/dev/null || fail "'$*' has warnings"
}

# Runs tests, and repeats the failures at the end, since readers of a long log often see only the end.
tests() {
  if ! run "$@"; then
    printf '\nFailures:\n'
    grep -E '✘|↳|error:|Fatal error|ThreadSanitizer:' "$log" | tail -n 60 || true
    fail "'$*' failed"
  fi
}

# Builds or tests a nested package in the build folder of this one, so that shared targets are not compiled again. It
# removes the previous build plan, since SwiftPM does not notice that it was for another package.
nested() {
  local kind=$1
  shift
  rm -f .build/{debug,release}.yaml
  "$kind" swift "$@" --scratch-path .build
  rm -f .build/{debug,release}.yaml
}

# Sixteen tests run at once. Without a limit there would be hundreds of runtimes with thousands of threads.
width=(--experimental-maximum-parallelization-width 16)
