"""A gateway with one scripted model, and what else tests of authors share."""

from dataclasses import dataclass

from quantumlayer.llms.scripted import ScriptedLlm


@dataclass
class OneModel:
    """Implements `ports.llm.Gateway`; `named` are the models that were asked for by name."""

    llm: ScriptedLlm
    strong: ScriptedLlm | None = None

    def at(self, stage):
        return self

    def stronger(self, role):
        return self.strong.name if self.strong else None

    async def ask(self, role, prompt, *, language=None, model=None, on_text=None):
        return await (self.strong if model and self.strong else self.llm).ask(prompt, on_text)


class Untouched:
    """A sandbox that nothing may reach."""

    async def run(self, command):
        raise AssertionError(f"it was run: {command.argv}")


def gateway(*lines, strong=None, **options):
    return OneModel(ScriptedLlm(lines, **options), strong and ScriptedLlm(strong, name="scripted:strong"))
