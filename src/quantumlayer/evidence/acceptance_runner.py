#!/usr/bin/env python3
"""Plays the acceptance scenarios beside this file against a running application. Python 3.9 or later, nothing else needed.

    python run.py --url http://127.0.0.1:8000 [--admin IDENTIFIER:PASSWORD] [--only S012] [--verbose]

The application must run on an empty database: the scenarios are played in order and expect the rows of those before. Exit
code 0: all that could be played passed. 1: at least one failed. 2: bad usage, or nothing answers at the address.
"""

import argparse
import datetime
import http.client
import importlib
import json
import math
import os
import pathlib
import re
import sys
import threading
import urllib.parse

CAPTURE = re.compile(r"\{([^{}]+)\}")
INSTANT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")
TOLERANCE = 5.0


class Failure(Exception):
    """A step did not go as expected."""


class Unsaid(Exception):
    """The application's surface has no request for a step."""


class Scenario:
    """One scenario under way: what was saved, who is signed in."""

    def __init__(self, base, data, admin, client=None):
        self.base, self.data, self.admin, self.client = base, data, admin, client
        self.start = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
        self.saved, self.credentials, self.lines = {}, {}, []

    def play(self):
        """Raises `Failure` at the first step that is not answered as expected."""
        for step in self.data["opening"] + self.data["steps"]:
            try:
                self.take(step)
            except Unsaid:
                if step["method"] != "GET" or step.get("save"):
                    raise

    def take(self, step):
        """Sends one step and compares the answer. Reads that the surface has no request for are left out."""
        path = CAPTURE.sub(lambda m: urllib.parse.quote(text(self.look_up(m.group(1))), safe=""), step["path"])
        query = {k: text(self.filled(v)) for k, v in step.get("query", {}).items()}
        target = path + ("?" + urllib.parse.urlencode(query) if query else "")
        headers = dict(self.credentials.get(step.get("actor"), {}))
        headers.update({k: text(self.filled(v)) for k, v in step.get("headers", {}).items()})
        body = step.get("raw_body")
        if body is None and step.get("body") is not None:
            body = json.dumps(self.filled(step["body"]))
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        count = step.get("parallel", 1)
        bodies = [json.dumps(self.filled(b)) for b in step["variants"]] if step.get("variants") else [body] * count
        method, wanted = step["method"], step.get("statuses") or [step["status"]]
        sent = None
        if self.client:
            caller = self.saved.get(step.get("actor"), {}).get("id") if step.get("actor") else None
            plain = [b.encode("utf-8", "surrogatepass") if b is not None else None for b in bodies]
            parts = [self.client.encode(method, path, query, headers, b, caller) for b in plain]
            sent, method, headers = parts[0], parts[0].method, parts[0].headers
            target = sent.path + ("?" + urllib.parse.urlencode(sent.query) if sent.query else "")
            bodies = [None if p.body is None else p.body.decode("utf-8", "surrogatepass") for p in parts]
            wanted = sorted(self.client.outer_status(sent, status) for status in wanted)
        answers = together(self.base, method, target, headers, bodies)
        statuses = sorted(status for status, _ in answers)
        self.lines.append(f"{step['method']} {target} {body or ''} -> {', '.join(map(str, statuses))}")
        if statuses != list(wanted):
            raise Failure(
                f"expected {', '.join(map(str, wanted))}, got {', '.join(map(str, statuses))}: {str(answers[0][1])[:300]}"
            )
        if count == 1:
            body, expect = answers[0][1], step.get("expect")
            if self.client and sent is not None:
                _, body, wrong = self.client.decode(sent, answers[0][0], body, "", step["status"])
                if wrong and step["status"] < 400:
                    raise Failure(wrong)
                expect = self.client.told(expect, body)
            self.learn(step, body)
            if expect is not None:
                self.compare(expect, body, "body")

    def learn(self, step, body):
        """Keeps the answer and the credentials in it."""
        save = step.get("save")
        if not save:
            return
        self.saved[save] = body
        if isinstance(body, dict) and save.endswith("/login"):
            self.credentials[save[: -len("/login")]] = {"Authorization": "Bearer " + str(body.get("access_token"))}
        elif isinstance(body, dict) and isinstance(body.get("api_key"), str):
            self.credentials[save] = {"X-API-Key": body["api_key"]}

    def look_up(self, path):
        """`loan1.id`, `loans1.items.0.id`."""
        value = self.saved
        for part in path.split("."):
            try:
                value = value[int(part)] if isinstance(value, list) else value[part]
            except (KeyError, IndexError, TypeError, ValueError):
                raise Failure(f"an earlier answer lacks {path}") from None
        return value

    def filled(self, value):
        """The value with its placeholders filled in."""
        if isinstance(value, list):
            return [self.filled(v) for v in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            key, inner = next(iter(value.items()))
            if key == "$ref":
                return self.look_up(inner)
            if key == "$now":
                return (self.start + datetime.timedelta(seconds=inner)).strftime("%Y-%m-%dT%H:%M:%SZ")
            if key == "$today":
                return (self.start.date() + datetime.timedelta(days=inner)).isoformat()
            if key == "$admin":
                return self.admin[inner]
        return {k: self.filled(v) for k, v in value.items()}

    def compare(self, wanted, got, where):
        """Raises `Failure` where `got` lacks something that `wanted` names."""
        if isinstance(wanted, dict) and len(wanted) == 1:
            key = next(iter(wanted))
            if key == "$any":
                return
            if key in ("$ref", "$now", "$today"):
                self.compare_leaf(self.filled(wanted), got, where, TOLERANCE + self.elapsed() if key == "$now" else 0.0015)
                return
        if isinstance(wanted, dict):
            if not isinstance(got, dict):
                raise Failure(f"{where}: expected an object, got {got!r}")
            for key, value in wanted.items():
                if key not in got:
                    raise Failure(f"{where}.{key} is missing")
                self.compare(value, got[key], f"{where}.{key}")
        elif isinstance(wanted, list):
            if not isinstance(got, list) or len(got) != len(wanted):
                raise Failure(f"{where}: expected {len(wanted)} items, got {got!r}"[:300])
            for index, (one, other) in enumerate(zip(wanted, got)):  # noqa: B905
                self.compare(one, other, f"{where}[{index}]")
        else:
            self.compare_leaf(wanted, got, where, 0.0015)

    def compare_leaf(self, wanted, got, where, tolerance):
        """Numbers within 1e-9 relative, instants as instants, everything else exactly."""
        same = type(wanted) is type(got) and wanted == got
        if is_number(wanted) and is_number(got):
            same = math.isclose(wanted, got, rel_tol=1e-9)
        elif isinstance(wanted, str) and isinstance(got, str) and INSTANT.match(wanted) and INSTANT.match(got):
            same = abs(seconds(wanted) - seconds(got)) <= tolerance
        if not same:
            raise Failure(f"{where}: expected {wanted!r}, got {got!r}")

    def elapsed(self):
        """Seconds since the start."""
        return (datetime.datetime.now(datetime.UTC) - self.start).total_seconds()


def is_number(value):
    """Numbers, without booleans."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def seconds(instant):
    """Seconds since 1970."""
    return datetime.datetime.fromisoformat(
        re.sub(r"\.(\d{1,6})\d*", lambda m: "." + m.group(1).ljust(6, "0"), instant).replace("Z", "+00:00")
    ).timestamp()


def text(value):
    """A value as it stands in a path or query."""
    return "true" if value is True else "false" if value is False else str(value)


def together(base, method, target, headers, bodies):
    """A request with each of the bodies, all at once: pairs of status and decoded body; status 0 where there is no answer."""
    count = len(bodies)
    barrier = threading.Barrier(count)
    answers: list = [(0, None)] * count

    def one(index):
        kind = http.client.HTTPSConnection if base.scheme == "https" else http.client.HTTPConnection
        connection = kind(base.hostname, base.port, timeout=15)
        body = bodies[index]
        try:
            barrier.wait(15)
            connection.request(
                method, base.path.rstrip("/") + target, body=body and body.encode("utf-8", "surrogatepass"), headers=headers
            )
            response = connection.getresponse()
            raw = response.read(4_000_000)
            try:
                decoded = json.loads(raw) if raw else None
            except ValueError:
                decoded = raw[:300]
            answers[index] = (response.status, decoded)
        except (OSError, http.client.HTTPException) as error:
            answers[index] = (0, f"{type(error).__name__}: {error}")
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def surface_client(here):
    """Speaks the application's own surface where `surface.json` describes one."""
    if not (here / "surface.json").exists():
        return None
    sys.path.insert(0, str(here))
    module = importlib.import_module("surface_client")
    table = json.loads((here / "surface.json").read_text(encoding="utf-8"))
    return module.SurfaceClient(table, unsaid=Unsaid)


def parse():
    """The command line."""
    parser = argparse.ArgumentParser(description="Hold a running application against its acceptance scenarios.")
    parser.add_argument("--url", default=os.environ.get("APP_URL"), help="where the application answers")
    known = f"{os.environ.get('ADMIN_IDENTIFIER', '')}:{os.environ.get('ADMIN_PASSWORD', '')}"
    parser.add_argument("--admin", default=known, help="IDENTIFIER:PASSWORD of the configured administrator")
    parser.add_argument("--only", action="append", default=[], help="play only this scenario")
    parser.add_argument("--verbose", action="store_true", help="print the steps of scenarios that pass, too")
    arguments = parser.parse_args()
    if not arguments.url:
        parser.error("--url is needed")
    base = urllib.parse.urlsplit(arguments.url)
    if base.scheme not in ("http", "https") or not base.hostname:
        parser.error(f"not an HTTP address: {arguments.url}")
    return arguments, base


def reason_to_skip(scenario, arguments, admin):
    """Why a scenario cannot be played here, empty where it can."""
    if scenario["needs"] == "clock":
        return "needs the application's clock to be moved"
    if scenario["needs"] == "empty" and scenario["id"] not in arguments.only:
        return f"needs an empty database of its own: --only {scenario['id']}"
    if scenario["admin"] and not admin["password"]:
        return "needs --admin"
    return ""


def main():
    """Plays all, prints one line each, and returns the exit code."""
    arguments, base = parse()
    identifier, _, password = arguments.admin.partition(":")
    admin = {"identifier": identifier, "password": password}
    if together(base, "GET", "/health", {}, [None])[0][0] == 0:
        print(f"nothing answers at {arguments.url}", file=sys.stderr)
        return 2
    here = pathlib.Path(__file__).parent
    scenarios, client = json.loads((here / "scenarios.json").read_text(encoding="utf-8")), surface_client(here)
    count = {"passed": 0, "failed": 0, "not run": 0}
    for data in scenarios:
        if arguments.only and data["id"] not in arguments.only:
            continue
        reason = reason_to_skip(data, arguments, admin)
        if reason:
            count["not run"] += 1
            print(f"not run  {data['id']} {data['title']}: {reason}")
            continue
        scenario, message = Scenario(base, data, admin, client), ""
        try:
            scenario.play()
        except Unsaid as unsaid:
            count["not run"] += 1
            print(f"not run  {data['id']} {data['title']}: clients have no request for it: {unsaid}")
            continue
        except Failure as failure:
            message = str(failure)
        count["failed" if message else "passed"] += 1
        print(f"{'FAILED ' if message else 'passed '}  {data['id']} {data['title']} {' '.join(data['requirements'])}")
        if message or arguments.verbose:
            for number, line in enumerate(scenario.lines, 1):
                print(f"           {number}. {line}")
        if message:
            print(f"           {message}")
    print(", ".join(f"{number} {name}" for name, number in count.items()))
    return 1 if count["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
