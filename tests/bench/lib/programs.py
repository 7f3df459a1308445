"""regsyncd and its helper, as a person's session runs them: in the sandbox of tests/servers/with-keyring."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

BUILD = pathlib.Path(__file__).resolve().parents[3] / "build/release"
CONFIG = pathlib.Path(os.environ["XDG_CONFIG_HOME"]) / "regsync"
STATE = pathlib.Path(os.environ["XDG_STATE_HOME"]) / "regsync"
REGISTRY = "registry.example"


def store(password, registry=REGISTRY):
    """`docker login`, as far as the helper is concerned. Answers when it began and when it had ended."""
    login = {"ServerURL": registry, "Username": "bench", "Secret": password}
    begin = time.monotonic()
    helper = [BUILD / "helper/docker-credential-regsync", "store"]
    subprocess.run(helper, input=json.dumps(login).encode(), check=True)
    return begin, time.monotonic()


def write_kubeconfig(path, api, servers, token=None, namespaces=None):
    """One context per entry of `servers` (name: URL), with the administrator's token or another one, and its own
    namespace."""
    ca = api.dir / "ca.crt"
    document = {
        "apiVersion": "v1", "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": url, "certificate-authority": str(ca)}}
                     for name, url in servers.items()],
        "users": [{"name": "admin", "user": {"token": token or api.token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "admin",
                                                "namespace": (namespaces or {}).get(name, "default")}} for name in servers],
        "current-context": next(iter(servers)),
    }
    path.write_text(json.dumps(document))  # JSON is YAML


def write_target(name, contexts, selector=None, namespaces=(), registry=REGISTRY):
    """Of a registry that does not exist: its logins are not tried, which would wait for the resolver."""
    target = {"secret": name, "registries": [registry], "contexts": list(contexts), "verifyLogins": False}
    if selector:
        target["namespaceSelector"] = selector
    if namespaces:
        target["namespaces"] = list(namespaces)
    folder = CONFIG / "targets"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.yaml").write_text(json.dumps(target))


def forget_everything():
    """No target, and nothing remembered of any; the owner's id stays."""
    shutil.rmtree(CONFIG / "targets", ignore_errors=True)
    shutil.rmtree(STATE / "footprints", ignore_errors=True)


class Daemon:
    def __init__(self, kubeconfig, *options, program=BUILD / "daemon/regsyncd", env=None):
        self.log = open(STATE.parent / "regsyncd.log", "ab")
        self.started = time.time()
        self.process = subprocess.Popen([program, "--kubeconfig", kubeconfig, *options], stderr=self.log, env=env)

    def __enter__(self):
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __exit__(self, *_):
        killed = self.process.returncode == -signal.SIGKILL  # by kill()
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(timeout=30) != 0 and not killed:
            raise RuntimeError(f"regsyncd ended with {self.process.returncode}, see {self.log.name}")
        self.log.close()

    def tasks(self):
        return list(pathlib.Path(f"/proc/{self.process.pid}/task").iterdir())

    def cpu(self):
        """Seconds on a processor so far, to the nanosecond (/proc/…/stat counts in steps of 10 ms)."""
        return sum(int((task / "schedstat").read_text().split()[0]) for task in self.tasks()) / 1e9

    def wake_ups(self):
        lines = (line for task in self.tasks() for line in (task / "status").read_text().splitlines())
        return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))

    def memory(self):
        """Resident now and at most, in MiB."""
        lines = pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        fields = dict(line.split(":", 1) for line in lines)
        return tuple(int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))

    def wait_until_quiet(self, still=1.5, timeout=300):
        """Returns when the daemon has done next to nothing for `still` seconds."""
        deadline = time.monotonic() + timeout
        before = -1.0
        while (now := self.cpu()) - before > 0.002:
            if time.monotonic() > deadline:
                raise RuntimeError(f"regsyncd is still busy after {timeout} s")
            before = now
            time.sleep(still)
