"""Copies, tags and lists with greenroom and with skopeo, side by side against the same registries; what is there
already with crane and regctl as well, where these are installed.

    bench.py GREENROOM DIRECTORY [ROW...]

Whole processes, in turns, medians; a fresh destination for each cold run, and skopeo's memory of where
blobs are is deleted before it. Requests are counted in the registries' access logs.
"""
import hashlib
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request

greenroom, directory, wanted = sys.argv[1], sys.argv[2], sys.argv[3:]
runs = int(os.environ.get("RUNS", "5"))
here = os.path.dirname(os.path.abspath(__file__))
home = os.path.join(directory, "home")
os.makedirs(home, exist_ok=True)
environment = {"PATH": os.environ["PATH"], "HOME": home, "XDG_RUNTIME_DIR": home, "LC_ALL": "C.UTF-8"}
children = []


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def await_port(port):
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.01)
    sys.exit(f"nothing listens on port {port}")


class Registry:
    """docker-registry in a directory of its own, near and (through a proxy) 20 ms away."""

    def __init__(self, name):
        self.port, self.far = free_port(), free_port()
        root = os.path.join(directory, name)
        os.makedirs(root)
        config = os.path.join(root, "config.yml")
        with open(config, "w") as file:
            file.write(
                f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {root}/data}}}}\n"
                f'http: {{addr: "127.0.0.1:{self.port}", secret: x}}\n'
            )
        self.log = os.path.join(root, "log")
        out = open(self.log, "w")
        children.append(subprocess.Popen(["docker-registry", "serve", config], stdout=out, stderr=subprocess.DEVNULL))
        children.append(
            subprocess.Popen([sys.executable, os.path.join(here, "delay.py"), str(self.far), str(self.port), "20"])
        )
        await_port(self.port)
        await_port(self.far)

    def requests(self):
        with open(self.log) as file:
            return sum(" HTTP/1." in line for line in file)

    def put(self, path, data, kind):
        request = urllib.request.Request(path, data=data, method="PUT", headers={"content-type": kind})
        urllib.request.urlopen(request).read()

    def blob(self, repository, data, kind):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        base = f"http://127.0.0.1:{self.port}"
        begin = urllib.request.Request(f"{base}/v2/{repository}/blobs/uploads/", data=b"", method="POST")
        place = urllib.request.urlopen(begin).headers["location"]
        self.put(f"{place}&digest={digest}", data, "application/octet-stream")
        return {"mediaType": kind, "digest": digest, "size": len(data)}

    def manifest(self, repository, reference, manifest):
        data = json.dumps(manifest).encode()
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        path = f"http://127.0.0.1:{self.port}/v2/{repository}/manifests/{reference or digest}"
        self.put(path, data, manifest["mediaType"])
        return {"mediaType": manifest["mediaType"], "digest": digest, "size": len(data)}

    def image(self, repository, reference, sizes, architecture="amd64"):
        layers = [
            self.blob(repository, random.randbytes(size), "application/vnd.oci.image.layer.v1.tar") for size in sizes
        ]
        config = {
            "os": "linux", "architecture": architecture, "created": "2026-11-20T00:00:00Z",
            "config": {"Labels": {"org.opencontainers.image.version": "1.0.0"}},
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]},
        }
        config = self.blob(repository, json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json")
        kind = "application/vnd.oci.image.manifest.v1+json"
        manifest = {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers}
        return self.manifest(repository, reference, manifest)

    def index(self, repository, reference):
        children = []
        for architecture in ["amd64", "arm64", "s390x"]:
            child = self.image(repository, None, [1_000_000] * 4, architecture)
            children.append({**child, "platform": {"os": "linux", "architecture": architecture}})
        kind = "application/vnd.oci.image.index.v1+json"
        return self.manifest(repository, reference, {"schemaVersion": 2, "mediaType": kind, "manifests": children})

    def signed(self, repository, reference):
        """An index with what cosign attaches by tag."""
        digest = self.index(repository, reference)["digest"]
        self.image(repository, digest.replace(":", "-") + ".sig", [2000])


def run(commands):
    """Seconds that the commands take one after the other."""
    for place in [".local/share/containers/cache", "/var/lib/containers/cache"]:
        place = os.path.join(home, place, "blob-info-cache-v1.boltdb")
        if os.path.exists(place):
            os.remove(place)
    began = time.monotonic()
    for command in commands:
        ended = subprocess.run(command, env=environment, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if ended.returncode != 0:
            sys.exit(f"{command[:4]}: status {ended.returncode}\n{ended.stdout.decode()}")
    return time.monotonic() - began


def memory(command):
    """The largest resident set of one run in MB; time(1) is small, so that what it forks is counted alone."""
    out = os.path.join(directory, "memory")
    run([["/usr/bin/time", "-f", "%M", "-o", out, *command]])
    with open(out) as file:
        return int(file.read()) * 1024 / 1e6


def skopeo(source, destination, every=True):
    command = ["skopeo", "copy", "--src-tls-verify=false", "--dest-tls-verify=false"]
    return command + (["--all"] if every else []) + [f"docker://{source}", f"docker://{destination}"]


def image_copy(source, destination, *options):
    return [greenroom, "image", "copy", *options, source, destination]


def peers(source, destination):
    """The same copy by those clients that are installed and need no more than a command line."""
    commands = {
        "crane": ["crane", "copy", "--insecure", source, destination],
        "regctl": ["regctl", "--host", f"reg={source.split('/')[0]},tls=disabled",
                   "--host", f"reg={destination.split('/')[0]},tls=disabled", "image", "copy", source, destination],
    }
    return {name: command for name, command in commands.items() if shutil.which(name)}


def measure(title, goal, tools, registries, rounds=None):
    """`tools`: name → function of the round that gives commands. Prints medians and requests."""
    times = {name: [] for name in tools}
    requests, peak = {}, {}
    rounds = rounds or runs
    for number in range(rounds):
        for name, commands in tools.items():
            before = sum(registry.requests() for registry in registries)
            times[name].append(run(commands(number)))
            requests[name] = sum(registry.requests() for registry in registries) - before
    for name, commands in tools.items():
        peak[name] = memory(commands(rounds)[0])
    base = statistics.median(times["skopeo"])
    print(f"\n{title}  (goal: {goal})")
    for name, taken in times.items():
        median = statistics.median(taken)
        ratio = "" if name == "skopeo" else f"  {base / median:6.1f} times skopeo"
        print(
            f"  {name:<18} {1000 * median:8.1f} ms  ({1000 * min(taken):.1f} to {1000 * max(taken):.1f})"
            f"  {requests[name]:4d} requests  {peak[name]:6.1f} MB{ratio}",
            flush=True,
        )


def main():
    random.seed(1)
    one, two = Registry("one"), Registry("two")
    both = [one, two]
    near, other = f"127.0.0.1:{one.port}", f"127.0.0.1:{two.port}"
    far, far_other = f"127.0.0.1:{one.far}", f"127.0.0.1:{two.far}"
    one.image("big", "1", [200 << 20])
    one.image("many", "1", [2 << 20] * 50)
    one.index("index", "1")
    one.signed("signed", "1")
    one.image("tags", "1", [1000])
    subprocess.run([greenroom, "image", "tag", f"{near}/tags:1", *[f"t{n}" for n in range(999)]], check=True,
                   stdout=subprocess.DEVNULL, env=environment, cwd=home)
    count = [0]

    def fresh(base, name):
        count[0] += 1
        return f"{base}/{name}-{count[0]}:1"

    def cold(name, source, destination):
        return {
            "skopeo": lambda _: [skopeo(f"{source}/{name}:1", fresh(destination, f"s-{name}"))],
            "greenroom": lambda _: [image_copy(f"{source}/{name}:1", fresh(destination, f"g-{name}"))],
            "greenroom --bare": lambda _: [image_copy(f"{source}/{name}:1", fresh(destination, f"b-{name}"), "--bare")],
        }

    def warm(name, source, destination):
        run([image_copy(f"{source}/{name}:1", f"{destination}/warm-{name}:1")])
        there = f"{destination}/warm-{name}:1"
        return {
            "skopeo": lambda _: [skopeo(f"{source}/{name}:1", there)],
            **{peer: lambda _, command=command: [command]
               for peer, command in peers(f"{source}/{name}:1", there).items()},
            "greenroom": lambda _: [image_copy(f"{source}/{name}:1", there)],
            "greenroom --bare": lambda _: [image_copy(f"{source}/{name}:1", there, "--bare")],
        }

    def retag(number, name):
        tags = [f"{name}{number}-{n}" for n in range(100)]
        if name == "s":
            return [skopeo(f"{near}/tags:1", f"{near}/tags:{tag}", False) for tag in tags]
        return [[greenroom, "image", "tag", f"{near}/tags:1", *tags]]

    rows = {
        "big": lambda: measure("200 MB layer inside one registry", "30 times skopeo", cold("big", near, near), both),
        "many": lambda: measure("50 layers inside one registry", "10 times skopeo", cold("many", near, near), both),
        "index": lambda: measure("three platforms inside one registry", "8 times skopeo", cold("index", near, near), both),
        "retag": lambda: measure("100 tags", "25 times skopeo", {
            "skopeo": lambda number: retag(number, "s"), "greenroom": lambda number: retag(number, "g")}, both,
            min(runs, 3)),
        "list": lambda: measure("list 1,000 tags", "ahead", {
            "skopeo": lambda _: [["skopeo", "list-tags", "--tls-verify=false", f"docker://{near}/tags"]],
            "greenroom": lambda _: [[greenroom, "image", "list", f"{near}/tags"]]}, both),
        "there": lambda: measure("already there", "ahead", warm("many", near, near), both),
        "far-many": lambda: measure("20 ms away: 50 layers inside one registry", "350 ms", cold("many", far, far), both),
        "far-index": lambda: measure("20 ms away: three platforms to another registry", "790 ms",
                                     cold("index", far, far_other), both),
        "far-there": lambda: measure("20 ms away: already there", "100 ms", warm("index", far, far_other), both),
        "far-signed": lambda: measure("20 ms away: already there with a signature", "ahead",
                                      warm("signed", far, far_other), both),
        "far-retag": lambda: measure("20 ms away: 20 tags", "ahead", {
            "skopeo": lambda number: [skopeo(f"{far}/tags:1", f"{far}/tags:fs{number}-{n}", False) for n in range(20)],
            "greenroom": lambda number: [[greenroom, "image", "tag", f"{far}/tags:1",
                                          *[f"fg{number}-{n}" for n in range(20)]]]}, both, min(runs, 3)),
        "other-big": lambda: measure("200 MB to another registry", "limited by the registry; 40 MB of memory",
                                     cold("big", near, other), both, min(runs, 3)),
        "other-many": lambda: measure("50 layers to another registry", "limited by the registry; 40 MB of memory",
                                      cold("many", near, other), both, min(runs, 3)),
    }
    for name in wanted or rows:
        if name not in rows:
            sys.exit(f"there is no row {name}; there are: {', '.join(rows)}")
        rows[name]()


try:
    main()
finally:
    for child in children:
        child.kill()
        child.wait()
