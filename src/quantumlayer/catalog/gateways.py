"""Gateways to the configured models; a command that only reads the configuration starts faster without this."""

import os
from functools import partial

from quantumlayer.account.values import Book, Payer
from quantumlayer.catalog.models import open_model
from quantumlayer.gateway.breakers import Circuits
from quantumlayer.gateway.config import ModelsConfig, provider_of
from quantumlayer.gateway.gateway import ModelGateway, OnCall, nobody
from quantumlayer.gateway.hygiene import cleaner_of
from quantumlayer.gateway.live import OnSaid
from quantumlayer.gateway.pool import Pool
from quantumlayer.llms.keys import find_key


def open_pool(config: ModelsConfig, circuits: Circuits) -> Pool:
    """The models of the configuration, shared by all gateways of a process."""
    return Pool(partial(open_model, config), config.transport, circuits)


def open_gateway(
    config: ModelsConfig, pool: Pool, book: Book, payer: Payer, heard: OnCall = nobody, said: OnSaid | None = None
) -> ModelGateway:
    """The gateway of a run, which keeps every key that it may use out of prompts. `heard` and `said` as `ModelGateway` says."""
    keys = (find_key(provider_of(name), config.options(name).key_variable) for name in config.all_names)
    return ModelGateway(config, pool, book, payer, heard=heard, cleaner=cleaner_of(os.environ, filter(None, keys)), said=said)
