"""A GGUF file in our own process, through llama.cpp. Its HTTP server listens on the loopback for us alone."""

import asyncio
import importlib
import importlib.util
import logging
import os
import secrets
from pathlib import Path
from typing import Any

import httpx

from quantumlayer.errors import EnvironmentError_, UserError
from quantumlayer.llms.compatible import chat_model
from quantumlayer.llms.estimate import estimated_tokens
from quantumlayer.llms.gguf import check_gguf
from quantumlayer.llms.hosted import HostedLlm
from quantumlayer.ports.llm import Answer, OnText, Prompt
from quantumlayer.ports.llm_options import ModelOptions

log = logging.getLogger("quantumlayer.llms.local")
LIBRARY = "xllamacpp"
CONTEXT_TOKENS = 8192
QUIET = -1
COUNT_SECONDS = 2.0
# What a chat template adds to each turn.
TEMPLATE_TOKENS = 16


class LocalLlm:
    """One file; loaded when it is first asked, which takes seconds and as much memory as the file has."""

    def __init__(self, name: str, path: Path, options: ModelOptions) -> None:
        self.name = name
        self.context_tokens: int | None = options.context_tokens or CONTEXT_TOKENS
        self._path = path
        self._options = options.model_copy(
            update={"usd_per_million_input": 0.0, "usd_per_million_output": 0.0, "context_tokens": self.context_tokens}
        )
        self._server: Any = None
        self._chat: HostedLlm | None = None
        self._key = secrets.token_urlsafe(24)
        self._loading = asyncio.Lock()

    def tokens(self, prompt: Prompt) -> int:
        """Counted by the model once it is loaded, before that estimated."""
        if self._server is None:
            return estimated_tokens(prompt)
        text = "\n".join([prompt.system, *(turn.text for turn in prompt.earlier), prompt.text])
        address, headers = f"{self._server.listening_address}/tokenize", {"Authorization": f"Bearer {self._key}"}
        try:
            counted = httpx.post(address, json={"content": text}, headers=headers, timeout=COUNT_SECONDS).json()["tokens"]
        except (httpx.HTTPError, ValueError, KeyError):
            return estimated_tokens(prompt)
        return len(counted) + TEMPLATE_TOKENS * (2 + len(prompt.earlier))

    def price(self, input_tokens: int, output_tokens: int) -> float | None:
        """Nothing."""
        return 0.0

    async def ask(self, prompt: Prompt, on_text: OnText | None = None) -> Answer:
        """As `ports.llm.Llm` says. The first call loads the model."""
        async with self._loading:
            if self._chat is None:
                self._server = await asyncio.to_thread(self._load)
                model = chat_model(self._path.stem, f"{self._server.listening_address}/v1", self._key)
                self._chat = HostedLlm(self.name, model, self._options, self._key, stops=True)
        return await self._chat.ask(prompt, on_text)

    async def close(self) -> None:
        """Frees the memory."""
        chat, server, self._chat, self._server = self._chat, self._server, None, None
        if chat is not None:
            await chat.close()
        del server

    def _load(self) -> Any:
        library = importlib.import_module(LIBRARY)
        parameters = library.CommonParams()
        parameters.model.path = str(self._path)
        parameters.n_ctx = self.context_tokens
        parameters.n_parallel = 1
        parameters.api_keys = [self._key]
        parameters.verbosity = QUIET
        # Threads that wait by spinning take the processor from whoever they wait for, where the machine is busy.
        parameters.cpuparams.poll = 0
        parameters.cpuparams.n_threads = self._options.threads or os.cpu_count() or 1
        try:
            return library.Server(parameters)
        except (RuntimeError, ValueError, MemoryError):
            raise EnvironmentError_(
                f"llama.cpp cannot load {self._path}",
                hint="the file is cut off, damaged, of a kind that this version does not know, or too large for the memory;"
                " fetch it again, and compare its SHA-256",
            ) from None


def open_local(name: str, options: ModelOptions, key: str | None) -> LocalLlm:
    """The file `path` of the options, as `OpenLlm` says; checked, not yet loaded."""
    if importlib.util.find_spec(LIBRARY) is None:
        raise EnvironmentError_(f"{name} needs llama.cpp", hint="install it: pip install 'quantumlayer[local]'")
    if options.path is None:
        raise UserError(f"{name} has no file", hint=f"ql model add {name} PATH.gguf")
    return LocalLlm(name, check_gguf(options.path), options)
