#!/bin/sh
# Stands in for docker: images and containers are folders in the folder `world` beside the one it is
# in, commands run on this machine, and all calls are written down. What it does not know is refused.
set -eu
world=${0%/*}/../world
echo "$*" >> "$world/calls"

fail() {
  echo "Error response from daemon: $1" >&2
  exit 1
}
named() {
  echo "$world/$1/$(echo "$2" | tr '/:' '__')"
}
last() {
  for argument; do :; done
  echo "$argument"
}
container() {
  [ -e "$(named containers "$1")" ] || fail "No such container: $1"
  named containers "$1"
}

verb=$1
shift
case $verb in
  --version) echo "Docker version 28.2.2, build e6534b4" ;;
  ps) [ ! -e "$world/down" ] || fail "Cannot connect to the Docker daemon" ;;
  image)
    image=$(named images "$(last "$@")")
    [ -d "$image" ] || fail "No such image: $(last "$@")"
    echo "WARNING: something harmless" >&2
    cat "$image/id"
    ;;
  pull)
    source=$(named registry "$(last "$@")")
    [ -d "$source" ] || fail "manifest for $(last "$@") not found"
    cp -R "$source" "$(named images "$(last "$@")")"
    ;;
  tag) cp -R "$(named images "$1")" "$(named images "$2")" ;;
  container)
    found=$(container "$(last "$@")")
    echo "$(cat "$found/id") $(cat "$found/running") $(cat "$found/exit_code")"
    ;;
  create)
    image=$(named images "$(last "$@")")
    for argument; do
      case $argument in
        --name=*) made=$(named containers "${argument#--name=}") ;;
        --env-file=*) environment=${argument#--env-file=} ;;
      esac
    done
    [ ! -e "$made" ] || fail "Conflict. The container name is already in use"
    cp -R "$image" "$made"
    cp "$environment" "$made/environment"
    echo x >> "$world/count"
    printf '%064d\n' "$(wc -l < "$world/count")" > "$made/id"
    echo false > "$made/running"
    echo 0 > "$made/exit_code"
    ln -s "${made##*/}" "$(named containers "$(cat "$made/id")")"
    cat "$made/id"
    ;;
  start)
    found=$(container "$1")
    if [ -e "$found/broken" ]; then
      echo 7 > "$found/exit_code"
    else
      echo true > "$found/running"
    fi
    ;;
  stop) echo false > "$(container "$(last "$@")")/running" ;;
  rm)
    found=$(container "$(last "$@")")
    rm -r "$(named containers "$(cat "$found/id")")" "$found"
    ;;
  cp)
    case $1 in
      --archive) tar -xf - -C "$(container "${3%:/}")/root" ;;
      *) cp -R "$(container "${1%%:*}")/root${1#*:}" "$2" ;;
    esac
    ;;
  exec)
    export "$3"
    found=$(container "$4")
    [ "$(cat "$found/running")" = true ] || fail "container $4 is not running"
    cd "$found/root"
    shift 4
    exec "$@"
    ;;
  logs) echo "the application's last words" ;;
  *) fail "unknown command: $verb" ;;
esac
