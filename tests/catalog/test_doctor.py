"""What doctor and stacks find, on this machine and on ones that lack something."""

from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from quantumlayer.blueprint.values import Blueprint
from quantumlayer.catalog.doctor import examine
from quantumlayer.catalog.stacks import list_stacks
from quantumlayer.ports.language import Toolchain
from quantumlayer.ports.sandbox import Availability
from quantumlayer.sandboxes.bubblewrap import BubblewrapSandbox


@dataclass
class Tool:
    """A language of which only the toolchain matters."""

    name: str
    toolchain: Toolchain

    def probe(self):
        return self.toolchain


class NoSandbox:
    async def probe(self):
        return Availability(False, "user namespaces are off", "sysctl -w user.max_user_namespaces=10000")


def stack(stack_id, oldest="3.11"):
    value = Blueprint.model_validate(
        {
            "id": stack_id,
            "version": "1.0.0",
            "title": "A stack",
            "description": "",
            "provides": ["http"],
            "requires": {"toolchain": oldest},
            "query_layer": "none",
            "commands": {"install": [["true"]], "test": [["true"]], "run": ["true"]},
            "reports": {"junit": "j.xml", "coverage": "c.xml"},
        }
    )
    return SimpleNamespace(value=value)


def blueprints(*stacks):
    return SimpleNamespace(by_id={s.value.id: s for s in stacks}, broken={})


async def test_a_working_machine_has_all_that_is_needed(tmp_path):
    languages = {"toy": Tool("toy", Toolchain(True, "1.2.3"))}
    found = {f.what: f for f in await examine(tmp_path / "not" / "yet", BubblewrapSandbox(), languages)}
    assert all(f.ok and not f.mend for f in found.values() if f.needed)
    assert found["toolchain toy"].found == "1.2.3"
    assert found["Temporal"].found[0].isdigit()
    assert list(tmp_path.iterdir()) == []


async def test_every_lack_comes_with_its_mend(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    in_a_file = tmp_path / "file"
    in_a_file.write_text("")
    languages = {"toy": Tool("toy", Toolchain(False, reason="no toyc", hint="apt-get install toyc"))}
    found = {f.what: f for f in await examine(in_a_file, NoSandbox(), languages)}
    assert not found["sandbox"].ok
    assert "sysctl" in found["sandbox"].mend
    assert found["toolchain toy"].mend == "no toyc; apt-get install toyc"
    assert not found["state folder (QL_HOME)"].ok
    assert not found["Docker"].ok
    assert all(f.mend for f in found.values() if not f.ok)


@pytest.mark.parametrize(
    ("toolchain", "verifiable", "reason"),
    [
        (Toolchain(True, "3.11.7"), True, ""),
        (Toolchain(True, "3.12.0rc1"), True, ""),
        (Toolchain(True, "3.9.20"), False, "older than 3.11"),
        (Toolchain(False, reason="not found", hint="install it"), False, "not found"),
    ],
)
async def test_a_stack_can_be_verified_where_its_toolchain_is_new_enough(toolchain, verifiable, reason):
    (row,) = await list_stacks(blueprints(stack("toy/one")), {"toy": Tool("toy", toolchain)}, BubblewrapSandbox())
    assert row.verifiable == verifiable
    assert reason in row.reason
    assert bool(row.mend) == (not verifiable)


async def test_no_sandbox_or_no_adapter_is_named(tmp_path):
    languages = {"toy": Tool("toy", Toolchain(True, "4.0"))}
    toy, other = await list_stacks(blueprints(stack("toy/one"), stack("zig/two")), languages, NoSandbox())
    assert (toy.id, toy.verifiable) == ("toy/one", False)
    assert "namespaces" in toy.reason
    assert (other.id, other.verifiable) == ("zig/two", False)
    assert "adapter" in other.reason
