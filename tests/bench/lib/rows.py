"""The rows of the table: each a function that measures one promise against its reference, in the same run."""

import contextlib
import pathlib
import random
import socket
import statistics
import tempfile
import threading
import time
from dataclasses import astuple, dataclass

from .api import ApiServer, Watch, registry_secret
from .host import quiet_rounds
from .programs import Daemon, forget_everything, store, write_kubeconfig, write_target

SECRET = "bench"


@dataclass
class Size:
    """How much is measured; --quick measures less of the same."""

    namespaces: int = 1000
    bulks: int = 15  # repetitions of a bulk
    pairs: int = 100  # of a bulk and h2load's, where the ratio of the two is what counts
    changes: int = 200  # single changes
    contexts: int = 100
    targets: int = 100
    idle_seconds: int = 300

    @staticmethod
    def quick():
        return Size(namespaces=200, bulks=3, pairs=5, changes=40, contexts=10, targets=50, idle_seconds=20)


GIVEN_BACK = 12  # seconds, after which what only requests need has been given back (IdleRelease)


@dataclass
class Result:
    what: str
    measured: str
    reference: str
    ratio: str
    target: str
    ok: bool
    taken: float | None = None  # of the rounds that were used (host.py); None: see the whole row


median = statistics.median


def median_within(values):
    """The median, and how far off it may be: half of its 95 % confidence interval, by ranks."""
    ranks, middle, span = sorted(values), len(values) / 2, 0.98 * len(values) ** 0.5
    low, high = max(0, round(middle - span) - 1), min(len(ranks) - 1, round(middle + span))
    return median(ranks), (ranks[high] - ranks[low]) / 2


def p99(values):
    return sorted(values)[max(0, round(len(values) * 0.99) - 1)]


@contextlib.contextmanager
def api_server(namespaces, group="all"):
    forget_everything()
    with tempfile.TemporaryDirectory(prefix="api.") as folder:
        with ApiServer(pathlib.Path(folder) / "api", namespaces, group) as api:
            yield api


def kubeconfig(api, count=1, others=None):
    servers = {f"c{i}": api.url for i in range(count)} | (others or {})
    path = api.dir / "bench.kubeconfig"
    write_kubeconfig(path, api, servers)
    return path


def new_password():
    return f"{random.getrandbits(128):032x}"


@dataclass
class Bulk:
    """Seconds of the daemon, of its patches alone, and of h2load with the same bodies and concurrency."""

    daemon: float
    patches: float
    h2load: float


def pair(ours, theirs):
    """A bulk of each. Chance says who begins: what the first one leaves to the second is no matter then."""
    if random.random() < 0.5:
        return Bulk(*ours(), theirs())
    h2load = theirs()
    return Bulk(*ours(), h2load)


def first_syncs(api, namespaces, count, from_rest=True):
    """From the daemon's start to the last Secret. from_rest: the server begins each bulk without garbage."""
    config = kubeconfig(api)

    def rest():
        if from_rest:
            api.collect_garbage()

    def ours():
        forget_everything()
        write_target(SECRET, ["c0"], selector="bench=all")
        api.forget_audit()
        rest()
        with Daemon(config) as regsyncd:
            end = api.wait_for_writes(len(namespaces))
        first = api.first_write()
        api.delete_all(namespaces, SECRET)
        return end - regsyncd.started, end - first

    def theirs():
        rest()
        taken = api.apply_all(namespaces, registry_secret(SECRET, new_password()))
        api.delete_all(namespaces, SECRET)
        return taken

    return quiet_rounds(count, lambda: pair(ours, theirs))


