"""A real API server, and what is asked of it: single requests, bulks by h2load, watches, its audit log."""

import http.client
import json
import pathlib
import re
import ssl
import subprocess
import threading
import time
from base64 import b64encode
from datetime import datetime

SERVERS = pathlib.Path(__file__).resolve().parents[2] / "servers"
CONCURRENCY = 64  # regsyncd's default


def compact(document):
    return json.dumps(document, separators=(",", ":"))


def docker_config(registry, password):
    """What a Secret with this login of "bench" holds, as kubectl and regsync write it."""
    auth = b64encode(f"bench:{password}".encode()).decode()
    return compact({"auths": {registry: {"username": "bench", "password": password, "auth": auth}}})


def pull_secret(name, content, annotations):
    """A Secret of regsync, as an object without a resourceVersion."""
    return {
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "regsync"}, "annotations": annotations},
        "data": {".dockerconfigjson": b64encode(content.encode()).decode()},
    }


def registry_secret(name, password="p"):
    return pull_secret(name, docker_config("registry.example", password),
                       {"regsync.dev/owner": "0123456789abcdef0123456789abcdef bench@bench", "regsync.dev/target": name})


def h2load(folder, method, urls, body=None, headers=()):
    """The seconds that h2load takes for these requests, its connection included, as a program's bulk would. Its input
    is written into the folder."""
    urls, paths, data = list(urls), folder / "h2load.paths", folder / "h2load.body"
    paths.write_text("".join(f"{url}\n" for url in urls))
    command = ["h2load", "-c1", f"-m{CONCURRENCY}", f"-n{len(urls)}", "-i", paths, "-H", f":method: {method}"]
    for header in headers:
        command += ["-H", header]
    if body is not None:
        data.write_text(compact(body))
        command += ["-d", data]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    good = int(re.search(r"status codes: (\d+) 2xx", text)[1])
    time_taken = re.search(r"finished in ([\d.]+)(us|ms|s),", text)  # beyond a minute it writes "1.05m"
    if good < len(urls) * 0.999 or not time_taken:  # names made by the server may collide once in ten thousand
        raise RuntimeError(f"h2load {method}: {text}")
    return float(time_taken[1]) * {"us": 1e-6, "ms": 1e-3, "s": 1}[time_taken[2]]


