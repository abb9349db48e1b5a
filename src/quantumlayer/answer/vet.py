"""Whether a source text may become a file: readable, whole, in the right language, without secrets. Nothing is executed."""

import re
from collections.abc import Iterator
from functools import cache

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.scan import scan_line
from detect_secrets.settings import transient_settings
from tree_sitter import Node, Parser

from quantumlayer.answer.imports import imported
from quantumlayer.answer.values import MAX_ANSWER, MAX_FILE, Refusal, Wanted
from quantumlayer.evidence.grammars import grammar
from quantumlayer.evidence.semantics import syntax_errors
from quantumlayer.ports.llm import Answer

_REST = r"(?:rest|remain\w*|existing|previous|original|other|same|unchanged|everything else|omitted|as (?:before|above))"
_ELIDED = re.compile(
    rf"(?:\.\.\.|…)\s*\W*(?:\w+\W+){{0,6}}{_REST}|{_REST}\W+(?:\w+\W+){{0,6}}(?:\.\.\.|…)"
    r"|\b(?:rest|remainder|remaining|existing)\b.*\b(?:unchanged|here|the same|omitted|as (?:before|above))"
    r"|^\W*(?:\.\.\.|…)\W*$|^\W*(?:unchanged|snip|code omitted)\W*$",
    re.IGNORECASE,
)
_UNFINISHED = re.compile(
    r"\b(?:TODO|FIXME|XXX)\b|\b(?:your|actual|real) (?:code|logic|implementation)\b|\bplaceholder\b"
    r"|\bimplement(?:ation)? (?:this|me|here|goes|the\b.*\bhere)",
    re.IGNORECASE,
)
_STUBS = {"python": re.compile(r"\braise NotImplementedError\b"), "go": re.compile(r'\bpanic\("(?:not |un)implemented')}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff\ufffd\ufeff\u202a-\u202e\u2066-\u2069]")
_GUESSING = ("Base64HighEntropyString", "HexHighEntropyString", "KeywordDetector", "BasicAuthDetector", "IPPublicDetector")
# Formats that detect-secrets 1.5 does not know.
_KEYS = re.compile(r"\bsk-(?:ant-[a-z0-9]{2,8}-|proj-|or-v1-)[A-Za-z0-9_-]{20,}|\bAIza[A-Za-z0-9_-]{35}\b")
_OTHERS = ("python", "javascript", "typescript", "go", "java", "rust")
_DECLARED = {"function_definition", "class_definition", "function_declaration", "class_declaration", "type_alias_declaration"}
_DECLARED |= {"interface_declaration", "enum_declaration", "variable_declarator", "assignment", "type_spec", "const_spec"}
_DECLARED |= {"method_declaration", "var_spec", "function_item", "struct_item"}
_CALLS = {"call", "call_expression"}
_WRAPPERS = {"decorated_definition", "export_statement", "expression_statement", "lexical_declaration", "type_declaration"}
_WRAPPERS |= {"const_declaration", "var_declaration"}


def whole_text(answer: Answer) -> str:
    """The answer's text, known to be text of a bearable size. Raises `Refusal`."""
    if answer.finish == "refused":
        raise Refusal("declined", "the model declined to answer")
    text = answer.text
    if len(text) > MAX_ANSWER:
        raise Refusal("too_large", f"the answer has {len(text)} characters, {MAX_ANSWER} are read: answer with the files alone")
    if found := _CONTROL.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise Refusal("encoding", f"line {line} of the answer holds the character U+{ord(found[0]):04X}: send plain UTF-8 text")
    if not text.strip():
        raise Refusal("empty", "the answer is empty: send the file")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def vetted(text: str, wanted: Wanted) -> bytes:
    """The content of the file. Raises `Refusal` for anything that no file may hold."""
    text = _without_trials(text, wanted.grammar) if wanted.alone else text
    content = (text.strip("\n") + "\n").encode()
    if not text.strip():
        raise Refusal("empty", f"{wanted.path} would be empty: send its whole content", wanted.path)
    if len(content) > MAX_FILE:
        raise Refusal("too_large", f"{wanted.path} has {len(content)} bytes, {MAX_FILE} are the most", wanted.path)
    _refuse_secrets(text, wanted.path)
    _refuse_elision(content, wanted)
    _refuse_syntax(content, wanted)
    missing = [name for name in wanted.defines if name not in set(declared(content, wanted.grammar))]
    if missing:
        raise Refusal("missing_name", f"{wanted.path} does not define {missing[0]!r} at its top level", wanted.path)
    _refuse_imports(content, wanted)
    _refuse_impurity(content, wanted)
    return content


def _without_trials(text: str, name: str) -> str:
    """The text without statements at its top that only call or assert something: small models add them, told not to or not."""
    content = text.encode()
    for node in reversed(Parser(grammar(name)).parse(content).root_node.children):
        called = node.type in _CALLS or (node.type == "expression_statement" and node.children[0].type in _CALLS)
        if called or node.type == "assert_statement" or (node.type == "if_statement" and b"__name__" in (node.text or b"")):
            content = content[: node.start_byte] + content[node.end_byte :]
    return content.decode()


