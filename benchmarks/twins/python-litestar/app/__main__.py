"""The to-do service as one would write it by hand in one sitting: Litestar, SQLAlchemy, one table, list and create."""

import datetime as dt
import os
from collections.abc import Iterator
from typing import Annotated, Literal

import uvicorn
from litestar import Litestar, get, post
from litestar.di import Provide
from litestar.params import Parameter
from pydantic import BaseModel
from sqlalchemy import create_engine, event, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

engine = create_engine(os.environ["DATABASE_URL"])


@event.listens_for(engine, "connect")
def configure(connection, _) -> None:
    """As one sets up SQLite for a server."""
    connection.execute("PRAGMA journal_mode = wal")
    connection.execute("PRAGMA synchronous = normal")


class Base(DeclarativeBase):
    """Base of the table."""


class Task(Base):
    """A task."""

    __tablename__ = "tasks"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    notes: Mapped[str | None]
    due_date: Mapped[dt.date]
    priority: Mapped[str]
    done: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[dt.datetime] = mapped_column(default=lambda: dt.datetime.now(dt.UTC))


class NewTask(BaseModel):
    """Body of POST /tasks."""

    title: str
    notes: str | None = None
    due_date: dt.date
    priority: Literal["low", "medium", "high"]
    done: bool = False


class TaskRead(NewTask):
    """A task in an answer."""

    id: int
    created_at: dt.datetime


class Page(BaseModel):
    """Some tasks."""

    items: list[TaskRead]
    total: int


def session() -> Iterator[Session]:
    """One per request."""
    with Session(engine) as found:
        yield found


@get("/health", sync_to_thread=False)
def health() -> dict[str, str]:
    """It runs."""
    return {"status": "ok"}


@get("/tasks", sync_to_thread=True)
def list_tasks(database: Session, limit: Annotated[int, Parameter(le=100)] = 50, offset: int = 0) -> Page:
    """The newest first."""
    rows = database.scalars(select(Task).order_by(Task.id.desc()).limit(limit).offset(offset))
    items = [TaskRead.model_validate(row, from_attributes=True) for row in rows]
    return Page(items=items, total=database.scalar(select(func.count(Task.id))) or 0)


@post("/tasks", sync_to_thread=True)
def create_task(database: Session, data: NewTask) -> TaskRead:
    """A new task."""
    task = Task(**data.model_dump())
    database.add(task)
    database.commit()
    return TaskRead.model_validate(task, from_attributes=True)


Base.metadata.create_all(engine)
app = Litestar([health, list_tasks, create_task], dependencies={"database": Provide(session)})
uvicorn.run(app, host="0.0.0.0", port=int(os.environ["PORT"]), log_level="warning")