class ApiServer:
    """tests/servers/kube-up with an audit log, for as long as the `with` lasts."""

    def __init__(self, folder, namespaces=0, group="all"):
        self.dir = pathlib.Path(folder)
        subprocess.run([SERVERS / "kube-up", self.dir, "--audit", "--flag", "--profiling=true"], check=True)
        self.url = (self.dir / "url").read_text().strip()
        tokens = (self.dir / "tokens").read_text().splitlines()
        self.tokens = {line.split(",")[1]: line.split(",")[0] for line in tokens}
        self.token = self.tokens["admin"]
        self.tls = ssl.create_default_context(cafile=str(self.dir / "ca.crt"))
        self.connection = self.connect()
        self.audit_end = 0
        if namespaces:
            self.make_namespaces(namespaces, group)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()
        subprocess.run([SERVERS / "kube-down", self.dir], check=True)

    def connect(self):
        host = self.url.removeprefix("https://")
        connection = http.client.HTTPSConnection(host, context=self.tls, timeout=120)
        connection.connect()
        return connection

    def headers(self, content_type="application/json"):
        return {"Authorization": f"Bearer {self.token}", "Content-Type": content_type, "User-Agent": "bench"}

    def request(self, method, path, body=None, content_type="application/json"):
        self.connection.request(method, path, body and json.dumps(body), self.headers(content_type))
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status // 100 != 2:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]}")
        return json.loads(text)

    def apply(self, namespace, secret):
        path = f"/api/v1/namespaces/{namespace}/secrets/{secret['metadata']['name']}?fieldManager=bench&force=true"
        return self.request("PATCH", path, secret, "application/apply-patch+yaml")

    def collect_garbage(self):
        """Has the server collect its garbage now. A collection takes a sixth to a third of the processor time of a
        bulk of 1,000, and there is about one in two bulks: left to itself it falls to the one or the other side."""
        self.connection.request("GET", "/debug/pprof/heap?gc=1", None, self.headers())
        self.connection.getresponse().read()

    def open_watches(self):
        """Of all who watch, its own parts included."""
        self.connection.request("GET", "/metrics", None, self.headers())
        lines = self.connection.getresponse().read().decode().splitlines()
        return round(sum(float(line.rsplit(" ", 1)[1]) for line in lines
                         if line.startswith(("apiserver_longrunning_requests{", "apiserver_longrunning_gauge{"))
                         and 'verb="WATCH"' in line))

    def allow(self, user, name, rules):
        """Gives a user a ClusterRole, or changes the one of that name."""
        rbac = "/apis/rbac.authorization.k8s.io/v1"
        apply = "?fieldManager=bench&force=true", "application/apply-patch+yaml"
        version = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": name}}
        self.request("PATCH", f"{rbac}/clusterroles/{name}{apply[0]}",
                     version | {"kind": "ClusterRole", "rules": rules}, apply[1])
        self.request("PATCH", f"{rbac}/clusterrolebindings/{name}{apply[0]}", version | {
            "kind": "ClusterRoleBinding",
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}]}, apply[1])

    # Bulks. Each answers the seconds that h2load took.

    def h2load(self, method, paths, body=None, content_type="application/json"):
        headers = [f"authorization: Bearer {self.token}", f"content-type: {content_type}"]
        return h2load(self.dir, method, (self.url + path for path in paths), body, headers)

    def make_namespaces(self, count, group):
        """Namespaces with the label bench=GROUP and names that the server makes up."""
        while (missing := count - len(self.namespaces(group))) > 0:
            namespace = {"metadata": {"generateName": "bench-", "labels": {"bench": group}}}
            self.h2load("POST", ["/api/v1/namespaces"] * missing, namespace)
        return self.namespaces(group)

    def namespaces(self, group):
        items = self.request("GET", f"/api/v1/namespaces?labelSelector=bench%3D{group}")["items"]
        return sorted(item["metadata"]["name"] for item in items)

    def apply_all(self, namespaces, secret):
        name = secret["metadata"]["name"]
        paths = (f"/api/v1/namespaces/{n}/secrets/{name}?fieldManager=regsync" for n in namespaces)
        return self.h2load("PATCH", paths, secret, "application/apply-patch+yaml")

    def delete_all(self, namespaces, name):
        return self.h2load("DELETE", (f"/api/v1/namespaces/{n}/secrets/{name}" for n in namespaces))

    # The audit log.

    def forget_audit(self):
        self.audit_end = (self.dir / "audit.log").stat().st_size

    def audit(self):
        """What regsyncd asked, and was answered, since forget_audit()."""
        with open(self.dir / "audit.log", "rb") as log:
            log.seek(self.audit_end)
            lines = log.read().split(b"\n")
        events = [json.loads(line) for line in lines[:-1]]
        return [event for event in events if event.get("userAgent", "").startswith("regsync/")]

    def first_write(self):
        return min(when(event["requestReceivedTimestamp"]) for event in self.audit() if event["verb"] == "patch")

    def wait_for_writes(self, count, of=lambda line: True, timeout=180):
        """Waits until regsyncd has written `count` Secrets whose lines fit; answers when the last one was."""
        log, rest, seen, last = open(self.dir / "audit.log", "rb"), b"", 0, b""
        log.seek(self.audit_end)
        deadline = time.time() + timeout
        with log:
            while seen < count:
                if time.time() > deadline:
                    raise RuntimeError(f"{seen} of {count} Secrets were written within {timeout} s")
                self.wait_while_logging()
                *lines, rest = (rest + log.read()).split(b"\n")
                for line in lines:
                    if (b'"verb":"patch"' in line and b'"userAgent":"regsync/' in line and b'"code":20' in line
                            and of(line)):
                        seen += 1
                        last = line
        return when(json.loads(last)["stageTimestamp"])

    def wait_while_logging(self):
        """Until nothing has been logged for a moment: to read meanwhile would take processors from what is measured."""
        end, size = time.monotonic() + 1, -1
        while size != (size := (self.dir / "audit.log").stat().st_size) and time.monotonic() < end:
            time.sleep(0.05)


def when(timestamp):
    return datetime.fromisoformat(timestamp).timestamp()


class Watch:
    """Somebody else's watch of one namespace's or all Secrets of a name: when each change was seen."""

    def __init__(self, api, path):
        version = api.request("GET", "/api/v1/namespaces?limit=1")["metadata"]["resourceVersion"]
        self.connection = api.connect()
        separator = "&" if "?" in path else "?"
        self.connection.request("GET", f"{path}{separator}watch=true&resourceVersion={version}", None, api.headers())
        self.answer = self.connection.getresponse()
        self.changed = threading.Condition()
        self.seen = []  # (monotonic time, event)
        threading.Thread(target=self.follow, daemon=True).start()

    def follow(self):
        try:
            while line := self.answer.readline():
                now = time.monotonic()
                event = json.loads(line)
                with self.changed:
                    self.seen.append((now, event))
                    self.changed.notify_all()
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            pass  # closed

    def next(self, timeout=30):
        """When the next change was seen, and the object."""
        with self.changed:
            if not self.changed.wait_for(lambda: self.seen, timeout):
                raise RuntimeError(f"no change was seen within {timeout} s")
            return self.seen.pop(0)

    def forget(self):
        with self.changed:
            self.seen.clear()

    def close(self):
        self.connection.sock.close()
