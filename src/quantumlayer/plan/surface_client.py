"""A client of an imported surface that speaks the conventional contract: requests out, answers back. Standard library only.

What a script or a judge says in the conventional form is sent in the surface's own, and the answer comes back in the
conventional form as far as the surface tells it. A row whose id no answer tells goes by the field that paths name it by, as
if that were its id.
This file is shipped beside the acceptance scenarios, where it reads `surface.json`.
"""

import json
import re
import urllib.parse

_PARAMETER = re.compile(r"\{[^{}]+\}")
_SYSTEM = ("/health", "/metrics", "/openapi.json")


class Inexpressible(Exception):
    """The surface has no request that says this."""


class Sent:
    """A request in the surface's form, and what is needed to read its answer."""

    def __init__(self, operation, method, path, query, headers, body, known):
        self.operation, self.known = operation, known
        self.method, self.path, self.query, self.headers, self.body = method, path, query, headers, body


class SurfaceClient:
    """`table` is the content of `surface.json`. It remembers beneath which row a row was seen."""

    def __init__(self, table, unsaid=Inexpressible):
        self.table, self.unsaid = table, unsaid
        self.above = {}
        operations = sorted(table["operations"], key=lambda op: "{key}" in op["inner"]["path"])
        self.patterns = [(pattern(op["inner"]["path"]), op) for op in operations]

    def encode(self, method, path, query, headers, body, caller=None):
        """The request in the surface's form. `body` is bytes or None, `caller` the id of whoever calls.

        Raises `Inexpressible`.
        """
        if path in _SYSTEM:
            return Sent(None, method, path, query, headers, body, {})
        reason, fixed = f"no operation stands for {method} {path}", False
        for matching, operation in self.patterns:
            found = matching.fullmatch(path)
            if operation["inner"]["method"] != method or not found:
                continue
            key = urllib.parse.unquote(found.group("key")) if "key" in matching.groupindex else None
            if fixed and key is not None:
                break
            fixed = key is None
            try:
                return self._encoded(operation, key, query, headers, body, caller)
            except Inexpressible as inexpressible:
                reason = str(inexpressible)
        raise self.unsaid(reason)

    def outer_status(self, sent, status):
        """How clients see a status of the convention."""
        if sent.operation is None:
            return status
        if status < 400:
            return sent.operation["status"]
        return self.table["refusals"].get(str(status), {"status": status})["status"]

    def told(self, expected, body):
        """Of what is expected of an answer, what the surface tells."""
        if (
            isinstance(expected, dict)
            and isinstance(body, dict)
            and not (len(expected) == 1 and next(iter(expected)).startswith("$"))
        ):
            return {name: self.told(value, body[name]) for name, value in expected.items() if name in body}
        if isinstance(expected, list) and isinstance(body, list) and len(expected) == len(body):
            return [self.told(one, other) for one, other in zip(expected, body)]  # noqa: B905
        return expected if body is not None else None

    def _encoded(self, operation, key, query, headers, body, caller):
        members, raw = self._members(operation, body)
        query, known = dict(query), {}
        if operation["caller"] and (caller is None or str(caller) != key):
            raise Inexpressible("the operation is about the caller's own row only")
        values = {}
        for name, bound in operation["bind"].items():
            if bound["read"] is None:
                values[name] = key
                continue
            values[name] = self._parent(operation, bound["member"], key, members, query, raw)
            if bound["member"]:
                known[bound["member"]] = values[name]
        path = self.table["base"] + re.sub(r"\{([^{}]+)\}", lambda m: quoted(values[m.group(1)]), operation["path"])
        names = {inner: outer for outer, inner in operation["query"].items()}
        numbered = ("offset",) if operation["pages"] else ()
        lost = [name for name in query if name not in (*names, *numbered) and name in operation["parameters"]]
        if lost:
            raise Inexpressible(f"there is no parameter for {lost[0]}")
        paged = page_of(operation, query, names)
        asked = {**{names[name]: value for name, value in query.items() if name in names}, **paged}
        content = raw if raw is not None else self._content(operation, members)
        return Sent(operation, operation["method"], path, asked, self._headers(headers), content, known)

    def _members(self, operation, body):
        """The members of a JSON object, or the raw bytes of anything else."""
        if operation["inner"]["method"] in ("GET", "DELETE"):
            return {}, None
        if body is None or not body.strip():
            return {}, b"" if operation["accepts"] is None else body or b""
        try:
            decoded = json.loads(body)
        except ValueError:
            return {}, body
        return (decoded, None) if isinstance(decoded, dict) else ({}, body)

    def _parent(self, operation, member, key, members, query, raw):
        if operation["read"] and key is not None:
            value = self.above.get((operation["entity"], str(key)), {}).get(member)
        elif operation["inner"]["method"] in ("GET", "DELETE"):
            value = query.pop(member, None)
        else:
            value = None if raw is not None else members.pop(member, None)
        if value is None or isinstance(value, (dict, list, bool)) or str(value) == "":
            raise Inexpressible(f"the path must name {member}")
        return value

    def _content(self, operation, members):
        if operation["accepts"] is None:
            if any(name in operation["settable"] for name in members):
                raise Inexpressible("the operation takes no body")
            return None
        taken = set(leaves(operation["accepts"]))
        lost = [name for name in members if name not in taken and name in operation["settable"]]
        if lost:
            raise Inexpressible(f"the operation does not take {lost[0]}")
        return json.dumps(put(operation["accepts"], members)).encode("utf-8", "surrogatepass")

    def _headers(self, headers):
        found = dict(headers)
        for name in list(found):
            if name.lower() == "authorization":
                scheme, _, token = found[name].partition(" ")
                if scheme.lower() == "bearer":
                    found[name] = f"{self.table['scheme']} {token}".strip()
        return found

    # answers

    def decode(self, sent, status, body, media_type, expected):
        """(status, body, what is wrong with the form) in the conventional contract; `expected` is the status expected."""
        operation = sent.operation
        if operation is None:
            return status, body, ""
        if status >= 400 or status < 200:
            return self._refusal(status, body, media_type, expected)
        if status == 307 and expected == 307:
            return status, body, ""
        if status != operation["status"]:
            return status, None, f"expected {operation['status']}, got {status}"
        inner = operation["inner"]["status"]
        if operation["answers"] is None or inner == 204:
            return inner, None, "" if body is None else "expected no body"
        try:
            told = unfilled(operation["answers"], body)
        except ValueError as wrong:
            return inner, None, str(wrong)
        wrong = page_wrong(operation, sent.query, told)
        return inner, self._known(sent, told), wrong

    def _known(self, sent, told):
        """With what the path told, and an id for rows that show none."""
        operation = sent.operation
        token = told.pop("$token", None)
        for name in [name for name in told if name.startswith("$")]:
            del told[name]
        if operation["inner"]["kind"] == "login":
            return {"access_token": token}
        for row in told.get("items", [told]):
            row.pop("$token", None)
            # What the row tells itself is held to the rest; the path tells what it leaves out.
            row.update({name: value for name, value in sent.known.items() if name not in row})
            key = next((row[name] for name in operation["keys"] if row.get(name) is not None), None)
            renames = operation["inner"]["kind"] == "update" and any(k in operation["settable"] for k in operation["keys"])
            if "id" not in row and key is not None and not renames:
                row["id"] = key
            if sent.known and row.get("id") is not None:
                self.above[operation["entity"], str(row["id"])] = dict(sent.known)
        return told

    def _refusal(self, status, body, media_type, expected):
        form = self.table["refusals"].get(str(expected))
        if form is None:
            return status, body, "" if status != expected or problem(body, media_type) else "expected problem details"
        if status != form["status"]:
            return status, body, ""
        wrong = "" if shaped(form["body"], body) else f"the refusal is not of the form {json.dumps(form['body'])}"
        return expected, body, wrong


