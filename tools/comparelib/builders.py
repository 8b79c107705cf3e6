"""How the peers that are neither Go nor Weir are built into build/peers: cargo, npm, Maven; and nginx's configuration."""
import os
import re
import resource
import shutil
import subprocess

from benchlib import machine

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SOURCES = os.path.join(ROOT, "bench/peers")
BUILT = os.path.join(ROOT, "build/peers")


def find(*names):
    """The first of these programs that is there, on the path or where Debian or its own installer puts it."""
    for name in names:
        for folder in ("", "/usr/sbin", "/usr/local/bin", os.path.expanduser("~/.cargo/bin")):
            found = shutil.which(os.path.join(folder, name) if folder else name)
            if found:
                return found
    return None


def says(*command):
    """What a program says about its version; empty where it cannot be run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr


def numbers(text):
    """The first version in a text, as numbers: "v20.20.2" -> (20, 20, 2). A Java's first release has no points: version "21"."""
    found = re.search(r"\d+(?:\.\d+)+", text) or re.search(r'(?<=version ")\d+', text)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def needed(tool, at_least, text, where):
    """Raises Missing where a tool is not there or too old."""
    have = numbers(text)
    if not have:
        raise machine.Missing(f"no {tool} ({where})")
    if have < at_least:
        wanted = ".".join(str(part) for part in at_least)
        raise machine.Missing(f"{tool} {'.'.join(str(part) for part in have)} is too old: {wanted} is needed ({where})")


# ---- axum ----

def cargo_program(peer):
    return os.path.join(BUILT, peer.source, "release", peer.program)


def cargo(peer, run, log):
    found = find("cargo")
    needed("Rust", (1, 88), says(found, "--version") if found else "", "Debian: cargo-web; or https://rustup.rs")
    run([found, "build", "--release", "--locked", "--quiet"], log, os.path.join(SOURCES, peer.source),
        CARGO_TARGET_DIR=os.path.join(BUILT, peer.source))


# ---- Fastify ----

NODE = "nodejs 20 or newer and npm; https://nodejs.org"


def node():
    """A Node that Fastify 5 runs on."""
    found = find("node", "nodejs")
    needed("Node", (20,), says(found, "--version") if found else "", NODE)
    return found


def npm_program(peer):
    return [find("node", "nodejs") or "node", os.path.join(BUILT, peer.source, peer.program)]


def npm(peer, run, log):
    """Installs what the lock file names beside a copy of the sources; again only when these changed."""
    node()
    if not find("npm"):
        raise machine.Missing(f"no npm ({NODE})")
    source, target = os.path.join(SOURCES, peer.source), os.path.join(BUILT, peer.source)
    os.makedirs(target, exist_ok=True)
    lock = os.path.join(source, "package-lock.json")
    done = os.path.join(target, "installed-lock.json")
    for name in os.listdir(source):
        shutil.copy(os.path.join(source, name), target)
    if not same(lock, done):
        run([find("npm"), "ci", "--omit=dev", "--no-audit", "--no-fund", "--ignore-scripts"], log, target)
        shutil.copy(lock, done)


def same(one, other):
    """Whether two files are there and alike."""
    try:
        with open(one, "rb") as a, open(other, "rb") as b:
            return a.read() == b.read()
    except OSError:
        return False


# ---- Spring ----

def maven_program(peer):
    return [find("java") or "java", "-jar", os.path.join(BUILT, peer.source, peer.program)]


def maven(peer, run, log):
    java, found = find("java"), find("mvn")
    needed("JDK", (17,), says(java, "-version") if java and find("javac") else "", "Debian: default-jdk-headless")
    if not found:
        raise machine.Missing("no Maven (Debian: maven)")
    run([found, "--quiet", "--batch-mode", f"-Dlab.build={os.path.join(BUILT, peer.source)}", "package"], log,
        os.path.join(SOURCES, peer.source))


# ---- nginx ----

def nginx(peer):
    if not find("nginx"):
        raise machine.Missing("no nginx (Debian: nginx-light)")
    return [find("nginx")]


def nginx_command(peer, folder, port, file):
    """Its configuration, written into the folder, and the command that runs with it."""
    with open(os.path.join(SOURCES, peer.source, "nginx.conf"), encoding="ascii") as template:
        text = template.read()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    for name, value in (("FOLDER", folder), ("PORT", str(port)), ("FILE", file or os.devnull), ("FILES", str(most)),
                        ("KILOBYTE", "w" * 1024)):
        text = text.replace(f"@{name}@", value)
    path = os.path.join(folder, "nginx.conf")
    with open(path, "w", encoding="ascii") as out:
        out.write(text)
    return [find("nginx") or "nginx", "-c", path, "-e", os.path.join(folder, "error.log")]


# ---- versions ----

def locked(peer):
    """The version of the framework that the lock file names."""
    files = {"go": (peer.mod_file, rf"{re.escape(peer.module)} (v\S+)"),
             "cargo": ("Cargo.lock", rf'name = "{peer.module}"\nversion = "([^"]+)"'),
             "npm": ("package-lock.json", rf'"node_modules/{peer.module}": {{\s*"version": "([^"]+)"'),
             "maven": ("pom.xml", rf"<artifactId>{peer.module}</artifactId>\s*<version>([^<]+)<")}
    name, pattern = files[peer.tool]
    with open(os.path.join(SOURCES, peer.source, name), encoding="utf-8") as file:
        found = re.search(pattern, file.read())
    return found[1] if found else "?"


def version(peer):
    """For the report: the framework's version and what runs or compiled it."""
    def of(what, *command):
        return what + " " + ".".join(str(part) for part in numbers(says(*command)))
    if peer.tool == "nginx":
        return of("nginx", find("nginx") or "nginx", "-v").removeprefix("nginx ")
    runtime = {"cargo": lambda: of("Rust", find("rustc") or "rustc", "--version"),
               "npm": lambda: of("Node", find("node", "nodejs") or "node", "--version"),
               "maven": lambda: of("Java", find("java") or "java", "-version")}
    return f"{locked(peer)} ({runtime[peer.tool]()})"