def against_h2load(what, count, bulks, taken):
    """Two rows: the whole time, which the target is about, and the time from the first patch on. The ratio is the
    median of those of the neighbours in time: a machine that others use as well is faster now and slower then."""
    rate, patch_rate, h2load = (count / median(times) for times in zip(*(astuple(bulk) for bulk in bulks)))
    whole, off = median_within([bulk.h2load / bulk.daemon for bulk in bulks])
    patched, patched_off = median_within([bulk.h2load / bulk.patches for bulk in bulks])
    return [
        Result(what, f"{rate:.0f}/s", f"h2load {h2load:.0f}/s", f"{whole:.2f} ±{off:.2f}", ">= 0.95", whole >= 0.95,
               taken),
        Result("  from the first patch on", f"{patch_rate:.0f}/s", "", f"{patched:.2f} ±{patched_off:.2f}", "", True,
               taken),
    ]


def first_sync(size):
    store(new_password())
    with api_server(size.namespaces) as api:
        bulks, taken = first_syncs(api, api.namespaces("all"), size.pairs)
    what = f"first sync of {size.namespaces} namespaces, from the daemon's start"
    return against_h2load(what, size.namespaces, bulks, taken)


def growth(size):
    """Ten times the namespaces, on one server: first the small number, then the large one. The server collects its
    garbage when it likes: a large bulk bears its share of that, and so do the small ones taken together."""
    store(new_password())
    few, many = size.namespaces, 10 * size.namespaces
    bulks = max(1, size.bulks // 4)
    with api_server(few) as api:
        small, _ = first_syncs(api, api.namespaces("all"), 5 * bulks, from_rest=False)
        api.make_namespaces(many, "all")
        large, _ = first_syncs(api, api.namespaces("all"), bulks, from_rest=False)

    def means(of):
        return [statistics.mean(getattr(bulk, of) for bulk in bulks) for bulks in (large, small)]

    (ours, ours_few), (theirs, theirs_few) = means("daemon"), means("h2load")
    return [Result(f"first sync of {many} namespaces / of {few}", f"{ours:.2f} s / {ours_few:.2f} s",
                   f"h2load {theirs / theirs_few:.1f}", f"{ours / ours_few:.1f}", "<= 11", ours / ours_few <= 11)]


def rotation(size):
    """A new password, from the start of the helper's `store` to the last Secret."""
    store(new_password())
    with api_server(size.namespaces) as api:
        namespaces = api.namespaces("all")
        write_target(SECRET, ["c0"], selector="bench=all")
        api.apply_all(namespaces, registry_secret("reference", new_password()))
        with Daemon(kubeconfig(api)) as regsyncd:
            api.wait_for_writes(len(namespaces))

            def rest():
                regsyncd.wait_until_quiet(0.5)
                api.collect_garbage()

            def ours():
                rest()
                api.forget_audit()
                begin = time.time()
                store(new_password())
                end = api.wait_for_writes(len(namespaces))
                return end - begin, end - api.first_write()

            def theirs():
                rest()
                return api.apply_all(namespaces, registry_secret("reference", new_password()))

            bulks, taken = quiet_rounds(size.pairs, lambda: pair(ours, theirs))
    what = f"rotation over {size.namespaces} namespaces, from the start of `store`"
    return against_h2load(what, size.namespaces, bulks, taken)


def restart(size):
    """What a restart over synced clusters asks of the servers."""
    store(new_password())
    contexts = [f"c{i}" for i in range(5)]
    with api_server(size.namespaces) as api:
        config = kubeconfig(api, len(contexts))
        for context in contexts:  # all are one server here: each context has a Secret name of its own
            write_target(f"{SECRET}-{context}", [context], selector="bench=all")
        with Daemon(config):
            api.wait_for_writes(size.namespaces * len(contexts))
        api.forget_audit()
        with Daemon(config) as regsyncd:
            regsyncd.wait_until_quiet()
            events = api.audit()
    writes = sum(event["verb"] not in ("get", "list", "watch") for event in events)
    lists = [event for event in events if event["verb"] == "list"]
    first_pages = [event for event in lists if "continue=" not in event["requestURI"]]
    secrets = [event for event in first_pages if event["objectRef"]["resource"] == "secrets"]
    per_cluster = len(secrets) / len(contexts)
    return [Result(f"restart over {len(contexts)} synced clusters",
                   f"{writes} writes, {len(secrets)} lists of Secrets",
                   f"{len(lists)} pages, namespaces included", f"{per_cluster:.1f} a cluster", "0 writes, 1 list",
                   writes == 0 and per_cluster == 1)]


def single_changes(count, change):
    """`count` times what `change` measures, in rounds of 20: a list of each figure, and what was taken of them all."""
    rounds, taken = quiet_rounds(count // 20, lambda: [change() for _ in range(20)])
    return zip(*(figures for r in rounds for figures in r)), taken


def login(size):
    """`store` by the helper until an independent watch sees the Secret change; in between, bare patches."""
    store(new_password())
    with api_server(5) as api:
        namespace = api.namespaces("all")[0]
        write_target(SECRET, ["c0"], namespaces=[namespace])
        api.apply(namespace, registry_secret("reference"))
        with Daemon(kubeconfig(api)) as regsyncd:
            api.wait_for_writes(1)
            regsyncd.wait_until_quiet(0.5)
            watch = Watch(api, f"/api/v1/namespaces/{namespace}/secrets?fieldSelector=metadata.name%3D{SECRET}")

            def change():
                time.sleep(random.uniform(0.05, 0.15))  # logins come one at a time
                watch.forget()
                begin, end = store(new_password())
                seen, _ = watch.next()
                return seen - begin, seen - end, bare_patch(api, namespace)

            (changed, after_helper, bare), taken = single_changes(size.changes, change)
            watch.close()
    return [
        above(f"login -> Secret, median of {size.changes}, from the start of `store`", changed, bare, median, 15, taken),
        above("  p99", changed, bare, p99, 60, taken),
        above("  median from the end of `store`", after_helper, bare, median, None, taken),
    ]


def bare_patch(api, namespace):
    """What a latency stands against: one patch without regsync, a moment after what was measured."""
    time.sleep(random.uniform(0.02, 0.05))
    body = registry_secret("reference", new_password())
    begin = time.monotonic()
    api.apply(namespace, body)
    return time.monotonic() - begin


def above(what, times, reference, pick, limit, taken):
    """A latency as milliseconds above the reference's."""
    measured, bare = pick(times) * 1000, pick(reference) * 1000
    return Result(what, f"{measured:.1f} ms", f"bare patch {bare:.1f} ms", f"{measured - bare:+.1f} ms",
                  f"<= +{limit} ms" if limit else "", limit is None or measured - bare <= limit, taken)


def new_namespace(size):
    """From the answer to the creation of a namespace until an independent watch sees the Secret in it."""
    store(new_password())
    with api_server(5) as api:
        namespace = api.namespaces("all")[0]
        write_target(SECRET, ["c0"], selector="bench")
        api.apply(namespace, registry_secret("reference"))
        with Daemon(kubeconfig(api)) as regsyncd:
            api.wait_for_writes(5)
            regsyncd.wait_until_quiet(0.5)
            watch = Watch(api, f"/api/v1/secrets?fieldSelector=metadata.name%3D{SECRET}")

            def change():
                time.sleep(random.uniform(0.05, 0.1))
                watch.forget()
                api.request("POST", "/api/v1/namespaces",
                            {"metadata": {"generateName": "new-", "labels": {"bench": "new"}}})
                begin = time.monotonic()
                seen, _ = watch.next()
                return seen - begin, bare_patch(api, namespace)

            (created, bare), taken = single_changes(size.changes, change)
            watch.close()
    return [above(f"new namespace -> Secret, median of {size.changes}", created, bare, median, 10, taken)]


@contextlib.contextmanager
def dead_server():
    """Takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"


@contextlib.contextmanager
def slow_server(url, delay):
    """The same server, with every piece of traffic `delay` seconds late in either direction."""
    host, port = url.removeprefix("https://").split(":")
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source, sink):
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                time.sleep(delay)
                sink.sendall(piece)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)

    def serve():
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection((host, int(port)))
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=pump, args=ends, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def bad_neighbours(size):
    """18 healthy contexts, without and with a dead and a slow one beside them."""
    store(new_password())
    healthy = [f"c{i}" for i in range(18)]
    each = max(20, size.namespaces // 20)
    with api_server(each) as api, dead_server() as dead, slow_server(api.url, 0.5) as slow:
        namespaces = api.namespaces("all")

        def seconds(others):
            forget_everything()
            for context in healthy + list(others):
                write_target(f"{SECRET}-{context}", [context], selector="bench=all")
            api.forget_audit()
            with Daemon(kubeconfig(api, len(healthy), others)) as regsyncd:
                end = api.wait_for_writes(each * len(healthy), of=lambda line: b"-slow" not in line)
            for context in healthy:
                api.delete_all(namespaces, f"{SECRET}-{context}")
            return end - regsyncd.started

        pairs, taken = quiet_rounds(size.bulks, lambda: (seconds({}), seconds({"dead": dead, "slow": slow})))
    alone, beside = (median(times) for times in zip(*pairs))
    change = (median(beside / alone for alone, beside in pairs) - 1) * 100
    return [Result(f"18 healthy contexts x {each}, beside a dead and a slow one", f"{beside:.2f} s",
                   f"alone {alone:.2f} s", f"{change:+.1f} %", "< 5 %", change < 5, taken)]


def memory(size):
    """Resident memory of the daemon, after its first syncs and a restart over them."""
    store(new_password())
    with api_server(size.namespaces) as api:
        write_target(SECRET, ["c0"], selector="bench=all")
        config = kubeconfig(api, size.contexts)
        with Daemon(config) as regsyncd:
            api.wait_for_writes(size.namespaces)
            regsyncd.wait_until_quiet(3)
            one, one_peak = regsyncd.memory()
        write_target(SECRET, ["*"], selector="bench=all")
        with Daemon(config) as regsyncd:
            regsyncd.wait_until_quiet(3)
            lists = sum(e["verb"] == "list" and e["objectRef"]["resource"] == "secrets" for e in api.audit())
            many, many_peak = regsyncd.memory()
    if lists < size.contexts:
        raise RuntimeError(f"only {lists} lists of Secrets from {size.contexts} contexts")
    secrets = size.contexts * size.namespaces
    return [
        Result(f"memory, 1 context, {size.namespaces} Secrets", f"{one:.1f} MiB", f"peak {one_peak:.1f} MiB", "",
               "<= 20 MiB", one <= 20),
        Result(f"memory, {size.contexts} contexts (one server), {secrets} Secrets", f"{many:.1f} MiB",
               f"peak {many_peak:.1f} MiB", "", "<= 64 MiB", many <= 64),
    ]


@contextlib.contextmanager
def many_targets(targets, contexts):
    """Targets with a registry and a Secret each, in contexts with a namespace each: all are one server here, behind
    addresses of their own and without the right to ask who it is, so that they seem to be different clusters. Yields
    the server, the kubeconfig and what grants the watch by label; without that each name is watched."""
    with api_server(contexts, "many") as api, contextlib.ExitStack() as proxies:
        spaces = dict(zip((f"c{i}" for i in range(contexts)), api.namespaces("many")))
        servers = {name: proxies.enter_context(slow_server(api.url, 0)) for name in spaces}
        names = [f"{SECRET}-{i}" for i in range(targets)]
        for name in names:
            store(new_password(), f"{name}.example")
            write_target(name, ["*"], registry=f"{name}.example")
        verbs = ["get", "list", "watch", "create", "patch", "delete"]
        api.allow("alice", "by-name", [
            {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list", "watch"]},
            {"apiGroups": [""], "resources": ["secrets"], "verbs": verbs, "resourceNames": names}])
        config = api.dir / "many.kubeconfig"
        write_kubeconfig(config, api, servers, api.tokens["alice"], spaces)

        def grant_label():
            api.allow("alice", "by-label", [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["list", "watch"]}])

        yield api, config, grant_label


def many(size):
    """Memory, watches, and what one changed login costs, watched by label and (the reference) by name."""
    targets, contexts = size.targets, 20
    with many_targets(targets, contexts) as (api, config, grant_label):
        own = api.open_watches()

        def measure(first):
            with Daemon(config) as regsyncd:
                if first:
                    api.wait_for_writes(targets * contexts)
                regsyncd.wait_until_quiet(3)
                watches = api.open_watches() - own
                times = []
                for _ in range(max(5, size.changes // 20)):
                    before = regsyncd.cpu()
                    api.forget_audit()
                    store(new_password(), f"{SECRET}-0.example")
                    api.wait_for_writes(contexts)
                    regsyncd.wait_until_quiet(0.5)
                    times.append((regsyncd.cpu() - before) * 1000)
                time.sleep(GIVEN_BACK)
                return regsyncd.memory()[0], watches, median(times)

        api.forget_audit()
        by_name = measure(True)
        grant_label()
        by_label = measure(False)
    what = f"{targets} targets x {contexts} contexts, a Secret each"
    return [
        Result(f"{what}: memory", f"{by_label[0]:.1f} MiB", f"by name {by_name[0]:.1f} MiB",
               f"{by_label[0] / by_name[0]:.2f}", "<= 25 MiB", by_label[0] <= 25),
        Result("  watches", f"{by_label[1]}", f"by name {by_name[1]}", f"{by_label[1] / by_name[1]:.2f}", "<= 60",
               by_label[1] <= 60),
        Result("  processor time of one changed login", f"{by_label[2]:.1f} ms", f"by name {by_name[2]:.1f} ms",
               f"{by_label[2] / by_name[2]:.2f}", "<= 5 ms", by_label[2] <= 5),
    ]


def fleet_start(size):
    """The processor time of a start over many synced contexts."""
    targets, contexts = 2 * size.targets, size.contexts
    with many_targets(targets, contexts) as (api, config, grant_label):
        grant_label()
        api.forget_audit()
        with Daemon(config) as regsyncd:
            api.wait_for_writes(targets * contexts, timeout=600)
            regsyncd.wait_until_quiet()
            first = regsyncd.cpu()
        with Daemon(config) as regsyncd:
            regsyncd.wait_until_quiet(3)
            again = regsyncd.cpu()
    return [Result(f"start of {targets} targets x {contexts} contexts", f"{again:.1f} s of CPU",
                   f"with all writes {first:.1f} s", "", "<= 10 s", again <= 10)]


def idle(size):
    """The processor time of a daemon with ten synced contexts to which nothing happens."""
    store(new_password())
    contexts = 10
    with api_server(100) as api:
        write_target(SECRET, ["*"], selector="bench=all")
        with Daemon(kubeconfig(api, contexts)) as regsyncd:
            api.wait_for_writes(100)
            regsyncd.wait_until_quiet(3)
            cpu, wake_ups = regsyncd.cpu(), regsyncd.wake_ups()
            begin = time.monotonic()
            time.sleep(size.idle_seconds)
            hours = (time.monotonic() - begin) / 3600
            an_hour = (regsyncd.cpu() - cpu) / hours
            wakes = (regsyncd.wake_ups() - wake_ups) / hours
    return [Result(f"idle with {contexts} contexts, over {size.idle_seconds} s", f"{an_hour:.3f} s of CPU an hour",
                   f"{wakes:.0f} wake-ups an hour", "", "< 0.1 s", an_hour < 0.1)]


ROWS = {
    "first-sync": first_sync,
    "growth": growth,
    "restart": restart,
    "login": login,
    "new-namespace": new_namespace,
    "rotation": rotation,
    "neighbours": bad_neighbours,
    "memory": memory,
    "many": many,
    "fleet-start": fleet_start,
    "idle": idle,
}
