"""Activities of the stages 1 to 4 and 8: from the request to the plan, all pure and quick."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from temporalio import activity

from quantumlayer.answer.values import Refusal
from quantumlayer.author.documents import complete_brief, complete_frd, unread
from quantumlayer.author.drafting import draft
from quantumlayer.author.seeing import assumptions, questions, see, told
from quantumlayer.errors import BudgetExceeded, UserError
from quantumlayer.pipeline import stages
from quantumlayer.pipeline.toolbox import Toolbox
from quantumlayer.pipeline.values import Outcome, Task
from quantumlayer.pipeline.workbench import Desk, at_desk
from quantumlayer.plan.make_plan import make_plan
from quantumlayer.plan.plan_tests import plan_tests
from quantumlayer.plan.values import Plan
from quantumlayer.ports.llm import PromptTooLarge
from quantumlayer.request.enhance import enhance
from quantumlayer.request.values import Brief, Request
from quantumlayer.spec.check import checked
from quantumlayer.spec.draft_frd import draft_frd
from quantumlayer.spec.draft_spec import draft_spec
from quantumlayer.spec.frd import Frd, FrdRequirement
from quantumlayer.spec.given_spec import frd_of, given_spec
from quantumlayer.spec.values import Spec

T = TypeVar("T")


class Specify:
    """Each method is one stage."""

    def __init__(self, tools: Toolbox) -> None:
        self.tools = tools

    @activity.defn(name=stages.ENHANCE.name)
    async def enhance(self, task: Task) -> Outcome:
        """Request → Brief."""
        async with at_desk(task, self.tools.blobs, self.tools.metadata) as desk:
            request = await desk.load("request", Request)
            brief = await (self._seen(desk, request) if request.pictures else asyncio.to_thread(enhance, request))
            if open_ := await asyncio.to_thread(_open, task, brief):
                models = await self.tools.models.gateway(desk)
                brief = await _unless_refused(desk, brief, complete_brief(models, brief, open_))
            await desk.save("brief", brief)
        return desk.outcome()

    async def _seen(self, desk: Desk, request: Request) -> Brief:
        """The brief with what a model sees in the pictures, as if it had been written."""
        models = await self.tools.models.gateway(desk)
        sights = await asyncio.gather(*(see(models, picture) for picture in request.pictures))
        brief = await asyncio.to_thread(enhance, told(request, sights))
        return brief.model_copy(
            update={
                "assumptions": (*brief.assumptions, *assumptions(sights)),
                "open_questions": (*brief.open_questions, *questions(sights)),
            }
        )

    @activity.defn(name=stages.FRD.name)
    async def frd(self, task: Task) -> Outcome:
        """Brief → Frd."""
        async with at_desk(task, self.tools.blobs, self.tools.metadata) as desk:
            brief = await desk.load("brief", Brief)
            frd = await asyncio.to_thread(_frd, brief)
            if task.order.author == "auto" and (open_ := unread(frd)) and given_spec(brief.files) is None:
                models = await self.tools.models.gateway(desk)
                frd = await _unless_refused(desk, frd, complete_frd(models, frd, open_))
            await desk.save("frd", frd)
        return desk.outcome()

    @activity.defn(name=stages.REQUIREMENTS.name)
    async def requirements(self, task: Task) -> Outcome:
        """Frd → Spec, type-checked."""
        async with at_desk(task, self.tools.blobs, self.tools.metadata) as desk:
            frd = await desk.load("frd", Frd)
            if task.order.author == "auto" and given_spec(frd.files) is None:
                await self._drafted(desk, frd)
            else:
                await desk.save("spec", await asyncio.to_thread(_spec, frd))
        return desk.outcome()

    async def _drafted(self, desk: Desk, frd: Frd) -> None:
        """The built-in analyst's reading, completed by a model where it left something out."""
        known = await asyncio.to_thread(_read, frd)
        drafted = await draft(await self.tools.models.gateway(desk), frd, known)
        await desk.save("spec", drafted.spec)
        if drafted.questions:
            await desk.save("questions", drafted.questions)
        for text in filter(None, (*drafted.questions, drafted.problem)):
            await _say(desk, text)

    @activity.defn(name=stages.STRUCTURE.name)
    async def structure(self, task: Task) -> Outcome:
        """Spec → Plan."""
        async with at_desk(task, self.tools.blobs, self.tools.metadata) as desk:
            spec = await desk.load("spec", Spec)
            blueprint, language = self.tools.blueprints.get(task.order.stack), self.tools.language(task.order.stack)
            plan = await asyncio.to_thread(make_plan, spec, blueprint, task.order.author, language)
            await desk.save("plan", plan, blueprint=blueprint.value.id, digest=blueprint.digest)
        return desk.outcome()

    @activity.defn(name=stages.TEST_PLAN.name)
    async def test_plan(self, task: Task) -> Outcome:
        """Spec, Plan → TestPlan."""
        async with at_desk(task, self.tools.blobs, self.tools.metadata) as desk:
            spec, plan = await desk.load("spec", Spec), await desk.load("plan", Plan)
            await desk.save("test_plan", await asyncio.to_thread(plan_tests, spec, plan))
        return desk.outcome()


def _open(task: Task, brief: Brief) -> tuple[FrdRequirement, ...]:
    """The clauses that a model is to look at; none where none is asked, or the next stage will refuse the request."""
    if task.order.author != "auto" or given_spec(brief.files) is not None:
        return ()
    try:
        return unread(draft_frd(brief))
    except UserError:
        return ()


async def _unless_refused(desk: Desk, known: T, completing: Awaitable[T]) -> T:
    """What a model completed; what is known, and a line in the log, where it could not, or may spend or hold no more."""
    try:
        return await completing
    except (Refusal, BudgetExceeded, PromptTooLarge) as error:
        await _say(desk, f"no model completed it: {error.message[:500]}")
        return known


async def _say(desk: Desk, text: str) -> None:
    await desk.tell(f"log/{desk.next_number()}", "log", {"stage": desk.task.stage, "message": text})


def _read(frd: Frd) -> Spec | None:
    """What the built-in analyst makes of it; None where it finds nothing to build."""
    try:
        return _spec(frd)
    except UserError:
        return None


def _frd(brief: Brief) -> Frd:
    spec = given_spec(brief.files)
    return draft_frd(brief) if spec is None else frd_of(spec, brief)


def _spec(frd: Frd) -> Spec:
    return given_spec(frd.files) or checked(draft_spec(frd))
