# Sourced by the checks that test our programs with other implementations, on each runtime.
#
#   start PROGRAM...   starts it on $runtime, and sets `server` to its process, `line` to the first line that it prints,
#                      and `address` to the HOST:PORT in that
#   stop [STATUS]      sends SIGTERM to all started programs, then does what expect_end does
#   expect_end [STATUS]
#                      waits for their end, and expects STATUS of each (0 unless given), and no output on standard error
#   fail MESSAGE...    prints it with the programs' standard error, and ends the check
#   use_python         creates the virtual environment of the checks if it is missing, and sets `python` to its path
#
# A check sets `runtime` before it starts a program, and may put its files into `scratch`.

check=$(basename "$0")
scratch=$(mktemp -d)
runtime=
servers=()
outputs=()

finish() {
  local process
  for process in "${servers[@]}"; do kill -KILL "$process" 2>/dev/null || true; done
  rm -rf "$scratch"
}
trap finish EXIT

fail() {
  echo "$check: ${runtime:+$runtime: }$*" >&2
  if [[ -s $scratch/errors ]]; then sed 's/^/  standard error: /' "$scratch/errors" >&2; fi
  exit 1
}

# The line with the address comes through a pipe, whose end of file marks the program's end.
start() {
  local output
  rm -f "$scratch/started"
  mkfifo "$scratch/started"
  RUNTIME=$runtime PORT=0 "$@" >"$scratch/started" 2>>"$scratch/errors" &
  server=$!
  servers+=("$server")
  exec {output}<"$scratch/started"
  outputs+=("$output")
  IFS= read -r -t 30 -u "$output" line || fail "$1 did not start"
  [[ $line =~ ://([^ ]+) ]] || fail "the first line of $1 names no address: $line"
  address=${BASH_REMATCH[1]}
}

stop() {
  kill -TERM "${servers[@]}" || fail "a program has ended by itself"
  expect_end "$@"
}

expect_end() {
  local index status line
  for index in "${!servers[@]}"; do
    status=0
    while IFS= read -r -t 30 -u "${outputs[index]}" line; do :; done || status=$?
    (( status <= 128 )) || fail "30 s after SIGTERM a program was still there"
    exec {outputs[index]}<&-
    status=0
    wait "${servers[index]}" || status=$?
    [[ $status == "${1:-0}" ]] || fail "after SIGTERM a program ended with $status"
  done
  servers=()
  outputs=()
  [[ ! -s $scratch/errors ]] || fail "a program wrote to standard error"
}

use_python() {
  local packages=Tests/Interoperability/packages.txt
  python=.build/python/bin/python
  if ! cmp --quiet "$packages" .build/python/packages.txt; then
    python3 -m venv .build/python
    "$python" -m pip install --quiet --disable-pip-version-check --requirement "$packages"
    cp "$packages" .build/python/
  fi
}