def pattern(path):
    """A route's path as an expression with the group `key`."""
    parts = [re.escape(part) for part in _PARAMETER.split(path)]
    return re.compile("(?P<key>[^/]+)".join(parts))


def quoted(value):
    """As it stands in a path."""
    return urllib.parse.quote(str(value), safe="")


def leaves(template):
    """The members that a template names."""
    if isinstance(template, str):
        yield template
    for inner in template.values() if isinstance(template, dict) else template if isinstance(template, list) else ():
        yield from leaves(inner)


def put(template, members):
    """The body that holds these members. Objects without a member are left out, save an envelope."""
    body = {}
    for name, inner in template.items():
        if isinstance(inner, str):
            if inner in members:
                body[name] = members[inner]
        else:
            part = put(inner, members)
            if part or len(template) == 1:
                body[name] = part
    return body


def unfilled(template, body, where="body"):
    """The members that an answer tells: the inverse of filling the template. Raises `ValueError` where it has another form."""
    if isinstance(template, str):
        return {template: body}
    if isinstance(template, list):
        if not isinstance(body, list):
            raise ValueError(f"{where}: expected a list")
        return {"items": [unfilled(template[0], item, f"{where}[{i}]") for i, item in enumerate(body)]}
    if not isinstance(body, dict):
        raise ValueError(f"{where}: expected an object")
    found = {}
    for name, inner in template.items():
        if name not in body:
            raise ValueError(f"{where}.{name} is missing")
        part = unfilled(inner, body[name], f"{where}.{name}")
        found.update({"total": part["$total"]} if "$total" in part else part)
    return found


