# What the tests of the service share. They are read by bash in the session of a fresh user, `tester`, with regsync
# installed; each ends with its machine, so nothing has to be cleaned up.
# shellcheck shell=bash
set -euo pipefail
servers=/opt/regsync/tests/servers
password=the-password-of-jdoe
mkdir -p ~/.kube ~/.config/regsync

trap 'code=$?; [ $code = 0 ] || { echo "--- the journal:"; journalctl --user --no-pager -o short-precise | tail -n 40; } >&2' EXIT

fail() {
  echo "FAILED: $1" >&2
  exit 1
}

# eventually WHAT COMMAND...: within half a minute the command succeeds.
eventually() {
  local what=$1 deadline=$((SECONDS + 30))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || fail "not within 30 s: $what"
    sleep 0.02
  done
}

service() { systemctl --user "$1" regsyncd.service; }
property() { systemctl --user show --value --property "$1" "${2:-regsyncd.service}"; }
journal() { journalctl --user --no-pager --unit regsyncd.service "$@"; }

# A line of the unit, as `systemctl --user edit` would add it.
drop_in() {
  mkdir -p ~/.config/systemd/user/regsyncd.service.d
  printf '[Service]\n%s\n' "$1" >>~/.config/systemd/user/regsyncd.service.d/test.conf
  systemctl --user daemon-reload
}

start_keyring() { printf machine | gnome-keyring-daemon --unlock --components=secrets --daemonize >/dev/null; }

start_cluster() {
  "$servers/kube-up" ~/cluster --contexts dev --owner $$
  ln -sf ~/cluster/admin.kubeconfig ~/.kube/config
}

log_in() { # PASSWORD
  printf '{"ServerURL":"registry.example","Username":"jdoe","Secret":"%s"}' "$1" | docker-credential-regsync store
}

declare_target() { regsync add myregcred --registry registry.example --context dev -n default; }

secret() { kubectl get secret myregcred --output "${1:-name}"; }
secret_holds() {
  secret 'jsonpath={.data.\.dockerconfigjson}' | base64 -d | grep -qF "\"password\":\"$1\""
}
