"""What a blueprint renders, as drops."""

import asyncio

from quantumlayer.blueprint.render import render
from quantumlayer.blueprint.values import Part
from quantumlayer.files.values import FileTree
from quantumlayer.pipeline.toolbox import Toolbox
from quantumlayer.pipeline.workbench import Desk, NotRun
from quantumlayer.plan.test_plan import TestPlan
from quantumlayer.plan.values import Plan
from quantumlayer.spec.values import Spec


async def rendered(desk: Desk, tools: Toolbox, part: Part, test_plan: TestPlan | None = None) -> FileTree:
    """One part of the project that the stage's plan describes."""
    spec, plan = await desk.load("spec", Spec), await desk.load("plan", Plan)
    blueprint, language = tools.blueprints.get(plan.stack), tools.language(plan.stack)
    return await asyncio.to_thread(render, spec, plan, blueprint, language, part=part, test_plan=test_plan)


async def save_tree(desk: Desk, tools: Toolbox, kind: str, tree: FileTree) -> None:
    """Keeps files as a drop of the stage. Raises `NotRun` where there are none."""
    blueprint = tools.blueprints.get(desk.task.order.stack)
    if not tree.files:
        raise NotRun(f"the blueprint {blueprint.value.id} renders no {kind}")
    await desk.save(kind, tree, blueprint=blueprint.value.id, digest=blueprint.digest, files=len(tree.files))