def page_of(operation, query, names):
    """The parameter that names the page which these `limit` and `offset` name. Raises `Inexpressible`."""
    pages = operation["pages"]
    if not pages or "offset" not in query:
        return {}
    offset, size = number(query["offset"]), number(query.get("limit")) or operation["usual"]
    if offset is None or offset < 0:
        return {pages["page"]: query["offset"] if offset is None else pages["first"] - 1}
    if offset % size:
        raise Inexpressible("no page begins there")
    return {pages["page"]: offset // size + pages["first"]}


def page_wrong(operation, query, told):
    """What is wrong with what a list tells of its page, empty where nothing is. `query` is as it was sent."""
    facts = [name for name in told if name.startswith("$") and name != "$token"]
    if not facts:
        return ""
    outer = {inner: name for name, inner in operation["query"].items()}
    first = operation["pages"]["first"] if operation["pages"] else 1
    size = number(query.get(outer.get("limit"))) or operation["usual"]
    if operation["pages"]:
        start = ((number(query.get(operation["pages"]["page"])) or first) - first) * size
    else:
        start = number(query.get(outer.get("offset"))) or 0
    page = start // size + first
    wanted = {"$limit": size, "$offset": start, "$page": page, "$first": start == 0, "$previous": page - 1 if start else None}
    if "total" in told:
        more = start + size < told["total"]
        wanted.update(
            {"$pages": -(-told["total"] // size), "$more": more, "$last": not more, "$next": page + 1 if more else None}
        )
    wrong = [name for name in facts if name in wanted and told[name] != wanted[name]]
    return f"{wrong[0][1:]}: expected {wanted[wrong[0]]!r}, got {told[wrong[0]]!r}" if wrong else ""


def number(value):
    """A whole number in a query, None for anything else."""
    text = str(value)
    return int(text) if re.fullmatch(r"-?[0-9]{1,15}", text) else None


def problem(body, media_type):
    """Whether a refusal is in the conventional form."""
    return media_type == "application/problem+json" and isinstance(body, dict) and "status" in body


def shaped(form, body):
    """Whether a body has the form of a refusal."""
    if form is None:
        return body is None
    if isinstance(form, dict):
        return isinstance(body, dict) and all(name in body and shaped(inner, body[name]) for name, inner in form.items())
    if isinstance(form, list):
        return isinstance(body, list)
    kinds = {"$messages": list, "$status": int, "$detail": str, "$title": str}
    return isinstance(body, kinds[form]) if isinstance(form, str) and form in kinds else body == form