def declared(content: bytes, name: str) -> Iterator[str]:
    """The names that a file declares at its top level."""
    waiting = list(reversed(Parser(grammar(name)).parse(content).root_node.children))
    while waiting:
        node = waiting.pop()
        if node.type in _WRAPPERS:
            waiting += reversed(node.children)
        elif node.type in _DECLARED:
            named = node.child_by_field_name("name") or node.child_by_field_name("left")
            if named is not None and named.text:
                yield named.text.decode(errors="replace")


def language_of_text(text: str, wanted: str) -> str | None:
    """The language that a text is written in where it is not the wanted one: the first that declares something in it and
    reads it without a mistake."""
    content = text.encode()
    if not syntax_errors(wanted, "", content):
        return None
    return next((n for n in _OTHERS if n != wanted and any(declared(content, n)) and not syntax_errors(n, "", content)), None)


def _refuse_syntax(content: bytes, wanted: Wanted) -> None:
    errors = syntax_errors(wanted.grammar, wanted.path, content)
    if not errors:
        return
    if other := language_of_text(content.decode(), wanted.grammar):
        raise Refusal("wrong_language", f"{wanted.path} must be {wanted.grammar}, this is {other}", wanted.path)
    first = errors[0]
    raise Refusal("syntax", f"{wanted.path}:{first.line}:{first.column}: syntax error, {first.message}", wanted.path)


def _refuse_elision(content: bytes, wanted: Wanted) -> None:
    root = Parser(grammar(wanted.grammar)).parse(content).root_node
    for node in _comments_and_errors(root):
        shown = (node.text or b"").decode(errors="replace").strip()
        if any(_ELIDED.search(line) for line in shown.splitlines()):
            message = f"{wanted.path}:{node.start_point[0] + 1} leaves code out ({shown[:60]!r}): send every line of the file"
            raise Refusal("elided", message, wanted.path)
        if node.type != "ERROR" and _UNFINISHED.search(shown):
            message = f"{wanted.path}:{node.start_point[0] + 1} is not finished ({shown[:60]!r}): write the code itself"
            raise Refusal("unfinished", message, wanted.path)
    pattern = _STUBS.get(wanted.grammar)
    if pattern and (found := pattern.search(content.decode())):
        raise Refusal("unfinished", f"{wanted.path} is not finished ({found[0]!r}): write the code itself", wanted.path)


def _comments_and_errors(root: Node) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if "comment" in node.type or _left_out(node) or (node.is_error and node is not root):
            yield node
        else:
            waiting += reversed(node.children)


def _left_out(node: Node) -> bool:
    """Python's `...` where a statement belongs; in a class or behind a decorator it may declare only."""
    around = node.parent
    while around is not None:
        if around.type in ("class_definition", "decorated_definition"):
            return False
        around = around.parent
    return (
        node.type == "ellipsis" and node.parent is not None and node.parent.type in ("block", "module", "expression_statement")
    )


def _refuse_imports(content: bytes, wanted: Wanted) -> None:
    if wanted.imports is None:
        return
    found = imported(wanted.grammar, content)
    if found is None:
        raise Refusal("import", f"the imports of {wanted.path} cannot be read", wanted.path)
    for module, line, _ in found:
        if module not in wanted.imports and module.split(".")[0] not in wanted.imports:
            allowed = ", ".join(sorted(wanted.imports)) or "none"
            message = f"{wanted.path}:{line} imports {module!r}, which this file may not use; it may import: {allowed}"
            raise Refusal("import", message, wanted.path)


def _refuse_impurity(content: bytes, wanted: Wanted) -> None:
    if not wanted.impure:
        return
    pattern = re.compile(wanted.impure)
    waiting = [Parser(grammar(wanted.grammar)).parse(content).root_node]
    while waiting:
        node = waiting.pop()
        waiting += node.children
        text = (node.text or b"").decode(errors="replace") if "identifier" in node.type else ""
        if text and pattern.fullmatch(text):
            message = f"{wanted.path}:{node.start_point[0] + 1} uses {text[:60]!r}: compute from the arguments alone"
            raise Refusal("impure", message, wanted.path)


@cache
def _detectors() -> list[dict[str, str]]:
    names = (kind.__name__ for kind in get_mapping_from_secret_type_to_class().values())
    return [{"name": name} for name in names if name not in _GUESSING]


def _refuse_secrets(text: str, path: str) -> None:
    with transient_settings({"plugins_used": _detectors(), "filters_used": []}):
        for number, line in enumerate(text.splitlines(), 1):
            found = next(iter(scan_line(line[:4000])), None)
            if found or _KEYS.search(line):
                kind = found.type if found else "API key"
                raise Refusal(
                    "secret", f"{path}:{number} holds what looks like a secret ({kind}): read it from the environment", path
                )
