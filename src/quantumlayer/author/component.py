"""Author `model`: every source file of an application, written by a model inside the folders that it may write to."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from quantumlayer.answer.blocks import blocks, without_thought
from quantumlayer.answer.files import content, permitted
from quantumlayer.answer.values import MAX_FILES, Permission, Refusal
from quantumlayer.answer.vet import whole_text
from quantumlayer.author import prompts
from quantumlayer.author.values import Bounds, Broken, Failed, Stop
from quantumlayer.errors import BudgetExceeded
from quantumlayer.evidence.chosen_packages import Packages
from quantumlayer.ports.ecosystem import WISHES
from quantumlayer.ports.llm import Answer, Gateway, Prompt, Turn

# Refused lists of packages after which no better one is to be expected: each costs a question to the registry.
MOST_LISTS = 5


@dataclass(frozen=True)
class Written:
    """The files so far, and why no more came; `broken` is None where the model said that it is done.

    `locked` are the manifest and lock of the packages that it chose.
    """

    files: dict[str, bytes]
    broken: Broken | None
    models: tuple[str, ...] = ()
    locked: Mapping[str, bytes] = field(default_factory=dict)


@dataclass
class Writing:
    """One component on its way. `task` asks for all of it; `files` are those that the model wrote so far.

    `packages` resolve the list of packages that it may write, None where the manifest is there already.
    """

    gateway: Gateway
    task: Prompt
    permission: Permission
    language: str
    bounds: Bounds = Bounds(attempts=40, tokens=400_000, seconds=1500.0)
    packages: Packages | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    _locked: Mapping[str, bytes] = field(default_factory=dict)
    _refused: dict[str, str] = field(default_factory=dict)
    _models: list[str] = field(default_factory=list)
    _tokens: int = 0
    _lists: int = 0

    async def run(self) -> Written:
        """Asks until the model says DONE or nothing new, or a bound is reached. A file that is refused is asked for again, with
        the reason.

        Raises what the gateway raises, but for an exceeded budget; `EnvironmentError_` where packages cannot be checked.
        """
        silent = 0
        for number in range(1, self.bounds.attempts + 1):
            try:
                answer = await self.gateway.ask("coder", self._prompt(), language=self.language)
            except BudgetExceeded as error:
                return self._ended(Failed("answer", error.message), number - 1, "budget")
            self._tokens += answer.input_tokens + answer.output_tokens
            if answer.model not in self._models:
                self._models.append(answer.model)
            before = dict(self.files)
            try:
                done = self._take(answer)
            except Refusal as refusal:
                self._refused["the answer"] = refusal.message
                done = False
            silent = silent + 1 if self.files == before else 0
            # Who sends the same files again has nothing to add, whether it says so or not.
            if (done or silent) and self.files and not self._refused and await self._settled():
                return Written(self.files, None, tuple(self._models), self._locked)
            if self._tokens >= self.bounds.tokens:
                return self._ended(self._wrong(), number, "tokens")
            if silent > 2 or self._lists >= MOST_LISTS:
                return self._ended(self._wrong(), number, "loop")
        return self._ended(self._wrong(), self.bounds.attempts, "attempts")

    async def _settled(self) -> bool:
        """Whether the packages that it chose can be had; where not it is told why."""
        if self.packages is None:
            return True
        resolved = await self.packages.resolve(self.files.get(WISHES, b""))
        self._locked = resolved.files
        if resolved.problems:
            self._lists += 1
            self._refused[WISHES] = "\n".join(resolved.problems)
            self.files.pop(WISHES, None)
        return not resolved.problems

    def _take(self, answer: Answer) -> bool:
        """Keeps the files of an answer that may be kept; whether the model says that it is done."""
        text = without_thought(whole_text(answer))
        self._refused.clear()
        found = blocks(text)
        for block in found:
            if not block.name or (answer.finish == "length" and not block.closed):
                continue
            if block.name.removeprefix("./") == WISHES and self.packages is not None:
                self.files[WISHES] = block.text.encode(errors="replace")
                continue
            try:
                path = permitted(block.name, self.permission)
                self.files[path] = content(path, block.text)
            except Refusal as refusal:
                if refusal.kind == "secret":
                    raise
                self._refused[block.name[:200]] = refusal.message
        if len(self.files) > MAX_FILES:
            raise Refusal("too_large", f"{len(self.files)} files are more than {MAX_FILES}")
        if not self.files and not self._refused:
            raise Refusal("no_code", "no file was found: put each file into a fenced block and its path on the line before")
        tail = text[text.rfind("```") :] if found else text
        return answer.finish != "length" and "DONE" in tail

    def _prompt(self) -> Prompt:
        if not self.files and not self._refused:
            return self.task
        state = [f"Written so far: {', '.join(sorted(self.files)) or 'nothing'}."]
        state += [f"Refused: {path}: {reason}" for path, reason in self._refused.items()]
        state.append(prompts.MORE_FILES)
        shown = "\n\n".join(f"{path}\n{prompts.signatures(path, text)}" for path, text in sorted(self.files.items()))
        earlier = (Turn("user", self.task.text), Turn("model", f"I have written these files:\n\n{shown}"))
        return replace(self.task, text="\n".join(state), earlier=earlier)

    def _wrong(self) -> Failed:
        return Failed("answer", next(iter(self._refused.values()), "the model did not say that it is done"))

    def _ended(self, wrong: Failed, attempts: int, stop: Stop) -> Written:
        broken = Broken(subject="the application", check=wrong.check, error=wrong.message, attempts=attempts, stop=stop)
        return Written(self.files, broken, tuple(self._models), self._locked)
